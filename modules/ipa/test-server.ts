// The server of a test: Nova deploys it on exactly this node, and deletes it again.
import { isUndecided, statusOf } from '../clients/http/errors.js';
import { latestError, type NodeDetails } from '../clients/ironic/nodes.js';
import {
  createServer,
  deleteServer,
  findServers,
  getServer,
  type ServerDetails,
  type ServerRequest,
} from '../clients/nova/servers.js';
import { messageOf, OperationError } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import { hasFailed, nodeTitle, inUseReason } from '../nodes/policy/node-states.js';
import type { TestEntry } from './journal.js';
import { lookAt, reporter, taken } from './node.js';
import { pace, testFailure, type Run } from './run.js';

export interface Deployment {
  readonly request: ServerRequest;
  readonly node: { readonly uuid: string; readonly name: string };
  /** Called with the server's id as soon as it is known. */
  readonly onCreated: (id: string) => Promise<void>;
}

/**
 * Boots the server and waits until it is active, on this node. Nova notices only after a while that a node is available: until then
 * it finds no host, and is asked again. Throws TEST_FAILED, NODE_TAKEN, WAIT_TIMEOUT.
 */
export async function deployServer(run: Run, deployment: Deployment): Promise<ServerDetails> {
  const { args, context } = run;
  return waitFor(
    async () => {
      const id = await createOrFind(run, deployment);
      if (id === undefined) return undefined;
      await deployment.onCreated(id);
      const server = await untilBooted(run, id, deployment);
      if (server) return server;
      context.log('info', `Nova finds no host yet for server ${deployment.request.name}`);
      await removeServer(run, { name: deployment.request.name, server: { id } }, context.signal);
      return undefined;
    },
    {
      subject: `Nova to find node ${nodeTitle(deployment.node)} available`,
      timeoutSeconds: args.schedule_timeout,
      intervalSeconds: 1,
      longestPauseSeconds: 15,
      signal: context.signal,
    },
  );
}

/** Undefined where Nova does not know the node yet. */
async function createOrFind({ cloud }: Run, { request }: Deployment): Promise<string | undefined> {
  try {
    return await createServer(cloud, request);
  } catch (error) {
    if (statusOf(error) === 400 && /compute host .* could not be found|no hypervisor/i.test(messageOf(error)))
      return undefined;
    if (!isUndecided(error)) throw error;
    // The answer is lost, the server perhaps not.
    for await (const server of findServers(cloud, request.name)) return server.id;
    return undefined;
  }
}

/** Undefined where Nova has found no host, and the node is as free as before. */
async function untilBooted(run: Run, id: string, { node: { uuid } }: Deployment): Promise<ServerDetails | undefined> {
  const { args, context, cloud, ironic } = run;
  const report = reporter(run);
  let lastError: string | null = null;
  let hasBegun = false;
  const begunAt = new Date(Math.floor(context.now().getTime() / 1000) * 1000);
  const look = async (): Promise<{ readonly server?: ServerDetails } | undefined> => {
    const server = await getServer(cloud, id);
    const node = await lookAt(ironic, uuid);
    report(node);
    if (hasFailed(node)) lastError = node.last_error;
    hasBegun ||= node.instance_uuid === id && node.provision_state !== 'available';
    if (!server) throw testFailure(`server ${id} disappeared while it was deployed`, lastError);
    if (server.status === 'ACTIVE') return { server: onNode(server, node) };
    if (server.status !== 'ERROR') return undefined;
    if (!hasBegun && isUnscheduled(server)) return notScheduled(node, id);
    // Nova gives the node up within moments, so the failed state may not have been seen.
    lastError ??= (await latestError(ironic, uuid, begunAt)) ?? null;
    throw testFailure(
      `server ${server.name} failed on node ${nodeTitle(node)}: ${lastError || server.fault || 'Nova tells no reason'}`,
      lastError,
    );
  };
  const found = await waitFor(look, {
    subject: `server ${id} to become active`,
    timeoutSeconds: args.deploy_timeout,
    ...pace,
    signal: context.signal,
  });
  return found.server;
}

function isUnscheduled({ fault }: ServerDetails): boolean {
  return /no valid host|not enough hosts|exceeded maximum number of retries|exhausted all hosts/i.test(fault);
}

function notScheduled(node: NodeDetails, serverId: string): Record<string, never> {
  const occupation = node.instance_uuid === serverId ? undefined : inUseReason(node);
  if (occupation) throw taken(node, occupation);
  return {};
}

function onNode(server: ServerDetails, node: NodeDetails): ServerDetails {
  if (node.instance_uuid === server.id || server.hypervisorHostname === node.uuid) return server;
  throw new OperationError(
    'WRONG_NODE',
    `Nova put server ${server.name} on ${server.hypervisorHostname || 'another node'}, not on node ${nodeTitle(node)}`,
    { node: node.uuid },
  );
}

/** Deletes the server of an entry, by its id or else by its name, and waits until Nova has forgotten it. */
export async function removeServer(
  { cloud, args }: Run,
  { name, server }: Pick<TestEntry, 'name' | 'server'>,
  signal: AbortSignal,
): Promise<void> {
  if (!server) return;
  const look = async (): Promise<true | undefined> => {
    const ids = new Set(server.id === undefined ? [] : [server.id]);
    // Ids that were not noted any more, by the name, which is unique.
    for await (const found of findServers(cloud, name)) if (found.name === name) ids.add(found.id);
    const states = await Promise.all([...ids].map((id) => deleteServer(cloud, id)));
    return states.every((state) => state === 'gone') ? true : undefined;
  };
  await waitFor(look, { subject: `server ${name} to be deleted`, timeoutSeconds: args.clean_timeout, ...pace, signal });
}
