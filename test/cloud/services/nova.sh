# shellcheck shell=bash disable=SC2034
# Servers, on one compute whose servers exist in its memory only (nova's fake driver).
# CHAMELEON_CLOUD_SOFT_DELETE=yes leaves deleted servers SOFT_DELETED until they are force-deleted (no unless set, or what was set before).

nova_needs='keystone glance placement rabbitmq neutron'
nova_packages='python3-nova nova-common'
nova_ports='nova-api'

nova_start() {
  local folder=$STATE/etc/nova process
  fact nova_url "http://$HOST:$(port nova-api)/v2.1"
  fact nova_host chameleon
  if [[ -n ${CHAMELEON_CLOUD_SOFT_DELETE:-} ]]; then
    [[ $CHAMELEON_CLOUD_SOFT_DELETE =~ ^(yes|no)$ ]] || die 'CHAMELEON_CLOUD_SOFT_DELETE is yes or no'
    fact soft_delete "$CHAMELEON_CLOUD_SOFT_DELETE"
  fi
  has_fact soft_delete || fact soft_delete no

  put "$folder/api-paste.ini" </etc/nova/api-paste.ini
  nova_configuration | put "$folder/nova.conf"
  # In a file of its own, as nova-compute refuses to know the databases.
  put "$folder/databases.conf" <<INI
[api_database]
connection = $(database_url nova_api)
[database]
connection = $(database_url nova)
INI
  # Known to the API only: it decides what a DELETE is, and no compute reclaims. So only the API is restarted.
  put "$folder/soft-delete.conf" <<INI
[DEFAULT]
reclaim_instance_interval = $([[ $(fact soft_delete) == no ]] && echo 0 || echo 86400)
INI
  create_database nova_api
  create_database nova_cell0
  create_database nova
  once nova nova-api create_cells
  # nova logs in at keystone and looks placement up while it starts, and would not try again soon.
  register_services
  placement_ready
  launch_nova conductor nova.conf databases.conf
  launch_nova scheduler nova.conf databases.conf
  launch_nova api nova.conf databases.conf soft-delete.conf
  # Since 2023.1 nova-compute starts a second time only with the identity that it wrote the first time, and its fake driver
  # writes none.
  mkdir -p "$STATE/nova"
  [[ -e $STATE/nova/compute_id ]] || cat /proc/sys/kernel/random/uuid >"$STATE/nova/compute_id"
  launch_nova compute nova.conf
}

nova_configuration() {
  local section
  cat <<INI
[DEFAULT]
use_stderr = true
host = $(fact nova_host)
my_ip = $HOST
state_path = $STATE/nova
compute_driver = fake.CompletedDriver
transport_url = $(rabbitmq_url)
enabled_apis = osapi_compute
osapi_compute_listen = $HOST
osapi_compute_listen_port = $(port nova-api)
osapi_compute_workers = 1
heal_instance_info_cache_interval = -1
sync_power_state_interval = -1
[wsgi]
api_paste_config = $STATE/etc/nova/api-paste.ini
[conductor]
workers = 1
[scheduler]
workers = 1
[filter_scheduler]
track_instance_changes = false
$(lease_filter)
[quota]
instances = -1
cores = -1
ram = -1
[vnc]
enabled = false
[oslo_concurrency]
lock_path = $STATE/tmp
[oslo_messaging_notifications]
driver = noop
[oslo_policy]
policy_dirs = $STATE/etc/nova/policy.d
$(token_section nova)
INI
  for section in glance neutron placement; do printf '[%s]\n%s\n' "$section" "$(login nova)"; done
}

# Where Blazar has its filter: it minds the hosts that Blazar has, and lets all others pass.
lease_filter() {
  python3 -c 'import blazarnova' 2>/dev/null || return 0
  cat <<INI
available_filters = nova.scheduler.filters.all_filters
available_filters = blazarnova.scheduler.filters.blazar_filter.BlazarFilter
enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,BlazarFilter
INI
}

# create_cells: cell0 and one cell. Its mapping has a template in place of the message queue's URL, whose port may change.
create_cells() {
  nova_manage api_db sync &&
    nova_manage cell_v2 map_cell0 &&
    nova_manage cell_v2 create_cell --name cell1 --transport-url '{scheme}://{username}:{password}@{hostname}:{port}/' &&
    nova_manage db sync
}

nova_manage() { nova-manage --config-file "$STATE/etc/nova/nova.conf" --config-file "$STATE/etc/nova/databases.conf" "$@"; }

# launch_nova PROCESS[-NAME] FILE...: with these files of its configuration, the last counts.
launch_nova() {
  local process=$1 files=("${@:2}")
  files=("${files[@]/#/$STATE/etc/nova/}")
  launch "nova-$process" "$CLOUD_DIR/nova-process" "$STATE/etc/nova/api-paste.ini" "${files[@]}" -- \
    "$CLOUD_DIR/nova-process" "${process%%-*}" "${files[@]/#/--config-file=}"
}

nova_catalog() { echo "compute http://$HOST:$(port nova-api)/v2.1"; }

nova_ready() {
  local process
  await nova-api answers "$(fact nova_url)"
  for process in conductor scheduler compute; do await "nova-$process" has_reported "nova-$process" "$(fact nova_host)"; done
  # Until then no server finds a host.
  once nova-host nova-api nova_manage cell_v2 discover_hosts --strict
  fact flavor_name tiny
  has_fact flavor_id || fact flavor_id "$(</proc/sys/kernel/random/uuid)"
  once nova-flavor nova-api create_flavor "$(fact flavor_id)" "$(fact flavor_name)" 64 0
}

# has_reported PROCESS HOST: since it was launched. Before that its queue does not exist, and what is sent to it is lost.
has_reported() {
  local since binary=$1
  since=$(date --utc --reference="$STATE/run/$1.pid" '+%F %T')
  [[ $binary == nova-compute-* ]] && binary=nova-compute
  [[ -n $(sql nova "SELECT id FROM services WHERE \`binary\` = '$binary' AND host = '$2' AND last_seen_up >= '$since'") ]]
}

# create_flavor ID NAME MEGABYTES GIGABYTES: its memory and its disk.
create_flavor() {
  create_in_nova flavors "$(printf '{"flavor": {"id": "%s", "name": "%s", "vcpus": 1, "ram": %d, "disk": %d}}' "$@")"
}

# create_in_nova PATH JSON: as the admin; what is there already is well.
create_in_nova() {
  local status
  status=$(curl --silent --show-error --write-out '%{http_code}' --output >(cat >&2) --header "X-Auth-Token: $(admin_token)" \
    --json "$2" "$(fact nova_url)/$1")
  [[ $status == 20[01] || $status == 409 ]]
}
