// Servers of Nova's double from their creation to their end: nova/api/openstack/compute/servers.py
// and, for the sentences, nova/exception.py.

import { randomUUID } from 'node:crypto';

import { Refusal } from './http-double.js';
import type { Answer, Call } from './http-double.js';
import type { NovaDouble, StoredServer } from './nova.js';

/** What a server that was booted here is doing. */
export interface Boot {
  /** Empty where nothing is under way. */
  taskState: string;
  /** Empty before one was found. */
  hypervisor: string;
  fault: string;
  /** Looks that are left until the next thing happens. */
  looks: number;
  /** Where it will be; undefined where the scheduler finds nothing. */
  readonly target: string | undefined;
}

type Values = Readonly<Record<string, unknown>>;

/** `create`, whose schema depends on the version, and whose refusals come in its order. */
export async function bootServer(
  double: NovaDouble,
  call: Call,
  { minor, project }: { minor: number; project: string },
): Promise<Answer> {
  const body = ((await call.json()) ?? {}) as Values;
  const server = (body['server'] ?? {}) as Values;
  checkSchema(server, minor);
  const hypervisor = textAt(server, 'hypervisor_hostname');
  const zone = textAt(server, 'availability_zone');
  if (hypervisor !== '' && zone.includes(':')) {
    throw refusal(
      'One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are mutually ' +
        'exclusive.',
    );
  }
  const flavor = double.flavors.find(({ id }) => id === server['flavorRef']);
  if (flavor === undefined) throw refusal(`Flavor ${textAt(server, 'flavorRef')} could not be found.`);
  if (double.options.hasImage?.(textAt(server, 'imageRef')) === false) throw refusal('Can not find requested image');
  if (!['', 'nova'].includes(zone.split(':')[0] ?? ''))
    throw refusal('The requested availability zone is not available');
  const key = server['key_name'];
  if (typeof key === 'string' && !double.keyPairs.includes(key)) throw refusal('Invalid key_name provided.');
  if (hypervisor !== '' && !hypervisorsOf(double).includes(hypervisor))
    throw refusal(`Compute host ${hypervisor} could not be found.`);
  const hints = (body['os:scheduler_hints'] ?? body['OS-SCH-HNT:scheduler_hints'] ?? {}) as Values;
  const stored: StoredServer = {
    id: randomUUID(),
    name: textAt(server, 'name').trim(),
    project,
    status: 'BUILD',
    image: textAt(server, 'imageRef'),
    isLost: false,
  };
  const target = flavor.fits ? schedule(double, hypervisor, textAt(hints, 'reservation')) : undefined;
  stored.boot = { taskState: 'scheduling', hypervisor: '', fault: '', looks: double.looks, target };
  occupy(double, target, stored.id);
  double.servers.push(stored);
  return {
    status: 202,
    body: {
      server: { id: stored.id, links: [], security_groups: [{ name: 'default' }], adminPass: 'not to be shown' },
    },
  };
}

/** nova/api/openstack/compute/schemas/servers.py. */
function checkSchema(server: Values, minor: number): void {
  const invalid = (what: string): Refusal =>
    refusal(`Invalid input for field/attribute server. Value: ${JSON.stringify(server)}. ${what}`);
  const required = ['name', 'flavorRef', ...(minor >= 37 ? ['networks'] : [])];
  for (const key of required) if (!(key in server)) throw invalid(`'${key}' is a required property`);
  if (minor < 74 && 'hypervisor_hostname' in server)
    throw invalid("Additional properties are not allowed ('hypervisor_hostname' was unexpected)");
  const { networks, imageRef } = server;
  if (typeof networks === 'string' && minor < 37)
    throw refusal(
      `Invalid input for field/attribute networks. Value: ${networks}. '${networks}' is not of type 'array'`,
    );
  if (typeof imageRef === 'string' && !/^[0-9a-f-]{36}$/.test(imageRef)) {
    throw refusal(
      `Invalid input for field/attribute imageRef. Value: ${imageRef}. ` +
        `'${imageRef}' is not valid under any of the given schemas`,
    );
  }
}

/** The server, and what happens to it behind this look. */
export function showServer(double: NovaDouble, id: string): Answer {
  const server = serverOf(double, id);
  const { name, project, status, image } = server;
  const body = {
    server: { id, name, tenant_id: project, status, image: image === '' ? '' : { id: image }, ...detailsOf(server) },
  };
  advance(double, server);
  return { status: 200, body };
}

/** What an admin sees of it beside the name and the state. */
export function detailsOf({ boot }: StoredServer): object {
  if (boot === undefined) return {};
  return {
    'OS-EXT-STS:task_state': boot.taskState || null,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': boot.hypervisor || null,
    'OS-EXT-SRV-ATTR:instance_name': boot.hypervisor === '' ? '' : 'instance-00000001',
    ...(boot.fault === ''
      ? {}
      : { fault: { code: 500, created: '2025-01-01T00:00:00Z', message: boot.fault, details: 'Traceback' } }),
  };
}

/**
 * `delete`, or `soft_delete` where they are kept: what never was active is deleted at once then
 * too.
 */
export function deleteServer(double: NovaDouble, id: string): Answer {
  const server = serverOf(double, id);
  const isKept = double.keepsDeleted && server.status === 'ACTIVE';
  if (isKept) server.status = 'SOFT_DELETED';
  else beginDeletion(double, server);
  return { status: 204 };
}

/** nova/api/openstack/compute/deferred_delete.py: `forceDelete`. */
export async function actOnServer(double: NovaDouble, call: Call, id: string): Promise<Answer> {
  const action = Object.keys(((await call.json()) ?? {}) as object)[0];
  const server = serverOf(double, id);
  if (action !== 'forceDelete') throw refusal(`There is no such action: ${action}`);
  beginDeletion(double, server);
  return { status: 202 };
}

function beginDeletion(double: NovaDouble, server: StoredServer): void {
  const boot = server.boot ?? { taskState: '', hypervisor: '', fault: '', looks: 0, target: undefined };
  server.boot = boot;
  if (boot.taskState === 'deleting') return;
  boot.taskState = 'deleting';
  boot.looks = double.looks;
}

function advance(double: NovaDouble, server: StoredServer): void {
  const { boot } = server;
  if (boot === undefined || boot.taskState === '') return;
  boot.looks -= 1;
  if (boot.looks > 0) {
    if (boot.taskState === 'scheduling') boot.taskState = 'spawning';
    return;
  }
  if (boot.taskState === 'deleting') {
    double.servers.splice(double.servers.indexOf(server), 1);
    release(double, server.id);
    return;
  }
  boot.taskState = '';
  boot.fault = boot.target === undefined ? 'No valid host was found. ' : (double.bootFails ?? '');
  server.status = boot.fault === '' ? 'ACTIVE' : 'ERROR';
  // A server that Ironic could not deploy is not on the node any more.
  if (boot.fault === '') boot.hypervisor = boot.target ?? '';
  else release(double, server.id);
}

/**
 * The named hypervisor, or one of the reservation's, or any; undefined where it has a server
 * already.
 */
function schedule(double: NovaDouble, hypervisor: string, reservation: string): string | undefined {
  const reserved = reservation === '' ? undefined : double.options.hypervisorsOf?.(reservation);
  const candidates = hypervisor !== '' ? [hypervisor] : (reserved ?? hypervisorsOf(double));
  return candidates.find((name) => name === double.host || !isOccupied(double, name));
}

function isOccupied({ options, servers }: NovaDouble, hypervisor: string): boolean {
  const node = options.nodes?.find(({ uuid }) => uuid === hypervisor) as { provision_state?: unknown } | undefined;
  if (servers.some(({ boot }) => boot?.target === hypervisor && boot.fault === '')) return true;
  return typeof node?.provision_state === 'string' && node.provision_state !== 'available';
}

function hypervisorsOf({ host, options }: NovaDouble): string[] {
  return [host, ...(options.nodes ?? []).map(({ uuid }) => uuid)];
}

/** Ironic's node is the server's from the start of the deployment on. */
function occupy({ options }: NovaDouble, hypervisor: string | undefined, server: string): void {
  const node = options.nodes?.find(({ uuid }) => uuid === hypervisor);
  if (node) Object.assign(node, { provision_state: 'active', instance_uuid: server });
}

function release({ options }: NovaDouble, server: string): void {
  const node = options.nodes?.find((candidate) => (candidate as { instance_uuid?: unknown }).instance_uuid === server);
  if (node) Object.assign(node, { provision_state: 'available', instance_uuid: null });
}

/** Begins to delete what is on these hypervisors, as the end of a lease does. */
export function clearHypervisors(double: NovaDouble, hypervisors: readonly string[]): void {
  for (const server of double.servers.filter(({ boot }) => hypervisors.includes(boot?.target ?? '')))
    beginDeletion(double, server);
}

function serverOf({ servers }: NovaDouble, id: string): StoredServer {
  const server = servers.find((candidate) => candidate.id === id);
  if (server === undefined)
    throw new Refusal({
      status: 404,
      body: { itemNotFound: { code: 404, message: `Instance ${id} could not be found.` } },
    });
  return server;
}

function textAt(values: Values, key: string): string {
  const value = values[key];
  return typeof value === 'string' ? value : '';
}

function refusal(message: string): Refusal {
  return new Refusal({ status: 400, body: { badRequest: { code: 400, message } } });
}
