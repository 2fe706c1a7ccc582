# shellcheck shell=bash disable=SC2034
# The API of the networks without anything that makes them real: nova asks it about each server, even one without networks.

neutron_needs='keystone rabbitmq'
neutron_packages='python3-neutron neutron-common'
neutron_ports='neutron'

neutron_start() {
  fact neutron_url "http://$HOST:$(port neutron)"
  start_api neutron /usr/bin/neutron-api neutron-db-manage upgrade head <<INI
core_plugin = ml2
service_plugins =
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers =
INI
}

neutron_catalog() { echo "network http://$HOST:$(port neutron)"; }

# Networks are listed because neutron answers 500 for ever to a list of ports that is the first request of its life.
neutron_ready() { await neutron lists_networks; }

lists_networks() {
  answers "$(fact neutron_url)" &&
    curl --silent --fail --output /dev/null --header "X-Auth-Token: $(admin_token)" "$(fact neutron_url)/v2.0/networks"
}
