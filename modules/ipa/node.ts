// The node of a test: finding it, and bringing it from state to state without ever taking it from
// anybody else.
import { optionText } from '../core/option-text.js';
import type { Ironic } from '../clients/ironic/api.js';
import { getNode, listNodeDetails, type NodeDetails } from '../clients/ironic/nodes.js';
import { listHosts } from '../clients/blazar/hosts.js';
import { hasCode, OperationError } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import { isStable, nodeTitle, stepsTo, type NodeGoal, type Step } from '../nodes/policy/provision-states.js';
import { noWayError, requestVerb, stepFailure } from '../nodes/provision.js';
import { foreignUse, isLocked, isOfType, type DeploymentOwner } from './policy/node-choice.js';
import { pollInterval, type IpaRun } from './run.js';

/** The nodes that have this type in Ironic, or in Blazar if the cloud has it. */
export async function nodesOfType(
  { ironic, cloud }: Pick<IpaRun, 'ironic' | 'cloud'>,
  type: string,
): Promise<NodeDetails[]> {
  const reservable = new Set<string>();
  if (cloud.hasService('reservation'))
    for await (const host of listHosts(cloud)) if (host.nodeType === type) reservable.add(host.hypervisorHostname);
  const nodes: NodeDetails[] = [];
  for await (const node of listNodeDetails(ironic))
    if (isOfType(node, type) || reservable.has(node.uuid)) nodes.push(node);
  return nodes;
}

/** The node as it is now. Throws NODE_GONE. */
export async function readNode(ironic: Ironic, uuid: string): Promise<NodeDetails> {
  const node = await getNode(ironic, uuid);
  if (!node) throw new OperationError('NODE_GONE', `node ${uuid} no longer exists`, { node: uuid });
  return node;
}

/** The node once its lock is free. Throws NODE_LOCKED if it is not released in time, NODE_GONE. */
export async function untilUnlocked({ args, context, ironic }: IpaRun, uuid: string): Promise<NodeDetails> {
  let last: NodeDetails | undefined;
  const look = async (): Promise<NodeDetails | undefined> => {
    last = await readNode(ironic, uuid);
    return isLocked(last) ? undefined : last;
  };
  try {
    return await waitFor(look, {
      subject: `the lock of node ${uuid}`,
      timeoutSeconds: args.lock_timeout,
      ...pollInterval,
      signal: context.signal,
    });
  } catch (error) {
    if (!hasCode(error, 'WAIT_TIMEOUT') || !last) throw error;
    const message =
      `node ${nodeTitle(last)} was not taken: conductor ${last.reservation} did not release its lock within ` +
      `${args.lock_timeout} s (${optionText('lock_timeout')})`;
    throw new OperationError('NODE_LOCKED', message, { node: uuid }, error);
  }
}

export interface NodeMove {
  readonly goal: NodeGoal;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Whose deployment may be ended or started on the way. */
  readonly owner: DeploymentOwner;
}

/**
 * Brings the node to a state, and returns it as it is there. Unlike `bringTo` it requests no verb
 * of a node that somebody else uses.
 * Throws NODE_TAKEN if somebody does; NODE_FAILED, with Ironic's `last_error`; NO_WAY, NODE_GONE,
 * WAIT_TIMEOUT.
 */
export async function moveNode(
  run: IpaRun,
  uuid: string,
  { goal, timeoutSeconds, signal, owner }: NodeMove,
): Promise<NodeDetails> {
  const report = stateReporter(run);
  let requested: Step | undefined;
  const look = async (): Promise<NodeDetails | undefined> => {
    const node = await readNode(run.ironic, uuid);
    report(node);
    const foreign = foreignUse(node, owner);
    if (foreign) throw nodeTaken(node, foreign);
    if (!isStable(node) || node.reservation !== null) return undefined;
    if (requested && node.provision_state !== requested.to) throw nodeFailed(node, requested);
    if (node.provision_state === goal) return node;
    const [step] = stepsTo(node.provision_state, goal, run.ironic.minor) ?? [];
    if (!step) throw noWayError(node, goal);
    requested = (await requestUnlessTaken(run, uuid, { step, owner })) ? step : undefined;
    return undefined;
  };
  return waitFor(look, { subject: `node ${uuid} to become ${goal}`, timeoutSeconds, ...pollInterval, signal });
}

/**
 * A verb is refused if the node has changed its state since it was read, usually because somebody
 * else was faster.
 */
async function requestUnlessTaken(
  { ironic }: IpaRun,
  uuid: string,
  { step, owner }: { step: Step; owner: DeploymentOwner },
): Promise<boolean> {
  try {
    return await requestVerb(ironic, uuid, { target: step.verb });
  } catch (error) {
    const node = await readNode(ironic, uuid);
    const foreign = foreignUse(node, owner);
    throw foreign ? nodeTaken(node, foreign) : error;
  }
}

export function nodeTaken(node: NodeDetails, why: string): OperationError {
  return new OperationError(
    'NODE_TAKEN',
    `node ${nodeTitle(node)} was taken by somebody else in the meantime: ${why}`,
    {
      node: node.uuid,
    },
  );
}

function nodeFailed(node: NodeDetails, step: Step): OperationError {
  const facts = { node: node.uuid, provision_state: node.provision_state, last_error: node.last_error ?? undefined };
  return new OperationError('NODE_FAILED', `node ${nodeTitle(node)} ${stepFailure(node, step)}`, facts);
}

/** Reports each new state of a node once. */
export function stateReporter({ context }: Pick<IpaRun, 'context'>): (node: NodeDetails) => void {
  let seen: string | undefined;
  return (node) => {
    if (node.provision_state === seen) return;
    seen = node.provision_state;
    context.log('info', `node ${nodeTitle(node)} is ${node.provision_state}`);
    context.progress({ subject: nodeTitle(node), stage: node.provision_state });
  };
}
