// A double of Nova as release Zed behaves for an admin: lists of servers of all projects, paging,
// cells that are down; boots are in nova-boot.ts. Source:
// https://docs.openstack.org/api-ref/compute/, and nova/api/openstack/compute/ where the double
// says so.

import { randomUUID } from 'node:crypto';

import { Refusal, header, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import type { StoredNode } from './ironic.js';
import { actOnServer, bootServer, deleteServer, detailsOf, showServer } from './nova-boot.js';
import type { Boot } from './nova-boot.js';
import { pageOf, refuseStrangers } from './service-list.js';
import type { Intervention, ServiceOptions } from './service-list.js';

export interface StoredServer {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  status: string;
  /** Empty for one that boots from a volume. */
  readonly image: string;
  /** Its cell does not answer. */
  readonly isLost: boolean;
  /** What it is doing and where; undefined for one that a test seeded as it is. */
  boot?: Boot;
}

export interface NovaOptions extends ServiceOptions {
  /** Ironic's nodes, each a hypervisor of one server. */
  readonly nodes?: readonly StoredNode[];
  readonly hasImage?: (id: string) => boolean;
  /** The hypervisors of a Blazar reservation. */
  readonly hypervisorsOf?: (reservationId: string) => readonly string[];
}

export interface NovaDouble extends HttpDouble {
  readonly servers: StoredServer[];
  /** Most rows of an answer, `max_limit` in nova.conf. */
  maximum: number;
  /** The newest version of the API is 2.`newestMinor`. */
  newestMinor: number;
  readonly flavors: { readonly id: string; readonly name: string; readonly fits: boolean }[];
  /** The admin's, by name. */
  readonly keyPairs: string[];
  /** A hypervisor beside Ironic's nodes, for any number of servers. */
  readonly host: string;
  /** How many looks a server takes to boot, and to be deleted. */
  looks: number;
  /** Boots end in ERROR for this reason. */
  bootFails: string | undefined;
  /** Keeps what was deleted until it is deleted by force, as `reclaim_instance_interval` does. */
  keepsDeleted: boolean;
  readonly options: NovaOptions;
  intervene: Intervention;
  seed(server: Partial<StoredServer>): StoredServer;
}

/** Starts a Nova without servers; its endpoint has a version, as in any catalogue. */
export async function startNova(options: NovaOptions): Promise<NovaDouble> {
  const server = await startHttpDouble((call) => {
    const intervention = double.intervene(call);
    if (intervention) return intervention;
    refuseStrangers(options, call);
    return handle(double, call);
  }, options.now);
  const double: NovaDouble = {
    ...server,
    url: `${server.url}/v2.1`,
    servers: [],
    maximum: 1000,
    newestMinor: 93,
    flavors: [
      { id: randomUUID(), name: 'baremetal', fits: true },
      { id: randomUUID(), name: 'oversized', fits: false },
    ],
    keyPairs: ['default'],
    host: 'host-1',
    looks: 2,
    bootFails: undefined,
    keepsDeleted: false,
    options,
    intervene: () => undefined,
    seed: (given) => {
      const stored = {
        id: randomUUID(),
        name: 'web',
        project: 'project-1',
        status: 'ACTIVE',
        image: randomUUID(),
        isLost: false,
        ...given,
      };
      double.servers.push(stored);
      return stored;
    },
  };
  return double;
}

function handle(double: NovaDouble, call: Call): Answer | Promise<Answer> {
  const [, resource, id, action] = call.segments;
  const minor = minorOf(double, call);
  const project = double.options.identify(header(call, 'x-auth-token'))?.project?.id ?? '';
  if (resource === 'limits')
    return { status: 200, headers: { 'OpenStack-API-Version': `compute 2.${minor}` }, body: { limits: {} } };
  if (resource === 'os-services') return { status: 200, body: { services: servicesOf(double, minor >= 69) } };
  if (resource === 'os-hypervisors') return { status: 200, body: { hypervisors: hypervisorRowsOf(double) } };
  if (resource === 'flavors') return onFlavors(double, call, id);
  if (resource === 'os-keypairs' && id !== undefined) return onKeyPair(double, id);
  if (resource !== 'servers') throw notFound('The resource could not be found.');
  if (call.method === 'POST')
    return id === undefined ? bootServer(double, call, { minor, project }) : actOnServer(double, call, id);
  if (call.method === 'DELETE') return deleteServer(double, id ?? '');
  if (id !== undefined && id !== 'detail' && action === undefined) return showServer(double, id);
  return listServers(double, call, { isDetailed: id === 'detail', showsLost: minor >= 69, project });
}

/**
 * nova/api/openstack/wsgi.py: a version that it does not have is refused with 406, whatever was
 * asked.
 */
function minorOf({ newestMinor }: NovaDouble, call: Call): number {
  if (header(call, 'openstack-api-version') === 'compute latest') return newestMinor;
  const asked = /^compute (2\.(\d+))$/.exec(header(call, 'openstack-api-version') ?? '');
  const minor = Number(asked?.[2] ?? 1);
  const message = `Version ${asked?.[1]} is not supported by the API. Minimum is 2.1 and maximum is 2.${newestMinor}.`;
  if (minor > newestMinor) throw new Refusal({ status: 406, body: { computeFault: { code: 406, message } } });
  return minor;
}

/** `GET /os-hypervisors/detail`, for admins: each node of Ironic is one. */
function hypervisorRowsOf({ host, options }: NovaDouble): object[] {
  const row = (name: string, type: string): object => ({
    id: randomUUID(),
    hypervisor_hostname: name,
    hypervisor_type: type,
    state: 'up',
    status: 'enabled',
  });
  return [row(host, 'fake'), ...(options.nodes ?? []).map(({ uuid }) => row(uuid, 'ironic'))];
}

function onFlavors({ flavors, maximum }: NovaDouble, call: Call, id: string | undefined): Answer {
  if (id === undefined) {
    const { rows, next } = pageOf(flavors, { call, idOf: (flavor) => flavor.id, maximum });
    const links = next === undefined ? {} : { flavors_links: [{ rel: 'next', href: `http://behind-a-proxy${next}` }] };
    return { status: 200, body: { flavors: rows.map((flavor) => ({ id: flavor.id, name: flavor.name })), ...links } };
  }
  const flavor = flavors.find((candidate) => candidate.id === id);
  if (flavor === undefined) throw notFound(`Flavor ${id} could not be found.`);
  return { status: 200, body: { flavor: { id, name: flavor.name } } };
}

function onKeyPair({ keyPairs }: NovaDouble, name: string): Answer {
  if (!keyPairs.includes(name)) throw notFound(`Keypair ${name} not found for user`);
  return { status: 200, body: { keypair: { name } } };
}

const notFound = (message: string): Refusal =>
  new Refusal({ status: 404, body: { itemNotFound: { code: 404, message } } });

function servicesOf({ servers }: NovaDouble, showsLost: boolean): object[] {
  const lost =
    servers.some(({ isLost }) => isLost) && showsLost
      ? [{ binary: 'nova-compute', host: 'lost', status: 'UNKNOWN' }]
      : [];
  return [...lost, { id: randomUUID(), binary: 'nova-compute', host: 'host-1', status: 'enabled', state: 'up' }];
}

function listServers(
  double: NovaDouble,
  call: Call,
  { isDetailed, showsLost, project }: { isDetailed: boolean; showsLost: boolean; project: string },
): Answer {
  const { query } = call;
  const ours = double.servers.filter((server) => query.get('all_tenants') === '1' || server.project === project);
  const name = new RegExp(query.get('name') ?? '');
  const listed = ours.filter((server) => {
    if (server.isLost || (server.status === 'SOFT_DELETED' && query.get('soft_deleted') !== 'true')) return false;
    const node = query.get('node');
    return (
      [null, server.image].includes(query.get('image')) &&
      (node === null || node === server.boot?.hypervisor) &&
      name.test(server.name)
    );
  });
  const { rows, next } = pageOf(listed, { call, idOf: ({ id }) => id, maximum: double.maximum });
  // Whatever is asked for but all_tenants makes Nova skip the cells that are down; and its own
  // limit comes first.
  const isWhole = [...query.keys()].every((key) => key === 'all_tenants') && showsLost;
  const lost = isWhole && rows.length < double.maximum ? ours.filter(({ isLost }) => isLost) : [];
  const links = next === undefined ? {} : { servers_links: [{ rel: 'next', href: `http://behind-a-proxy${next}` }] };
  return {
    status: 200,
    body: {
      servers: [
        ...lost.map(lostRow),
        ...rows.map((row) => (isDetailed ? detailedRow(row) : { id: row.id, name: row.name })),
      ],
      ...links,
    },
  };
}

const lostRow = ({ id, project }: StoredServer): object => ({
  id,
  tenant_id: project,
  status: 'UNKNOWN',
  created: '2025-01-01T00:00:00Z',
});

const detailedRow = (server: StoredServer): object => ({
  id: server.id,
  name: server.name,
  tenant_id: server.project,
  status: server.status,
  image: server.image === '' ? '' : { id: server.image, links: [] },
  ...detailsOf(server),
});
