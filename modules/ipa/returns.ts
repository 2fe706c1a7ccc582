// The results of ipa_test.
import type { ReturnField } from '../core/operation.js';

const image = (title: string): ReturnField => ({
  description: `The ${title}: \`id\` (or \`url\`), \`name\`, \`build_tag\`.`,
  type: 'dict',
  returned: 'when a pair was chosen',
  sample: {
    id: '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e',
    name: `CC-IPA-Debian11-AMD64.${title}`,
    build_tag: 'CC-IPA-Debian11-AMD64-2025-04-22 15:30:45',
  },
});

export const ipaTestReturns: Readonly<Record<string, ReturnField>> = {
  passed: { description: 'Whether the test passed.', type: 'bool', returned: 'when a test was run' },
  reason: {
    description: 'Why the test did not pass.',
    type: 'str',
    returned: 'when the test failed',
    sample:
      'node rack3-07 did not become active, it is in state deploy failed: Timeout reached while waiting for callback',
  },
  last_error: {
    description: "Ironic's `last_error` of the node.",
    type: 'str',
    returned: 'when Ironic reports one',
    sample: 'Timeout reached while waiting for callback',
  },
  node: {
    description: 'The node that the test used, or in check mode would use: `uuid` and `name`.',
    type: 'dict',
    returned: 'when a node was chosen',
    sample: { uuid: '1be26c0b-03f2-4d2e-ae87-c02d7f33c123', name: 'rack3-07' },
  },
  server: {
    description: 'Id of the server, or the name of the deployment with `deployer: ironic`.',
    type: 'str',
    returned: 'when a deployment was started',
  },
  lease: { description: 'Id of the lease in Blazar.', type: 'str', returned: 'when a lease was created' },
  kernel: image('kernel'),
  initramfs: image('initramfs'),
  seconds: {
    description: 'Duration of each step in seconds.',
    type: 'dict',
    returned: 'when a test was run',
    sample: { reserve: 21.3, prepare: 4.1, deploy: 611.8, tear_down: 420.2, restore: 2.9 },
  },
  nodes: {
    description: 'What the roll-out did, or in check mode would do, with each node, sorted by name.',
    type: 'list',
    returned: 'with push',
    contains: {
      uuid: { description: "The node's UUID.", type: 'str', returned: 'always' },
      name: { description: "The node's name.", type: 'str', returned: 'always', sample: 'rack3-08' },
      result: {
        description:
          '`updated`, `unchanged`, `skipped`, `failed` or `rolled back`; ' +
          'in check mode `update` for a node that would be updated.',
        type: 'str',
        returned: 'always',
        sample: 'updated',
      },
      reason: { description: 'The reason.', type: 'str', returned: 'always', sample: 'instance 5a2f… is on it' },
    },
  },
  restored: {
    description: 'What was restored, or in check mode would be, after earlier runs: one sentence each.',
    type: 'list',
    returned: 'always',
    sample: ['CC-IPA-TEST-compute_skylake-7QK2ZD: node rack3-07 has its former images and is available'],
  },
};
