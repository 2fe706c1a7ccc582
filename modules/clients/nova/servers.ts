// The Compute service's servers (https://docs.openstack.org/api-ref/compute/): those of all
// projects for reading, those of the login's project from creation to deletion.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { isNotFound } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';
import { requestVersion, versionHeaders, type VersionRequirement } from './microversions.js';

type Row = Readonly<Record<string, unknown>>;

/**
 * From 2.69 on Nova lists the servers of a cell that is down, if the list has neither paging nor
 * filters. Stein has it.
 */
const cellDownMicroversion = '2.69';

const headers = versionHeaders(cellDownMicroversion);

/** Nova itself waits a minute for a cell before it answers without it. */
const cellTimeoutSeconds = 120;

/**
 * Booting on a chosen node requires this; check it with `assertVersion` before anything else is
 * done.
 */
export const nodeSelection: VersionRequirement = {
  version: '2.74',
  purpose: 'a server on a chosen node (hypervisor_hostname)',
};
const networkKeyword: VersionRequirement = { version: '2.37', purpose: 'a server with the networks "none" or "auto"' };
const anyServer: VersionRequirement = { version: '2.1', purpose: 'a server' };

export interface Server {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly status: string;
  /** Its image, kernel and ramdisk; a server that boots from a volume has no image. */
  readonly imageIds: readonly string[];
}

export interface ServerFilter {
  /** Include servers that were deleted and can still be restored; Nova omits them by default. */
  readonly softDeleted: boolean;
  /** Only servers that were created from this image. */
  readonly imageId?: string | undefined;
}

export interface ServerRequest {
  /** Need not be unique. */
  readonly name: string;
  readonly imageId: string;
  readonly flavorId: string;
  readonly keyName?: string | undefined;
  /** `none`, `auto` (the project's own network, created if there is none), or ids. */
  readonly networks: 'none' | 'auto' | readonly string[];
  /** The node, by its UUID in Ironic; admins only. */
  readonly hypervisorHostname?: string | undefined;
  /** Id of a Blazar reservation; the scheduler then selects its host. */
  readonly reservationId?: string | undefined;
}

export interface ServerDetails {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  /** BUILD, ACTIVE, ERROR, SOFT_DELETED and others; UNKNOWN if its cell does not answer. */
  readonly status: string;
  /** Such as `spawning`; empty if no task is in progress. */
  readonly taskState: string;
  /** Why it is in ERROR; empty otherwise. */
  readonly fault: string;
  /**
   * The node's UUID in Ironic; empty until a node was selected, and for logins that are not an
   * admin's.
   */
  readonly hypervisorHostname: string;
}

/** The servers of all projects. Throws CELL_DOWN for a row without the server's data. */
export async function* listServers(cloud: Cloud, { softDeleted, imageId }: ServerFilter): AsyncGenerator<Server> {
  const filters = {
    all_tenants: '1',
    limit: '1000',
    ...(softDeleted ? { soft_deleted: 'true' } : {}),
    ...(imageId === undefined ? {} : { image: imageId }),
  };
  for await (const row of listRows(cloud, filters)) yield parseServer(row);
}

/**
 * Asserts that every cell answers: with paging or filters Nova silently omits the servers of a cell
 * that does not. Throws CELL_DOWN. If the site has more servers than one answer holds, Nova does
 * not list those of the cell that is down, but it still lists its services.
 */
export async function assertCellsUp(cloud: Cloud): Promise<void> {
  const [servers, links] = await readUnpaged(cloud, '/servers?all_tenants=1', 'servers');
  assertKnown(servers, 'servers');
  if (nextOf(links) === undefined) return;
  const [services] = await readUnpaged(cloud, '/os-services', 'services');
  assertKnown(services, 'services');
}

/**
 * Creates a server and returns its id. It is not retried: if the answer is lost, look for the name
 * with `findServers`.
 * Throws UNSUPPORTED_VERSION if Nova is too old for the request.
 */
export async function createServer(cloud: Cloud, request: ServerRequest): Promise<string> {
  const { networks, hypervisorHostname, reservationId } = request;
  const requirement =
    hypervisorHostname !== undefined ? nodeSelection : typeof networks === 'string' ? networkKeyword : anyServer;
  const server = {
    name: request.name,
    imageRef: request.imageId,
    flavorRef: request.flavorId,
    key_name: request.keyName,
    networks: typeof networks === 'string' ? networks : networks.map((uuid) => ({ uuid })),
    hypervisor_hostname: hypervisorHostname,
  };
  const hints = reservationId === undefined ? {} : { 'os:scheduler_hints': { reservation: reservationId } };
  const answer = await requestVersion(cloud, requirement, {
    method: 'POST',
    path: '/servers',
    body: JSON.stringify({ server, ...hints }),
  });
  // The answer also has the password, which is not read.
  return textAt(serverIn(await answer.json()), 'id');
}

/** The server, even if it is soft-deleted; undefined if it does not exist. */
export async function getServer(cloud: Cloud, id: string): Promise<ServerDetails | undefined> {
  try {
    const answer = await cloud.request('compute', { method: 'GET', path: pathOf(id), headers });
    return parseDetails(serverIn(await answer.json()));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Advances the deletion of a server by one step; to be called until it returns `gone`. If Nova
 * keeps deleted servers for some time (`reclaim_instance_interval`), the second step is
 * `forceDelete`.
 */
export async function deleteServer(cloud: Cloud, id: string): Promise<'gone' | 'going'> {
  const server = await getServer(cloud, id);
  if (server === undefined) return 'gone';
  if (server.status === 'DELETED' || /^(soft-)?deleting$/.test(server.taskState)) return 'going';
  const answer =
    server.status === 'SOFT_DELETED'
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

/**
 * The servers of the login's project whose names start with `namePrefix`, including soft-deleted
 * ones.
 */
export async function* findServers(cloud: Cloud, namePrefix: string): AsyncGenerator<ServerDetails> {
  // Nova takes a regular expression, in a dialect that depends on its database: letters, digits and
  // `-` are literal in all of them.
  const literal = /^[\w-]*/.exec(namePrefix)?.[0] ?? '';
  for await (const row of listRows(cloud, { limit: '1000', soft_deleted: 'true', name: `^${literal}` })) {
    const server = parseDetails(row);
    if (server.name.startsWith(namePrefix)) yield server;
  }
}

function listRows(cloud: Cloud, filters: Readonly<Record<string, string>>): AsyncGenerator<Row> {
  const path = `/servers/detail?${new URLSearchParams(filters)}`;
  return readPages(
    { service: 'compute', path, headers, key: 'servers', id: 'id', next: (page) => nextOf(page.servers_links) },
    cloud,
  );
}

/** The list under `key`, and its links. */
async function readUnpaged(cloud: Cloud, path: string, key: string): Promise<[readonly Row[], unknown]> {
  const timeoutSeconds = cellTimeoutSeconds;
  const answer: unknown = await (
    await cloud.request('compute', { method: 'GET', path, headers, timeoutSeconds })
  ).json();
  const rows = isMapping(answer) ? answer[key] : undefined;
  if (!isMapping(answer) || !Array.isArray(rows)) throw unexpectedAnswer(`no list of ${key}`);
  return [rows.filter(isMapping), answer[`${key}_links`]];
}

function assertKnown(rows: readonly Row[], what: string): void {
  const unknown = rows.filter(({ status }) => status === 'UNKNOWN');
  if (unknown.length > 0)
    throw cellDown(`${unknown.length} of its ${what} ${unknown.length === 1 ? 'has' : 'have'} status UNKNOWN`);
}

function pathOf(id: string): string {
  return `/servers/${encodeURIComponent(id)}`;
}

function serverIn(answer: unknown): Row {
  const server = isMapping(answer) ? answer.server : undefined;
  if (!isMapping(server) || textAt(server, 'id') === '') throw unexpectedAnswer('no server');
  return server;
}

function parseServer(row: Row): Server {
  const id = textAt(row, 'id');
  if (row.status === 'UNKNOWN') throw cellDown(`server ${id} has status UNKNOWN`);
  if (id === '' || !('image' in row)) throw cellDown(`server ${id || 'without an id'} is listed without its image`);
  const imageIds = [
    isMapping(row.image) ? textAt(row.image, 'id') : '',
    textAt(row, 'OS-EXT-SRV-ATTR:kernel_id'),
    textAt(row, 'OS-EXT-SRV-ATTR:ramdisk_id'),
  ].filter(Boolean);
  return {
    id,
    name: textAt(row, 'name'),
    projectId: textAt(row, 'tenant_id'),
    status: textAt(row, 'status'),
    imageIds,
  };
}

function parseDetails(row: Row): ServerDetails {
  return {
    id: textAt(row, 'id'),
    name: textAt(row, 'name'),
    projectId: textAt(row, 'tenant_id'),
    status: textAt(row, 'status'),
    taskState: textAt(row, 'OS-EXT-STS:task_state'),
    fault: isMapping(row.fault) ? textAt(row.fault, 'message').trim() : '',
    hypervisorHostname: textAt(row, 'OS-EXT-SRV-ATTR:hypervisor_hostname'),
  };
}

function cellDown(what: string): OperationError {
  return new OperationError('CELL_DOWN', `a cell of Nova does not answer: ${what}`, { service: 'compute' });
}

function unexpectedAnswer(what: string): OperationError {
  return new OperationError('UNEXPECTED_ANSWER', `the compute service answered ${what}`, { service: 'compute' });
}
