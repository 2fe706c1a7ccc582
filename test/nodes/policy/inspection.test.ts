// Which nodes are inspected on their way, and which are not.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseNode } from '../../../modules/nodes/policy/desired-node.js';
import type { DriverOffer } from '../../../modules/nodes/policy/driver-checks.js';
import { decideInspection, type InspectionPlan } from '../../../modules/nodes/policy/inspection.js';
import {
  compareNode,
  type NodeRules,
  type NodeSituation,
  type ServedNode,
} from '../../../modules/nodes/policy/node-comparison.js';
import type { Values } from '../../../modules/nodes/policy/node-differences.js';
import { passesManageable, type NodeGoal } from '../../../modules/nodes/policy/provision-states.js';

const minor = 95;
const offer: DriverOffer = {
  drivers: ['ipmi'],
  interfaces: { inspect: ['agent', 'no-inspect'] },
  defaults: { inspect: 'no-inspect' },
  properties: undefined,
};

interface Given {
  /** Undefined: there is no node yet. */
  readonly state?: string | undefined;
  readonly goal?: NodeGoal | 'none';
  readonly record?: Values;
  readonly values?: Values;
  readonly offer?: DriverOffer | undefined;
}

function decide({ state, goal = 'available', record = {}, values = {}, offer: offered }: Given): InspectionPlan {
  const { desired } = parseNode({ name: 'n1', driver: 'ipmi', inspect: true, ...values });
  if (!desired) throw new Error('the request is invalid');
  const node = {
    ...{ uuid: '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e', name: 'n1', instance_uuid: null, protected: false },
    ...{ maintenance: false, maintenance_reason: null, fault: null, driver_info: {}, instance_info: {} },
    ...{ provision_state: state ?? '', target_provision_state: targets[state ?? ''] ?? null },
    record: { name: 'n1', driver: 'ipmi', inspect_interface: 'agent', inspection_finished_at: null, ...record },
  } satisfies ServedNode;
  const rules: NodeRules = {
    goal: goal === 'none' ? undefined : goal,
    updateSecrets: 'on_create',
    ...{ purge: new Set(), secretsKey: undefined, allowedPaths: undefined },
    ...{ forceInUse: false, move: false, withMaintenance: false },
  };
  const existing = state === undefined ? undefined : { node, ports: [] };
  const situation: NodeSituation = { existing, desired, rules, minor };
  const comparison = compareNode(situation, { imageSha256: undefined, parentUuid: undefined, salt: 'salt' });
  return decideInspection(situation, comparison, offered);
}

const targets: Readonly<Record<string, string>> = {
  verifying: 'manageable',
  inspecting: 'manageable',
  'inspect wait': 'manageable',
  'inspect failed': 'manageable',
  cleaning: 'available',
  'clean wait': 'available',
  'clean failed': 'available',
  deploying: 'active',
};

describe('a node that has never been inspected', () => {
  test.each<[string | undefined, NodeGoal, unknown]>([
    [undefined, 'manageable', undefined],
    [undefined, 'available', undefined],
    ['enroll', 'available', 'none'],
    ['enroll', 'active', 'none'],
    ['verifying', 'available', 'none'],
    ['manageable', 'manageable', 'none'],
    ['manageable', 'available', 'none'],
    ['inspecting', 'available', 'in progress'],
    ['inspect wait', 'manageable', 'in progress'],
    ['inspect failed', 'available', 'failed'],
    ['clean failed', 'available', 'none'],
    ['available', 'manageable', 'none'],
    ['cleaning', 'manageable', 'none'],
  ])('and is brought from %s to %s is inspected; before: %j', (state, goal, before) =>
    expect(decide({ state, goal })).toEqual({
      isDue: true,
      differences: [{ field: 'inspection', before, after: 'finished' }],
      faults: [],
      warnings: [],
    }),
  );

  test.each<[string, NodeGoal, RegExp]>([
    ['available', 'available', /since it is available: no node is taken out of use only for that; .*state: manageable/],
    ['available', 'active', /since it is available/],
    ['cleaning', 'available', /since it is cleaning/],
    ['deploying', 'active', /since it is deploying/],
    ['active', 'active', /since it is active$/],
    ['active', 'available', /since it is active/],
  ])('and is brought from %s to %s is not, which a warning tells', (state, goal, warning) =>
    expect(decide({ state, goal })).toEqual({
      ...{ isDue: false, differences: [], faults: [] },
      warnings: [expect.stringMatching(warning)],
    }),
  );

  test.each<[NodeGoal | 'none', Values]>([
    ['enroll', {}],
    ['none', {}],
    ['available', { inspect: false }],
    ['available', { inspect: null }],
  ])('and is brought to %s with %j is not, and nothing is said', (goal, values) =>
    expect(decide({ state: 'manageable', goal, values })).toMatchObject({
      isDue: false,
      differences: [],
      warnings: [],
    }),
  );
});

test('a node that was inspected is not inspected again, wherever it is and whatever its interface', () => {
  const states = fc.constantFrom('enroll', 'manageable', 'available', 'active', 'clean failed', 'inspect failed');
  const goals = fc.constantFrom<NodeGoal>('enroll', 'manageable', 'available', 'active');
  fc.assert(
    fc.property(states, goals, fc.constantFrom('agent', 'no-inspect'), (state, goal, inspect_interface) => {
      const record = { inspection_finished_at: '2026-11-27T13:40:11+00:00', inspect_interface };
      expect(decide({ state, goal, record })).toMatchObject({ isDue: false, faults: [], warnings: [] });
    }),
  );
});

test('no node is taken back only to be inspected: without the wish its way leads through manageable too', () => {
  const states = fc.constantFrom('enroll', 'manageable', 'available', 'active', 'rescue', 'cleaning', 'deploy failed');
  const goals = fc.constantFrom<NodeGoal>('manageable', 'available', 'active');
  fc.assert(
    fc.property(states, goals, (state, goal) => {
      const node = { provision_state: state, target_provision_state: targets[state] ?? null };
      expect(decide({ state, goal }).isDue).toBe(passesManageable(node, goal, minor));
    }),
  );
});

describe('a node whose interface inspects nothing', () => {
  const others = /^inspect: the inspect interface of the node is no-inspect.*set inspect_interface to one of: agent/;
  test.each<[string, Given, RegExp]>([
    ['is new and gets the default', { offer }, others],
    ['has it', { state: 'manageable', record: { inspect_interface: 'no-inspect' } }, /no-inspect.*to one that can/],
    ['is to get it', { state: 'manageable', values: { inspect_interface: 'no-inspect' }, offer }, others],
    ['gets it with its driver', { state: 'manageable', record: { driver: 'redfish' }, offer }, others],
    ['gets it back', { state: 'manageable', values: { inspect_interface: null }, offer }, others],
    [
      'can get no other',
      { offer: { ...offer, interfaces: { inspect: ['no-inspect'] } } },
      /no conductor offers another one for its driver \(enabled_inspect_interfaces/,
    ],
  ])('and which %s is refused by name', (_, given, fault) =>
    expect(decide(given).faults).toEqual([expect.stringMatching(fault)]),
  );

  test.each<[string, Given]>([
    ['another is given', { values: { inspect_interface: 'agent' }, offer }],
    ['the default is another', { offer: { ...offer, defaults: { inspect: 'agent' } } }],
    ['the default is unknown', {}],
    ['it has another', { state: 'manageable', offer }],
  ])('is not refused if %s', (_, given) => expect(decide(given)).toMatchObject({ isDue: true, faults: [] }));
});
