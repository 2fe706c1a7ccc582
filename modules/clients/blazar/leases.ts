// Blazar's leases (https://docs.openstack.org/blazar/latest/restapi/, API v1), each with one
// bare-metal host.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { HttpError, isNotFound } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { readPages, textAt } from '../paging.js';

type Row = Readonly<Record<string, unknown>>;

export interface Lease {
  readonly id: string;
  /** Need not be unique. */
  readonly name: string;
  readonly projectId: string;
  /**
   * PENDING until it starts, then STARTING, ACTIVE, TERMINATING, TERMINATED; CREATING, UPDATING and
   * DELETING for moments; ERROR if a step failed (blazar/status.py). Blazar takes these steps every
   * ten seconds.
   */
  readonly status: string;
  readonly reservations: readonly LeaseReservation[];
}

export interface LeaseReservation {
  /** The scheduler hint `reservation` with this id places a server on the reserved host. */
  readonly id: string;
  /** `pending`, `active`, `deleted` or `error`. */
  readonly status: string;
}

export interface LeaseRequest {
  /** At most 80 characters. */
  readonly name: string;
  /**
   * The properties that the host must have, as JSON: `["==", "$node_type", "compute_skylake"]`;
   * `["and", …, …]` for several conditions.
   */
  readonly resourceProperties: readonly unknown[];
  /**
   * Blazar counts in whole minutes and refuses a minute that is past by its own clock; `now`
   * requests the current one.
   */
  readonly start: Date | 'now';
  readonly end: Date;
}

/**
 * Where a lease is in its life: `coming` before it has started, `over` once it has ended or is
 * about to.
 */
export type LeasePhase = 'coming' | 'active' | 'over' | 'failed';

/**
 * Creates a lease of one host. It is not retried: if the answer is lost, look for the name in
 * `listLeases`.
 * Throws NO_HOST_FREE if no host has the properties and is free for the whole time.
 */
export async function createLease(
  cloud: Cloud,
  { name, resourceProperties, start, end }: LeaseRequest,
): Promise<Lease> {
  const reservation = {
    resource_type: 'physical:host',
    min: 1,
    max: 1,
    hypervisor_properties: '',
    resource_properties: JSON.stringify(resourceProperties),
  };
  const dates = { start_date: start === 'now' ? start : minuteOf(start), end_date: minuteOf(end) };
  const body = JSON.stringify({ name, ...dates, reservations: [reservation], events: [] });
  try {
    const answer = await cloud.request('reservation', {
      method: 'POST',
      path: '/v1/leases',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    return leaseIn(await answer.json());
  } catch (error) {
    if (!isNoHostFree(error)) throw error;
    throw new OperationError(
      'NO_HOST_FREE',
      `Blazar has no free host for ${reservation.resource_properties}: ${error.message}`,
      { service: 'reservation', lease: name },
      error,
    );
  }
}

/** The lease; undefined if it does not exist. */
export async function getLease(cloud: Cloud, id: string): Promise<Lease | undefined> {
  try {
    return leaseIn(await (await cloud.request('reservation', { method: 'GET', path: pathOf(id) })).json());
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** All leases, including those that have ended: an admin sees the leases of all projects. */
export async function* listLeases(cloud: Cloud): AsyncGenerator<Lease> {
  // Blazar has neither paging nor filters.
  for await (const row of readPages(
    { service: 'reservation', path: '/v1/leases', key: 'leases', id: 'id', next: () => undefined },
    cloud,
  ))
    yield parseLease(row);
}

/**
 * Deletes a lease, and with it all servers on its hosts (`on_end` of
 * blazar/plugins/oshosts/host_plugin.py); one that does not exist is no error. While a lease is
 * starting or ending Blazar refuses with 500, even after retries: it can be deleted some seconds
 * later.
 */
export async function deleteLease(cloud: Cloud, id: string): Promise<void> {
  await (
    await cloud.request('reservation', { method: 'DELETE', path: pathOf(id), expect: [200, 202, 204, 404] })
  ).text();
}

/** The phase of a lease; see `status`. */
export function leasePhase({ status }: Lease): LeasePhase {
  if (status === 'ACTIVE') return 'active';
  if (status === 'ERROR') return 'failed';
  return ['TERMINATING', 'TERMINATED', 'DELETING'].includes(status) ? 'over' : 'coming';
}

/**
 * Only the message distinguishes a lack of hosts from a fault of Blazar: both are 500
 * (blazar/manager/exceptions.py).
 */
function isNoHostFree(error: unknown): error is HttpError {
  return error instanceof HttpError && /not enough (hosts|resources) available/i.test(error.message);
}

/** `%Y-%m-%d %H:%M` in UTC. */
function minuteOf(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ');
}

function pathOf(id: string): string {
  return `/v1/leases/${encodeURIComponent(id)}`;
}

function leaseIn(answer: unknown): Lease {
  const lease = isMapping(answer) ? answer.lease : undefined;
  if (!isMapping(lease) || typeof lease.id !== 'string')
    throw new OperationError('UNEXPECTED_ANSWER', 'the reservation service answered no lease', {
      service: 'reservation',
    });
  return parseLease(lease);
}

function parseLease(row: Row): Lease {
  const reservations = Array.isArray(row.reservations) ? row.reservations.filter(isMapping) : [];
  return {
    id: textAt(row, 'id'),
    name: textAt(row, 'name'),
    projectId: textAt(row, 'project_id'),
    status: textAt(row, 'status'),
    reservations: reservations.map((reservation) => ({
      id: textAt(reservation, 'id'),
      status: textAt(reservation, 'status'),
    })),
  };
}
