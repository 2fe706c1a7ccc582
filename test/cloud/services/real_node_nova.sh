# shellcheck shell=bash disable=SC2034
# Servers on the nodes that really boot: a compute for those of their Ironic whose resource class is "real".

real_node_nova_needs='nova_ironic real_node'
real_node_nova_apart=yes

real_node_nova_start() {
  fact real_nova_host chameleon-real
  fact real_resource_class real
  real_node_nova_configuration | put "$STATE/etc/nova/real.conf"
  launch_nova compute-real nova.conf ironic.conf real.conf
}

real_node_nova_configuration() {
  cat <<INI
[DEFAULT]
host = $(fact real_nova_host)
[ironic]
endpoint_override = $(fact real_ironic_url)
only_class = $(fact real_resource_class)
INI
}

real_node_nova_ready() {
  await nova-compute-real has_reported nova-compute-real "$(fact real_nova_host)"
  once nova-real-host nova-compute-real nova_manage cell_v2 discover_hosts --by-service
  once_node_flavor nova-real-flavor nova-compute-real real real
}
