# shellcheck shell=bash disable=SC2034
# Messages between nova's processes. It has a port mapper (epmd) of its own, so that several clouds run side by side.

rabbitmq_packages='rabbitmq-server'
rabbitmq_ports='rabbitmq rabbitmq-nodes/rabbitmq epmd'

rabbitmq_start() {
  local folder=$STATE/rabbitmq
  has_fact rabbitmq_password || fact rabbitmq_password "$(random_secret)"
  mkdir -p "$folder"
  put "$STATE/etc/rabbitmq/rabbitmq.conf" <<INI
listeners.tcp.1 = $HOST:$(port rabbitmq)
num_acceptors.tcp = 2
default_user = cloud
default_pass = $(fact rabbitmq_password)
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 50MB
INI
  launch epmd -- /usr/bin/epmd -address "$HOST" -port "$(port epmd)"
  # Erlang would start an epmd that nobody stops, if it found none.
  await epmd listens "$(port epmd)"
  # Not the script in /usr/sbin, which changes to Debian's user and its folders.
  launch rabbitmq "$STATE/etc/rabbitmq/rabbitmq.conf" -- /usr/bin/env -i PATH="$PATH" LC_ALL="$LC_ALL" HOME="$folder" \
    ERL_EPMD_ADDRESS="$HOST" ERL_EPMD_PORT="$(port epmd)" RABBITMQ_NODENAME=cloud@localhost RABBITMQ_DIST_PORT="$(port rabbitmq-nodes)" \
    RABBITMQ_CONFIG_FILE="$STATE/etc/rabbitmq/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE=/dev/null \
    RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" RABBITMQ_MNESIA_BASE="$folder/mnesia" RABBITMQ_LOG_BASE="$folder/log" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}' \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

# The value of transport_url in an ini file.
rabbitmq_url() { echo "rabbit://cloud:$(fact rabbitmq_password)@$HOST:$(port rabbitmq)/"; }

rabbitmq_ready() { await rabbitmq listens "$(port rabbitmq)"; }
