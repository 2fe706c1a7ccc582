// Blazar's hosts and their allocations (https://docs.openstack.org/blazar/latest/restapi/, API v1):
// reads only, for admins.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { isNotFound } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { readPages, textAt } from '../paging.js';

type Row = Readonly<Record<string, unknown>>;

export interface Host {
  readonly id: string;
  /**
   * The UUID of the Ironic node: Doni creates a host with the UUID of each hardware
   * (doni/driver/worker/blazar/physical_host.py).
   */
  readonly hypervisorHostname: string;
  /** Empty if the host has none. */
  readonly nodeType: string;
}

export interface Allocation {
  readonly hostId: string;
  readonly reservationId: string;
}

/**
 * The hosts that are reserved now or later: one element for each host of each reservation, or of
 * the reservation with this id.
 */
export async function* listAllocations(cloud: Cloud, reservationId?: string): AsyncGenerator<Allocation> {
  const filter = reservationId === undefined ? '' : `?reservation_id=${encodeURIComponent(reservationId)}`;
  const pages = {
    service: 'reservation',
    path: `/v1/os-hosts/allocations${filter}`,
    key: 'allocations',
    id: 'resource_id',
    next: () => undefined,
  };
  for await (const row of readPages(pages, cloud)) {
    const reservations = Array.isArray(row.reservations) ? row.reservations.filter(isMapping) : [];
    // Releases that do not know the filter return all of them.
    for (const reservation of reservations.filter(({ id }) => reservationId === undefined || id === reservationId))
      yield { hostId: textAt(row, 'resource_id'), reservationId: textAt(reservation, 'id') };
  }
}

/** The host with this id, which is Blazar's own; undefined if there is none. */
export async function getHost(cloud: Cloud, id: string): Promise<Host | undefined> {
  try {
    const answer = await cloud.request('reservation', {
      method: 'GET',
      path: `/v1/os-hosts/${encodeURIComponent(id)}`,
    });
    return hostIn(await answer.json());
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export async function* listHosts(cloud: Cloud): AsyncGenerator<Host> {
  for await (const row of readPages(
    { service: 'reservation', path: '/v1/os-hosts', key: 'hosts', id: 'id', next: () => undefined },
    cloud,
  ))
    yield parseHost(row);
}

function hostIn(answer: unknown): Host {
  const host = isMapping(answer) ? answer.host : undefined;
  if (!isMapping(host))
    throw new OperationError('UNEXPECTED_ANSWER', 'the reservation service answered no host', {
      service: 'reservation',
    });
  return parseHost(host);
}

function parseHost(row: Row): Host {
  return {
    id: textAt(row, 'id'),
    hypervisorHostname: textAt(row, 'hypervisor_hostname'),
    nodeType: textAt(row, 'node_type'),
  };
}
