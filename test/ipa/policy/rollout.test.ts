// The choice of a node, the settings of its images, and the steps of a roll-out.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  hasSettings,
  imageKeys,
  presentSettings,
  settingsFor,
  settingsPatch,
  type ImageSettings,
} from '../../../modules/ipa/policy/image-settings.js';
import {
  countStates,
  freeNodes,
  isOfType,
  mismatchOf,
  obstacleOf,
  type ChoosableNode,
} from '../../../modules/ipa/policy/node-choice.js';
import { batchesOf, isFailure, stepFor } from '../../../modules/ipa/policy/rollout.js';

const deployKeys = imageKeys(false);

function node(changes: Partial<ChoosableNode> = {}): ChoosableNode {
  const idle = { instance_uuid: null, allocation_uuid: null, reservation: null, target_provision_state: null };
  const plain = { maintenance: false, fault: null, protected: false, retired: false };
  return {
    uuid: 'u1',
    name: 'rack1-01',
    properties: { cpu_arch: 'x86_64' },
    extra: {},
    resource_class: 'baremetal',
    driver_info: {},
    provision_state: 'available',
    ...idle,
    ...plain,
    ...changes,
  };
}

test('a node is of a type by its properties, its extra or its resource class', () => {
  const types = [
    { properties: { node_type: 't' } },
    { extra: { node_type: 't' } },
    { resource_class: 't' },
    { name: 't' },
  ];
  expect(types.map((changes) => isOfType(node(changes), 't'))).toEqual([true, true, true, false]);
});

test.each<[string, Partial<ChoosableNode>, RegExp | undefined]>([
  ['free', {}, undefined],
  ['an instance', { instance_uuid: 'i1' }, /^instance i1 is on it$/],
  ['an allocation', { allocation_uuid: 'a1' }, /^allocation a1 holds it$/],
  ['active without an instance', { provision_state: 'active' }, /^it is in state active$/],
  ['maintenance', { maintenance: true }, /^it is in maintenance$/],
  [
    'maintenance by a fault',
    { maintenance: true, fault: 'clean failure' },
    /^it is in maintenance, since Ironic itself found a clean failure$/,
  ],
  ['retired', { retired: true }, /^it is retired$/],
  ['another state', { provision_state: 'manageable' }, /^it is in state manageable$/],
  ['on its way', { target_provision_state: 'manageable' }, /^it is on its way to manageable$/],
  ['locked for a moment', { reservation: 'host-1' }, undefined],
  [
    'a masked image',
    { driver_info: { deploy_kernel: 'http://h/k?token=***' } },
    /^Ironic masks its driver_info deploy_kernel/,
  ],
  ['another masked key', { driver_info: { ipmi_password: '******' } }, undefined],
])('a node and what stands against a test on it: %s', (_, changes, obstacle) => {
  const found = obstacleOf(node(changes), deployKeys);
  if (obstacle === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(obstacle);
});

test('the architecture is compared where both tell', () => {
  expect(mismatchOf(node(), 'aarch64')).toBe('its cpu_arch is x86_64, and the images are for aarch64');
  expect(mismatchOf(node({ properties: { cpu_arch: 'ppc64le' } }), 'x86_64')).toMatch(/^its cpu_arch is ppc64le/);
  expect([
    mismatchOf(node(), 'x86_64'),
    mismatchOf(node(), undefined),
    mismatchOf(node({ properties: {} }), 'aarch64'),
  ]).toEqual([undefined, undefined, undefined]);
});

test('free nodes come by name, those that are locked last, and the others are counted by state', () => {
  const nodes = [
    node({ name: 'b' }),
    node({ name: 'a' }),
    node({ name: '0', reservation: 'host-1' }),
    node({ provision_state: 'active' }),
    node({ provision_state: 'active' }),
    node({ maintenance: true }),
  ];
  expect(freeNodes(nodes, deployKeys, 'x86_64').map(({ name }) => name)).toEqual(['a', 'b', '0']);
  expect(countStates(nodes.slice(3), deployKeys, 'x86_64')).toBe(
    '3 nodes: 2 active, 1 available (it is in maintenance)',
  );
});

const value = fc.constantFrom('one', 'two', 'glance://one', null);
const settings: fc.Arbitrary<ImageSettings> = fc.record({
  deploy_kernel: value,
  deploy_ramdisk: value,
  rescue_kernel: value,
});

function applied(info: Readonly<Record<string, unknown>>, wanted: ImageSettings): Record<string, unknown> {
  const changed: Record<string, unknown> = { ...info };
  for (const { op, path, ...rest } of settingsPatch(info, wanted)) {
    const key = path.slice('/driver_info/'.length);
    // What Ironic refuses.
    if (op === 'remove' && !(key in changed)) throw new Error(`${key} is not there`);
    if (op === 'remove') delete changed[key];
    else changed[key] = rest.value;
  }
  return changed;
}

test('the patch leads to the wanted settings, back to the former ones, and is empty then', () => {
  const info = settings.map((given) => ({
    other: 'x',
    ...Object.fromEntries(Object.entries(given).filter(([, image]) => image !== null)),
  }));
  fc.assert(
    fc.property(info, settings, (before, wanted) => {
      const keys = Object.keys(wanted);
      const former = presentSettings(before, keys) as ImageSettings;
      const changed = applied(before, wanted);
      expect(hasSettings(changed, wanted)).toBe(true);
      expect(settingsPatch(changed, wanted)).toEqual([]);
      const back = applied(changed, former);
      expect(hasSettings(back, former)).toBe(true);
      expect(back['other']).toBe('x');
    }),
  );
});

test('both halves are set, for rescuing too where that is wished', () => {
  expect(settingsFor({ kernel: 'k', initramfs: 'i' }, true)).toEqual({
    deploy_kernel: 'k',
    deploy_ramdisk: 'i',
    rescue_kernel: 'k',
    rescue_ramdisk: 'i',
  });
  expect(presentSettings({ deploy_kernel: 'k' }, deployKeys)).toEqual({ deploy_kernel: 'k', deploy_ramdisk: null });
  expect(presentSettings({ deploy_kernel: '******' }, deployKeys)).toBeUndefined();
  expect(presentSettings({ deploy_kernel: 7 }, deployKeys)).toBeUndefined();
});

const wanted = { deploy_kernel: 'k', deploy_ramdisk: 'i' };
const active = { provision_state: 'active', instance_uuid: 'i1' };

test.each<[string, Partial<ChoosableNode>, 'skip' | 'wait' | 'update', string]>([
  ['a free node', {}, 'skip', 'update'],
  ['a node in maintenance', { maintenance: true }, 'skip', 'update'],
  ['one that has them', { driver_info: wanted, ...active }, 'wait', 'unchanged'],
  ['one in use', active, 'skip', 'skip'],
  ['one in use, to be waited for', active, 'wait', 'wait'],
  ['one in use, to be changed', active, 'update', 'update'],
  ['one that is being deployed', { provision_state: 'deploying', target_provision_state: 'active' }, 'update', 'wait'],
  ['one that is being cleaned', { provision_state: 'cleaning', target_provision_state: 'available' }, 'skip', 'wait'],
  [
    'one that could not be cleaned',
    { provision_state: 'clean failed', target_provision_state: 'available' },
    'skip',
    'update',
  ],
  ['one for another architecture', { properties: { cpu_arch: 'aarch64' } }, 'update', 'skip'],
  ['one with masked images', { driver_info: { deploy_ramdisk: '******' } }, 'update', 'skip'],
])('the roll-out and %s', (_, changes, inUse, action) => {
  expect(stepFor(node(changes), { wanted, inUse, architecture: 'x86_64' })).toMatchObject({
    action,
    reason: expect.stringMatching(/./),
  });
});

test('batches keep the order and the size', () => {
  expect(batchesOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect([isFailure(0, 0), isFailure(1, 0), isFailure(2, 2), isFailure(3, 2)]).toEqual([false, true, false, true]);
});
