# shellcheck shell=bash disable=SC2034
# Images, in two file stores (copy-image needs two), with web-download from this machine.

glance_needs='keystone'
glance_packages='glance-api python3-glanceclient qemu-utils'
glance_ports='glance'

glance_start() {
  local folder=$STATE/etc/glance files=$STATE/glance
  fact glance_url "http://$HOST:$(port glance)"
  mkdir -p "$files"/{fast,slow,staging,tasks}
  put "$folder/glance-api-paste.ini" </etc/glance/glance-api-paste.ini
  put "$folder/glance-api.conf" <<INI
[DEFAULT]
use_stderr = true
enabled_backends = fast:file,slow:file
enabled_import_methods = [glance-direct,web-download,copy-image]
show_image_direct_url = true
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = $files/fast
[slow]
filesystem_store_datadir = $files/slow
[os_glance_staging_store]
filesystem_store_datadir = $files/staging
[os_glance_tasks_store]
filesystem_store_datadir = $files/tasks
[database]
connection = $(database_url glance)
[paste_deploy]
flavor = keystone
[oslo_concurrency]
lock_path = $STATE/tmp
[oslo_policy]
policy_dirs = $folder/policy.d
[oslo_middleware]
enable_proxy_headers_parsing = true
$(token_section glance)
INI
  # Glance refuses loopback unless it is listed, and then every other host. All ports but the mail server's are open:
  # that one is for tests of a refusal. It counts only while allowed_ports, 80 and 443 by default, is empty.
  put "$folder/glance-image-import.conf" <<INI
[import_filtering_opts]
allowed_schemes = [http,https]
allowed_hosts = [$HOST,localhost]
allowed_ports = []
disallowed_ports = [25]
[image_import_opts]
image_import_plugins = []
INI
  create_database glance
  once glance glance glance-manage --config-file "$folder/glance-api.conf" db_sync
  # Processes of one thread, which the benchmark has fewer of: with several, all threads of one once waited for each other for ever, in eventlet's hub.
  launch_wsgi glance "$(port glance)" /usr/bin/glance-wsgi-api "$folder"/*.{conf,ini} -- \
    "processes = ${CHAMELEON_GLANCE_WORKERS:-8}" 'threads = 1' 'http-raw-body = true' "env = OS_GLANCE_CONFIG_DIR=$folder"
}

glance_catalog() { echo "image $(fact glance_url)"; }

glance_ready() { await glance answers "$(fact glance_url)/versions"; }
