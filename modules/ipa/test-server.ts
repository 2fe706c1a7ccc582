// The server of a test: Nova deploys it on exactly this node and deletes it again.
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
import { hasFailed, nodeTitle, inUseReason } from '../nodes/policy/provision-states.js';
import type { TestEntry } from './journal.js';
import { nodeTaken, readNode, stateReporter } from './node.js';
import { pollInterval, type IpaRun } from './run.js';

export interface ServerBoot {
  readonly request: ServerRequest;
  readonly node: { readonly uuid: string; readonly name: string };
  /** Called with the server's id as soon as it is known. */
  readonly onCreated: (id: string) => Promise<void>;
  /** Called each time that Nova finds no host; throws if it never will. */
  readonly onUnscheduled: () => Promise<void>;
}

/**
 * Boots the server and waits until it is active on this node. Nova takes some time to notice that a
 * node is available: until then it finds no host, and the request is repeated. Throws TEST_FAILED,
 * NODE_TAKEN, WAIT_TIMEOUT, and what `onUnscheduled` throws.
 */
export async function deployServer(run: IpaRun, boot: ServerBoot): Promise<ServerDetails> {
  const { args, context } = run;
  return waitFor(
    async () => {
      const id = await createOrFind(run, boot);
      if (id === undefined) return undefined;
      await boot.onCreated(id);
      const server = await untilBooted(run, id, boot);
      if (server) return server;
      context.log('info', `Nova does not find a host for server ${boot.request.name} yet`);
      await removeServer(run, { name: boot.request.name, server: { id } }, context.signal);
      await boot.onUnscheduled();
      return undefined;
    },
    {
      subject: `Nova to find node ${nodeTitle(boot.node)} available`,
      timeoutSeconds: args.schedule_timeout,
      intervalSeconds: 1,
      longestPauseSeconds: 15,
      signal: context.signal,
    },
  );
}

/** Undefined if Nova does not know the node yet. */
async function createOrFind({ cloud }: IpaRun, { request }: ServerBoot): Promise<string | undefined> {
  try {
    return await createServer(cloud, request);
  } catch (error) {
    if (statusOf(error) === 400 && /compute host .* could not be found|no hypervisor/i.test(messageOf(error)))
      return undefined;
    if (!isUndecided(error)) throw error;
    // The server may have been created although the answer was lost.
    for await (const server of findServers(cloud, request.name)) return server.id;
    return undefined;
  }
}

/** Undefined if Nova has found no host and the node is still free. */
async function untilBooted(
  run: IpaRun,
  id: string,
  { node: { uuid } }: ServerBoot,
): Promise<ServerDetails | undefined> {
  const { args, context, cloud, ironic } = run;
  const report = stateReporter(run);
  let lastError: string | null = null;
  let hasStarted = false;
  const startedAt = new Date(Math.floor(context.now().getTime() / 1000) * 1000);
  const look = async (): Promise<{ readonly server?: ServerDetails } | undefined> => {
    const server = await getServer(cloud, id);
    const node = await readNode(ironic, uuid);
    report(node);
    if (hasFailed(node)) lastError = node.last_error;
    hasStarted ||= node.instance_uuid === id && node.provision_state !== 'available';
    if (!server) throw testFailure(`server ${id} disappeared during its deployment`, lastError);
    if (server.status === 'ACTIVE') return { server: onNode(server, node) };
    if (server.status !== 'ERROR') return undefined;
    if (!hasStarted && isUnscheduled(server)) return notScheduled(node, id);
    // Nova releases the node within moments, so that the failed state may not have been seen.
    lastError ??= (await latestError(ironic, uuid, startedAt)) ?? null;
    throw testFailure(
      `server ${server.name} failed on node ${nodeTitle(node)}: ${lastError || server.fault || 'Nova gives no reason'}`,
      lastError,
    );
  };
  const found = await waitFor(look, {
    subject: `server ${id} to become active`,
    timeoutSeconds: args.deploy_timeout,
    ...pollInterval,
    signal: context.signal,
  });
  return found.server;
}

function isUnscheduled({ fault }: ServerDetails): boolean {
  return /no valid host|not enough hosts|exceeded maximum number of retries|exhausted all hosts/i.test(fault);
}

function notScheduled(node: NodeDetails, serverId: string): Record<string, never> {
  const use = node.instance_uuid === serverId ? undefined : inUseReason(node);
  if (use) throw nodeTaken(node, use);
  return {};
}

function onNode(server: ServerDetails, node: NodeDetails): ServerDetails {
  if (node.instance_uuid === server.id || server.hypervisorHostname === node.uuid) return server;
  throw new OperationError(
    'WRONG_NODE',
    `Nova placed server ${server.name} on ${server.hypervisorHostname || 'another node'}, not on node ` +
      `${nodeTitle(node)}`,
    { node: node.uuid },
  );
}

/** Deletes the server of an entry, by its id or else by its name, and waits until it is gone. */
export async function removeServer(
  { cloud, args }: IpaRun,
  { name, server }: Pick<TestEntry, 'name' | 'server'>,
  signal: AbortSignal,
): Promise<void> {
  if (!server) return;
  const look = async (): Promise<true | undefined> => {
    const ids = new Set(server.id === undefined ? [] : [server.id]);
    // A server whose id did not reach the journal is found by its name, which is unique.
    for await (const found of findServers(cloud, name)) if (found.name === name) ids.add(found.id);
    const states = await Promise.all([...ids].map((id) => deleteServer(cloud, id)));
    return states.every((state) => state === 'gone') ? true : undefined;
  };
  await waitFor(look, {
    subject: `server ${name} to be deleted`,
    timeoutSeconds: args.clean_timeout,
    ...pollInterval,
    signal,
  });
}

/** The test has failed because of the images or the hardware; everything else is in order. */
export function testFailure(reason: string, lastError?: string | null): OperationError {
  return new OperationError('TEST_FAILED', reason, { last_error: lastError ?? undefined });
}
