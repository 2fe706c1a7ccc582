// The states of a bare-metal node and the verbs between them (ironic/common/state_machine.py, states.py, up to Ironic 37), as far as operations go
// through them. What a verb can do depends on the server, so it is asked for by the minor version that is spoken.

/** What `PUT /v1/nodes/{id}/states/provision` is told. */
export type Verb = 'manage' | 'provide' | 'active' | 'deleted' | 'unrescue' | 'abort';

/** States that an operation can be asked to bring a node to. */
export type NodeGoal = 'enroll' | 'manageable' | 'available' | 'active';

export interface Step {
  readonly verb: Verb;
  /** The state that it is said in. */
  readonly from: string;
  /** The state that it leads to when all goes well. */
  readonly to: string;
  /** The minor version of the API from which on servers have it; those of the beginning have none. */
  readonly since?: number;
}

export interface NodeState {
  readonly provision_state: string;
  /** What it is on its way to; failed states keep it. */
  readonly target_provision_state: string | null;
}

/** Every way on from a state at rest. `rebuild`, `inspect`, `clean`, `adopt`, `rescue` and `service` are nobody's way to another state. */
const steps: readonly Step[] = [
  { verb: 'manage', from: 'enroll', to: 'manageable' },
  { verb: 'provide', from: 'manageable', to: 'available' },
  { verb: 'manage', from: 'available', to: 'manageable' },
  { verb: 'active', from: 'available', to: 'active' },
  { verb: 'deleted', from: 'active', to: 'available' },
  { verb: 'unrescue', from: 'rescue', to: 'active' },
  { verb: 'deleted', from: 'rescue', to: 'available' },
  { verb: 'manage', from: 'clean failed', to: 'manageable' },
  { verb: 'manage', from: 'inspect failed', to: 'manageable' },
  { verb: 'manage', from: 'adopt failed', to: 'manageable' },
  { verb: 'active', from: 'deploy failed', to: 'active' },
  { verb: 'deleted', from: 'deploy failed', to: 'available' },
  { verb: 'deleted', from: 'error', to: 'available' },
  { verb: 'unrescue', from: 'rescue failed', to: 'active' },
  { verb: 'deleted', from: 'rescue failed', to: 'available' },
  { verb: 'unrescue', from: 'unrescue failed', to: 'active' },
  { verb: 'deleted', from: 'unrescue failed', to: 'available' },
  // The state came with 1.87; until then and long after `service`, `rescue` and `deleted` alone led out of it.
  { verb: 'abort', from: 'service failed', to: 'active', since: 101 },
  { verb: 'deleted', from: 'service failed', to: 'available' },
];

const failedStates: ReadonlySet<string> = new Set(
  steps.map(({ from }) => from).filter((state) => state === 'error' || state.endsWith(' failed')),
);
const restingStates: ReadonlySet<string> = new Set([
  ...steps.map(({ from }) => from),
  'deploy hold',
  'clean hold',
  'service hold',
]);

/**
 * The shortest way of verbs from a state at rest to the goal, on a server of this minor version; empty when it is there, undefined where no
 * way leads, as back to `enroll`.
 */
export function stepsTo(state: string, goal: NodeGoal, minor: number): readonly Step[] | undefined {
  const ways = new Map<string, readonly Step[]>([[state, []]]);
  for (const [reached, way] of ways) {
    if (reached === goal) return way;
    for (const step of steps)
      if (step.from === reached && isWay(step, goal, minor) && !ways.has(step.to)) ways.set(step.to, [...way, step]);
  }
  return undefined;
}

/** A node that is to be active is never undeployed on the way: what runs on it would be lost. After `error` nothing does. */
function isWay({ verb, from, since = 1 }: Step, goal: NodeGoal, minor: number): boolean {
  return since <= minor && !(goal === 'active' && verb === 'deleted' && from !== 'error');
}

/** False while the node is on its way by itself, waiting for its ramdisk included. */
export function isAtRest({ provision_state: state }: NodeState): boolean {
  return restingStates.has(state);
}

/** Where an operator's step keeps a node until it is told to go on (`unhold`) or to end (`abort`). */
export function isHeld({ provision_state: state }: Pick<NodeState, 'provision_state'>): boolean {
  return state.endsWith(' hold');
}

/** What an operator can do where no way leads on, as the end of a sentence that names the state; empty where nothing better is known. */
export function adviceOn(node: Pick<NodeState, 'provision_state'>): string {
  if (isHeld(node)) return ': somebody holds it there; the verb unhold lets it go on, abort ends it';
  return node.provision_state === 'service failed' ? ': the verbs service, rescue and deleted lead out of it' : '';
}

/** A state that a failure led to; its `last_error` tells why. */
export function hasFailed({ provision_state: state }: NodeState): boolean {
  return failedStates.has(state);
}

/** Since which minor version of the API a node that waits for its ramdisk can be told to give up; deploying only since late. */
const abortable: Readonly<Record<string, number>> = {
  'clean wait': 13,
  'inspect wait': 41,
  'rescue wait': 38,
  'wait call-back': 110,
  'service wait': 87,
  'clean hold': 85,
  'deploy hold': 85,
  'service hold': 87,
};

/** How a node is made to stop waiting: `abort`, or `deleted` where the server is too old to abort a deployment. Undefined where it must be waited for. */
export function abortVerb({ provision_state: state }: NodeState, minor: number): Verb | undefined {
  const since = abortable[state];
  if (since !== undefined && minor >= since) return 'abort';
  return state === 'wait call-back' ? 'deleted' : undefined;
}

/** On the way, but a PATCH is allowed all the same (`UPDATE_ALLOWED_STATES`). */
const editableOnTheWay: ReadonlySet<string> = new Set(['inspect wait', 'verifying', 'service hold']);

/** Whether a PATCH is taken: in every state at rest, failed ones too, and in few others (api/controllers/v1/node.py). */
export function isEditable(node: NodeState): boolean {
  const { provision_state: state, target_provision_state: target } = node;
  return editableOnTheWay.has(state) || failedStates.has(state) || target === null || target === '';
}

const idleStates: ReadonlySet<string> = new Set([
  'enroll',
  'verifying',
  'manageable',
  'available',
  'inspecting',
  'inspect wait',
  'inspect failed',
  'cleaning',
  'clean wait',
  'clean hold',
  'clean failed',
  'adopt failed',
]);

export interface NodeUse extends NodeState {
  readonly instance_uuid: string | null;
  readonly allocation_uuid?: string | null;
}

/** Why a node counts as in use; undefined for one that is not. A standalone Ironic deploys without an instance, so the state counts too. */
export function inUseReason(node: NodeUse): string | undefined {
  if (node.instance_uuid) return `instance ${node.instance_uuid} is on it`;
  if (node.allocation_uuid) return `allocation ${node.allocation_uuid} holds it`;
  return idleStates.has(node.provision_state) ? undefined : `it is in state ${node.provision_state}`;
}

/** What a node is called in messages: its name, or its UUID if it has no name. */
export function nodeTitle({ name, uuid }: { readonly name: string; readonly uuid: string }): string {
  return name || uuid;
}
