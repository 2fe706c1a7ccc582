// The options, return values and examples of baremetal_enroll.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { handlingFields, inspectDescription, inspectionReturn } from '../fields.js';
import { loginFields } from '../../runtime/login-fields.js';
import { bareMetalApi, enrollingPage, loginsPage } from '../../runtime/pages.js';

const enrollFields = defineFields({
  inventory: {
    type: 'path',
    description:
      'File with the nodes: a YAML or JSON file with a list of nodes or a mapping of names to ' +
      'nodes (as Bifrost uses it), or a `.csv` or `.tsv` table whose first line names the columns, such ' +
      'as `name,driver,mac,ipmi_address,memory_mb`. In a table the columns `driver_info.KEY`, ' +
      '`properties.KEY` and `extra.KEY` set keys of these mappings, and `mac` may contain ' +
      'several addresses.',
  },
  nodes: {
    type: 'records',
    description: 'List of nodes, instead of a file. Each is a mapping with the fields of `baremetal_node`.',
  },
  defaults: {
    type: 'object',
    description: 'Default values for fields that a node does not set itself. Mappings are merged by key.',
  },
  state: {
    type: 'string',
    choices: ['enroll', 'manageable', 'available'],
    description:
      'Provision state to bring the nodes to. On the way to `available` Ironic cleans the nodes, ' +
      'which may erase their disks, unless automated cleaning is off. `enroll` only creates and ' +
      'configures the nodes, and does not change the state of existing nodes.',
    default: 'available',
  },
  inspect: { type: 'boolean', description: `${inspectDescription} A node of the inventory may say it for itself.` },
  concurrency: {
    type: 'integer',
    minimum: 1,
    maximum: 64,
    description: 'Number of nodes to process at the same time.',
    default: 16,
  },
  bypass_inventory: {
    type: 'boolean',
    description:
      'Enroll nodes in Ironic even if the service catalog contains Doni, which enrolls nodes ' +
      'itself and would undo changes that it does not know of.',
    default: false,
  },
});

export const baremetalEnrollDeclaration = defineDeclaration({
  name: 'baremetal_enroll',
  command: 'enroll',
  versionAdded: '0.1.0',
  summary: 'Enroll many bare-metal nodes with their ports from an inventory',
  description: [
    'Reads an inventory of nodes, validates it, and creates or changes each node with its ports ' +
      'and brings it to the requested provision state. All errors of the inventory are reported ' +
      'together, with line number or index, before the first request is sent.',
    'It can be interrupted at any point and run again: existing nodes are compared, missing ' +
      'ones are created, and it waits for nodes whose state is changing. A second run changes ' +
      'nothing. Concurrent runs with the same inventory do not interfere with each other.',
    'If a node fails, the remaining nodes are still processed; the run then fails and reports ' +
      'which nodes failed and why. Passwords, images and nodes in use are handled as by ' +
      '`baremetal_node`.',
    'Files for `openstack baremetal create` are accepted: `nodes` with their `ports` and ' +
      '`portgroups`, and `ports` within port groups, but not `chassis`.',
    'Bifrost inventories are accepted, with keys such as `nics`, `ram`, `disk_size` and ' +
      '`ipa_kernel_url`. Keys that only Bifrost uses are ignored and listed in a warning.',
  ],
  writes: true,
  repeats: 'With `update_secrets: always`, every run writes the secrets again.',
  seeAlso: ['baremetal_node', 'baremetal_port', enrollingPage, loginsPage, bareMetalApi],
  fields: { ...enrollFields, ...handlingFields, ...loginFields },
  returns: {
    nodes: {
      description: 'One entry for each node, in the order of the inventory.',
      type: 'list',
      returned: 'always',
      contains: {
        name: {
          description: 'Name of the node. Empty if it has none.',
          type: 'str',
          returned: 'always',
          sample: 'rack1-01',
        },
        uuid: { description: 'UUID of the node. Empty if it does not exist.', type: 'str', returned: 'always' },
        action: {
          description: 'What was done, or would be done in check mode: `create`, `change`, `up_to_date` or `failed`.',
          type: 'str',
          returned: 'always',
          sample: 'create',
        },
        reason: {
          description: 'The fields that differed, or why the node failed.',
          type: 'str',
          returned: 'always',
          sample: 'there was no such node',
        },
        provision_state: {
          description: 'Current provision state. Empty if the node does not exist.',
          type: 'str',
          returned: 'always',
          sample: 'available',
        },
        error_code: {
          description: 'Code of the error.',
          type: 'str',
          returned: 'when the node failed',
          sample: 'NODE_FAILED',
        },
        changed: { description: 'Whether the node was changed.', type: 'bool', returned: 'always' },
        inspection: inspectionReturn,
      },
    },
  },
  examples: [
    {
      title: 'Show what an inventory would change',
      arguments: { cloud: 'uc_dev', inventory: 'nodes.yml' },
      dryRun: true,
    },
    {
      title: 'Enroll the nodes of a CSV table and make them available',
      arguments: { cloud: 'uc_dev', inventory: 'nodes.csv', defaults: { driver: 'ipmi', resource_class: 'baremetal' } },
    },
    {
      title: 'Enroll the nodes of an inventory, inspect each once, and leave them manageable',
      arguments: { cloud: 'uc_dev', inventory: 'nodes.yml', state: 'manageable', inspect: true },
    },
    {
      title: 'Enroll two nodes in a standalone Ironic and bring them to manageable',
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
