import { expect, test } from '@jest/globals';
import { usesOfIpaTest } from '../../../modules/ipa/policy/ipa-permissions.js';
import type { TestPlan } from '../../../modules/ipa/policy/test-plan.js';
import { testableNode } from './testable-node.js';

const realm = { projectId: 'p1', minor: 96 };
const nova = { by: 'nova', flavorId: 'f', keyName: 'k', networks: 'none', imageFor: () => undefined } as never;
const ironic = { by: 'ironic', instanceInfoFor: () => ({}) } as never;
const change = 'baremetal:node:update';

test.each<[string, Pick<TestPlan, 'deployment' | 'resourceProperties'>, string[]]>([
  [
    'with a lease',
    { deployment: nova, resourceProperties: [] },
    ['blazar:leases:post', 'os_compute_api:servers:create'],
  ],
  [
    'without a lease',
    { deployment: nova },
    ['os_compute_api:servers:create', 'compute:servers:create:requested_destination'],
  ],
  ['by Ironic alone', { deployment: ironic }, []],
])('a test %s requires to change the node, and what deploys it', (_, given, expected) => {
  const plan = { test: { type: 't', candidates: [testableNode()], ...given } };

  const uses = usesOfIpaTest(plan, [], realm);

  expect(uses.map(({ permission }) => permission.policies[0])).toEqual([change, ...expected]);
});

test('a roll-out requires to change each node, of its own project with less', () => {
  const nodes = [testableNode({ name: 'n1', record: { owner: 'p1' } }), testableNode({ name: 'n2', record: {} })];

  const uses = usesOfIpaTest({}, nodes, realm);

  expect(uses.map(({ subject, permission }) => [subject, permission.project[0]])).toEqual([
    ['node n1', 'member'],
    ['node n2', undefined],
  ]);
});
