// What nodes/policy/provision-states.ts says of the states of nodes, held to the machine of the Ironic
// that is installed.
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import {
  abortVerb,
  hasFailed,
  inspectionStep,
  isStable,
  isEditable,
  isHeld,
  stepsTo,
  type NodeGoal,
  type Step,
} from '../../modules/nodes/policy/provision-states.js';

interface Machine {
  /** The newest minor version of the API. */
  readonly minor: number;
  /** What the API's verbs are called in the machine. */
  readonly verbs: Readonly<Record<string, string>>;
  /** The target of each state; null where it is stable. */
  readonly states: Readonly<Record<string, string | null>>;
  /** From a state by an event to another. */
  readonly transitions: readonly (readonly [from: string, event: string, to: string])[];
  readonly updatable: readonly string[];
  readonly unstable: readonly string[];
  readonly failures: readonly string[];
}

const program = `
import json
from ironic.api.controllers.v1 import versions
from ironic.common import states
try:
    from ironic.common.state_machine import machine
except ImportError:
    machine = states.machine
print(json.dumps({
    'minor': versions.MINOR_MAX_VERSION,
    'verbs': states.VERBS,
    'states': {name: machine._states[name].get('target') for name in machine.states},
    'transitions': [(source, event, target.name) for source in machine.states for event, target in machine._transitions[source].items()],
    'updatable': states.UPDATE_ALLOWED_STATES,
    'unstable': states.UNSTABLE_STATES,
    'failures': sorted(states.FAILURE_STATES),
}))`;

const machine = JSON.parse(execFileSync('/usr/bin/python3', ['-c', program], { encoding: 'utf8' })) as Machine;
const installed = Object.keys(machine.states);

/**
 * States that came later than the oldest release that is tested, and those of them that the
 * installed one lacks.
 */
const late = ['service failed', 'deploy hold', 'clean hold', 'service hold', 'service wait', 'servicing'];
const newer = late.filter((state) => !installed.includes(state));

const goals: readonly NodeGoal[] = ['enroll', 'manageable', 'available', 'active'];

/** Every step that some way begins with. */
const steps = [...installed, ...newer].flatMap((state) =>
  goals.flatMap((goal) => (stepsTo(state, goal, machine.minor) ?? []).slice(0, 1)),
);

function after(state: string, event: string): string | undefined {
  return machine.transitions.find(([from, by]) => from === state && by === event)?.[2];
}

/** Where a verb leads to when all goes well and no ramdisk is waited for. */
function destination({ from, verb }: Step): string | undefined {
  let state = after(from, machine.verbs[verb] ?? verb);
  for (let next = state; next !== undefined; next = after(next, 'done') ?? after(next, 'clean')) {
    state = next;
    if (machine.states[state] === null) break;
  }
  return state;
}

test('the installed state machine is understood', () => {
  expect(installed).toEqual(
    expect.arrayContaining([
      'enroll',
      'verifying',
      'manageable',
      'cleaning',
      'available',
      'deploying',
      'active',
      'deleting',
      'error',
      'rescue',
    ]),
  );
  expect(machine.transitions.length).toBeGreaterThan(50);
  expect([0, late.length]).toContain(newer.length);
  expect(machine.minor >= 87).toBe(newer.length === 0);
});

test('every step is allowed and leads to the documented state', () => {
  const known = steps.filter(({ from }) => installed.includes(from));

  expect(known.length).toBeGreaterThanOrEqual(17);
  expect(known.map((step) => ({ ...step, to: destination(step) }))).toEqual(known);
  expect([...new Set(steps.filter(({ from }) => !installed.includes(from)).map(({ from }) => from))]).toEqual(
    newer.filter((state) => state === 'service failed'),
  );
});

test.each(['manageable', 'inspect failed'])('an inspection may begin in %s, and leads to manageable', (state) => {
  const step = inspectionStep({ provision_state: state });

  expect(step && destination(step)).toBe('manageable');
  expect(step?.to).toBe('manageable');
});

test('from every stable state a way leads to available, or no node can be in it', () => {
  const resting = installed.filter(
    (state) => !machine.unstable.includes(state) && machine.transitions.some(([from]) => from === state),
  );

  // Where a step holds it nobody but whoever wanted that has it go on.
  expect(
    resting.filter(
      (state) => !isHeld({ provision_state: state }) && stepsTo(state, 'available', machine.minor) === undefined,
    ),
  ).toEqual([]);
});

test.each(installed)('%s: rest, failure and changes are as the machine has them', (state) => {
  const node = { provision_state: state, target_provision_state: machine.states[state] ?? null };
  // Since 1.39 a node under inspection is not changed.
  const isUpdatable =
    node.target_provision_state === null || (machine.updatable.includes(state) && state !== 'inspecting');

  expect(isStable(node)).toBe(!machine.unstable.includes(state));
  expect(hasFailed(node)).toBe(machine.failures.includes(state) || state === 'error');
  expect(isEditable(node)).toBe(isUpdatable);
});

test.each(installed)('%s: a node is made to give up by what the machine takes only', (state) => {
  const verb = abortVerb(
    { provision_state: state, target_provision_state: machine.states[state] ?? null },
    machine.minor,
  );

  const isTaken = verb === undefined || after(state, machine.verbs[verb] ?? verb) !== undefined;

  expect({ verb, isTaken }).toEqual({ verb, isTaken: true });
  // Out of a failed state it is a way on, and no end of a wait.
  if (after(state, 'abort') !== undefined && !machine.failures.includes(state)) expect(verb).toBe('abort');
});
