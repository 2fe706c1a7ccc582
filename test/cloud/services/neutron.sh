# shellcheck shell=bash disable=SC2034
# The API of the networks without anything that makes them real: nova asks it about each server, even one without networks.

neutron_needs='keystone rabbitmq'
neutron_packages='python3-neutron neutron-common'
neutron_ports='neutron'

neutron_start() {
  local folder=$STATE/etc/neutron
  fact neutron_url "http://$HOST:$(port neutron)"
  put "$folder/api-paste.ini" </etc/neutron/api-paste.ini
  put "$folder/neutron.conf" <<INI
[DEFAULT]
use_stderr = true
state_path = $STATE/neutron
api_paste_config = $folder/api-paste.ini
core_plugin = ml2
service_plugins =
transport_url = $(rabbitmq_url)
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers =
[database]
connection = $(database_url neutron)
[oslo_concurrency]
lock_path = $STATE/tmp
[oslo_messaging_notifications]
driver = noop
[oslo_policy]
policy_dirs = $folder/policy.d
$(token_section neutron)
INI
  create_database neutron
  once neutron neutron neutron-db-manage --config-file "$folder/neutron.conf" upgrade head
  launch_wsgi neutron "$(port neutron)" /usr/bin/neutron-api "$folder"/*.{conf,ini} -- "pyargv = --config-file=$folder/neutron.conf"
}

neutron_catalog() { echo "network http://$HOST:$(port neutron)"; }

# Networks are listed because neutron answers 500 for ever to a list of ports that is the first request of its life.
neutron_ready() { await neutron lists_networks; }

lists_networks() {
  answers "$(fact neutron_url)" &&
    curl --silent --fail --output /dev/null --header "X-Auth-Token: $(admin_token)" "$(fact neutron_url)/v2.0/networks"
}
