// Blazar's hosts and who has them (https://docs.openstack.org/blazar/latest/restapi/, API v1): reads only, for admins.
import { isNotFound } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { readPages, textAt } from '../paging.js';

type Values = Readonly<Record<string, unknown>>;

export interface Host {
  readonly id: string;
  /** The UUID of the Ironic node: Doni makes a host of each hardware under its UUID (doni/driver/worker/blazar/physical_host.py). */
  readonly hypervisorHostname: string;
  /** Empty where it was not given one. */
  readonly nodeType: string;
  /** The node's name; empty where Blazar was not told it. */
  readonly nodeName: string;
  /** False while the host is taken out of service. */
  readonly isReservable: boolean;
}

export interface Allocation {
  readonly hostId: string;
  readonly reservationId: string;
  readonly leaseId: string;
}

/** Which hosts are reserved now or later, one element for each host of each reservation. Those of one reservation where its id is given. */
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
    const reservations = Array.isArray(row.reservations) ? (row.reservations as Values[]) : [];
    // Releases without the filter answer everything.
    for (const reservation of reservations.filter(({ id }) => reservationId === undefined || id === reservationId)) {
      yield {
        hostId: textAt(row, 'resource_id'),
        reservationId: textAt(reservation, 'id'),
        leaseId: textAt(reservation, 'lease_id'),
      };
    }
  }
}

/** The host of this id, which is Blazar's own; undefined where there is none. */
export async function getHost(cloud: Cloud, id: string): Promise<Host | undefined> {
  try {
    const answer = await cloud.request('reservation', {
      method: 'GET',
      path: `/v1/os-hosts/${encodeURIComponent(id)}`,
    });
    return parseHost(((await answer.json()) as { host: Values }).host);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** All hosts. */
export async function* listHosts(cloud: Cloud): AsyncGenerator<Host> {
  for await (const row of readPages(
    { service: 'reservation', path: '/v1/os-hosts', key: 'hosts', id: 'id', next: () => undefined },
    cloud,
  ))
    yield parseHost(row);
}

function parseHost(row: Values): Host {
  return {
    id: textAt(row, 'id'),
    hypervisorHostname: textAt(row, 'hypervisor_hostname'),
    nodeType: textAt(row, 'node_type'),
    nodeName: textAt(row, 'node_name'),
    isReservable: row.reservable !== false,
  };
}
