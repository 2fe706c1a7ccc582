# shellcheck shell=bash disable=SC2034
# Servers on bare metal: a second compute, with nova's Ironic driver, for the nodes of Ironic whose resource class is "baremetal".

nova_ironic_needs='nova ironic'
nova_ironic_packages='python3-ironicclient'

nova_ironic_start() {
  local folder=$STATE/etc/nova
  fact nova_ironic_host chameleon-baremetal
  fact baremetal_resource_class baremetal
  nova_ironic_configuration | put "$folder/ironic.conf"
  launch_nova compute-ironic nova.conf ironic.conf
}

# Looks at Ironic as often as can be, as a node that a test has just made available takes no server before nova saw it.
nova_ironic_configuration() {
  cat <<INI
[DEFAULT]
host = $(fact nova_ironic_host)
compute_driver = ironic.OneClassDriver
update_resources_interval = 1
periodic_fuzzy_delay = 0
[ironic]
api_retry_interval = 1
$(login nova)
INI
}

nova_ironic_ready() {
  await nova-compute-ironic has_reported nova-compute-ironic "$(fact nova_ironic_host)"
  # By service, as a compute without nodes is not found otherwise.
  once nova-ironic-host nova-compute-ironic nova_manage cell_v2 discover_hosts --by-service
  once_node_flavor nova-ironic-flavor nova-compute-ironic baremetal baremetal
  fact keypair_name test-cloud
  once nova-keypair nova-compute-ironic create_keypair
}

# Nobody has the private half.
create_keypair() {
  local key='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICQg2iBxIgkiXOD9okt3+wACDY6HCoJ966X9/6kdTJUy'
  create_in_nova os-keypairs "{\"keypair\": {\"name\": \"$(fact keypair_name)\", \"public_key\": \"$key\"}}"
}

# once_node_flavor MARK LOG PREFIX CLASS: a flavor of the name of the class, told by the facts PREFIX_flavor_name and PREFIX_flavor_id.
once_node_flavor() {
  local id=$3_flavor_id custom=${4^^}
  fact "$3_flavor_name" "$4"
  has_fact "$id" || fact "$id" "$(</proc/sys/kernel/random/uuid)"
  once "$1" "$2" create_node_flavor "$(fact "$id")" "$4" "CUSTOM_${custom//-/_}"
}

# create_node_flavor ID NAME CLASS: it asks for a whole node of the class, and for nothing that only an ordinary compute has.
create_node_flavor() {
  create_flavor "$1" "$2" 1024 10 &&
    create_in_nova "flavors/$1/os-extra_specs" \
      '{"extra_specs": {"resources:'"$3"'": "1", "resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"}}'
}
