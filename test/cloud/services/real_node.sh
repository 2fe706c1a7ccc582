# shellcheck shell=bash disable=SC2034
# Bare metal nodes that really boot: machines are processes of qemu, each with a BMC that speaks IPMI, and an Ironic of their own deploys and
# cleans them by an agent that really starts. Nothing but loopback is used: a machine reaches this host as 10.0.2.2, and the agents are
# reached by addresses of 127.0.0.0/8. It takes a minute to make their images, and each boot costs a minute of a processor: so `up all` leaves it out.

real_node_needs='keystone glance'
real_node_packages='ironic-api python3-ironic python3-ironicclient ipmitool nginx openipmi qemu-system-x86 ipxe-qemu seabios qemu-utils cpio zstd xz-utils'
real_node_apart=yes

REAL_MACHINES=10
# Nobody listens on real-agents: it chooses the addresses of the agents.
real_node_ports="ironic-real real-files real-agents $(seq --format 'real-bmc-%.0f' --separator ' ' $REAL_MACHINES)"
REAL_FOLDER=$STATE/real-node
# As the machines see this host.
HOST_OF_MACHINES=10.0.2.2

# For ironic_configuration and has_drivers; that service itself is not started by it.
# shellcheck source=services/ironic.sh
. services/ironic.sh

real_node_start() {
  fact real_ironic_url "http://$HOST:$(port ironic-real)"
  fact real_files_url "http://$HOST:$(port real-files)/images"
  fact real_machines "$REAL_FOLDER/machines.json"
  fact real_bmc_username admin
  fact real_bmc_password secret
  real_images
  real_files
  real_ironic
  local number
  for ((number = 1; number <= REAL_MACHINES; number++)); do real_machine "$number"; done
  real_machines_json | put "$(fact real_machines)"
}

# Made again where the scripts are new; newer packages alone do not matter to a state that has images.
real_images() {
  local scripts
  scripts=$(cat "$CLOUD_DIR"/real-node/{build-images,init,udhcpc.script,server-image.py,packages.txt,unneeded.txt} | sha256sum | cut -c 1-20)
  [[ -e $STATE/done/real-images-$scripts ]] || say 'real-node: images'
  once "real-images-$scripts" real-images "$CLOUD_DIR/real-node/build-images" "$REAL_FOLDER/images"
}

# What the firmware of a machine boots, as Ironic puts it there, and the images by URL. The conductor looks itself at the URLs that it gives to
# machines, and 10.0.2.2 is not there for it: so this is its proxy, too.
real_files() {
  mkdir -p "$STATE/ironic-real/http"
  nginx_configuration real-files <<NGINX | put "$STATE/etc/real-files.conf"
  server {
    listen $HOST:$(port real-files);
    root $STATE/ironic-real/http;
    location /images/ { root $REAL_FOLDER; }
  }
NGINX
  launch_nginx real-files "$STATE/etc/real-files.conf"
}

real_ironic() {
  local folder=$STATE/etc/ironic-real files
  ironic_configuration ironic-real | put "$folder/ironic.conf"
  real_ironic_configuration | put "$folder/real.conf"
  files=(--config-file "$folder/ironic.conf" --config-file "$folder/real.conf")
  create_database ironic-real
  once ironic-real ironic-real create_ironic_schema ironic-real "$folder/ironic.conf"
  launch ironic-real "$folder"/*.conf -- \
    env "http_proxy=http://$HOST:$(port real-files)" "no_proxy=$HOST,localhost" /usr/bin/ironic "${files[@]}"
}

# What is different from the Ironics of fake hardware. An agent has a quarter of an hour to call: a machine with a lot to do boots it in five minutes.
real_ironic_configuration() {
  local section
  cat <<INI
[DEFAULT]
rpc_transport = none
enabled_boot_interfaces = ipxe
enabled_inspect_interfaces = $(real_inspect_interfaces)
enabled_rescue_interfaces = agent,no-rescue
[api]
host_ip = $HOST
port = $(port ironic-real)
[conductor]
deploy_callback_timeout = 900
clean_callback_timeout = 900
rescue_callback_timeout = 900
inspect_wait_timeout = 900
check_provision_state_interval = 2
[ipmi]
# Five seconds between two calls is for the BMCs of old.
min_command_interval = 1
command_retry_timeout = 30
[deploy]
http_url = http://$HOST_OF_MACHINES:$(port real-files)
default_boot_mode = bios
# Of cleaning, what is quick.
erase_devices_priority = 0
[agent]
image_download_source = local
deploy_logs_collect = never
$(token_section real_node)
[nova]
send_power_notifications = false
$(login real_node)
[service_catalog]
# Where the agents call.
endpoint_override = http://$HOST_OF_MACHINES:$(port ironic-real)
$(login real_node)
INI
  for section in glance swift; do printf '[%s]\n%s\n' "$section" "$(login real_node)"; done
}

# Inspection by the agent came with 2023.2; before it needed a service of its own.
real_inspect_interfaces() {
  if python3 -c 'import ironic.drivers.modules.inspector.agent' 2>/dev/null; then echo agent,no-inspect; else echo no-inspect; fi
}

# real_machine NUMBER: the files of the machine, and its BMC. The machine itself is started by that, when it is told to.
real_machine() {
  local name=real-$1 folder=$REAL_FOLDER/real-$1 bmc=real-bmc-$1
  mkdir -p "$folder/persist"
  [[ -e $folder/disk.qcow2 ]] || qemu-img create -q -f qcow2 "$folder/disk.qcow2" 5G
  put "$folder/machine" <<SH
MAC=$(real_mac "$1")
AGENT_HOST=$(real_agent_host "$1")
SERIAL=$STATE/log/$name-serial.log
BOOT_URL=http://$HOST_OF_MACHINES:$(port real-files)/boot.ipxe
SH
  put "$folder/lan.conf" <<CONF
name "$name"
startlan 1
  addr $HOST $(port "$bmc")
  priv_limit admin
  allowed_auths_callback none md2 md5 straight
  allowed_auths_user none md2 md5 straight
  allowed_auths_operator none md2 md5 straight
  allowed_auths_admin none md2 md5 straight
  guid $(printf '%032x' "$1")
endlan
chassis_control "$CLOUD_DIR/real-node/chassis $folder"
user 1 false "" "test" user 10 none md2 md5 straight
user 2 true "$(fact real_bmc_username)" "$(fact real_bmc_password)" admin 10 none md2 md5 straight
CONF
  put "$folder/sim.emu" <<EMU
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
EMU
  launch "$bmc" "$folder/lan.conf" "$folder/sim.emu" -- /usr/bin/ipmi_sim -n -c "$folder/lan.conf" -f "$folder/sim.emu" -s "$folder/persist"
}

real_mac() { printf '52:54:00:ce:a1:%02x' "$1"; }

# An address of loopback for each agent, as all listen on one port.
real_agent_host() {
  local port
  port=$(port real-agents)
  echo "127.$((port / 250)).$((port % 250)).$1"
}

real_machines_json() {
  local number separator='['
  for ((number = 1; number <= REAL_MACHINES; number++)); do
    printf '%s\n  {"name": "%s", "folder": "%s", "ipmi_port": %d, "mac": "%s", "agent_host": "%s", "serial": "%s"}' "$separator" "real-$number" \
      "$REAL_FOLDER/real-$number" "$(port "real-bmc-$number")" "$(real_mac "$number")" "$(real_agent_host "$number")" "$STATE/log/real-$number-serial.log"
    separator=,
  done
  printf '\n]\n'
}

# A user in keystone, and no place in the catalog, whose Ironic is the one of fake hardware.
real_node_catalog() { echo 'real-node -'; }

real_node_ready() {
  local number
  await real-files answers "$(fact real_files_url)/good.kernel"
  await ironic-real answers "$(fact real_ironic_url)"
  await ironic-real has_drivers ironic-real localhost
  for ((number = 1; number <= REAL_MACHINES; number++)); do await "real-bmc-$number" real_bmc_answers "$number"; done
}

# The suite of ciphers has to be named: else ipmitool asks for those that there are, ten seconds long.
real_bmc_answers() {
  ipmitool -I lanplus -C 3 -H "$HOST" -p "$(port "real-bmc-$1")" -U "$(fact real_bmc_username)" -P "$(fact real_bmc_password)" chassis power status >/dev/null
}
