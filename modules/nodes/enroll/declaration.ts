// What baremetal_enroll takes and gives.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { handlingFields } from '../fields.js';
import { loginFields } from '../../runtime/login-fields.js';

const enrollFields = defineFields({
  inventory: {
    type: 'path',
    description:
      "A file with the nodes: YAML or JSON, a list or a mapping of names as bifrost writes it, or a table (`.csv`) whose first line names the columns, such as `name,driver,mac,ipmi_address,memory_mb`. In a table `driver_info.KEY`, `properties.KEY` and `extra.KEY` name a mapping's key, and `mac` may hold several addresses.",
  },
  nodes: {
    type: 'records',
    description: 'The nodes themselves, instead of a file: each a mapping with the fields of `baremetal_node`.',
  },
  defaults: {
    type: 'object',
    description: 'Fields that every node has that does not give them itself. Mappings are merged by key.',
  },
  state: {
    type: 'string',
    choices: ['enroll', 'manageable', 'available'],
    description:
      'How far the nodes are brought. `enroll` only creates and describes them, and leaves those that are further where they are.',
    default: 'available',
  },
  concurrency: {
    type: 'integer',
    minimum: 1,
    maximum: 64,
    description: 'How many nodes are worked on at a time.',
    default: 16,
  },
  bypass_inventory: {
    type: 'boolean',
    description:
      'Enrol in Ironic although the catalogue has Doni, which enrols nodes itself and would undo what it does not know.',
    default: false,
  },
});

export const baremetalEnrollDeclaration = defineDeclaration({
  name: 'baremetal_enroll',
  command: 'enroll',
  versionAdded: '0.1.0',
  summary: 'Enrol many bare-metal nodes with their ports from an inventory',
  description: [
    'Reads an inventory of nodes, checks it whole, and brings every node to what it says: created or changed, with its ports, and in the state that is asked for. All faults of the inventory are reported at once, by line or index, before the first request.',
    'May be interrupted at any point and run again: what is there is compared, what is missing is made, and a node on its way is followed. A second run changes nothing. Two runs of one inventory do not disturb each other.',
    'Where one node fails the others go on; the run then fails and says which and why. Passwords, images and nodes in use are treated as by `baremetal_node`.',
    'Takes the file of `openstack baremetal create` too: `nodes` with their `ports` and `portgroups`, and `ports` within these; but not `chassis`.',
    'Takes what bifrost writes: `nics`, `ram`, `disk_size`, `ipa_kernel_url`; keys that only bifrost needs are left aside and named in a warning.',
  ],
  writes: true,
  fields: { ...enrollFields, ...handlingFields, ...loginFields },
  returns: {
    nodes: {
      description: 'One entry for each node, in the order of the inventory.',
      type: 'list',
      returned: 'always',
      contains: {
        name: {
          description: "The node's name; empty where it has none.",
          type: 'str',
          returned: 'always',
          sample: 'rack1-01',
        },
        uuid: { description: "The node's UUID; empty where there is none.", type: 'str', returned: 'always' },
        action: {
          description: 'What was done, or in check mode would be: `create`, `change`, `up_to_date` or `failed`.',
          type: 'str',
          returned: 'always',
          sample: 'create',
        },
        reason: {
          description: 'What differed, or why it failed.',
          type: 'str',
          returned: 'always',
          sample: 'there was no such node',
        },
        provision_state: {
          description: 'The state that it is in; empty where there is no node.',
          type: 'str',
          returned: 'always',
          sample: 'available',
        },
        error_code: {
          description: 'Code of the error that stopped it.',
          type: 'str',
          returned: 'when it failed',
          sample: 'NODE_FAILED',
        },
        changed: { description: 'Whether anything of it was changed.', type: 'bool', returned: 'always' },
      },
    },
  },
  examples: [
    {
      title: 'See what an inventory would change',
      arguments: { cloud: 'uc_dev', inventory: 'nodes.yml' },
      dryRun: true,
    },
    {
      title: 'Enrol the nodes of a table and make them available',
      arguments: { cloud: 'uc_dev', inventory: 'nodes.csv', defaults: { driver: 'ipmi', resource_class: 'baremetal' } },
    },
    {
      title: 'Enrol two nodes of a standalone Ironic as far as manageable',
      arguments: {
        auth_type: 'none',
        endpoint_override: { baremetal: 'http://127.0.0.1:6385' },
        state: 'manageable',
        nodes: [
          {
            name: 'rack1-01',
            driver: 'ipmi',
            driver_info: { ipmi_address: '10.20.0.11', ipmi_username: 'ADMIN' },
            ports: ['52:54:00:ab:cd:01'],
          },
          {
            name: 'rack1-02',
            driver: 'ipmi',
            driver_info: { ipmi_address: '10.20.0.12', ipmi_username: 'ADMIN' },
            ports: ['52:54:00:ab:cd:02'],
          },
        ],
      },
    },
  ],
});
