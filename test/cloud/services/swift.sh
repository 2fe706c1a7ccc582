# shellcheck shell=bash disable=SC2034
# Objects: a proxy and three storage servers over one folder, one replica. Anonymous reads are possible.

swift_needs='keystone'
swift_packages='swift-proxy swift-account swift-container swift-object python3-swiftclient'
swift_ports='swift-proxy swift-account swift-container swift-object'

swift_start() {
  local folder=$STATE/etc/swift kind
  has_fact swift_hash_suffix || fact swift_hash_suffix "$(random_secret)"
  put "$folder/swift.conf" <<INI
[swift-hash]
swift_hash_path_suffix = $(fact swift_hash_suffix)
[storage-policy:0]
name = Policy-0
default = yes
INI
  mkdir -p "$STATE/swift/disk"
  once "swift-rings-$(port swift-account)-$(port swift-container)-$(port swift-object)" swift-proxy build_rings
  for kind in account container object; do
    storage_server "$kind" | put "$folder/$kind-server.conf"
    launch "swift-$kind" "$folder"/{swift,$kind-server}.conf "$folder/$kind.ring.gz" -- \
      "/usr/bin/swift-$kind-server" "$folder/$kind-server.conf" -v
  done
  proxy_server | put "$folder/proxy-server.conf"
  launch swift-proxy "$folder"/{swift,proxy-server}.conf "$folder"/*.ring.gz -- \
    /usr/bin/swift-proxy-server "$folder/proxy-server.conf" -v
}

# The rings say on which port each storage server is.
build_rings() {
  FOLDER=$STATE/etc/swift DISKS=$STATE/swift HOST=$HOST ACCOUNT=$(port swift-account) CONTAINER=$(port swift-container) \
    OBJECT=$(port swift-object) python3 - <<'PYTHON'
import os
from swift.common.ring import RingBuilder

try:
    os.setxattr(os.environ['DISKS'], 'user.test', b'1')
except OSError as error:
    raise SystemExit('swift needs a file system with user attributes under %s: %s' % (os.environ['DISKS'], error))
for kind in ('account', 'container', 'object'):
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 1, 'device': 'disk', 'meta': '',
                     'ip': os.environ['HOST'], 'port': int(os.environ[kind.upper()]),
                     'replication_ip': os.environ['HOST'], 'replication_port': int(os.environ[kind.upper()])})
    builder.rebalance()
    builder.get_ring().save(os.path.join(os.environ['FOLDER'], kind + '.ring.gz'))
PYTHON
}

server_defaults() {
  cat <<INI
[DEFAULT]
bind_ip = $HOST
bind_port = $(port "$1")
workers = 0
user = root
swift_dir = $STATE/etc/swift
INI
}

storage_server() {
  cat <<INI
$(server_defaults "swift-$1")
devices = $STATE/swift
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
log_level = WARNING
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
INI
}

proxy_server() {
  local filters='catch_errors gatekeeper healthcheck proxy_logging listing_formats bulk tempurl authtoken keystoneauth copy slo dlo' filter
  server_defaults swift-proxy
  cat <<INI
log_level = INFO
[pipeline:main]
pipeline = $filters proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
INI
  for filter in $filters; do
    echo "[filter:$filter]"
    [[ $filter == authtoken ]] || echo "use = egg:swift#$filter"
    case $filter in
      keystoneauth) echo 'operator_roles = admin,member' ;;
      authtoken)
        echo 'paste.filter_factory = keystonemiddleware.auth_token:filter_factory'
        # Requests without a token go on, to be judged by the container's read list.
        echo 'delay_auth_decision = true'
        login swift
        ;;
    esac
  done
}

swift_catalog() { echo "object-store http://$HOST:$(port swift-proxy)/v1/AUTH_\$(project_id)s"; }

swift_ready() {
  local kind
  for kind in account container object; do await "swift-$kind" listens "$(port "swift-$kind")"; done
  await swift-proxy answers "http://$HOST:$(port swift-proxy)/healthcheck"
  fact swift_url "http://$HOST:$(port swift-proxy)/v1/AUTH_$(fact admin_project_id)"
}
