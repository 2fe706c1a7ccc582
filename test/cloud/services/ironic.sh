# shellcheck shell=bash disable=SC2034
# Bare metal nodes: fake-hardware, which does all that it is told without doing anything, and ipmi, to be described and validated.
# Two conductors: one at once, and one for the conductor group "slow", whose fake hardware takes its time. Two APIs over the same nodes: one with the
# policy that Debian 12's release has by itself, and one with that of 2024.1 and newer, where a token of a project sees only the project's nodes.

ironic_needs='keystone'
ironic_packages='ironic-api python3-ironic python3-ironicclient ipmitool'
ironic_ports='ironic ironic-scoped ironic-conductor'

# The API finds a conductor by its host name and the one port that all conductors have.
SLOW_HOST=127.0.0.2

ironic_start() {
  local folder=$STATE/etc/ironic
  fact ironic_url "http://$HOST:$(port ironic)"
  fact ironic_scoped_url "http://$HOST:$(port ironic-scoped)"
  fact ironic_slow_group slow
  { ironic_configuration ironic && ironic_cloud; } | put "$folder/ironic.conf"
  ironic_slowness | put "$folder/slow.conf"
  ironic_scope | put "$folder/scoped.conf"
  create_database ironic
  once ironic ironic create_ironic_schema ironic "$folder/ironic.conf"
  launch ironic-conductor "$folder/ironic.conf" -- /usr/bin/ironic-conductor --config-file "$folder/ironic.conf"
  launch ironic-conductor-slow "$folder"/{ironic,slow}.conf -- \
    /usr/bin/ironic-conductor --config-file "$folder/ironic.conf" --config-file "$folder/slow.conf"
  launch_wsgi ironic "$(port ironic)" /usr/bin/ironic-api-wsgi "$folder/ironic.conf" -- "pyargv = --config-file=$folder/ironic.conf"
  launch_wsgi ironic-scoped "$(port ironic-scoped)" /usr/bin/ironic-api-wsgi "$folder"/{ironic,scoped}.conf -- \
    "pyargv = --config-file=$folder/ironic.conf --config-file=$folder/scoped.conf"
}

# create_ironic_schema DATABASE FILE. Debian's 29.0.5-0+deb13u3 (its fix of CVE-2026-44918) makes each node that is patched its own parent, and lists show no
# children. Debian 12's has no parents.
create_ironic_schema() {
  ironic-dbsync --config-file "$2" create_schema || return
  [[ -n $(sql "$1" "SHOW COLUMNS FROM nodes LIKE 'parent_node'") ]] || return 0
  sql "$1" "CREATE TRIGGER no_own_parent BEFORE UPDATE ON nodes FOR EACH ROW SET NEW.parent_node = NULLIF(NEW.parent_node, NEW.uuid)"
}

# ironic_configuration NAME: of any Ironic, with the database and the folder of that name. Power is not watched, as a node whose
# controller does not answer would go into maintenance. A node that waits for its agent, which never calls, fails after 5 s, and one whose
# controller does not answer after 3 s.
ironic_configuration() {
  local files=$STATE/$1
  mkdir -p "$files"/{images,masters,http,tftp,tmp}
  cat <<INI
[DEFAULT]
use_stderr = true
host = localhost
my_ip = $HOST
tempdir = $files/tmp
rbac_service_role_elevated_access = true
graceful_shutdown_timeout = 1
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
[conductor]
automated_clean = false
workers_pool_size = 20
sync_power_state_interval = 0
deploy_callback_timeout = 5
clean_callback_timeout = 5
check_provision_state_interval = 1
[ipmi]
command_retry_timeout = 3
[dhcp]
dhcp_provider = none
[deploy]
http_root = $files/http
http_url = http://$HOST
[pxe]
tftp_root = $files/tftp
tftp_master_path = $files/tftp/masters
images_path = $files/images
instance_master_path = $files/masters
[agent]
deploy_logs_local_path = $files/tmp
# The agents of the tests are processes of theirs, and speak HTTP.
require_tls = false
[database]
connection = $(database_url "$1")
[oslo_concurrency]
lock_path = $files/tmp
[oslo_messaging_notifications]
driver = noop
[oslo_policy]
policy_dirs = $STATE/etc/$1/policy.d
INI
}

# The default of oslo.policy 4.4 and newer.
ironic_scope() {
  cat <<INI
[oslo_policy]
enforce_scope = true
enforce_new_defaults = true
INI
}

# What the cloud's Ironic has more: conductors of their own, and the other services.
ironic_cloud() {
  local section
  cat <<INI
[DEFAULT]
rpc_transport = json-rpc
[json_rpc]
auth_strategy = noauth
host_ip = $HOST
port = $(port ironic-conductor)
$(token_section ironic)
INI
  for section in glance nova service_catalog; do printf '[%s]\n%s\n' "$section" "$(login ironic)"; done
}

# Seconds for which the node is locked at each step; and whoever comes meanwhile gets 409 at once, not after three attempts.
ironic_slowness() {
  cat <<INI
[DEFAULT]
host = $SLOW_HOST
[json_rpc]
host_ip = $SLOW_HOST
[conductor]
conductor_group = $(fact ironic_slow_group)
node_locked_retry_attempts = 1
[fake]
power_delay = 2
deploy_delay = 2
inspect_delay = 2
raid_delay = 2
bios_delay = 2
rescue_delay = 2
INI
}

ironic_catalog() { echo "baremetal http://$HOST:$(port ironic)"; }

ironic_ready() {
  await ironic answers "$(fact ironic_url)"
  await ironic-scoped answers "$(fact ironic_scoped_url)"
  await ironic-conductor has_drivers ironic localhost
  await ironic-conductor-slow has_drivers ironic "$SLOW_HOST"
}

# has_drivers DATABASE HOST: the API takes no node before the conductor has written down what it drives. Ironic 25 and newer puts the port of JSON-RPC
# behind the host.
has_drivers() {
  [[ -n $(sql "$1" "SELECT i.id FROM conductors c JOIN conductor_hardware_interfaces i ON i.conductor_id = c.id
                    WHERE c.online AND c.hostname REGEXP '^$2(:[0-9]+)?\$' LIMIT 1") ]]
}
