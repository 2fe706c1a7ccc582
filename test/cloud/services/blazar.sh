# shellcheck shell=bash disable=SC2034
# Reservations of whole nodes, where the distribution has Blazar. What Blazar hands out is a host of nova, not a node: so there are computes each of which has
# the one node of its shard, and nova's scheduler has Blazar's filter. A lease begins and ends at the next look, every ten seconds.

blazar_needs='nova_ironic'
blazar_packages='blazar-api blazar-manager python3-blazar python3-blazarnova'
blazar_ports='blazar'

# Of each the host and the shard.
LEASE_COMPUTES=(chameleon-lease-1 chameleon-lease-2 chameleon-lease-3)

blazar_start() {
  local folder=$STATE/etc/blazar compute
  fact blazar_url "http://$HOST:$(port blazar)/v1"
  fact lease_shards "${LEASE_COMPUTES[*]}"
  fact lease_resource_class baremetal-lease
  blazar_configuration | put "$folder/blazar.conf"
  create_database blazar
  once blazar blazar blazar-db-manage --config-file "$folder/blazar.conf" upgrade head
  register_services
  launch blazar-manager "$folder/blazar.conf" -- /usr/bin/blazar-manager --config-file "$folder/blazar.conf"
  # Its own server: blazar/api/v1/app.py makes the threads green when it is imported, and then nothing answers under uwsgi.
  launch blazar "$folder/blazar.conf" -- /usr/bin/blazar-api --config-file "$folder/blazar.conf" --host "$HOST" --port "$(port blazar)"
  for compute in "${LEASE_COMPUTES[@]}"; do
    lease_compute_configuration "$compute" | put "$STATE/etc/nova/$compute.conf"
    launch_nova "compute-$compute" nova.conf ironic.conf "$compute.conf"
  done
}

blazar_configuration() {
  cat <<INI
[DEFAULT]
use_stderr = true
host = $HOST
transport_url = $(rabbitmq_url)
os_auth_protocol = http
os_auth_host = $HOST
os_auth_port = $(port keystone)
os_auth_version = v3
os_admin_username = blazar
os_admin_password = $(fact service_password)
os_admin_project_name = service
os_region_name = $REGION
[manager]
plugins = physical.host.plugin
minutes_before_end_lease = 0
$(service_sections blazar)
INI
}

lease_compute_configuration() {
  cat <<INI
[DEFAULT]
host = $1
[ironic]
shard = $1
only_class = $(fact lease_resource_class)
INI
}

# Not in the catalog, where every test of IPA images would take a lease: tests name the URL.
blazar_catalog() { echo 'reservation -'; }

blazar_ready() {
  local compute
  await blazar answers "http://$HOST:$(port blazar)/"
  for compute in "${LEASE_COMPUTES[@]}"; do await "nova-compute-$compute" has_reported "nova-compute-$compute" "$compute"; done
  once blazar-hosts blazar nova_manage cell_v2 discover_hosts --by-service
  # The aggregate of the hosts that nobody has reserved.
  once blazar-freepool blazar create_in_nova os-aggregates '{"aggregate": {"name": "freepool"}}'
  once_node_flavor blazar-flavor blazar lease baremetal-lease
}
