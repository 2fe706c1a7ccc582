// A double of Blazar's leases of physical hosts, API v1, as Chameleon runs it:
// github.com/ChameleonCloud/blazar, branch chameleoncloud/2023.1.

import { randomUUID } from 'node:crypto';

import { isAllocatable, requirementsOf } from './blazar-matching.js';
import { Refusal, header, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import type { StoredNode } from './ironic.js';
import type { Identity } from './keystone.js';
import { refuseStrangers } from './service-list.js';
import type { Intervention, ServiceOptions } from './service-list.js';

export interface StoredHost {
  readonly id: string;
  readonly hypervisor_hostname: string;
  readonly node_name: string;
  readonly node_type: string;
  reservable: boolean;
}

export interface StoredLease {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  status: string;
  /** Milliseconds. */
  readonly start: number;
  readonly end: number;
  /** `status` is pending, active, deleted or error. */
  readonly reservation: { readonly id: string; status: string; readonly resource_properties: string };
  /** Ids of the hosts that it has. */
  readonly hosts: readonly string[];
}

export interface BlazarOptions extends ServiceOptions {
  readonly now?: () => number;
  /** Ironic's nodes: a host that is seeded without a name is the first of them that is none yet. */
  readonly nodes?: readonly StoredNode[];
}

export interface BlazarDouble extends HttpDouble {
  readonly hosts: StoredHost[];
  readonly leases: StoredLease[];
  /**
   * `automatic`: each look at a lease is followed by its next step, whatever the time. `manual`:
   * the test sets `status`, or calls `step`.
   */
  lifecycle: 'automatic' | 'manual';
  /** What becomes of leases that start. */
  startsAs: 'ACTIVE' | 'ERROR';
  /** Told of the hypervisors whose servers Blazar deletes at the end of a lease. */
  whenEnded: (hypervisors: readonly string[]) => void;
  intervene: Intervention;
  seed(host: Partial<StoredHost>): StoredHost;
  /** The next step of a lease. */
  step(lease: StoredLease): void;
  /** The hypervisors that a reservation's servers may use now. */
  hypervisorsOf(reservationId: string): string[];
}

/**
 * Starts a Blazar without hosts; its endpoint has the version, as kolla writes it into the
 * catalogue.
 */
export async function startBlazar(options: BlazarOptions): Promise<BlazarDouble> {
  const now = options.now ?? Date.now;
  const server = await startHttpDouble((call) => double.intervene(call) ?? handle(call));

  function handle(call: Call): Answer | Promise<Answer> {
    const identity = options.identify(header(call, 'x-auth-token'));
    if (identity?.project === undefined)
      throw new Refusal({
        status: 401,
        body: { error: { code: 401, message: 'The request you have made requires authentication.' } },
      });
    const [version, resource, id = ''] = call.segments;
    if (version === '') return { status: 300, body: { versions: [{ id: 'v1.0', status: 'CURRENT', links: [] }] } };
    if (resource === 'leases') return onLeases(double, { call, identity, id, now: now() });
    // blazar/policies/oshosts.py: all for admins only.
    refuseStrangers(options, call);
    if (resource !== 'os-hosts' || call.method !== 'GET')
      throw refusal(404, 'The requested URL was not found on the server.');
    return onHosts(double, call, now());
  }

  const double: BlazarDouble = {
    ...server,
    url: `${server.url}/v1`,
    hosts: [],
    leases: [],
    lifecycle: 'automatic',
    startsAs: 'ACTIVE',
    whenEnded: () => undefined,
    intervene: () => undefined,
    seed: (given) => {
      const node = options.nodes?.find(
        ({ uuid }) => !double.hosts.some(({ hypervisor_hostname: name }) => name === uuid),
      );
      const stored = {
        id: String(double.hosts.length + 1),
        hypervisor_hostname: node?.uuid ?? randomUUID(),
        node_name: node?.name ?? '',
        node_type: 'compute_skylake',
        reservable: true,
        ...given,
      };
      double.hosts.push(stored);
      return stored;
    },
    step: (lease) => step(double, lease, now()),
    hypervisorsOf: (reservationId) =>
      hypervisors(
        double,
        double.leases.find(({ reservation, status }) => reservation.id === reservationId && status === 'ACTIVE'),
      ),
  };
  return double;
}

interface Asked {
  readonly call: Call;
  readonly identity: Identity;
  readonly id: string;
  readonly now: number;
}

/** blazar/api/v1/leases/v1_0.py, over blazar/manager/service.py. */
async function onLeases(double: BlazarDouble, { call, identity, id, now }: Asked): Promise<Answer> {
  const project = identity.project?.id ?? '';
  const visible = double.leases.filter((lease) => identity.isAdmin || lease.project === project);
  if (id === '' && call.method === 'POST')
    return { status: 201, body: { lease: rowOf(create(double, await call.json(), { project, now })) } };
  if (id === '' && call.method === 'GET') return { status: 200, body: { leases: visible.map(rowOf) } };
  const lease = double.leases.find((candidate) => candidate.id === id);
  if (lease === undefined) throw refusal(404, `Object with {'lease_id': '${id}'} not found`);
  if (call.method === 'DELETE') {
    remove(double, lease);
    return { status: 200, body: {} };
  }
  const body = { lease: rowOf(lease) };
  if (double.lifecycle === 'automatic') step(double, lease, now);
  return { status: 200, body };
}

/** blazar/api/v1/oshosts/v1_0.py, over blazar/plugins/oshosts/host_plugin.py. */
function onHosts({ hosts, leases }: BlazarDouble, { segments, query }: Call, now: number): Answer {
  const id = segments[2];
  if (id === undefined) return { status: 200, body: { hosts } };
  if (id !== 'allocations') {
    const host = hosts.find((candidate) => candidate.id === id);
    if (host === undefined) throw refusal(404, `Object with {'host_id': '${id}'} not found`);
    return { status: 200, body: { host } };
  }
  const wanted = query.get('reservation_id');
  const held = leases.filter(
    (lease) => holdsHosts(lease) && lease.end > now && (wanted === null || wanted === lease.reservation.id),
  );
  const allocations = hosts.map((host) => ({
    resource_id: host.id,
    reservations: held
      .filter((lease) => lease.hosts.includes(host.id))
      .map((lease) => ({ id: lease.reservation.id, lease_id: lease.id })),
  }));
  return { status: 200, body: { allocations } };
}

/**
 * `create_lease` of blazar/manager/service.py and `allocation_candidates` of the plugin; the
 * refusals come in their order.
 */
function create(double: BlazarDouble, body: unknown, { project, now }: { project: string; now: number }): StoredLease {
  const values = (body ?? {}) as Readonly<Record<string, unknown>>;
  for (const key of ['name', 'start_date', 'end_date'])
    if (!(key in values)) throw refusal(400, `Missing parameter ${key}`);
  const reservations = (values['reservations'] ?? []) as Readonly<Record<string, unknown>>[];
  const start = minuteAt(values['start_date'], now);
  const end = minuteAt(values['end_date'], now);
  if (start < wholeMinute(now)) throw refusal(400, 'Start date must be later than current date');
  if (end <= start) throw refusal(400, 'End date must be later than start date.');
  const [asked] = reservations;
  if (asked === undefined || reservations.length > 1) throw new Error('this double knows leases of one reservation');
  if (asked['resource_type'] !== 'physical:host')
    throw refusal(500, `The ${String(asked['resource_type'])} resource type is not supported`);
  const [min, max] = [countOf(asked, 'min'), countOf(asked, 'max')];
  if (max < min) throw refusal(400, 'Invalid values for min/max of hosts. Max must be equal to or larger than min.');
  for (const key of ['hypervisor_properties', 'resource_properties'])
    if (!(key in asked)) throw refusal(400, `Missing parameter ${key}`);
  const requirements = requirementsOf(asked['hypervisor_properties']).concat(
    requirementsOf(asked['resource_properties']),
  );
  const taken = double.leases
    .filter((lease) => holdsHosts(lease) && lease.start < end && start < lease.end)
    .flatMap(({ hosts }) => hosts);
  const free = double.hosts.filter((host) => !taken.includes(host.id) && isAllocatable(host, requirements));
  // NotEnoughHostsAvailable has no status of its own (blazar/manager/exceptions.py).
  if (free.length < min) throw refusal(500, 'Not enough hosts available');
  const lease = {
    id: randomUUID(),
    name: String(values['name']),
    project,
    status: 'PENDING',
    start,
    end,
    reservation: { id: randomUUID(), status: 'pending', resource_properties: String(asked['resource_properties']) },
    hosts: free.slice(0, max).map(({ id }) => id),
  };
  double.leases.push(lease);
  return lease;
}

/**
 * The events of blazar/manager/service.py, which a timer takes every ten seconds in the real
 * service.
 */
function step(double: BlazarDouble, lease: StoredLease, now: number): void {
  const { reservation } = lease;
  if (lease.status === 'PENDING') lease.status = 'STARTING';
  else if (lease.status === 'STARTING') {
    lease.status = double.startsAs;
    reservation.status = double.startsAs === 'ACTIVE' ? 'active' : 'error';
  } else if (lease.status === 'ACTIVE' && lease.end <= now) lease.status = 'TERMINATING';
  else if (lease.status === 'TERMINATING') {
    double.whenEnded(hypervisors(double, lease));
    lease.status = 'TERMINATED';
    reservation.status = 'deleted';
  }
}

/**
 * `delete_lease`, whose decorator refuses while an event is under way (COMBINATIONS of
 * blazar/status.py).
 */
function remove(double: BlazarDouble, lease: StoredLease): void {
  if (['STARTING', 'TERMINATING', 'DELETING'].includes(lease.status)) throw refusal(500, 'Invalid lease status.');
  double.leases.splice(double.leases.indexOf(lease), 1);
  double.whenEnded(hypervisors(double, lease));
}

function hypervisors({ hosts }: BlazarDouble, lease: StoredLease | undefined): string[] {
  return hosts.filter(({ id }) => lease?.hosts.includes(id)).map(({ hypervisor_hostname: name }) => name);
}

const holdsHosts = ({ status }: StoredLease): boolean => status !== 'TERMINATED';

function countOf(reservation: Readonly<Record<string, unknown>>, key: 'min' | 'max'): number {
  const value = reservation[key];
  if (value === undefined || value === null) throw refusal(400, `Missing parameter ${key}`);
  if (!/^-?\d+$/.test(String(value))) throw refusal(400, `Malformed parameter ${key}`);
  if (Number(value) <= 0) throw refusal(400, 'Malformed parameter min and max (must be greater than or equal to 1)');
  return Number(value);
}

/** `_date_from_string`: minutes of UTC, or `now`. */
function minuteAt(value: unknown, now: number): number {
  if (value === 'now') return wholeMinute(now);
  const time = /^\d{4}-\d\d-\d\d \d\d:\d\d$/.test(String(value))
    ? Date.parse(`${String(value).replace(' ', 'T')}:00Z`)
    : Number.NaN;
  if (Number.isNaN(time)) throw refusal(400, `${String(value)} is an invalid date. Required format: %Y-%m-%d %H:%M`);
  return time;
}

const wholeMinute = (milliseconds: number): number => Math.floor(milliseconds / 60_000) * 60_000;

/** doc/api_samples/leases/lease-create-resp.json. */
function rowOf({ id, name, project, status, start, end, reservation }: StoredLease): object {
  const instant = (time: number): string => new Date(time).toISOString().replace('Z', '000');
  const shown = {
    ...reservation,
    lease_id: id,
    resource_id: id,
    resource_type: 'physical:host',
    min: 1,
    max: 1,
    hypervisor_properties: '',
    missing_resources: false,
    resources_changed: false,
  };
  return {
    id,
    name,
    project_id: project,
    status,
    degraded: false,
    start_date: instant(start),
    end_date: instant(end),
    reservations: [shown],
    events: [],
  };
}

/** `render_error_message` of blazar/api/v1/utils.py: the name is the number again. */
function refusal(status: number, message: string): Refusal {
  return new Refusal({ status, body: { error_code: status, error_message: message, error_name: status } });
}
