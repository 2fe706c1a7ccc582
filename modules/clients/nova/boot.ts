// One server from its creation to its end (https://docs.openstack.org/api-ref/compute/).
import { OperationError } from '../../core/errors.js';
import { isNotFound } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';
import { requestVersion, versionHeaders, type Need } from './microversions.js';
import { cellDownMicroversion } from './servers.js';

type Values = Readonly<Record<string, unknown>>;

/** What a boot on a chosen node needs; `assertVersion` tells before anything else is done. */
export const chosenNode: Need = { version: '2.74', purpose: 'a server on a chosen node (hypervisor_hostname)' };
const withoutNetworks: Need = { version: '2.37', purpose: 'a server with the networks "none" or "auto"' };
const anyServer: Need = { version: '2.1', purpose: 'a server' };

export interface ServerRequest {
  /** Several servers may bear one name. */
  readonly name: string;
  readonly imageId: string;
  readonly flavorId: string;
  readonly keyName?: string | undefined;
  /** `none`, `auto` (one of the project's own, made where there is none), or ids. */
  readonly networks: 'none' | 'auto' | readonly string[];
  readonly availabilityZone?: string | undefined;
  /** The node, by Ironic's UUID of it; for admins. Not together with a zone of the form `zone:host:node`. */
  readonly hypervisorHostname?: string | undefined;
  /** The id of a Blazar reservation, whose host the scheduler then takes. */
  readonly reservationId?: string | undefined;
}

export interface ServerDetails {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  /** BUILD, ACTIVE, ERROR, SOFT_DELETED and others; UNKNOWN where its cell does not answer. */
  readonly status: string;
  /** Such as `spawning`; empty where nothing is under way. */
  readonly taskState: string;
  /** Why it is in ERROR; empty otherwise. */
  readonly fault: string;
  /** Ironic's UUID of the node; empty before one was found, and for those who are no admins, as the next. */
  readonly hypervisorHostname: string;
  readonly instanceName: string;
}

/**
 * Starts a server and gives its id. It is not repeated: when an answer is lost, look for the name with `findServers`.
 * Throws UNSUPPORTED_VERSION where Nova is too old for what is asked.
 */
export async function createServer(cloud: Cloud, request: ServerRequest): Promise<string> {
  const { networks, hypervisorHostname, reservationId } = request;
  const need =
    hypervisorHostname !== undefined ? chosenNode : typeof networks === 'string' ? withoutNetworks : anyServer;
  const server = {
    name: request.name,
    imageRef: request.imageId,
    flavorRef: request.flavorId,
    key_name: request.keyName,
    networks: typeof networks === 'string' ? networks : networks.map((uuid) => ({ uuid })),
    availability_zone: request.availabilityZone,
    hypervisor_hostname: hypervisorHostname,
  };
  const hints = reservationId === undefined ? {} : { 'os:scheduler_hints': { reservation: reservationId } };
  const answer = await requestVersion(cloud, need, {
    method: 'POST',
    path: '/servers',
    body: JSON.stringify({ server, ...hints }),
  });
  // The answer has a password beside the id.
  const { server: created } = (await answer.json()) as { server?: Values };
  const id = textAt(created ?? {}, 'id');
  if (id === '')
    throw new OperationError('UNEXPECTED_ANSWER', 'the compute service answered no server', { service: 'compute' });
  return id;
}

/** The server, soft-deleted too; undefined where there is none any more. */
export async function getServer(cloud: Cloud, id: string): Promise<ServerDetails | undefined> {
  try {
    const answer = await cloud.request('compute', {
      method: 'GET',
      path: pathOf(id),
      headers: versionHeaders(cellDownMicroversion),
    });
    return parseServer(((await answer.json()) as { server: Values }).server);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Deletes a server for good, in as many steps as Nova takes: looks at it, sends the request that brings it nearer, and is to be called again
 * until it says `gone`. Where Nova keeps deleted servers for a time (`reclaim_instance_interval`), the second step is `forceDelete`.
 */
export async function deleteServer(cloud: Cloud, id: string): Promise<'gone' | 'going'> {
  const server = await getServer(cloud, id);
  if (server === undefined) return 'gone';
  if (server.status === 'DELETED' || /^(soft-)?deleting$/.test(server.taskState)) return 'going';
  const isKept = server.status === 'SOFT_DELETED';
  const answer = isKept
    ? await cloud.request('compute', {
        method: 'POST',
        path: `${pathOf(id)}/action`,
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ forceDelete: null }),
        expect: [202, 204, 404],
      })
    : await cloud.request('compute', { method: 'DELETE', path: pathOf(id), expect: [202, 204, 404] });
  await answer.text();
  return answer.status === 404 ? 'gone' : 'going';
}

/** The servers of the login's project whose names begin so, soft-deleted ones too: what an earlier run has left. */
export async function* findServers(cloud: Cloud, namePrefix: string): AsyncGenerator<ServerDetails> {
  // Nova takes a regular expression, and which dialect depends on its database: letters, digits and `-` mean themselves in all.
  const plain = /^[\w-]*/.exec(namePrefix)?.[0] ?? '';
  for await (const server of listDetails(cloud, { soft_deleted: 'true', name: `^${plain}` })) {
    if (server.name.startsWith(namePrefix)) yield server;
  }
}

/** The servers of all projects on a node; for admins. */
export async function* listServersOn(cloud: Cloud, hypervisorHostname: string): AsyncGenerator<ServerDetails> {
  for await (const server of listDetails(cloud, { all_tenants: '1', soft_deleted: 'true', node: hypervisorHostname })) {
    if (server.hypervisorHostname === hypervisorHostname) yield server;
  }
}

async function* listDetails(cloud: Cloud, filters: Readonly<Record<string, string>>): AsyncGenerator<ServerDetails> {
  const path = `/servers/detail?${new URLSearchParams({ limit: '1000', ...filters })}`;
  const headers = versionHeaders(cellDownMicroversion);
  for await (const row of readPages(
    { service: 'compute', path, headers, key: 'servers', id: 'id', next: (page) => nextOf(page.servers_links) },
    cloud,
  ))
    yield parseServer(row);
}

function pathOf(id: string): string {
  return `/servers/${encodeURIComponent(id)}`;
}

function parseServer(row: Values): ServerDetails {
  return {
    id: textAt(row, 'id'),
    name: textAt(row, 'name'),
    projectId: textAt(row, 'tenant_id'),
    status: textAt(row, 'status'),
    taskState: textAt(row, 'OS-EXT-STS:task_state'),
    fault: textAt((row.fault ?? {}) as Values, 'message').trim(),
    hypervisorHostname: textAt(row, 'OS-EXT-SRV-ATTR:hypervisor_hostname'),
    instanceName: textAt(row, 'OS-EXT-SRV-ATTR:instance_name'),
  };
}
