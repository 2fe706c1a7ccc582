// What ipa_test takes and gives: the single source of its documents, options, types and checks.
import { defineFields } from '../core/fields.js';
import { defineDeclaration } from '../core/operation.js';
import { loginFields } from '../runtime/login-fields.js';
import { siteFields } from '../images/fields.js';

const imageFields = defineFields({
  kernel_image: {
    type: 'string',
    description:
      'Id or name of the kernel image, or its URL where Ironic is without Glance. It goes with `initramfs_image`. Unless both are given, the newest pair of this project is tested that one build has made for the architecture of the node. A name means an image of this project, else a public one, else one of the community; private and shared ones of other projects are refused. So it is with `server_image`.',
  },
  initramfs_image: {
    type: 'string',
    description: 'Id or name of the initramfs image, or its URL. It goes with `kernel_image`.',
  },
  ipa_name: {
    type: 'string',
    description:
      'Take the newest pair of this production name only, such as `CC-IPA-Debian11-AMD64`: without `.kernel` and `.initramfs`.',
  },
  rescue: {
    type: 'boolean',
    description:
      'Set the images for rescuing too: `rescue_kernel` and `rescue_ramdisk` beside `deploy_kernel` and `deploy_ramdisk`.',
    default: false,
  },
  image_prefix: siteFields.image_prefix,
});

const nodeFields = defineFields({
  node_type: {
    type: 'string',
    description:
      'Type of the nodes: `node_type` in Blazar, `properties.node_type` or `extra.node_type` in Ironic, or the resource class. Needed unless `node` or `restore` is given.',
  },
  node: { type: 'string', description: 'UUID or name of the node to test on, instead of any free one of the type.' },
  reservation: {
    type: 'string',
    choices: ['auto', 'blazar', 'none'],
    description:
      'How the node is kept from others: by a lease of Blazar, or not at all (`none`: a free node is taken from Ironic). `auto` is `blazar` where the catalogue has Blazar and Nova deploys.',
    default: 'auto',
  },
  deployer: {
    type: 'string',
    choices: ['nova', 'ironic'],
    description: 'Who deploys: Nova a server, or Ironic the node by itself, as on a site without Nova.',
    default: 'nova',
  },
});

const serverFields = defineFields({
  server_image: {
    type: 'string',
    description:
      'Id or name of the image that is deployed for the test. With the default, `-ARM64` is appended for a node whose `cpu_arch` is aarch64.',
    default: 'CC-Ubuntu24.04',
  },
  flavor: { type: 'string', description: "Id or name of the server's flavor.", default: 'baremetal' },
  key_name: {
    type: 'string',
    description: "Name of the server's key pair, which belongs to the user of the login.",
    default: 'default',
  },
  network: {
    type: 'string',
    description: "Id or name of the server's network, or `none`, or `auto`: the project's own.",
    default: 'sharednet1',
  },
  instance_info: {
    type: 'object',
    description:
      'With `deployer: ironic`, what the node is deployed with: keys of its `instance_info`, such as `image_source` and `image_checksum`. Unless `image_source` is given it is `server_image`, where there is Glance.',
  },
});

const timeFields = defineFields({
  deploy_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds that the deployment may take.',
    default: 2700,
  },
  clean_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds that the way of the node back to `available` may take, cleaning included.',
    default: 3600,
  },
  schedule_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description:
      'Seconds until Nova must have noticed that the node is available, or Blazar must have started the lease.',
    default: 900,
  },
  lock_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds for which a node whose lock another operation of Ironic holds is waited for.',
    default: 300,
  },
});

const pushFields = defineFields({
  test: {
    type: 'boolean',
    description: 'Test the images. `false` needs `push`, and only rolls them out.',
    default: true,
  },
  push: {
    type: 'boolean',
    description: 'When the test has passed, give the images to all nodes of `node_type`.',
    default: false,
  },
  batch_size: {
    type: 'integer',
    minimum: 1,
    maximum: 1000,
    description: 'How many nodes are changed at a time.',
    default: 10,
  },
  in_use: {
    type: 'string',
    choices: ['skip', 'wait', 'update'],
    description:
      'What `push` does with nodes in use: leave them as they are, wait until they are free, or change them at once, which counts from their next deployment on.',
    default: 'skip',
  },
  in_use_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86400,
    description: 'Seconds for which `in_use: wait` waits.',
    default: 3600,
  },
  max_failures: {
    type: 'integer',
    minimum: 0,
    description:
      'How many nodes may fail. One more stops the roll-out, and every node that it has changed gets its former images back.',
    default: 0,
  },
});

const journalFields = defineFields({
  restore: {
    type: 'boolean',
    description:
      'Only put back what earlier runs have left: servers, leases, images of nodes, and a roll-out that was broken off.',
    default: false,
  },
  journal_dir: {
    type: 'path',
    description:
      'Folder of the journal, by which the next run puts back what a killed one has left. It must outlive a restart of the host.',
    default: '/var/lib/chameleon_ipa_test',
    siteYaml: ['journal_dir'],
  },
  lock_dir: siteFields.lock_dir,
});

const image = (title: string): { description: string; type: 'dict'; returned: string; sample: unknown } => ({
  description: `The ${title}: \`id\` (or \`url\`), \`name\`, \`build_tag\`.`,
  type: 'dict',
  returned: 'when one was chosen',
  sample: {
    id: '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e',
    name: `CC-IPA-Debian11-AMD64.${title}`,
    build_tag: 'CC-IPA-Debian11-AMD64-2025-04-22 15:30:45',
  },
});

export const declaration = defineDeclaration({
  name: 'ipa_test',
  command: 'ipa-test',
  versionAdded: '0.1.0',
  summary: 'Test a pair of IPA images on one node, and roll it out to the others of its type',
  description: [
    'Takes one free node, has it boot the given kernel and initramfs of the Ironic Python Agent, deploys a server on it, deletes the server and waits until the node is available again. Then the node gets its former images back.',
    'Every step is written to a journal first. Whatever a run leaves, killed at any point, is put back by the next run or by `restore`. Servers, leases and nodes that are not in the journal are never touched.',
    'With `push` a pair that has passed is given to all nodes of the type, batch by batch. Nodes that are left out are listed with the reason, and are no failure. Where the catalogue has Doni the images are set there too, since it would undo what is set in Ironic alone.',
    'A test that fails fails the task. A test by itself leaves nothing changed; a second `push` changes nothing.',
  ],
  writes: true,
  fields: {
    ...nodeFields,
    ...imageFields,
    ...pushFields,
    ...serverFields,
    ...timeFields,
    ...journalFields,
    ...loginFields,
  },
  returns: {
    passed: { description: 'Whether the test has passed.', type: 'bool', returned: 'when a test was made' },
    reason: {
      description: 'Why it has not passed.',
      type: 'str',
      returned: 'when the test has failed',
      sample:
        'node rack3-07 did not become active, it is in state deploy failed: Timeout reached while waiting for callback',
    },
    last_error: {
      description: "Ironic's `last_error` of the node.",
      type: 'str',
      returned: 'when Ironic tells one',
      sample: 'Timeout reached while waiting for callback',
    },
    node: {
      description: 'The node of the test, or that it would take: `uuid` and `name`.',
      type: 'dict',
      returned: 'when one was chosen',
      sample: { uuid: '1be26c0b-03f2-4d2e-ae87-c02d7f33c123', name: 'rack3-07' },
    },
    server: {
      description: 'Id of the server, or the name of the deployment with `deployer: ironic`.',
      type: 'str',
      returned: 'when one was made',
    },
    lease: { description: "Id of Blazar's lease.", type: 'str', returned: 'when one was made' },
    kernel: image('kernel'),
    initramfs: image('initramfs'),
    seconds: {
      description: 'How long each step took, in seconds.',
      type: 'dict',
      returned: 'when a test was made',
      sample: { reserve: 21.3, prepare: 4.1, deploy: 611.8, tear_down: 420.2, restore: 2.9 },
    },
    nodes: {
      description: 'What the roll-out did with each node, or in check mode would do, by name.',
      type: 'list',
      returned: 'with push',
      contains: {
        uuid: { description: "The node's UUID.", type: 'str', returned: 'always' },
        name: { description: "The node's name.", type: 'str', returned: 'always', sample: 'rack3-08' },
        result: {
          description:
            '`updated`, `unchanged`, `skipped`, `failed` or `rolled back`; in check mode `update` for what would be.',
          type: 'str',
          returned: 'always',
          sample: 'updated',
        },
        reason: { description: 'Why.', type: 'str', returned: 'always', sample: 'instance 5a2f… is on it' },
      },
    },
    restored: {
      description: 'What of earlier runs was put back, one sentence each.',
      type: 'list',
      returned: 'always',
      sample: ['CC-IPA-TEST-compute_skylake-7QK2ZD: node rack3-07 has its former images and is available'],
    },
  },
  examples: [
    {
      title: 'Test the newest pair on a node of a type',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', node_type: 'compute_skylake' },
    },
    {
      title: 'See which nodes a roll-out would change',
      arguments: { cloud: 'uc_dev', node_type: 'compute_skylake', push: true },
      dryRun: true,
    },
    {
      title: 'Test a pair, then give it to all nodes of the type, servers on them or not',
      arguments: {
        cloud: 'uc_dev',
        node_type: 'compute_skylake',
        kernel_image: 'CC-IPA-Debian11-AMD64.kernel',
        initramfs_image: 'CC-IPA-Debian11-AMD64.initramfs',
        push: true,
        in_use: 'update',
      },
    },
    { title: 'Put back what a killed run has left', arguments: { cloud: 'uc_dev', restore: true } },
  ],
});
