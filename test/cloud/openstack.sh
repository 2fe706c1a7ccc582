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
  launch "$name" "$STATE/etc/$name-uwsgi.ini" "${files[@]}" -- /usr/bin/uwsgi-core --ini "$STATE/etc/$name-uwsgi.ini"
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
