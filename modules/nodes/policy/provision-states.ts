// The provision states of a node and the verbs between them (ironic/common/state_machine.py,
// states.py, up to Ironic 37), as far as operations use them. Verbs depend on the server, so the
// functions take the minor version of its API.

/** The `target` of `PUT /v1/nodes/{id}/states/provision`. */
export type Verb = 'manage' | 'inspect' | 'provide' | 'active' | 'deleted' | 'unrescue' | 'abort';

/** States that an operation can be asked to bring a node to. */
export type NodeGoal = 'enroll' | 'manageable' | 'available' | 'active';

export interface Step {
  readonly verb: Verb;
  /** The state in which it is requested. */
  readonly from: string;
  /** The state that it leads to on success. */
  readonly to: string;
  /** The minor version of the API that introduced it; none for the oldest verbs. */
  readonly since?: number;
}

export interface NodeState {
  readonly provision_state: string;
  /** The state that it is changing to; failed states keep it. */
  readonly target_provision_state: string | null;
}

/**
 * Every transition out of a stable state, except `rebuild`, `clean`, `adopt`, `rescue` and
 * `service`, which no goal needs, and `inspect`, which none needs but may include.
 */
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
  // The state came with 1.87; for long only `service`, `rescue` and `deleted` led out of it.
  { verb: 'abort', from: 'service failed', to: 'active', since: 101 },
  { verb: 'deleted', from: 'service failed', to: 'available' },
];

const failedStates: ReadonlySet<string> = new Set(
  steps.map(({ from }) => from).filter((state) => state === 'error' || state.endsWith(' failed')),
);
const stableStates: ReadonlySet<string> = new Set([
  ...steps.map(({ from }) => from),
  'deploy hold',
  'clean hold',
  'service hold',
]);

/**
 * The shortest sequence of verbs from a stable state to the goal, on a server of this minor
 * version; empty if the node is there, undefined if there is none, as back to `enroll`.
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

/**
 * A node that should become active is never undeployed on the way: what runs on it would be lost.
 * In `error` nothing does.
 */
function isWay({ verb, from, since = 1 }: Step, goal: NodeGoal, minor: number): boolean {
  return since <= minor && !(goal === 'active' && verb === 'deleted' && from !== 'error');
}

/**
 * Whether the way of a node to the goal leads through `manageable`, where it can be inspected, or
 * ends there.
 */
export function passesManageable(node: NodeState, goal: NodeGoal, minor: number): boolean {
  const start = isStable(node) ? node.provision_state : (node.target_provision_state ?? node.provision_state);
  return start === 'manageable' || (stepsTo(start, goal, minor) ?? []).some(({ to }) => to === 'manageable');
}

/** The step that inspects a node; undefined in a state in which Ironic does not begin an inspection. */
export function inspectionStep({ provision_state: state }: Pick<NodeState, 'provision_state'>): Step | undefined {
  return ['manageable', 'inspect failed'].includes(state)
    ? { verb: 'inspect', from: state, to: 'manageable' }
    : undefined;
}

interface InspectableNode {
  readonly record: Readonly<Record<string, unknown>>;
}

/** When the last inspection of a node finished; undefined if none did, or another has begun since. */
export function inspectedAt({ record: { inspection_finished_at: at } }: InspectableNode): string | undefined {
  return typeof at === 'string' && at !== '' ? at : undefined;
}

/** False while the state changes by itself, including while the node waits for its ramdisk. */
export function isStable({ provision_state: state }: NodeState): boolean {
  return stableStates.has(state);
}

/**
 * Whether an operator's step holds the node until somebody lets it continue (`unhold`) or ends it
 * (`abort`).
 */
export function isHeld({ provision_state: state }: Pick<NodeState, 'provision_state'>): boolean {
  return state.endsWith(' hold');
}

/**
 * What an operator can do if no verb leads on, as the end of a sentence that names the state; may
 * be empty.
 */
export function adviceOnState(node: Pick<NodeState, 'provision_state'>): string {
  if (isHeld(node)) return ': an operator holds it there; the verb unhold lets it continue, abort ends it';
  return node.provision_state === 'service failed' ? ': the verbs service, rescue and deleted lead out of it' : '';
}

/** Whether the node is in a failed state; its `last_error` says why. */
export function hasFailed({ provision_state: state }: NodeState): boolean {
  return failedStates.has(state);
}

/**
 * Whether a step that Ironic accepted has ended otherwise than it should. A node whose BMC does not
 * answer is in `enroll` again, and one whose failed inspection somebody has put away is `manageable`.
 */
export function hasStepFailed(
  node: NodeState & InspectableNode & { readonly last_error: string | null },
  { verb, from }: Step,
): boolean {
  const { provision_state: state } = node;
  return (
    hasFailed(node) ||
    (from === 'enroll' && state === 'enroll' && node.last_error !== null) ||
    (verb === 'inspect' && state === 'manageable' && inspectedAt(node) === undefined)
  );
}

/**
 * The minor version of the API since which a waiting node can be aborted; a deployment only since
 * recently.
 */
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

/**
 * The verb that makes a node stop waiting: `abort`, or `deleted` if the server is too old to abort
 * a deployment. Undefined if there is none.
 */
export function abortVerb({ provision_state: state }: NodeState, minor: number): Verb | undefined {
  const since = abortable[state];
  if (since !== undefined && minor >= since) return 'abort';
  return state === 'wait call-back' ? 'deleted' : undefined;
}

/** Not stable, but a PATCH is accepted nevertheless (`UPDATE_ALLOWED_STATES`). */
const editableInTransition: ReadonlySet<string> = new Set(['inspect wait', 'verifying', 'service hold']);

/**
 * Whether a PATCH is accepted: in every stable state, including failed ones, and in few others
 * (api/controllers/v1/node.py).
 */
export function isEditable(node: NodeState): boolean {
  const { provision_state: state, target_provision_state: target } = node;
  return editableInTransition.has(state) || failedStates.has(state) || target === null || target === '';
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

/**
 * Why a node is in use; undefined if it is not. A standalone Ironic deploys without an instance, so
 * the state counts too.
 */
export function inUseReason(node: NodeUse): string | undefined {
  if (node.instance_uuid) return `instance ${node.instance_uuid} is on it`;
  if (node.allocation_uuid) return `allocation ${node.allocation_uuid} holds it`;
  return idleStates.has(node.provision_state) ? undefined : `it is in state ${node.provision_state}`;
}

/** What a node is called in messages: its name, or its UUID if it has no name. */
export function nodeTitle({ name, uuid }: { readonly name: string; readonly uuid: string }): string {
  return name || uuid;
}
