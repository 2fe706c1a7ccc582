import { describe, expect, test } from '@jest/globals';
import {
  nextRestorationStep,
  planImageRestoration,
  type RestorableNode,
} from '../../../modules/ipa/policy/restoration.js';
import { testableNode } from './testable-node.js';

const former = { deploy_kernel: 'k', deploy_ramdisk: 'i' };
const tested = { deploy_kernel: 'new', deploy_ramdisk: 'new' };
const traces = {
  name: 'CC-IPA-TEST-x',
  server: { id: 'ours' },
  former: { node: former },
  instanceKeys: ['image_source'],
};
const minor = 96;

function node(changes: Partial<RestorableNode> = {}): RestorableNode {
  return { ...testableNode({ driver_info: former }), maintenance_reason: null, ...changes };
}

const cleaning = { provision_state: 'clean wait', target_provision_state: 'available' };
const theirs = { provision_state: 'active', instance_uuid: 'theirs' };

describe('the former images are applied', () => {
  test.each<[string, Partial<RestorableNode>, object]>([
    ['at once where nobody uses the node', {}, { action: 'apply' }],
    ['under a server of somebody else', theirs, { action: 'apply' }],
    ['after a cleaning with them, which is waited for', cleaning, { action: 'wait' }],
    [
      'after a cleaning with the tested ones, which is ended',
      { ...cleaning, driver_info: tested },
      { action: 'wait', abort: 'abort' },
    ],
    ['later, where its lock is held', { ...cleaning, driver_info: tested, reservation: 'c1' }, { action: 'wait' }],
    ['by the operator who holds a cleaning', { ...cleaning, provision_state: 'clean hold' }, { action: 'stuck' }],
  ])('%s', (_, changes, expected) => {
    expect(planImageRestoration(node(changes), traces, minor)).toEqual({ abort: undefined, ...expected });
  });
});

describe('with its former images a node', () => {
  const step = (changes: Partial<RestorableNode>, requested?: { verb: 'provide'; from: string; to: string }): unknown =>
    nextRestorationStep(node(changes), traces, { requested, minor });

  test.each<[string, Partial<RestorableNode>, object]>([
    ['is left available', {}, { kind: 'done', text: 'node rack1-01 has its former images and is available' }],
    [
      'is left to somebody else',
      theirs,
      { kind: 'done', text: expect.stringMatching(/left to its present user: instance theirs is on it$/) },
    ],
    ['is waited for while it is locked', { reservation: 'c1' }, { kind: 'wait' }],
    ['is waited for while it is cleaned', cleaning, { kind: 'wait' }],
    [
      'loses what the test has set',
      { instance_info: { image_source: 'x', mine: 'y' } },
      { kind: 'removeKeys', keys: ['image_source'] },
    ],
    [
      'leaves the maintenance of a failed cleaning',
      { maintenance: true, fault: 'clean failure' },
      { kind: 'endMaintenance' },
    ],
    [
      'stays in the maintenance of an operator',
      { maintenance: true },
      { kind: 'done', text: expect.stringMatching(/because somebody set maintenance: no reason given$/) },
    ],
    [
      'stays in that of a power failure, with a warning',
      { maintenance: true, fault: 'power failure' },
      { kind: 'done', warning: expect.stringMatching(/is left available: /) },
    ],
    ['is made available', { provision_state: 'manageable' }, { kind: 'request', step: { verb: 'provide' } }],
    [
      'is undeployed if the server is ours',
      { provision_state: 'active', instance_uuid: 'ours' },
      { kind: 'request', step: { verb: 'deleted' } },
    ],
    ['is stuck where nothing leads on', { provision_state: 'clean hold' }, { kind: 'stuck' }],
  ])('%s', (_, changes, expected) => {
    expect(step(changes)).toMatchObject(expected);
  });

  test('has failed if the last verb led elsewhere', () => {
    const requested = { verb: 'provide', from: 'manageable', to: 'available' } as const;

    expect(step({ provision_state: 'clean failed' }, requested)).toEqual({ kind: 'failed', step: requested });
  });
});
