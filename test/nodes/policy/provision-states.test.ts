// Where verbs lead, and which states allow what.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  adviceOnState,
  abortVerb,
  hasFailed,
  hasStepFailed,
  inspectionStep,
  isStable,
  isEditable,
  inUseReason,
  stepsTo,
  type NodeGoal,
} from '../../../modules/nodes/policy/provision-states.js';

const goals: readonly NodeGoal[] = ['enroll', 'manageable', 'available', 'active'];
const newest = 112;
const verbsTo = (from: string, goal: NodeGoal, minor = newest): readonly string[] | undefined =>
  stepsTo(from, goal, minor)?.map(({ verb }) => verb);

describe('an inspection', () => {
  test.each<[string, string | undefined]>([
    ['manageable', 'manageable'],
    ['inspect failed', 'manageable'],
    ['enroll', undefined],
    ['inspect wait', undefined],
    ['available', undefined],
  ])('from %s leads to %s', (state, to) => expect(inspectionStep({ provision_state: state })?.to).toBe(to));

  const at = '2026-11-27T13:40:11+00:00';
  test.each<[string, string, string | null, string | null, boolean]>([
    ['inspect', 'manageable', at, null, false],
    ['inspect', 'manageable', null, null, true],
    ['inspect', 'inspect failed', null, 'why', true],
    ['inspect', 'available', null, null, false],
    ['manage', 'manageable', null, null, false],
  ])('%s that ends in %s, inspected at %j, with the error %j: failed is %j', (verb, state, finished, error, failed) => {
    const node = { provision_state: state, target_provision_state: null, last_error: error };
    const step = { verb: verb as 'inspect', from: verb === 'manage' ? 'enroll' : 'manageable', to: 'manageable' };

    expect(hasStepFailed({ ...node, record: { inspection_finished_at: finished } }, step)).toBe(failed);
  });
});

describe('the shortest way', () => {
  test.each<[string, NodeGoal, readonly string[] | undefined]>([
    ['enroll', 'enroll', []],
    ['enroll', 'manageable', ['manage']],
    ['enroll', 'available', ['manage', 'provide']],
    ['enroll', 'active', ['manage', 'provide', 'active']],
    ['manageable', 'enroll', undefined],
    ['available', 'manageable', ['manage']],
    ['active', 'available', ['deleted']],
    ['active', 'manageable', ['deleted', 'manage']],
    ['clean failed', 'available', ['manage', 'provide']],
    ['inspect failed', 'manageable', ['manage']],
    ['adopt failed', 'available', ['manage', 'provide']],
    ['deploy failed', 'available', ['deleted']],
    ['deploy failed', 'active', ['active']],
    ['error', 'available', ['deleted']],
    ['rescue', 'active', ['unrescue']],
    ['rescue failed', 'active', ['unrescue']],
    ['unrescue failed', 'available', ['deleted']],
    ['service failed', 'active', ['abort']],
    ['clean hold', 'available', undefined],
    ['cleaning', 'available', undefined],
  ])('from %s to %s is %j', (from, goal, verbs) => expect(verbsTo(from, goal)).toEqual(verbs));

  // Ironic 29 speaks 1.96: its manager has no such case, and answers 400; Ironic 32 speaks 1.101.
  test.each<[string, NodeGoal, number, readonly string[] | undefined]>([
    ['service failed', 'active', 96, undefined],
    ['service failed', 'active', 100, undefined],
    ['service failed', 'active', 101, ['abort']],
    ['service failed', 'available', 96, ['deleted']],
    ['service failed', 'manageable', 96, ['deleted', 'manage']],
    ['clean hold', 'available', 96, undefined],
    ['deploy hold', 'active', 96, undefined],
    ['service hold', 'active', 96, undefined],
  ])('from %s to %s at 1.%i is %j', (from, goal, minor, verbs) => expect(verbsTo(from, goal, minor)).toEqual(verbs));

  test.each([
    ['clean hold', /unhold lets it continue, abort ends it$/],
    ['service hold', /unhold/],
    ['service failed', /^: the verbs service, rescue and deleted lead out of it$/],
    ['manageable', /^$/],
  ])('out of %s, where no verb leads, names what an operator can do', (state, text) =>
    expect(adviceOnState({ provision_state: state })).toMatch(text),
  );

  test('continues from where its first verb leads, whatever the state', () => {
    const states = fc.constantFrom(
      'enroll',
      'manageable',
      'available',
      'active',
      'rescue',
      'clean failed',
      'deploy failed',
      'error',
      'adopt failed',
      'unrescue failed',
    );
    fc.assert(
      fc.property(states, fc.constantFrom(...goals), (state, goal) => {
        const way = stepsTo(state, goal, newest);
        if (way === undefined || way.length === 0) return;
        expect(way[0]?.from).toBe(state);
        expect(stepsTo(way[0]?.to ?? '', goal, newest)).toEqual(way.slice(1));
        expect(way.at(-1)?.to).toBe(goal);
      }),
    );
  });
});

test.each([
  'cleaning',
  'clean wait',
  'deploying',
  'wait call-back',
  'verifying',
  'deleting',
  'inspecting',
  'adopting',
  'rescuing',
  'servicing',
])('a node that is %s is on its way', (provision_state) =>
  expect(isStable({ provision_state, target_provision_state: 'available' })).toBe(false),
);

test.each([
  'clean failed',
  'deploy failed',
  'error',
  'inspect failed',
  'adopt failed',
  'rescue failed',
  'unrescue failed',
  'service failed',
])('%s is a failed state, and a PATCH is taken in it', (provision_state) => {
  const node = { provision_state, target_provision_state: 'available' };
  expect([hasFailed(node), isStable(node), isEditable(node)]).toEqual([true, true, true]);
});

test.each<[string, string | null, boolean]>([
  ['available', null, true],
  ['active', null, true],
  ['enroll', null, true],
  ['verifying', 'manageable', true],
  ['inspect wait', 'manageable', true],
  ['cleaning', 'available', false],
  ['clean wait', 'available', false],
  ['deploying', 'active', false],
  ['wait call-back', 'active', false],
  ['deleting', 'available', false],
  ['clean hold', 'available', false],
])('a PATCH of a node in state %s on its way to %s is taken: %s', (provision_state, target_provision_state, taken) =>
  expect(isEditable({ provision_state, target_provision_state })).toBe(taken),
);

test.each<[string, number, string | undefined]>([
  ['clean wait', 82, 'abort'],
  ['clean wait', 12, undefined],
  ['wait call-back', 109, 'deleted'],
  ['wait call-back', 110, 'abort'],
  ['deploying', 112, undefined],
  ['clean hold', 84, undefined],
  ['clean hold', 96, 'abort'],
  ['deploy hold', 96, 'abort'],
  ['service wait', 96, 'abort'],
  ['service hold', 96, 'abort'],
  ['service failed', 112, undefined],
  ['servicing', 112, undefined],
])('a node in state %s gives up at 1.%i by %s', (provision_state, minor, verb) =>
  expect(abortVerb({ provision_state, target_provision_state: 'active' }, minor)).toBe(verb),
);

test.each<[Record<string, string>, string | undefined]>([
  [{ provision_state: 'available' }, undefined],
  [{ provision_state: 'clean failed' }, undefined],
  [{ provision_state: 'active' }, 'it is in state active'],
  [{ provision_state: 'deploy failed' }, 'it is in state deploy failed'],
  [{ provision_state: 'available', instance_uuid: 'i-1' }, 'instance i-1 is on it'],
  [{ provision_state: 'available', allocation_uuid: 'a-1' }, 'allocation a-1 holds it'],
])('%j is in use: %s', (values, reason) =>
  expect(inUseReason({ provision_state: '', target_provision_state: null, instance_uuid: null, ...values })).toBe(
    reason,
  ),
);
