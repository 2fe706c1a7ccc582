// The options, return values and examples of baremetal_port.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { handlingFields } from '../fields.js';
import { loginFields } from '../../runtime/login-fields.js';
import { bareMetalApi, enrollingPage, loginsPage } from '../../runtime/pages.js';

const portFields = defineFields({
  address: {
    type: 'string',
    aliases: ['mac'],
    description:
      'MAC address in any common notation: with colons, dashes, dots or no separators, in upper ' +
      'or lower case. The port is found by it unless `uuid` is given.',
  },
  uuid: { type: 'string', description: 'UUID of the port. If `address` differs, the address of the port is changed.' },
  node: {
    type: 'string',
    description: 'Name or UUID of the node that has the port. Required to create a port.',
  },
  state: {
    type: 'string',
    choices: ['present', 'absent'],
    description: 'Whether the port should exist.',
    default: 'present',
  },
  pxe_enabled: {
    type: 'boolean',
    aliases: ['pxe'],
    description: 'Whether the node can boot from the network through this port. New ports can, by default.',
  },
  local_link_connection: {
    type: 'object',
    aliases: ['llc'],
    description:
      'Switch port that the port is connected to: `switch_id`, `port_id` and `switch_info`. Replaced as a whole.',
  },
  portgroup_uuid: {
    type: 'string',
    aliases: ['port_group'],
    description:
      'UUID of the port group that the port belongs to. An empty string removes it; this holds ' +
      'for every text field of a port.',
  },
  physical_network: { type: 'string', description: 'Physical network that the port is connected to.' },
  is_smartnic: { type: 'boolean', description: 'Whether the port is a Smart NIC.' },
  extra: { type: 'object', description: 'Arbitrary metadata of the port. Merged by key; null removes a key.' },
  name: { type: 'string', description: 'Name of the port.' },
  description: { type: 'string', description: 'Description of the port.' },
  vendor: { type: 'string', description: 'Vendor of the network interface card.' },
  category: { type: 'string', description: 'Category of the port, for trait-based networking.' },
  available_for_dynamic_portgroup: {
    type: 'boolean',
    description: 'Whether the port may become a member of a dynamically created port group.',
  },
  purge: {
    type: 'boolean',
    description: 'Whether `extra` is replaced by the given mapping instead of being merged with it.',
    default: false,
  },
  force_in_use: {
    ...handlingFields.force_in_use,
    description: 'Change, move or delete the port even if the node is in use.',
  },
  move: handlingFields.move,
  with_maintenance: {
    ...handlingFields.with_maintenance,
    description:
      'Put the node into maintenance while the port is changed, if the change requires it, and ' +
      'end the maintenance afterwards. This ' +
      'also allows changing a port of a node in use.',
  },
  lock_timeout: handlingFields.lock_timeout,
});

export const baremetalPortDeclaration = defineDeclaration({
  name: 'baremetal_port',
  command: 'port',
  versionAdded: '0.1.0',
  summary: 'Create, change, move or delete a network port of a bare-metal node',
  description: [
    'Manages one port of the Bare Metal service (Ironic). Running it again changes nothing, ' +
      'whatever notation of the MAC address is used.',
    'If another node already has the MAC address, it fails and names that node. With `move` the ' +
      'port is deleted on that node and created on this one.',
    'Ironic accepts changes of the connectivity of a port only while the node is in state ' +
      '`enroll`, `inspecting`, `inspect wait` or `manageable`, or in maintenance. ' +
      '`with_maintenance` puts the node into maintenance for the change.',
  ],
  writes: true,
  seeAlso: ['baremetal_enroll', 'baremetal_node', enrollingPage, loginsPage, bareMetalApi],
  fields: { ...portFields, ...loginFields },
  returns: {
    uuid: { description: 'UUID of the port. Empty if it does not exist.', type: 'str', returned: 'always' },
    address: {
      description: 'MAC address in lower case, separated by colons.',
      type: 'str',
      returned: 'always',
      sample: '52:54:00:ab:cd:01',
    },
    node_uuid: {
      description: 'UUID of the node that has the port. Empty if the port does not exist.',
      type: 'str',
      returned: 'always',
    },
    action: {
      description:
        'What was done, or would be done in check mode: `create`, `change`, `move`, `delete` or `up_to_date`.',
      type: 'str',
      returned: 'always',
      sample: 'create',
    },
    port: { description: 'The port as returned by Ironic.', type: 'dict', returned: 'when the port exists' },
  },
  examples: [
    {
      title: 'Create a port of a node',
      arguments: { cloud: 'uc_dev', node: 'rack1-01', address: '52-54-00-AB-CD-01', physical_network: 'physnet1' },
    },
    {
      title: 'Set the switch port of a port of an available node',
      arguments: {
        cloud: 'uc_dev',
        address: '52:54:00:ab:cd:01',
        local_link_connection: { switch_id: '0011.2233.4455', port_id: 'Ethernet1/7', switch_info: 'tor-1' },
        with_maintenance: true,
      },
    },
    {
      title: 'Move a port to another node',
      arguments: { cloud: 'uc_dev', node: 'rack1-02', address: '52:54:00:ab:cd:01', move: true },
    },
    { title: 'Delete a port', arguments: { cloud: 'uc_dev', address: '52:54:00:ab:cd:01', state: 'absent' } },
  ],
});
