# shellcheck shell=bash disable=SC2034
# The API of the volumes without anything that makes them: a volume stays "creating" until a test writes its row with test/cloud/sql.

cinder_needs='keystone glance rabbitmq'
cinder_packages='cinder-api python3-cinder cinder-common'
cinder_ports='cinder'

cinder_start() {
  local folder=$STATE/etc/cinder
  # Without the project's id, which Cinder takes since Yoga.
  fact cinder_url "http://$HOST:$(port cinder)/v3"
  put "$folder/api-paste.ini" </etc/cinder/api-paste.ini
  put "$folder/cinder.conf" <<INI
[DEFAULT]
use_stderr = true
auth_strategy = keystone
my_ip = $HOST
host = localhost
state_path = $STATE/cinder
api_paste_config = $folder/api-paste.ini
transport_url = $(rabbitmq_url)
enabled_backends =
[database]
connection = $(database_url cinder)
[oslo_concurrency]
lock_path = $STATE/tmp
[oslo_messaging_notifications]
driver = noop
[oslo_policy]
policy_dirs = $folder/policy.d
$(token_section cinder)
INI
  mkdir -p "$STATE/cinder"
  create_database cinder
  once cinder cinder cinder-manage --config-file "$folder/cinder.conf" db sync
  launch_wsgi cinder "$(port cinder)" /usr/bin/cinder-wsgi "$folder"/*.{conf,ini} -- "pyargv = --config-file=$folder/cinder.conf"
}

# Not in the catalog, where each test's cleaner would ask it: tests name the URL.
cinder_catalog() { echo 'block-storage -'; }

cinder_ready() { await cinder answers "$(fact cinder_url)/"; }
