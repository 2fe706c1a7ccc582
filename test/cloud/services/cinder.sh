# shellcheck shell=bash disable=SC2034
# The API of the volumes without anything that makes them: a volume stays "creating" until a test writes its row with test/cloud/sql.

cinder_needs='keystone glance rabbitmq'
cinder_packages='cinder-api python3-cinder cinder-common'
cinder_ports='cinder'

cinder_start() {
  # Without the project's id, which Cinder takes since Yoga.
  fact cinder_url "http://$HOST:$(port cinder)/v3"
  start_api cinder /usr/bin/cinder-wsgi cinder-manage db sync <<INI
auth_strategy = keystone
my_ip = $HOST
host = localhost
enabled_backends =
INI
}

# Not in the catalog, where each test's cleaner would ask it: tests name the URL.
cinder_catalog() { echo 'block-storage -'; }

cinder_ready() { await cinder answers "$(fact cinder_url)/"; }
