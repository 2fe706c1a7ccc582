// The Compute service's servers of all projects (https://docs.openstack.org/api-ref/compute/): reads only.
import { OperationError } from '../../core/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';
import { versionHeaders } from './microversions.js';

/** From 2.69 on Nova tells of servers whose cell is down, in a list without paging and filters. Stein has it. */
export const cellDownMicroversion = '2.69';

const headers = versionHeaders(cellDownMicroversion);

/** Nova itself waits a minute for a cell before it answers without it. */
const cellTimeoutSeconds = 120;

export interface Server {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly status: string;
  /** Its image, kernel and ramdisk; one that boots from a volume has no image. */
  readonly imageIds: readonly string[];
}

export interface ServerFilter {
  /** Those too that were deleted and can still be restored; Nova leaves them out otherwise. */
  readonly softDeleted: boolean;
  /** Only servers that were made from this image. */
  readonly imageId?: string | undefined;
}

/** The servers of all projects. Throws CELL_DOWN for a row that tells nothing of its server. */
export async function* listServers(cloud: Cloud, { softDeleted, imageId }: ServerFilter): AsyncGenerator<Server> {
  const filters = [
    ...(softDeleted ? ['soft_deleted=true'] : []),
    ...(imageId === undefined ? [] : [`image=${encodeURIComponent(imageId)}`]),
  ];
  const path = `/servers/detail?${['all_tenants=1', 'limit=1000', ...filters].join('&')}`;
  for await (const row of readPages(
    { service: 'compute', path, headers, key: 'servers', id: 'id', next: (page) => nextOf(page.servers_links) },
    cloud,
  )) {
    yield parseServer(row);
  }
}

/**
 * Makes sure that every cell answers: paging and filters silently leave out the servers of a cell that does not. Throws CELL_DOWN.
 * Where the site has more servers than one answer holds, Nova does not list those of the cell that is down any more, but its services.
 */
export async function assertCellsUp(cloud: Cloud): Promise<void> {
  const answer = await cloud.request('compute', {
    method: 'GET',
    path: '/servers?all_tenants=1',
    headers,
    timeoutSeconds: cellTimeoutSeconds,
  });
  const { servers, servers_links: links } = (await answer.json()) as { servers?: unknown; servers_links?: unknown };
  assertKnown(servers, 'servers');
  if (nextOf(links) === undefined) return;
  const more = await cloud.request('compute', {
    method: 'GET',
    path: '/os-services',
    headers,
    timeoutSeconds: cellTimeoutSeconds,
  });
  assertKnown(((await more.json()) as { services?: unknown }).services, 'services');
}

function assertKnown(rows: unknown, what: string): void {
  if (!Array.isArray(rows))
    throw new OperationError('UNEXPECTED_ANSWER', `the compute service answered no list of ${what}`, {
      service: 'compute',
    });
  const unknown = (rows as Readonly<Record<string, unknown>>[]).filter(({ status }) => status === 'UNKNOWN');
  if (unknown.length > 0)
    throw cellDown(`${unknown.length} of its ${what} ${unknown.length === 1 ? 'has' : 'have'} status UNKNOWN`);
}

function parseServer(row: Readonly<Record<string, unknown>>): Server {
  const id = textAt(row, 'id');
  if (row.status === 'UNKNOWN') throw cellDown(`server ${id} has status UNKNOWN`);
  if (id === '' || !('image' in row)) throw cellDown(`server ${id || 'without an id'} comes without data of its image`);
  const image = row.image as { id?: unknown } | string | null;
  const imageId = typeof image === 'object' && typeof image?.id === 'string' ? image.id : '';
  const imageIds = [
    imageId,
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

function cellDown(what: string): OperationError {
  return new OperationError('CELL_DOWN', `a cell of Nova does not answer: ${what}`, { service: 'compute' });
}
