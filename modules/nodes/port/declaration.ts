// What baremetal_port takes and gives.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { handlingFields } from '../fields.js';
import { loginFields } from '../../runtime/login-fields.js';

const portFields = defineFields({
  address: {
    type: 'string',
    aliases: ['mac'],
    description:
      'The MAC address, in any usual notation: colons, dashes, dots or none, any case. It finds the port, unless `uuid` does.',
  },
  uuid: { type: 'string', description: 'UUID of the port. With another `address` the port gets that one.' },
  node: {
    type: 'string',
    description: 'Name or UUID of the node that has the port. Needed where the port is to be created.',
  },
  state: {
    type: 'string',
    choices: ['present', 'absent'],
    description: 'Whether there is to be such a port.',
    default: 'present',
  },
  pxe_enabled: {
    type: 'boolean',
    aliases: ['pxe'],
    description: 'Whether the node boots by this port when it is deployed. A new port does.',
  },
  local_link_connection: {
    type: 'object',
    aliases: ['llc'],
    description: 'The switch port behind it: `switch_id`, `port_id`, `switch_info`; as a whole.',
  },
  portgroup_uuid: {
    type: 'string',
    aliases: ['port_group'],
    description: 'UUID of the port group that it belongs to. Empty text removes it, as with every text here.',
  },
  physical_network: { type: 'string', description: 'The physical network that it is connected to.' },
  is_smartnic: { type: 'boolean', description: 'Whether it is a smart NIC.' },
  extra: { type: 'object', description: 'Anything else to keep with the port. Merged by key; null removes a key.' },
  name: { type: 'string', description: 'Name of the port.' },
  description: { type: 'string', description: 'A text about the port.' },
  vendor: { type: 'string', description: 'Vendor of the network card.' },
  category: { type: 'string', description: 'Category of the port, for networks of tenants.' },
  available_for_dynamic_portgroup: {
    type: 'boolean',
    description: 'Whether the port may become part of a port group that is made on demand.',
  },
  purge: { type: 'boolean', description: 'Whether `extra` is to hold exactly what is given.', default: false },
  force_in_use: {
    ...handlingFields.force_in_use,
    description: 'Change, move or delete the port also where a node is in use.',
  },
  move: handlingFields.move,
  with_maintenance: {
    ...handlingFields.with_maintenance,
    description:
      "Set the node's maintenance for the moment that the change needs it, and end it again. It also says that the node may be in use.",
  },
  lock_timeout: handlingFields.lock_timeout,
});

export const baremetalPortDeclaration = defineDeclaration({
  name: 'baremetal_port',
  command: 'port',
  versionAdded: '0.1.0',
  summary: 'Create, change, move or delete a network port of a bare-metal node',
  description: [
    'Brings one port of the Bare Metal service (Ironic) to what is wanted. A second run changes nothing, in whatever notation the MAC address is written.',
    'A MAC address that another node has is an error that names the node; with `move` the port is deleted there and created here.',
    'Ironic changes connectivity only while the node is enrolled, inspected, manageable or in maintenance. `with_maintenance` sets maintenance for that moment.',
  ],
  writes: true,
  fields: { ...portFields, ...loginFields },
  returns: {
    uuid: { description: "The port's UUID; empty where there is none.", type: 'str', returned: 'always' },
    address: {
      description: 'The MAC address as Ironic writes it.',
      type: 'str',
      returned: 'always',
      sample: '52:54:00:ab:cd:01',
    },
    node_uuid: {
      description: 'UUID of the node that has it; empty where there is no port.',
      type: 'str',
      returned: 'always',
    },
    action: {
      description: 'What was done, or in check mode would be: `create`, `change`, `move`, `delete` or `up_to_date`.',
      type: 'str',
      returned: 'always',
      sample: 'create',
    },
    port: { description: 'All that Ironic tells of the port.', type: 'dict', returned: 'when there is one' },
  },
  examples: [
    {
      title: 'Give a node a port',
      arguments: { cloud: 'uc_dev', node: 'rack1-01', address: '52-54-00-AB-CD-01', physical_network: 'physnet1' },
    },
    {
      title: 'Say where a port of an available node is plugged in',
      arguments: {
        cloud: 'uc_dev',
        address: '52:54:00:ab:cd:01',
        local_link_connection: { switch_id: '0011.2233.4455', port_id: 'Ethernet1/7', switch_info: 'tor-1' },
        with_maintenance: true,
      },
    },
    {
      title: 'Take a port from the node that had it before',
      arguments: { cloud: 'uc_dev', node: 'rack1-02', address: '52:54:00:ab:cd:01', move: true },
    },
    { title: 'Delete a port', arguments: { cloud: 'uc_dev', address: '52:54:00:ab:cd:01', state: 'absent' } },
  ],
});
