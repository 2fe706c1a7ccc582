// Brings a node to a state, verb by verb, and waits on the way.
import { isUndecided } from '../clients/http/errors.js';
import { conflictOf, type Ironic } from '../clients/ironic/api.js';
import { getNode, setProvisionState, type NodeDetails } from '../clients/ironic/nodes.js';
import { messageOf, OperationError } from '../core/errors.js';
import { sleep, waitFor } from '../core/waiting.js';
import {
  adviceOn,
  hasFailed,
  isAtRest,
  nodeTitle,
  stepsTo,
  type NodeGoal,
  type NodeState,
  type Step,
  type Verb,
} from './policy/node-states.js';

export interface StateChange {
  /** The longest that the whole way may take. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** The first pause between two looks; later ones are up to eight times as long. Half a second unless given. */
  readonly intervalSeconds?: number;
  readonly longestPauseSeconds?: number;
  /** The node as it was a moment ago, which saves the first look. */
  readonly known?: NodeDetails | undefined;
  /** Told each time that the node is seen in another state. */
  readonly onState?: (node: NodeDetails) => void;
  /** What a verb is told besides, such as a `configdrive`. */
  readonly bodyOf?: (verb: Verb) => Readonly<Record<string, unknown>>;
}

/** Pauses between two looks at a node that changes its state: short at first, since a virtual node takes a moment, and a real one minutes. */
export const statePolling = { intervalSeconds: 0.2, longestPauseSeconds: 5 } as const;

/** How often a verb is said in one state when it is not known what became of it, or when somebody else was faster. */
const mostAttempts = 5;

/**
 * Brings a node to a state at rest by the shortest way of verbs, from wherever it is, and gives it as it is there, with its lock free.
 * Another run may be at the same node: what it has reached is gone on from.
 * Throws NODE_FAILED, with Ironic's `last_error`, where a verb leads to a failed state; NO_WAY where no verb leads there; NODE_GONE; WAIT_TIMEOUT.
 */
export async function bringTo(ironic: Ironic, uuid: string, goal: NodeGoal, travel: StateChange): Promise<NodeDetails> {
  const deadline = performance.now() + travel.timeoutSeconds * 1000;
  const untilFree = freeNode(ironic, uuid, travel);
  let said: Step | undefined;
  for (let refusals = 0; ; ) {
    const node = await untilFree(`to become ${goal}`, deadline);
    if (
      said &&
      (hasFailed(node) || (said.from === 'enroll' && node.provision_state === 'enroll' && node.last_error !== null))
    )
      throw failure(node, said);
    if (node.provision_state === goal) return node;
    const [step] = stepsTo(node.provision_state, goal, ironic.minor) ?? [];
    if (!step) throw noWayError(node, goal);
    const outcome = await tryToSay(ironic, uuid, { target: step.verb, ...travel.bodyOf?.(step.verb) });
    said = outcome === 'accepted' ? step : undefined;
    refusals = outcome === 'accepted' || outcome === 'busy' ? 0 : refusals + 1;
    if (refusals > 0) await assertMovedOn({ ironic, step, node, refusals, refusal: outcome });
    if (outcome !== 'accepted') await sleep(pauseOf(travel) * 1000, travel.signal);
  }
}

/** Nothing that may be said leads from where the node is to the goal. */
export function noWayError(node: NodeDetails, goal: NodeGoal): OperationError {
  const { uuid, provision_state: state } = node;
  return new OperationError(
    'NO_WAY',
    `node ${nodeTitle(node)} is in state ${state}: no verb leads from there to ${goal}${adviceOn(node)}`,
    { node: uuid, provision_state: state },
  );
}

interface Doubt {
  readonly ironic: Ironic;
  readonly step: Step;
  readonly node: NodeDetails;
  readonly refusals: number;
  readonly refusal: unknown;
}

/** A verb is refused where another run said it first, and an answer may be lost: only a node that stays as it is makes it a failure. */
async function assertMovedOn({ ironic, step, node, refusals, refusal }: Doubt): Promise<void> {
  const now = await getNode(ironic, node.uuid);
  const hasMoved = now !== undefined && (now.provision_state !== step.from || now.reservation !== null);
  if (!hasMoved && (refusals >= mostAttempts || !isUndecided(refusal))) throw refusal;
}

/** `busy`: the node is locked or on its way. Otherwise the error that leaves open what happened, or that says that the state is another. */
async function tryToSay(
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

/** Waits until the node is at rest and nobody holds its lock. Throws NODE_GONE or WAIT_TIMEOUT. */
export function untilAtRest(ironic: Ironic, uuid: string, travel: StateChange): Promise<NodeDetails> {
  return freeNode(ironic, uuid, travel)('to come to rest', performance.now() + travel.timeoutSeconds * 1000);
}

/** Waits until the node is at rest with its lock free; each wait begins with short pauses. */
function freeNode(
  ironic: Ironic,
  uuid: string,
  travel: StateChange,
): (what: string, deadline: number) => Promise<NodeDetails> {
  const look = watch(ironic, uuid, travel);
  let seen: NodeDetails | undefined;
  return async (what, deadline) => {
    const timeoutSeconds = Math.max(deadline - performance.now(), 0) / 1000;
    const subject = `node ${seen ? nodeTitle(seen) : uuid} ${what}`;
    try {
      const free = async (): Promise<NodeDetails | undefined> => (isFree((seen = await look())) ? seen : undefined);
      return await waitFor(free, {
        subject,
        timeoutSeconds,
        intervalSeconds: pauseOf(travel),
        longestPauseSeconds: travel.longestPauseSeconds,
        signal: travel.signal,
      });
    } catch (error) {
      if (!(error instanceof OperationError) || error.code !== 'WAIT_TIMEOUT' || !seen) throw error;
      const held = seen.reservation === null ? '' : `, held by ${seen.reservation}`;
      throw new OperationError(
        'WAIT_TIMEOUT',
        `gave up waiting for ${subject} after ${travel.timeoutSeconds} s: it is in state ${seen.provision_state}${held}`,
        { node: uuid, provision_state: seen.provision_state },
        error,
      );
    }
  };
}

function pauseOf({ intervalSeconds }: StateChange): number {
  return intervalSeconds ?? 0.5;
}

/** Says a verb. False where the node has to be looked at again: it is locked, on its way, or no answer came. */
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

/** Where a step has ended instead, with Ironic's own words. */
export function stepFailure(
  { provision_state: state, last_error: lastError }: NodeDetails,
  { verb, to }: Step,
): string {
  return `did not become ${to}${verb === to ? '' : ` after ${verb}`}, it is in state ${state}${lastError ? `: ${lastError}` : ''}`;
}

function isFree(node: NodeState & Pick<NodeDetails, 'reservation'>): boolean {
  return isAtRest(node) && node.reservation === null;
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
