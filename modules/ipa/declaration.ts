// The arguments and results of ipa_test: the single source of its documents, options, types and
// checks.
import { defineFields } from '../core/fields.js';
import { defineDeclaration } from '../core/operation.js';
import { loginFields } from '../runtime/login-fields.js';
import { bareMetalApi, computeApi, loginsPage, reservationApi, testingPage } from '../runtime/pages.js';
import { siteFields } from '../images/fields.js';
import { ipaTestReturns } from './returns.js';

const imageFields = defineFields({
  kernel_image: {
    type: 'string',
    description:
      'Id or name of the kernel image, or its URL if Ironic is used without Glance. Requires `initramfs_image`. ' +
      'By default the newest pair of this project is tested: ' +
      'two images of the same build, for the architecture of the node. ' +
      'A name selects an image of this project, else a public image, else a community image; ' +
      'private and shared images of other projects are refused. The same applies to `server_image`.',
  },
  initramfs_image: {
    type: 'string',
    description: 'Id or name of the initramfs image, or its URL. Requires `kernel_image`.',
  },
  ipa_name: {
    type: 'string',
    description:
      'Test the newest pair with this production name, such as `CC-IPA-Debian11-AMD64`, without `.kernel` and ' +
      '`.initramfs`.',
  },
  rescue: {
    type: 'boolean',
    description:
      'Also set the images as rescue images: `rescue_kernel` and `rescue_ramdisk` in addition to `deploy_kernel` ' +
      'and `deploy_ramdisk`.',
    default: false,
  },
  image_prefix: siteFields.image_prefix,
});

const nodeFields = defineFields({
  node_type: {
    type: 'string',
    description:
      'Type of the nodes: `node_type` in Blazar; `properties.node_type`, `extra.node_type` or `resource_class` ' +
      'in Ironic. Required unless `node` or `restore` is given.',
  },
  node: { type: 'string', description: 'UUID or name of the node to test on, instead of any free node of the type.' },
  reservation: {
    type: 'string',
    choices: ['auto', 'blazar', 'none'],
    description:
      'How the node is reserved: by a lease in Blazar, or not at all (`none`: a free node is taken from Ironic). ' +
      '`auto` means `blazar` if the cloud has Blazar and Nova deploys.',
    default: 'auto',
  },
  deployer: {
    type: 'string',
    choices: ['nova', 'ironic'],
    description: 'Whether Nova deploys a server, or Ironic deploys the node by itself, as on a site without Nova.',
    default: 'nova',
  },
});

const serverFields = defineFields({
  server_image: {
    type: 'string',
    description:
      'Id or name of the image to deploy for the test. For a node whose `cpu_arch` is aarch64, `-ARM64` is ' +
      'appended to the default.',
    default: 'CC-Ubuntu24.04',
  },
  flavor: { type: 'string', description: "Id or name of the server's flavor.", default: 'baremetal' },
  key_name: {
    type: 'string',
    description: "Name of the server's key pair. It must belong to the user of the login.",
    default: 'default',
  },
  network: {
    type: 'string',
    description: "Id or name of the server's network, `none`, or `auto` for the project's own network.",
    default: 'sharednet1',
  },
  instance_info: {
    type: 'object',
    description:
      'Keys of `instance_info` to deploy the node with, such as `image_source` and `image_checksum`. ' +
      'Requires `deployer: ironic`. If the cloud has Glance, `image_source` defaults to `server_image`.',
  },
});

const timeFields = defineFields({
  deploy_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds to wait for the deployment.',
    default: 2700,
  },
  clean_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds to wait for the node to become `available` again, including cleaning.',
    default: 3600,
  },
  schedule_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds to wait for Nova to notice that the node is available, or for Blazar to start the lease.',
    default: 900,
  },
  lock_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds to wait for a node while another operation of Ironic holds its lock.',
    default: 300,
  },
});

const pushFields = defineFields({
  test: {
    type: 'boolean',
    description: 'Test the images. `false` requires `push`: the images are rolled out without a test.',
    default: true,
  },
  push: {
    type: 'boolean',
    description: 'Roll the images out to all nodes of `node_type` if the test passes.',
    default: false,
  },
  batch_size: {
    type: 'integer',
    minimum: 1,
    maximum: 1000,
    description: 'Number of nodes to change at a time.',
    default: 10,
  },
  in_use: {
    type: 'string',
    choices: ['skip', 'wait', 'update'],
    description:
      'What `push` does with nodes in use: skip them, wait until they are free, or update them immediately, ' +
      'which takes effect with their next deployment.',
    default: 'skip',
  },
  in_use_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds to wait for nodes in use with `in_use: wait`.',
    default: 3600,
  },
  max_failures: {
    type: 'integer',
    minimum: 0,
    description:
      'Number of nodes that may fail. One more stops the roll-out, and every node that it has changed gets its ' +
      'former images back.',
    default: 0,
  },
});

const journalFields = defineFields({
  restore: {
    type: 'boolean',
    description:
      'Only restore what earlier runs have left: servers, leases, images of nodes, and an interrupted roll-out.',
    default: false,
  },
  journal_dir: siteFields.journal_dir,
  lock_dir: siteFields.lock_dir,
});

export const ipaTestDeclaration = defineDeclaration({
  name: 'ipa_test',
  command: 'ipa-test',
  versionAdded: '0.1.0',
  summary: 'Test a pair of IPA images on one node and roll it out to all nodes of its type',
  description: [
    'Takes one free node, sets the kernel and initramfs of the Ironic Python Agent that it boots, deploys a ' +
      'server on it, deletes the server and waits until the node is available again. ' +
      'Then the node gets its former images back.',
    'Every step is first written to a journal. Whatever an interrupted or killed run leaves is restored by the ' +
      'next run or by `restore`. Servers, leases and nodes that are not in the journal are never touched.',
    'With `push`, a pair that has passed is rolled out to all nodes of the type, batch by batch. ' +
      'Skipped nodes are listed with the reason and are not failures. ' +
      'If the cloud has Doni, the images are set there as well, because Doni reverts what is set only in Ironic.',
    'A failed test fails the task. A test without `push` leaves nothing changed; a second `push` changes nothing.',
  ],
  writes: true,
  repeats: 'Every run tests again. A test alone leaves nothing changed, and a second `push` changes nothing.',
  seeAlso: ['baremetal_node', 'image_deploy', testingPage, loginsPage, bareMetalApi, computeApi, reservationApi],
  fields: {
    ...nodeFields,
    ...imageFields,
    ...pushFields,
    ...serverFields,
    ...timeFields,
    ...journalFields,
    ...loginFields,
  },
  returns: ipaTestReturns,
  examples: [
    {
      title: 'Test the newest pair on a node of a type',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', node_type: 'compute_skylake' },
    },
    {
      title: 'Show which nodes a roll-out would change',
      arguments: { cloud: 'uc_dev', node_type: 'compute_skylake', push: true },
      dryRun: true,
    },
    {
      title: 'Test a pair, then roll it out to all nodes of the type, including nodes in use',
      arguments: {
        cloud: 'uc_dev',
        node_type: 'compute_skylake',
        kernel_image: 'CC-IPA-Debian11-AMD64.kernel',
        initramfs_image: 'CC-IPA-Debian11-AMD64.initramfs',
        push: true,
        in_use: 'update',
      },
    },
    { title: 'Restore what an interrupted run has left', arguments: { cloud: 'uc_dev', restore: true } },
  ],
});
