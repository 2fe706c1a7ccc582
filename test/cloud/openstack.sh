# shellcheck shell=bash
# What the OpenStack services have in common: a database each, uwsgi in front, a login at keystone.

export REGION=RegionOne

# sql DATABASE QUERY: prints the rows without a heading, tabs between the values. DATABASE may be empty.
sql() { mariadb --no-defaults --socket="$(fact mariadb_socket)" --batch --skip-column-names --execute="$2" "$1"; }

# create_database NAME
create_database() { sql '' "CREATE DATABASE IF NOT EXISTS \`$1\` CHARACTER SET utf8mb3"; }

# database_url NAME
database_url() { echo "mysql+pymysql://root@localhost/$1?charset=utf8&unix_socket=$(fact mariadb_socket)"; }

# launch_wsgi NAME PORT SCRIPT FILE... -- INI_LINE...: serves a WSGI script in one process with 16 threads; FILEs are its configuration.
# One process, as keystone's cache is memory of its process; the python plugin's options are only known in an ini file.
launch_wsgi() {
  local name=$1 port=$2 script=$3 files=()
  shift 3
  while [[ $1 != -- ]]; do files+=("$1"); shift; done
  shift
  put "$STATE/etc/$name-uwsgi.ini" <<INI
[uwsgi]
plugins = python3
http-socket = $HOST:$port
wsgi-file = $script
procname-prefix = $name-
master = true
processes = 1
enable-threads = true
threads = 16
lazy-apps = true
die-on-term = true
no-orphans = true
buffer-size = 65535
socket-timeout = 60
add-header = Connection: close
rem-header = Content-Length
wsgi-manage-chunked-input = true
log-format = %(method) %(uri) %(status) %(msecs)ms
$(printf '%s\n' "$@")
INI
  # With it Python says where its threads are when it is aborted. uWSGI's own py-tracebacker is a thread, with which a service once hung while it
  # was loaded.
  launch "$name" "$STATE/etc/$name-uwsgi.ini" "${files[@]}" -- env PYTHONFAULTHANDLER=1 /usr/bin/uwsgi-core --ini "$STATE/etc/$name-uwsgi.ini"
}

# nginx_configuration NAME: of an nginx whose block http has its input in it.
nginx_configuration() {
  cat <<NGINX
user root;
daemon off;
worker_processes 1;
pid $STATE/run/$1;
error_log stderr;
events {}
http {
  access_log $STATE/log/$1-access.log;
  client_body_temp_path $STATE/tmp/$1-body;
  proxy_temp_path $STATE/tmp/$1-proxy;
  fastcgi_temp_path $STATE/tmp/$1-fastcgi;
  uwsgi_temp_path $STATE/tmp/$1-uwsgi;
  scgi_temp_path $STATE/tmp/$1-scgi;
  default_type application/octet-stream;
  sendfile on;
$(cat)
}
NGINX
}

# launch_nginx NAME CONFIGURATION FILE...: FILEs are what the configuration names.
launch_nginx() { launch "$@" -- /usr/sbin/nginx -e stderr -p "$STATE" -c "$2"; }

# describe_hung: says which of these services do not answer any more, who is connected, and where their threads are.
describe_hung() {
  local configuration name pid log deadline
  for configuration in "$STATE"/etc/*-uwsgi.ini; do
    name=$(basename "$configuration" -uwsgi.ini)
    if ! is_running "$name" || answers "http://$HOST:$(port "$name")/"; then continue; fi
    say "$name: does not answer any more; its threads:"
    ss --tcp --numeric state established "sport = :$(port "$name")" 2>/dev/null | head -n 40 || true
    log=$STATE/log/$name.log
    read -r pid _ <"$STATE/run/$name.pid"
    # shellcheck disable=SC2046 # the processes that answer
    kill -ABRT $(cat "/proc/$pid/task/$pid/children") || continue
    deadline=$((SECONDS + 5))
    until grep -q '^Fatal Python error' "$log" || ((SECONDS >= deadline)); do sleep 0.1; done
    grep -A 60 '^Fatal Python error' "$log" || true
  done
}

# admin_token: a token of the admin, for a request with curl.
admin_token() {
  curl --silent --fail --output /dev/null --dump-header - --json "$(
    printf '{"auth": {"identity": {"methods": ["password"], "password": {"user": %s}}, "scope": {"project": %s}}}' \
      '{"name": "admin", "domain": {"id": "default"}, "password": "'"$(fact admin_password)"'"}' \
      '{"name": "admin", "domain": {"id": "default"}}'
  )" "$(fact keystone_url)/auth/tokens" | tr -d '\r' | sed -n 's/^X-Subject-Token: //Ip'
}

# login USER: the options with which a service user logs in at keystone, for any section of an ini file.
login() {
  cat <<INI
auth_type = password
auth_url = $(fact keystone_url)
username = $1
password = $(fact service_password)
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = $REGION
INI
}

# token_section USER: the section by which a service checks the tokens it is given.
token_section() {
  cat <<INI
[keystone_authtoken]
www_authenticate_uri = $(fact keystone_url)
service_token_roles_required = true
$(login "$1")
INI
}

# service_sections NAME: what the configuration of a service has in common with that of any other.
service_sections() {
  cat <<INI
[database]
connection = $(database_url "$1")
[oslo_concurrency]
lock_path = $STATE/tmp
[oslo_messaging_notifications]
driver = noop
[oslo_policy]
policy_dirs = $STATE/etc/$1/policy.d
$(token_section "$1")
INI
}

# start_api NAME SCRIPT MANAGE ARGUMENT...: serves the WSGI script of a service with its /etc/NAME/api-paste.ini, after
# `MANAGE ARGUMENT...` created the tables. The input is what its configuration has besides, beginning in [DEFAULT].
start_api() {
  local name=$1 script=$2 manage=$3 folder=$STATE/etc/$1
  shift 3
  mkdir -p "$STATE/$name"
  put "$folder/api-paste.ini" <"/etc/$name/api-paste.ini"
  put "$folder/$name.conf" <<INI
[DEFAULT]
use_stderr = true
state_path = $STATE/$name
api_paste_config = $folder/api-paste.ini
transport_url = $(rabbitmq_url)
$(cat)
$(service_sections "$name")
INI
  create_database "$name"
  once "$name" "$name" "$manage" --config-file "$folder/$name.conf" "$@"
  launch_wsgi "$name" "$(port "$name")" "$script" "$folder"/*.{conf,ini} -- "pyargv = --config-file=$folder/$name.conf"
}
