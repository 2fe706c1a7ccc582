import { expect, test } from '@jest/globals';
import type { TestableNode } from '../../../modules/ipa/policy/node-choice.js';
import {
  planBatches,
  predictResults,
  resultsAfterRollback,
  rolloutStep,
  skippedResults,
  stopReason,
  type RolloutResult,
} from '../../../modules/ipa/policy/rollout.js';
import { testableNode } from './testable-node.js';

const settings = { deploy_kernel: 'k', deploy_ramdisk: 'i' };
const active = { provision_state: 'active', instance_uuid: 'i1' };

test.each<[string, Partial<TestableNode>, 'skip' | 'wait' | 'update', string]>([
  ['a free node', {}, 'skip', 'update'],
  ['a node in maintenance', { maintenance: true }, 'skip', 'update'],
  ['one that has them', { driver_info: settings, ...active }, 'wait', 'unchanged'],
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
  expect(rolloutStep(testableNode(changes), { settings, inUse, architecture: 'x86_64' })).toMatchObject({
    action,
    reason: expect.stringMatching(/./),
  });
});

const node = (name: string, changes: Partial<TestableNode> = {}): TestableNode =>
  testableNode({ uuid: name, name, ...changes });
const goal = { settings, inUse: 'skip', architecture: 'x86_64' } as const;

test('batches keep the order and the size, and nodes that are waited for come last, together', () => {
  const nodes = [node('5'), node('4', active), node('3'), node('2', active), node('1'), node('0', active)];
  const names = (inUse: 'skip' | 'wait'): string[][] =>
    planBatches(nodes, { ...goal, inUse }, 2).map((batch) => batch.map(({ name }) => name));

  expect(names('skip')).toEqual([
    ['0', '1'],
    ['2', '3'],
    ['4', '5'],
  ]);
  expect(names('wait')).toEqual([['1', '3'], ['5'], ['0', '2', '4']]);
});

const result = (name: string, what: RolloutResult['result']): RolloutResult => ({
  uuid: name,
  name,
  result: what,
  reason: 'because',
});

test('it stops as soon as more nodes have failed than max_failures', () => {
  const isStopped = (failed: number, maxFailures: number): boolean =>
    stopReason(
      Array.from({ length: failed }, (_, index) => result(`${index}`, 'failed')),
      maxFailures,
    ) !== undefined;

  expect([isStopped(0, 0), isStopped(1, 0), isStopped(2, 2), isStopped(3, 2)]).toEqual([false, true, false, true]);
});

test('check mode predicts what would be done, by name', () => {
  const nodes = [
    node('c', { provision_state: 'cleaning', target_provision_state: 'available' }),
    node('b', active),
    node('a'),
  ];

  expect(predictResults(nodes, goal).map(({ name, result: what, reason }) => `${name} ${what}: ${reason}`)).toEqual([
    'a update: it is available',
    'b skipped: instance i1 is on it',
    'c skipped: would be waited for: it is cleaning',
  ]);
});

test('after a rollback the nodes of an earlier run are listed too, and untouched ones are skipped', () => {
  const before = [result('a', 'updated'), result('b', 'failed')];
  const undone = [result('a', 'rolled back'), result('z', 'rolled back')];

  const after = resultsAfterRollback(before, undone);

  expect(after.map(({ name, result: what }) => `${name} ${what}`)).toEqual([
    'a rolled back',
    'b failed',
    'z rolled back',
  ]);
  expect(skippedResults([node('a'), node('c')], after, 'stopped')).toEqual([
    { uuid: 'c', name: 'c', result: 'skipped', reason: 'stopped' },
  ]);
});
