# shellcheck shell=bash disable=SC2034
# Two Ironics as they run without the rest of OpenStack, each in one process: one asks for nothing, one for a name and a password.

ironic_standalone_needs='mariadb'
ironic_standalone_packages='ironic-api python3-ironic python3-bcrypt curl ipmitool'
ironic_standalone_ports='ironic-standalone ironic-basic'

# For ironic_configuration and has_drivers; that service itself is not started by it.
# shellcheck source=services/ironic.sh
. services/ironic.sh

ironic_standalone_start() {
  has_fact ironic_basic_password || fact ironic_basic_password "$(random_secret)"
  fact ironic_basic_username basic
  fact ironic_standalone_url "http://$HOST:$(port ironic-standalone)"
  fact ironic_basic_url "http://$HOST:$(port ironic-basic)"
  once ironic-basic-password ironic-basic hash_password "$STATE/etc/ironic-basic/htpasswd"
  start_standalone ironic-standalone 'auth_strategy = noauth'
  start_standalone ironic-basic 'auth_strategy = http_basic' "http_basic_auth_user_file = $STATE/etc/ironic-basic/htpasswd"
}

# start_standalone NAME INI_LINE...: lines of the section DEFAULT.
start_standalone() {
  local name=$1 configuration=$STATE/etc/$1/ironic.conf
  { ironic_configuration "$name" && standalone_configuration "$@"; } | put "$configuration"
  create_database "$name"
  once "$name" "$name" create_ironic_schema "$name" "$configuration"
  launch "$name" "$configuration" -- /usr/bin/ironic --config-file "$configuration"
}

# Without a catalog, it is told where itself is: without that it cleans no node.
standalone_configuration() {
  cat <<INI
[DEFAULT]
rpc_transport = none
$(printf '%s\n' "${@:2}")
[api]
host_ip = $HOST
port = $(port "$1")
[service_catalog]
auth_type = none
endpoint_override = http://$HOST:$(port "$1")
[nova]
send_power_notifications = false
INI
}

# hash_password FILE
hash_password() {
  mkdir -p "$(dirname "$1")"
  BASIC_USERNAME=$(fact ironic_basic_username) BASIC_PASSWORD=$(fact ironic_basic_password) python3 - >"$1" <<'PYTHON'
import os

import bcrypt

# The least rounds, as each request checks the password.
print(os.environ['BASIC_USERNAME'] + ':' + bcrypt.hashpw(os.environ['BASIC_PASSWORD'].encode(), bcrypt.gensalt(4, b'2b')).decode())
PYTHON
}

ironic_standalone_ready() {
  local name
  for name in ironic-standalone ironic-basic; do
    await "$name" answers "http://$HOST:$(port "$name")"
    await "$name" has_drivers "$name" localhost
  done
}
