// The node of a test: found, brought from state to state, and never taken from anybody else.
import type { Ironic } from '../clients/ironic/api.js';
import { getNode, listNodeDetails, type NodeDetails } from '../clients/ironic/nodes.js';
import { listHosts } from '../clients/blazar/hosts.js';
import { hasCode, OperationError } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import { isLocked, isOfType } from './policy/node-choice.js';
import { isAtRest, nodeTitle, inUseReason, stepsTo, type NodeGoal, type Step } from '../nodes/policy/node-states.js';
import { noWayError, requestVerb, stepFailure } from '../nodes/provision.js';
import type { TestEntry } from './journal.js';
import { pace, type Run } from './run.js';

/** In the instance_info of a node that Ironic deploys by itself: undeploying wipes it, so it stands there only while the deployment is ours. */
export const deploymentMark = 'image_tools_test';

/** The nodes of a type as Ironic tells it, and where there is Blazar as Blazar does. */
export async function nodesOfType(
  { ironic, cloud }: Pick<Run, 'ironic' | 'cloud'>,
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

/** What a node itself says of its type. */
export function typeOf({ properties, extra, resource_class: resourceClass }: NodeDetails): string {
  return (
    [properties.node_type, extra.node_type, resourceClass].find(
      (type): type is string => typeof type === 'string' && type !== '',
    ) ?? 'node'
  );
}

/** The node as it is now. Throws NODE_GONE. */
export async function lookAt(ironic: Ironic, uuid: string): Promise<NodeDetails> {
  const node = await getNode(ironic, uuid);
  if (!node) throw new OperationError('NODE_GONE', `node ${uuid} does not exist any more`, { node: uuid });
  return node;
}

/** The node as it is once nobody holds its lock. Throws NODE_LOCKED where it is held for too long, NODE_GONE. */
export async function untilUnlocked({ args, context, ironic }: Run, uuid: string): Promise<NodeDetails> {
  let last: NodeDetails | undefined;
  const look = async (): Promise<NodeDetails | undefined> => {
    last = await lookAt(ironic, uuid);
    return isLocked(last) ? undefined : last;
  };
  try {
    return await waitFor(look, {
      subject: `the lock of node ${uuid}`,
      timeoutSeconds: args.lock_timeout,
      ...pace,
      signal: context.signal,
    });
  } catch (error) {
    if (!hasCode(error, 'WAIT_TIMEOUT') || !last) throw error;
    const message = `node ${nodeTitle(last)} was not taken: conductor ${last.reservation} has held its lock for ${args.lock_timeout} s, which is lock_timeout`;
    throw new OperationError('NODE_LOCKED', message, { node: uuid }, error);
  }
}

/** Whether what is on the node is the deployment of this test. */
export function isOurs(node: NodeDetails, entry: Pick<TestEntry, 'name' | 'server'>): boolean {
  if (node.instance_uuid !== null) return node.instance_uuid === entry.server?.id;
  return node.instance_info[deploymentMark] === entry.name;
}

/** What somebody else does with the node; undefined where nobody does. */
export function foreignUseOf(node: NodeDetails, entry: Pick<TestEntry, 'name' | 'server'>): string | undefined {
  return isOurs(node, entry) ? undefined : inUseReason(node);
}

export interface Journey {
  readonly goal: NodeGoal;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Of whom the deployment is that may be ended, or that is begun. */
  readonly entry: Pick<TestEntry, 'name' | 'server'>;
}

/**
 * Brings the node to a state, and gives it as it is there. Unlike `bringTo` it says no verb to a node that somebody else uses.
 * Throws NODE_TAKEN where somebody does; NODE_FAILED, with Ironic's `last_error`; NO_WAY, NODE_GONE, WAIT_TIMEOUT.
 */
export async function steer(
  run: Run,
  uuid: string,
  { goal, timeoutSeconds, signal, entry }: Journey,
): Promise<NodeDetails> {
  const report = reporter(run);
  let said: Step | undefined;
  const look = async (): Promise<NodeDetails | undefined> => {
    const node = await lookAt(run.ironic, uuid);
    report(node);
    const foreign = foreignUseOf(node, entry);
    if (foreign) throw taken(node, foreign);
    if (!isAtRest(node) || node.reservation !== null) return undefined;
    if (said && node.provision_state !== said.to) throw failed(node, said);
    if (node.provision_state === goal) return node;
    const [step] = stepsTo(node.provision_state, goal, run.ironic.minor) ?? [];
    if (!step) throw noWayError(node, goal);
    said = (await sayUnlessTaken(run, uuid, { step, entry })) ? step : undefined;
    return undefined;
  };
  return waitFor(look, { subject: `node ${uuid} to become ${goal}`, timeoutSeconds, ...pace, signal });
}

/** A verb is refused where the node has got into another state since we looked: because somebody was faster, most of all. */
async function sayUnlessTaken(
  { ironic }: Run,
  uuid: string,
  { step, entry }: { step: Step; entry: Journey['entry'] },
): Promise<boolean> {
  try {
    return await requestVerb(ironic, uuid, { target: step.verb });
  } catch (error) {
    const node = await lookAt(ironic, uuid);
    const foreign = foreignUseOf(node, entry);
    throw foreign ? taken(node, foreign) : error;
  }
}

export function taken(node: NodeDetails, why: string): OperationError {
  return new OperationError('NODE_TAKEN', `node ${nodeTitle(node)} was taken by somebody else meanwhile: ${why}`, {
    node: node.uuid,
  });
}

function failed(node: NodeDetails, step: Step): OperationError {
  const facts = { node: node.uuid, provision_state: node.provision_state, last_error: node.last_error ?? undefined };
  return new OperationError('NODE_FAILED', `node ${nodeTitle(node)} ${stepFailure(node, step)}`, facts);
}

/** Tells each new state of a node once. */
export function reporter({ context }: Pick<Run, 'context'>): (node: NodeDetails) => void {
  let seen: string | undefined;
  return (node) => {
    if (node.provision_state === seen) return;
    seen = node.provision_state;
    context.log('info', `node ${nodeTitle(node)} is ${node.provision_state}`);
    context.progress({ subject: nodeTitle(node), stage: node.provision_state });
  };
}
