// A double of Nova's lists of servers and services, as release Zed behaves for an admin: all projects, paging, cells that are down.

import { randomUUID } from 'node:crypto';

import { Refusal, header, startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
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
}

export interface NovaDouble extends HttpDouble {
  readonly servers: StoredServer[];
  /** Most rows of an answer, `max_limit` in nova.conf. */
  maximum: number;
  intervene: Intervention;
  seed(server: Partial<StoredServer>): StoredServer;
}

/** Starts a Nova without servers; its endpoint has a version, as in any catalogue. */
export async function startNova(options: ServiceOptions): Promise<NovaDouble> {
  const server = await startHttpDouble((call) => {
    const intervention = double.intervene(call);
    if (intervention) return intervention;
    refuseStrangers(options, call);
    return handle(double, call);
  });
  const double: NovaDouble = {
    ...server,
    url: `${server.url}/v2.1`,
    servers: [],
    maximum: 1000,
    intervene: () => undefined,
    seed: (given) => {
      const stored = { id: randomUUID(), name: 'web', project: 'project-1', status: 'ACTIVE', image: randomUUID(), isLost: false, ...given };
      double.servers.push(stored);
      return stored;
    },
  };
  return double;
}

function handle(double: NovaDouble, call: Call): Answer {
  const [, resource, detail] = call.segments;
  const minor = /^compute 2\.(\d+)$/.exec(header(call, 'openstack-api-version') ?? '')?.[1];
  const showsLost = Number(minor ?? 1) >= 69;
  if (resource === 'os-services') return { status: 200, body: { services: servicesOf(double, showsLost) } };
  if (resource !== 'servers') throw new Refusal({ status: 404, body: { itemNotFound: { code: 404, message: 'The resource could not be found.' } } });
  return listServers(double, call, { isDetailed: detail === 'detail', showsLost });
}

function servicesOf({ servers }: NovaDouble, showsLost: boolean): object[] {
  const lost = servers.some(({ isLost }) => isLost) && showsLost ? [{ binary: 'nova-compute', host: 'lost', status: 'UNKNOWN' }] : [];
  return [...lost, { id: randomUUID(), binary: 'nova-compute', host: 'host-1', status: 'enabled', state: 'up' }];
}

function listServers(double: NovaDouble, call: Call, { isDetailed, showsLost }: { isDetailed: boolean; showsLost: boolean }): Answer {
  const { query } = call;
  const ours = query.get('all_tenants') === '1' ? double.servers : [];
  const listed = ours.filter(({ isLost, status, image }) => {
    if (isLost || (status === 'SOFT_DELETED' && query.get('soft_deleted') !== 'true')) return false;
    return query.get('image') === null || query.get('image') === image;
  });
  const { rows, next } = pageOf(listed, { call, idOf: ({ id }) => id, maximum: double.maximum });
  // Whatever is asked for but all_tenants makes Nova skip the cells that are down; and its own limit comes first.
  const isWhole = [...query.keys()].every((key) => key === 'all_tenants') && showsLost;
  const lost = isWhole && rows.length < double.maximum ? ours.filter(({ isLost }) => isLost) : [];
  const links = next === undefined ? {} : { servers_links: [{ rel: 'next', href: `http://behind-a-proxy${next}` }] };
  return { status: 200, body: { servers: [...lost.map(lostRow), ...rows.map((row) => (isDetailed ? detailedRow(row) : { id: row.id, name: row.name }))], ...links } };
}

const lostRow = ({ id, project }: StoredServer): object => ({ id, tenant_id: project, status: 'UNKNOWN', created: '2025-01-01T00:00:00Z' });

const detailedRow = ({ id, name, project, status, image }: StoredServer): object => ({
  id,
  name,
  tenant_id: project,
  status,
  image: image === '' ? '' : { id: image, links: [] },
});
