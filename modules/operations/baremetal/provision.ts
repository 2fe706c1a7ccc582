// Brings a node to a state, verb by verb, and waits on the way.
import { conflictOf, isUndecided, type Ironic } from '../../clients/ironic/api.js';
import { getNode, setProvisionState, type NodeDetails } from '../../clients/ironic/nodes.js';
import { OperationError } from '../../core/errors.js';
import { waitFor } from '../../core/waiting.js';
import { isAtRest, stepsTo, type NodeGoal, type NodeState, type Step, type Verb } from '../../policy/node-states.js';

export interface Travel {
  /** The longest that the whole way may take. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** The first pause between two looks; later ones are up to eight times as long. Half a second unless given. */
  readonly intervalSeconds?: number;
  /** Told each time that the node is seen in another state. */
  readonly onState?: (node: NodeDetails) => void;
  /** What a verb is told besides, such as a `configdrive`. */
  readonly bodyOf?: (verb: Verb) => Readonly<Record<string, unknown>>;
}

/**
 * Brings a node to a state at rest by the shortest way of verbs, from wherever it is, and gives it as it is there, with its lock free.
 * Throws NODE_FAILED, with Ironic's `last_error`, where a verb leads to a failed state; NO_WAY where no verb leads there; NODE_GONE; WAIT_TIMEOUT.
 */
export async function bringTo(ironic: Ironic, uuid: string, goal: NodeGoal, travel: Travel): Promise<NodeDetails> {
  const look = watch(ironic, uuid, travel);
  let said: Step | undefined;
  return waitFor(
    async () => {
      const node = await look();
      if (!isFree(node)) return undefined;
      if (said && node.provision_state !== said.to) throw failure(node, said);
      if (node.provision_state === goal) return node;
      const [step] = stepsTo(node.provision_state, goal) ?? [];
      if (!step) throw new OperationError('NO_WAY', `node ${titleOf(node)} is in state ${node.provision_state}: no verb leads from there to ${goal}`, { node: uuid, provision_state: node.provision_state });
      said = (await say(ironic, uuid, { target: step.verb, ...travel.bodyOf?.(step.verb) })) ? step : undefined;
      return undefined;
    },
    { subject: `node ${uuid} to become ${goal}`, timeoutSeconds: travel.timeoutSeconds, intervalSeconds: travel.intervalSeconds ?? 0.5, signal: travel.signal },
  );
}

/** Waits until the node is at rest and nobody holds its lock. Throws NODE_GONE or WAIT_TIMEOUT. */
export async function untilAtRest(ironic: Ironic, uuid: string, travel: Travel): Promise<NodeDetails> {
  const look = watch(ironic, uuid, travel);
  return waitFor(
    async () => {
      const node = await look();
      return isFree(node) ? node : undefined;
    },
    { subject: `node ${uuid} to come to rest`, timeoutSeconds: travel.timeoutSeconds, intervalSeconds: travel.intervalSeconds ?? 0.5, signal: travel.signal },
  );
}

/** Says a verb. False where the node has to be looked at again: it is locked, on its way, or no answer came. */
export async function say(ironic: Ironic, uuid: string, body: Readonly<{ target: Verb } & Record<string, unknown>>): Promise<boolean> {
  try {
    await setProvisionState(ironic, uuid, body);
    return true;
  } catch (error) {
    if (conflictOf(error) === undefined && !isUndecided(error)) throw error;
    return false;
  }
}

/** The name, or the UUID of a node without one. */
export function titleOf({ name, uuid }: Pick<NodeDetails, 'name' | 'uuid'>): string {
  return name || uuid;
}

function isFree(node: NodeState & Pick<NodeDetails, 'reservation'>): boolean {
  return isAtRest(node) && node.reservation === null;
}

function watch(ironic: Ironic, uuid: string, { onState }: Travel): () => Promise<NodeDetails> {
  let seen: string | undefined;
  return async () => {
    const node = await getNode(ironic, uuid);
    if (!node) throw new OperationError('NODE_GONE', `node ${uuid} does not exist any more`, { node: uuid });
    if (node.provision_state !== seen) onState?.(node);
    seen = node.provision_state;
    return node;
  };
}

function failure(node: NodeDetails, { verb, to }: Step): OperationError {
  const why = node.last_error ? `: ${node.last_error}` : '';
  const facts = { node: node.uuid, provision_state: node.provision_state, last_error: node.last_error ?? undefined };
  return new OperationError('NODE_FAILED', `node ${titleOf(node)} did not become ${to} after ${verb}, it is in state ${node.provision_state}${why}`, facts);
}
