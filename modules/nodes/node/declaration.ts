// The options, return values and examples of baremetal_node.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { handlingFields, inspectDescription, inspectionReturn } from '../fields.js';
import { loginFields } from '../../runtime/login-fields.js';
import { bareMetalApi, enrollingPage, loginsPage } from '../../runtime/pages.js';

const identityFields = defineFields({
  name: { type: 'string', description: 'Name of the node. A node that is found by its `uuid` is renamed to it.' },
  uuid: { type: 'string', description: 'UUID of the node. A new node is created with it.' },
  driver: {
    type: 'string',
    description: 'Hardware type, such as `ipmi` or `redfish`. Required to create a node.',
  },
  state: {
    type: 'string',
    choices: ['enroll', 'manageable', 'available', 'active', 'absent'],
    description:
      'Provision state to bring the node to, by the shortest sequence of provisioning verbs ' +
      'from its current state, including failed states. `enroll` only requires that the node ' +
      'exists, since no verb leads back to that state. `absent` deletes the node with its ' +
      'ports. If omitted, the state is left as it is.',
  },
  inspect: { type: 'boolean', description: inspectDescription },
});

const valueFields = defineFields({
  driver_info: {
    type: 'object',
    description:
      'Settings of the driver: the address and credentials of the BMC and the deploy images, ' +
      'such as `ipmi_address`, `ipmi_password` and `deploy_kernel`. Merged by key; null removes ' +
      'a key.',
  },
  properties: {
    type: 'object',
    description:
      'Physical properties of the node, such as `memory_mb`, `cpu_arch` and `root_device`. ' +
      '`capabilities` may be text or a mapping. Merged by key; null removes a key.',
  },
  extra: { type: 'object', description: 'Arbitrary metadata of the node. Merged by key; null removes a key.' },
  instance_info: {
    type: 'object',
    description:
      'Settings of a deployment without Nova, such as `image_source`. Merged by key; null ' +
      'removes a key. On an active node only a different `image_source` counts as a change.',
  },
  resource_class: {
    type: 'string',
    description:
      'Resource class, which flavors use to request the node. An empty string removes it; this ' +
      'holds for every text field of a node.',
  },
  traits: {
    type: 'list',
    description:
      'Traits to add to the node, such as `CUSTOM_GPU`. With `traits` in `purge` the node gets exactly these.',
  },
  ports: {
    type: 'records',
    aliases: ['nics'],
    description:
      'Network ports of the node: each a mapping with `address` (or `mac`) and the fields of ' +
      '`baremetal_port`. They are created or changed; other ports are deleted only with `ports` ' +
      'in `purge`.',
  },
  portgroups: {
    type: 'records',
    description:
      'Port groups (bonds) of the node: each a mapping with `name`, `address` or `uuid` to find ' +
      'it by, and optionally `mode`, `properties`, `standalone_ports_supported`, `extra`, ' +
      '`physical_network` and `category`. The ports listed in its `ports` become its members. ' +
      'Port groups are created or changed, never deleted.',
  },
  description: { type: 'string', description: 'Description of the node, of up to 4096 characters.' },
  owner: { type: 'string', description: 'ID of the project that owns the node.' },
  lessee: { type: 'string', description: 'ID of the project that leases the node.' },
  conductor_group: { type: 'string', description: 'Conductor group that manages the node.' },
  automated_clean: {
    type: 'boolean',
    description: "Whether the node is cleaned before it becomes `available`. Defaults to the conductors' " + 'setting.',
  },
  network_data: { type: 'object', description: 'Static network configuration for the ramdisk. Replaced as a whole.' },
  parent_node: { type: 'string', description: 'Name or UUID of the parent node.' },
  shard: { type: 'string', description: 'Shard that the node belongs to.' },
  chassis_uuid: { type: 'string', description: 'UUID of the chassis that contains the node.' },
  disable_power_off: { type: 'boolean', description: 'Whether the node must never be powered off.' },
  retired: {
    type: 'boolean',
    description:
      'Whether the node is retired. An available node cannot be retired: set `state` to `manageable` as well.',
  },
  retired_reason: { type: 'string', description: 'Reason for the retirement.' },
  protected: {
    type: 'boolean',
    description: 'Whether an active node is protected from being undeployed, rebuilt or deleted.',
  },
  protected_reason: { type: 'string', description: 'Reason for the protection.' },
  maintenance: { type: 'boolean', description: 'Whether the node is in maintenance. If omitted, it is left as it is.' },
  maintenance_reason: { type: 'string', description: 'Reason for the maintenance.' },
  configdrive: {
    type: 'string',
    secret: true,
    description: 'Config drive for the deployment: a URL, or a gzipped and base64-encoded ISO 9660 image.',
  },
});

const interfaceText = (what: string): string =>
  `Implementation of the ${what} interface. A new node gets the driver's default.`;
const interfaceFields = defineFields({
  bios_interface: { type: 'string', description: interfaceText('BIOS') },
  boot_interface: { type: 'string', description: interfaceText('boot') },
  console_interface: { type: 'string', description: interfaceText('console') },
  deploy_interface: { type: 'string', description: interfaceText('deploy') },
  firmware_interface: { type: 'string', description: interfaceText('firmware') },
  inspect_interface: { type: 'string', description: interfaceText('inspect') },
  management_interface: { type: 'string', description: interfaceText('management') },
  network_interface: { type: 'string', description: interfaceText('network') },
  power_interface: { type: 'string', description: interfaceText('power') },
  raid_interface: { type: 'string', description: interfaceText('RAID') },
  rescue_interface: { type: 'string', description: interfaceText('rescue') },
  storage_interface: { type: 'string', description: interfaceText('storage') },
  vendor_interface: { type: 'string', description: interfaceText('vendor') },
});

export const baremetalNodeDeclaration = defineDeclaration({
  name: 'baremetal_node',
  command: 'node',
  versionAdded: '0.1.0',
  summary: 'Create, change, provision or delete a bare-metal node',
  description: [
    'Manages one node of the Bare Metal service (Ironic): its attributes, traits, ports and ' +
      'port groups, maintenance and provision state. Options that are not given are left as they ' +
      'are. Running it again changes nothing.',
    'The node is found by `uuid`, or else by `name`, or else by the addresses of its `ports`. ' +
      'If none of them is given, every run creates a node; this requires only `driver`, and the ' +
      'UUID is returned.',
    'Mappings are merged by key. Masked passwords that Ironic returns are never written back; ' +
      '`update_secrets` determines when given passwords are written. If the server is too old for ' +
      'a field, the error names the API version that the field requires.',
    'A node that is in use (deployed, or with an instance or an allocation) is not changed ' +
      'unless `force_in_use` is set. Locked nodes are waited for, and a failed ' +
      'state is reported with the `last_error` of the node.',
    'Works with Keystone, and with a standalone Ironic if `auth_type` is `none` or `http_basic`.',
  ],
  writes: true,
  repeats:
    'Every run creates a node if none of `uuid`, `name` and `ports` is given, and writes the secrets again with ' +
    '`update_secrets: always`.',
  seeAlso: ['baremetal_enroll', 'baremetal_port', enrollingPage, loginsPage, bareMetalApi],
  fields: { ...identityFields, ...valueFields, ...interfaceFields, ...handlingFields, ...loginFields },
  returns: {
    uuid: {
      description: 'UUID of the node. Empty if it does not exist.',
      type: 'str',
      returned: 'always',
      sample: '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e',
    },
    name: {
      description: 'Name of the node. Empty if it has none.',
      type: 'str',
      returned: 'always',
      sample: 'rack1-01',
    },
    action: {
      description:
        'What was done, or would be done in check mode: `create`, `change`, `delete`, `up_to_date` or `failed`.',
      type: 'str',
      returned: 'always',
      sample: 'create',
    },
    reason: {
      description: 'The fields that differed, or why the operation failed.',
      type: 'str',
      returned: 'always',
      sample: 'driver_info.ipmi_address, resource_class',
    },
    error_code: {
      description: 'Code of the error that interrupted the operation.',
      type: 'str',
      returned: 'when the node was changed before the operation failed',
      sample: 'NODE_FAILED',
    },
    provision_state: {
      description: 'Current provision state. Empty if the node does not exist.',
      type: 'str',
      returned: 'always',
      sample: 'available',
    },
    node: {
      description: 'The node as returned by Ironic, with passwords masked.',
      type: 'dict',
      returned: 'when the node exists',
    },
    validation: {
      description:
        'Result of validating the interfaces before the node was provided or deployed: for each ' +
        'interface `result` (true, false, or null if the driver does not have it) and `reason`.',
      type: 'dict',
      returned: 'when the node was provided or deployed',
    },
    inspection: inspectionReturn,
  },
  examples: [
    {
      title: 'Create a node with nothing but a name and a driver',
      arguments: { cloud: 'uc_dev', name: 'rack1-01', driver: 'ipmi' },
    },
    {
      title: 'Configure a node with its ports and make it available',
      arguments: {
        cloud: 'uc_dev',
        name: 'rack1-01',
        driver: 'ipmi',
        driver_info: {
          ipmi_address: '10.20.0.11',
          ipmi_username: 'ADMIN',
          ipmi_password: '{{ ipmi_password }}',
          deploy_kernel: 'https://images.example.org/ipa.kernel',
          deploy_ramdisk: 'https://images.example.org/ipa.initramfs',
        },
        properties: { cpu_arch: 'x86_64', capabilities: { boot_mode: 'uefi' } },
        resource_class: 'baremetal',
        ports: [{ address: '52:54:00:AB:CD:01', physical_network: 'physnet1' }],
        state: 'available',
      },
    },
    {
      title: 'Change the BMC port of a node of a standalone Ironic and remove its deploy images',
      arguments: {
        auth_type: 'none',
        endpoint_override: { baremetal: 'http://127.0.0.1:6385' },
        name: 'rack1-01',
        driver_info: { ipmi_port: 6230, deploy_kernel: null, deploy_ramdisk: null },
      },
    },
    {
      title: 'Show what deleting a node would change',
      arguments: { cloud: 'uc_dev', name: 'rack1-01', state: 'absent' },
      dryRun: true,
    },
  ],
});
