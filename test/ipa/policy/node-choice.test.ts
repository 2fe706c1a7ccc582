import { expect, test } from '@jest/globals';
import { ipaImageKeys } from '../../../modules/ipa/policy/image-settings.js';
import {
  countStates,
  freeNodes,
  isOfType,
  mismatchOf,
  nodeTypeOf,
  obstacleOf,
  type TestableNode,
} from '../../../modules/ipa/policy/node-choice.js';
import { testableNode } from './testable-node.js';

const deployKeys = ipaImageKeys(false);

test('a node is of a type by its properties, its extra or its resource class', () => {
  const types = [
    { properties: { node_type: 't' } },
    { extra: { node_type: 't' } },
    { resource_class: 't' },
    { name: 't' },
  ];
  expect(types.map((changes) => isOfType(testableNode(changes), 't'))).toEqual([true, true, true, false]);
});

test.each<[Partial<TestableNode>, string]>([
  [{ properties: { node_type: 'a' }, extra: { node_type: 'b' } }, 'a'],
  [{ extra: { node_type: 'b' } }, 'b'],
  [{}, 'baremetal'],
  [{ resource_class: null as never }, 'node'],
])('a node of which only %j is known is of the type %s', (changes, type) => {
  expect(nodeTypeOf(testableNode(changes))).toBe(type);
});

test.each<[string, Partial<TestableNode>, RegExp | undefined]>([
  ['free', {}, undefined],
  ['an instance', { instance_uuid: 'i1' }, /^instance i1 is on it$/],
  ['an allocation', { allocation_uuid: 'a1' }, /^allocation a1 holds it$/],
  ['active without an instance', { provision_state: 'active' }, /^it is in state active$/],
  ['maintenance', { maintenance: true }, /^it is in maintenance$/],
  [
    'maintenance by a fault',
    { maintenance: true, fault: 'clean failure' },
    /^it is in maintenance because Ironic found a clean failure$/,
  ],
  ['retired', { retired: true }, /^it is retired$/],
  ['another state', { provision_state: 'manageable' }, /^it is in state manageable$/],
  ['on its way', { target_provision_state: 'manageable' }, /^it is moving to manageable$/],
  ['locked for a moment', { reservation: 'host-1' }, undefined],
  [
    'a masked image',
    { driver_info: { deploy_kernel: 'http://h/k?token=***' } },
    /^Ironic masks driver_info deploy_kernel/,
  ],
  ['another masked key', { driver_info: { ipmi_password: '******' } }, undefined],
])('a node and what stands against a test on it: %s', (_, changes, obstacle) => {
  const found = obstacleOf(testableNode(changes), deployKeys);
  if (obstacle === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(obstacle);
});

test('the architecture is compared if both are known', () => {
  expect(mismatchOf(testableNode(), 'aarch64')).toBe('its cpu_arch is x86_64, and the images are for aarch64');
  expect(mismatchOf(testableNode({ properties: { cpu_arch: 'ppc64le' } }), 'x86_64')).toMatch(
    /^its cpu_arch is ppc64le/,
  );
  expect([
    mismatchOf(testableNode(), 'x86_64'),
    mismatchOf(testableNode(), undefined),
    mismatchOf(testableNode({ properties: {} }), 'aarch64'),
  ]).toEqual([undefined, undefined, undefined]);
});

test('free nodes are sorted by name, locked ones last, and the others are counted by state', () => {
  const nodes = [
    testableNode({ name: 'b' }),
    testableNode({ name: 'a' }),
    testableNode({ name: '0', reservation: 'host-1' }),
    testableNode({ provision_state: 'active' }),
    testableNode({ provision_state: 'active' }),
    testableNode({ maintenance: true }),
  ];
  expect(freeNodes(nodes, deployKeys, 'x86_64').map(({ name }) => name)).toEqual(['a', 'b', '0']);
  expect(countStates(nodes.slice(3), deployKeys, 'x86_64')).toBe(
    '3 nodes: 2 active, 1 available (it is in maintenance)',
  );
});
