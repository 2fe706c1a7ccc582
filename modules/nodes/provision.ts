// Brings a node to a provision state, verb by verb, and waits until it gets there.
import { isUndecided } from '../clients/http/errors.js';
import { conflictOf, type Ironic } from '../clients/ironic/api.js';
import { getNode, setProvisionState, type NodeDetails } from '../clients/ironic/nodes.js';
import { messageOf, OperationError } from '../core/errors.js';
import { sleep, waitFor } from '../core/waiting.js';
import {
  adviceOnState,
  hasStepFailed,
  inspectedAt,
  inspectionStep,
  isStable,
  nodeTitle,
  passesManageable,
  stepsTo,
  type NodeGoal,
  type NodeState,
  type Step,
  type Verb,
} from './policy/provision-states.js';

export interface StateChange {
  /** Limit for all steps together. */
  readonly timeoutSeconds: number;
  /** When that time is up, on the clock of `performance.now()`, if it began before the first step. */
  readonly deadline?: number;
  /**
   * Goes only as far as the node has been inspected, which is done in `manageable`. One that
   * another run has brought further is not taken back.
   */
  readonly untilInspected?: boolean;
  readonly signal: AbortSignal;
  /**
   * The first pause between two requests; later pauses are up to eight times as long. Half a second
   * by default.
   */
  readonly intervalSeconds?: number;
  readonly longestPauseSeconds?: number;
  /** The node as it was a moment ago, which saves the first request. */
  readonly known?: NodeDetails | undefined;
  /** Called each time that the node is in another state. */
  readonly onState?: (node: NodeDetails) => void;
  /** What is sent with a verb, such as a `configdrive`. */
  readonly bodyOf?: (verb: Verb) => Readonly<Record<string, unknown>>;
}

/**
 * Pauses between two requests while the state changes: short at first, since a virtual node takes
 * seconds, and a physical one minutes.
 */
export const statePolling = { intervalSeconds: 0.2, longestPauseSeconds: 5 } as const;

/**
 * How often a verb is requested in one state while its outcome is unknown, or while another run may
 * have been faster.
 */
const maxRequests = 5;

/**
 * Brings a node from any state to a stable one by the shortest sequence of verbs, and returns it
 * once its lock is free. If another run works on the same node, this one continues from what the
 * other has reached. Throws NODE_FAILED, with the `last_error` of the node, if a verb leads to a
 * failed state; NO_WAY if no verb leads to the goal; NODE_GONE; WAIT_TIMEOUT.
 */
export async function bringTo(ironic: Ironic, uuid: string, goal: NodeGoal, change: StateChange): Promise<NodeDetails> {
  const deadline = change.deadline ?? performance.now() + change.timeoutSeconds * 1000;
  const untilFree = freeNode(ironic, uuid, change);
  let requested: Step | undefined;
  for (let refusals = 0; ; ) {
    const node = await untilFree(`to become ${goal}`, deadline);
    if (requested && hasStepFailed(node, requested)) throw failure(node, requested);
    if (change.untilInspected && (inspectedAt(node) !== undefined || !passesManageable(node, goal, ironic.minor)))
      return node;
    const inspection = change.untilInspected ? inspectionStep(node) : undefined;
    if (node.provision_state === goal && !inspection) return node;
    const [step] = inspection ? [inspection] : (stepsTo(node.provision_state, goal, ironic.minor) ?? []);
    if (!step) throw noWayError(node, goal);
    const outcome = await tryVerb(ironic, uuid, { target: step.verb, ...change.bodyOf?.(step.verb) });
    requested = outcome === 'accepted' ? step : undefined;
    refusals = outcome === 'accepted' || outcome === 'busy' ? 0 : refusals + 1;
    if (refusals > 0) await assertMovedOn({ ironic, step, node, refusals, refusal: outcome });
    if (outcome !== 'accepted') await sleep(pauseOf(change) * 1000, change.signal);
  }
}

/** No verb leads from the state of the node to the goal. */
export function noWayError(node: NodeDetails, goal: NodeGoal): OperationError {
  const { uuid, provision_state: state } = node;
  return new OperationError(
    'NO_WAY',
    `node ${nodeTitle(node)} is in state ${state}: no verb leads from there to ${goal}${adviceOnState(node)}`,
    { node: uuid, provision_state: state },
  );
}

interface RefusedVerb {
  readonly ironic: Ironic;
  readonly step: Step;
  readonly node: NodeDetails;
  readonly refusals: number;
  readonly refusal: unknown;
}

/**
 * A verb is refused if another run was faster, and an answer may be lost: it is a failure only if
 * the node stays as it is.
 */
async function assertMovedOn({ ironic, step, node, refusals, refusal }: RefusedVerb): Promise<void> {
  const now = await getNode(ironic, node.uuid);
  const hasMoved = now !== undefined && (now.provision_state !== step.from || now.reservation !== null);
  if (!hasMoved && (refusals >= maxRequests || !isUndecided(refusal))) throw refusal;
}

/**
 * `busy`: the node is locked or changing its state. Otherwise the error: the outcome is unknown, or
 * the state is another one.
 */
async function tryVerb(
  ironic: Ironic,
  uuid: string,
  body: Readonly<{ target: Verb } & Record<string, unknown>>,
): Promise<unknown> {
  try {
    await setProvisionState(ironic, uuid, body);
    return 'accepted';
  } catch (error) {
    if (conflictOf(error) !== undefined) return 'busy';
    if (isUndecided(error) || /can not be performed on node/i.test(messageOf(error))) return error;
    throw error;
  }
}

/**
 * Waits until the state of the node is stable and its lock is free. Throws NODE_GONE or
 * WAIT_TIMEOUT.
 */
export function waitUntilStable(ironic: Ironic, uuid: string, change: StateChange): Promise<NodeDetails> {
  return freeNode(ironic, uuid, change)('to reach a stable state', performance.now() + change.timeoutSeconds * 1000);
}

/**
 * Waits until the state of the node is stable and its lock is free; each wait begins with short
 * pauses.
 */
function freeNode(
  ironic: Ironic,
  uuid: string,
  change: StateChange,
): (what: string, deadline: number) => Promise<NodeDetails> {
  const look = watch(ironic, uuid, change);
  let seen: NodeDetails | undefined;
  return async (what, deadline) => {
    const timeoutSeconds = Math.max(deadline - performance.now(), 0) / 1000;
    const subject = `node ${seen ? nodeTitle(seen) : uuid} ${what}`;
    try {
      const free = async (): Promise<NodeDetails | undefined> => (isFree((seen = await look())) ? seen : undefined);
      return await waitFor(free, {
        subject,
        timeoutSeconds,
        intervalSeconds: pauseOf(change),
        longestPauseSeconds: change.longestPauseSeconds,
        signal: change.signal,
      });
    } catch (error) {
      if (!(error instanceof OperationError) || error.code !== 'WAIT_TIMEOUT' || !seen) throw error;
      const held = seen.reservation === null ? '' : `, held by ${seen.reservation}`;
      // What is left of an earlier failure does not explain why a node at rest is held.
      const why = seen.last_error === null || isStable(seen) ? '' : `: ${seen.last_error}`;
      throw new OperationError(
        'WAIT_TIMEOUT',
        `gave up waiting for ${subject} after ${change.timeoutSeconds} s: ` +
          `it is in state ${seen.provision_state}${held}${why}`,
        { node: uuid, provision_state: seen.provision_state },
        error,
      );
    }
  };
}

function pauseOf({ intervalSeconds }: StateChange): number {
  return intervalSeconds ?? 0.5;
}

/**
 * Requests a verb. False if the node has to be read again: it is locked, changing its state, or
 * there was no answer.
 */
export async function requestVerb(
  ironic: Ironic,
  uuid: string,
  body: Readonly<{ target: Verb } & Record<string, unknown>>,
): Promise<boolean> {
  try {
    await setProvisionState(ironic, uuid, body);
    return true;
  } catch (error) {
    if (conflictOf(error) === undefined && !isUndecided(error)) throw error;
    return false;
  }
}

/** The state in which a step has ended instead, with the `last_error` of the node. */
export function stepFailure(
  { provision_state: state, last_error: lastError }: NodeDetails,
  { verb, to }: Step,
): string {
  if (verb === 'inspect' && state === to)
    return `is ${state} again, but its inspection did not finish${lastError ? `: ${lastError}` : ''}`;
  return (
    `did not become ${to}${verb === to ? '' : ` after ${verb}`}, it is in state ` +
    `${state}${lastError ? `: ${lastError}` : ''}`
  );
}

function isFree(node: NodeState & Pick<NodeDetails, 'reservation'>): boolean {
  return isStable(node) && node.reservation === null;
}

function watch(ironic: Ironic, uuid: string, { onState, known }: StateChange): () => Promise<NodeDetails> {
  let seen: string | undefined;
  let first = known;
  return async () => {
    const node = first ?? (await getNode(ironic, uuid));
    first = undefined;
    if (!node) throw new OperationError('NODE_GONE', `node ${uuid} does not exist any more`, { node: uuid });
    if (node.provision_state !== seen) onState?.(node);
    seen = node.provision_state;
    return node;
  };
}

function failure(node: NodeDetails, step: Step): OperationError {
  const facts = { node: node.uuid, provision_state: node.provision_state, last_error: node.last_error ?? undefined };
  return new OperationError('NODE_FAILED', `node ${nodeTitle(node)} ${stepFailure(node, step)}`, facts);
}
