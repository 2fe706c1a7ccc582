# shellcheck shell=bash disable=SC2034
# Bare metal nodes: fake-hardware, which does all that it is told without doing anything, and ipmi, to be described and validated.

ironic_needs='keystone'
ironic_packages='ironic-api python3-ironic python3-ironicclient ipmitool'
ironic_ports='ironic ironic-conductor'

ironic_start() {
  local folder=$STATE/etc/ironic files=$STATE/ironic
  fact ironic_url "http://$HOST:$(port ironic)"
  mkdir -p "$files"/{images,masters,http,tftp}
  ironic_configuration "$files" | put "$folder/ironic.conf"
  create_database ironic
  once ironic ironic ironic-dbsync --config-file "$folder/ironic.conf" create_schema
  launch ironic-conductor "$folder/ironic.conf" -- /usr/bin/ironic-conductor --config-file "$folder/ironic.conf"
  launch_wsgi ironic "$(port ironic)" /usr/bin/ironic-api-wsgi "$folder/ironic.conf" -- "pyargv = --config-file=$folder/ironic.conf"
}

# ironic_configuration FILES: the API calls the conductor by JSON-RPC at the conductor's host name. Power is not watched, as a
# node whose controller does not answer would go into maintenance.
ironic_configuration() {
  local section
  cat <<INI
[DEFAULT]
use_stderr = true
host = localhost
my_ip = $HOST
rpc_transport = json-rpc
enabled_hardware_types = fake-hardware,ipmi
enabled_bios_interfaces = fake,no-bios
enabled_boot_interfaces = fake,pxe
enabled_console_interfaces = fake,no-console
enabled_deploy_interfaces = fake,direct
enabled_inspect_interfaces = fake,no-inspect
enabled_management_interfaces = fake,ipmitool
enabled_network_interfaces = noop
enabled_power_interfaces = fake,ipmitool
enabled_raid_interfaces = fake,no-raid
enabled_rescue_interfaces = fake,no-rescue
enabled_storage_interfaces = fake,noop
enabled_vendor_interfaces = fake,ipmitool,no-vendor
[json_rpc]
auth_strategy = noauth
host_ip = $HOST
port = $(port ironic-conductor)
[conductor]
automated_clean = false
workers_pool_size = 20
sync_power_state_interval = 0
[dhcp]
dhcp_provider = none
[deploy]
http_root = $1/http
http_url = http://$HOST
[pxe]
tftp_root = $1/tftp
tftp_master_path = $1/tftp/masters
images_path = $1/images
instance_master_path = $1/masters
[database]
connection = $(database_url ironic)
[oslo_concurrency]
lock_path = $STATE/tmp
[oslo_messaging_notifications]
driver = noop
[oslo_policy]
policy_dirs = $STATE/etc/ironic/policy.d
$(token_section ironic)
INI
  for section in glance service_catalog; do printf '[%s]\n%s\n' "$section" "$(login ironic)"; done
}

ironic_catalog() { echo "baremetal http://$HOST:$(port ironic)"; }

ironic_ready() {
  await ironic answers "$(fact ironic_url)"
  await ironic-conductor listens "$(port ironic-conductor)"
  await ironic-conductor has_drivers
}

# The API takes no node before the conductor has written down what it drives.
has_drivers() {
  [[ -n $(sql ironic 'SELECT i.id FROM conductors c JOIN conductor_hardware_interfaces i ON i.conductor_id = c.id WHERE c.online LIMIT 1') ]]
}
