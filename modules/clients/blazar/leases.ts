// Blazar's leases (https://docs.openstack.org/blazar/latest/restapi/, API v1), each with one bare-metal host.
import { OperationError } from '../../core/errors.js';
import { HttpError, isNotFound } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { readPages, textAt } from '../paging.js';

type Values = Readonly<Record<string, unknown>>;

export interface Lease {
  readonly id: string;
  /** Several leases may bear one name. */
  readonly name: string;
  readonly projectId: string;
  /**
   * PENDING until it begins, then STARTING, ACTIVE, TERMINATING, TERMINATED; CREATING, UPDATING and DELETING for moments; ERROR when a
   * step failed (blazar/status.py). The steps are taken every ten seconds.
   */
  readonly status: string;
  readonly reservations: readonly Reservation[];
}

export interface Reservation {
  /** A server is put on a reserved host by the scheduler hint `reservation` with this id. */
  readonly id: string;
  /** `pending`, `active`, `deleted` or `error`. */
  readonly status: string;
}

export interface LeaseRequest {
  /** At most 80 characters. */
  readonly name: string;
  /** What the host must be, as JSON: `["==", "$node_type", "compute_skylake"]`; `["and", …, …]` for several conditions. */
  readonly resourceProperties: readonly unknown[];
  /** Blazar counts in whole minutes and refuses a minute that is over by its own clock; `now` asks for the one that it is in. */
  readonly start: Date | 'now';
  readonly end: Date;
}

/** What a lease can be relied upon for: `coming` it has yet to begin, `over` it has ended or is about to. */
export type LeasePhase = 'coming' | 'active' | 'over' | 'failed';

/**
 * Creates a lease of one host. It is not repeated: when an answer is lost, look for the name in `listLeases`.
 * Throws NO_HOST_FREE where no host has the properties and is free for the whole time.
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

/** The lease; undefined where there is none any more. */
export async function getLease(cloud: Cloud, id: string): Promise<Lease | undefined> {
  try {
    return leaseIn(await (await cloud.request('reservation', { method: 'GET', path: pathOf(id) })).json());
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The leases that still exist, ended ones too: an admin's answer has those of all projects. */
export async function* listLeases(cloud: Cloud): AsyncGenerator<Lease> {
  // Blazar has no pages and filters.
  for await (const row of readPages(
    { service: 'reservation', path: '/v1/leases', key: 'leases', id: 'id', next: () => undefined },
    cloud,
  ))
    yield parseLease(row);
}

/**
 * Deletes a lease, and with it all servers on its hosts (`on_end` of blazar/plugins/oshosts/host_plugin.py). One that is gone is fine.
 * A lease that is just starting or ending is refused with 500, even after repetition: it can be deleted some seconds later.
 */
export async function deleteLease(cloud: Cloud, id: string): Promise<void> {
  await (
    await cloud.request('reservation', { method: 'DELETE', path: pathOf(id), expect: [200, 202, 204, 404] })
  ).text();
}

/** Where a lease is on its way; see `status`. */
export function phaseOf({ status }: Lease): LeasePhase {
  if (status === 'ACTIVE') return 'active';
  if (status === 'ERROR') return 'failed';
  return ['TERMINATING', 'TERMINATED', 'DELETING'].includes(status) ? 'over' : 'coming';
}

/** Blazar tells a lack of hosts from a fault of its own by the sentence only: both are 500 (blazar/manager/exceptions.py). */
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
  const { lease } = (answer ?? {}) as { lease?: Values };
  if (typeof lease?.id !== 'string')
    throw new OperationError('UNEXPECTED_ANSWER', 'the reservation service answered no lease', {
      service: 'reservation',
    });
  return parseLease(lease);
}

function parseLease(row: Values): Lease {
  const reservations = Array.isArray(row.reservations) ? (row.reservations as Values[]) : [];
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
