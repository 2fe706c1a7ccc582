// What baremetal_node takes and gives.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { handlingFields } from '../fields.js';
import { loginFields } from '../../runtime/login-fields.js';

const identityFields = defineFields({
  name: { type: 'string', description: 'Name of the node. A node that is found by its `uuid` gets this name.' },
  uuid: { type: 'string', description: 'UUID of the node, also of one that is to be created.' },
  driver: {
    type: 'string',
    description: 'The hardware type, such as `ipmi` or `redfish`. It alone is enough to create a node.',
  },
  state: {
    type: 'string',
    choices: ['enroll', 'manageable', 'available', 'active', 'absent'],
    description:
      'The provision state to bring the node to, by the shortest way of verbs from wherever it is, failed states included. `enroll` asks only that the node is there, since no verb leads back to it. `absent` deletes it with its ports. Unless given, the state stays as it is.',
  },
});

const valueFields = defineFields({
  driver_info: {
    type: 'object',
    description:
      'How the controller is reached, and what is booted for deploying, such as `ipmi_address`, `ipmi_password`, `deploy_kernel`. Merged by key; null removes a key.',
  },
  properties: {
    type: 'object',
    description:
      'What the node is, such as `memory_mb`, `cpu_arch`, `root_device`. `capabilities` may be text or a mapping. Merged by key; null removes a key.',
  },
  extra: { type: 'object', description: 'Anything else to keep with the node. Merged by key; null removes a key.' },
  instance_info: {
    type: 'object',
    description:
      'What is deployed without Nova, such as `image_source`. Merged by key; null removes a key. On an active node only another `image_source` counts as a difference.',
  },
  resource_class: {
    type: 'string',
    description:
      'The resource class, by which flavors ask for the node. Empty text removes it, as with every text here.',
  },
  traits: {
    type: 'list',
    description:
      'Traits, such as `CUSTOM_GPU`, that the node is to have besides those it has; exactly these with `purge`.',
  },
  ports: {
    type: 'records',
    aliases: ['nics'],
    description:
      'Its network ports: each a mapping with `address` (or `mac`) and the fields of `baremetal_port`. A port is created or changed; those not named stay unless `purge` says otherwise.',
  },
  portgroups: {
    type: 'records',
    description:
      'Its port groups (bonds): each a mapping with `name`, `address` or `uuid`, by which it is found, and `mode`, `properties`, `standalone_ports_supported`, `extra`, `physical_network`, `category`. The ports within its `ports` belong to it. A port group is created or changed; those not named stay.',
  },
  description: { type: 'string', description: 'A text about the node, of up to 4096 characters.' },
  owner: { type: 'string', description: 'Project that owns the node.' },
  lessee: { type: 'string', description: 'Project that has the node on lease.' },
  conductor_group: { type: 'string', description: 'Group of conductors that cares for the node.' },
  automated_clean: {
    type: 'boolean',
    description: "Whether the node is cleaned on its way to `available`; the conductors' setting unless given.",
  },
  network_data: { type: 'object', description: 'Network configuration for the ramdisk, as a whole.' },
  parent_node: { type: 'string', description: 'UUID of the node that this one is a part of.' },
  shard: { type: 'string', description: 'Shard that the node belongs to.' },
  chassis_uuid: { type: 'string', description: 'UUID of the chassis that the node is in.' },
  disable_power_off: { type: 'boolean', description: 'Whether the node must never be powered off.' },
  retired: {
    type: 'boolean',
    description:
      'Whether the node is to be used no more. An available node is taken to `manageable` first, by `state`.',
  },
  retired_reason: { type: 'string', description: 'Why it is retired.' },
  protected: { type: 'boolean', description: 'Whether an active node must not be undeployed, rebuilt or deleted.' },
  protected_reason: { type: 'string', description: 'Why it is protected.' },
  maintenance: { type: 'boolean', description: 'Whether the node is in maintenance; it stays as it is unless given.' },
  maintenance_reason: { type: 'string', description: 'Why it is in maintenance.' },
  configdrive: {
    type: 'string',
    secret: true,
    description: 'Given to the node when it is deployed: a URL, or gzipped and base64-encoded ISO 9660.',
  },
});

const interfaceText = (what: string): string =>
  `The implementation of its ${what} interface; the driver's default unless given.`;
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
    'Brings one node of the Bare Metal service (Ironic) to what is wanted: its attributes, traits and ports, its maintenance, its provision state. What is not named stays as it is, and a second run changes nothing.',
    'A node is found by `uuid`, else by `name`, else by the addresses of its `ports`. With neither a node is created in every run. Only the driver is needed for that; the UUID comes back.',
    'Mappings are merged key by key. Passwords, which Ironic masks, are never written back; `update_secrets` says when given ones are written. A field that the server is too old for is named with the version that it needs.',
    'A node that is in use (with an instance or an allocation, or deployed) is not touched unless `force_in_use` says so. Locks are waited for; a failed state is reported with the `last_error` of the node.',
    'Works with Keystone, and on a standalone Ironic with `auth_type` `none` or `http_basic`.',
  ],
  writes: true,
  fields: { ...identityFields, ...valueFields, ...interfaceFields, ...handlingFields, ...loginFields },
  returns: {
    uuid: {
      description: "The node's UUID; empty where there is none.",
      type: 'str',
      returned: 'always',
      sample: '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e',
    },
    name: {
      description: "The node's name; empty where it has none.",
      type: 'str',
      returned: 'always',
      sample: 'rack1-01',
    },
    action: {
      description: 'What was done, or in check mode would be: `create`, `change`, `delete`, `up_to_date` or `failed`.',
      type: 'str',
      returned: 'always',
      sample: 'create',
    },
    reason: {
      description: 'What differed, or why it failed.',
      type: 'str',
      returned: 'always',
      sample: 'driver_info.ipmi_address, resource_class',
    },
    error_code: {
      description: 'Code of the error that stopped the work half-way.',
      type: 'str',
      returned: 'when something was changed before it failed',
      sample: 'NODE_FAILED',
    },
    provision_state: {
      description: 'The state that it is in; empty where there is no node.',
      type: 'str',
      returned: 'always',
      sample: 'available',
    },
    node: {
      description: 'All that Ironic tells of the node, passwords masked.',
      type: 'dict',
      returned: 'when there is one',
    },
    validation: {
      description:
        'What the interfaces say of the settings, asked before the node is provided or deployed: for each interface `result` (true, false, or null where there is none) and `reason`.',
      type: 'dict',
      returned: 'when the node was provided or deployed',
    },
  },
  examples: [
    {
      title: 'Create a node; the driver alone is enough',
      arguments: { cloud: 'uc_dev', name: 'rack1-01', driver: 'ipmi' },
    },
    {
      title: 'Describe a node with its ports and bring it to available',
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
      title: 'Say which controller a node of a standalone Ironic has, and take its deploy kernel away',
      arguments: {
        auth_type: 'none',
        endpoint_override: { baremetal: 'http://127.0.0.1:6385' },
        name: 'rack1-01',
        driver_info: { ipmi_port: 6230, deploy_kernel: null, deploy_ramdisk: null },
      },
    },
    {
      title: 'See what deleting a node would do',
      arguments: { cloud: 'uc_dev', name: 'rack1-01', state: 'absent' },
      dryRun: true,
    },
  ],
});
