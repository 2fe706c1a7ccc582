# shellcheck shell=bash disable=SC2034
# What the computes have and what is taken of it, for nova.

placement_needs='keystone'
placement_packages='python3-placement placement-common'
placement_ports='placement'

placement_start() {
  local folder=$STATE/etc/placement
  fact placement_url "http://$HOST:$(port placement)"
  put "$folder/placement.conf" <<INI
[DEFAULT]
use_stderr = true
[placement_database]
connection = $(database_url placement)
[oslo_policy]
policy_dirs = $folder/policy.d
$(token_section placement)
INI
  create_database placement
  once placement placement placement-manage --config-file "$folder/placement.conf" db sync
  launch_wsgi placement "$(port placement)" /usr/bin/placement-api "$folder/placement.conf" -- "env = OS_PLACEMENT_CONFIG_DIR=$folder"
}

placement_catalog() { echo "placement http://$HOST:$(port placement)"; }

placement_ready() { await placement answers "$(fact placement_url)"; }
