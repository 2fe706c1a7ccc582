// A double of Cinder's list of volumes, API v3.

import { randomUUID } from 'node:crypto';

import { startHttpDouble } from './http-double.js';
import type { Answer, Call, HttpDouble } from './http-double.js';
import type { Identity } from './keystone.js';
import { header } from './http-double.js';
import { pageOf, refuseStrangers } from './service-list.js';
import type { Intervention, ServiceOptions } from './service-list.js';

export interface StoredVolume {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  /** The image that it was made from; empty without one. */
  readonly image: string;
  /** The server that it is attached to; empty without one. */
  readonly server: string;
}

export interface CinderDouble extends HttpDouble {
  readonly options: ServiceOptions;
  readonly volumes: StoredVolume[];
  intervene: Intervention;
  seed(volume: Partial<StoredVolume>): StoredVolume;
}

export async function startCinder(options: ServiceOptions): Promise<CinderDouble> {
  const server = await startHttpDouble((call) => {
    const intervention = double.intervene(call);
    if (intervention) return intervention;
    return handle(double, call);
  }, options.now);
  const double: CinderDouble = {
    ...server,
    url: `${server.url}/v3`,
    volumes: [],
    options,
    intervene: () => undefined,
    seed: (given) => {
      const stored = { id: randomUUID(), name: 'root', project: 'project-1', image: '', server: '', ...given };
      double.volumes.push(stored);
      return stored;
    },
  };
  return double;
}

function handle(double: CinderDouble, call: Call): Answer {
  const identity = double.options.identify(header(call, 'x-auth-token'));
  if (!identity?.project || call.segments[1] === 'os-services') refuseStrangers(double.options, call);
  if (call.segments[1] === 'limits')
    return { status: 200, headers: { 'OpenStack-API-Version': 'volume 3.70' }, body: { limits: {} } };
  if (call.segments[1] === 'os-services') return { status: 200, body: { services: [] } };
  return listVolumes(double, call, identity);
}

/**
 * `all_tenants` of somebody who is no admin is not refused but left out (cinder/volume/api.py,
 * get_all).
 */
function listVolumes({ volumes }: CinderDouble, call: Call, identity: Identity | undefined): Answer {
  const isAll = call.query.get('all_tenants') === '1' && identity?.isAdmin === true;
  const ours = isAll ? volumes : volumes.filter(({ project }) => project === identity?.project?.id);
  const { rows, next } = pageOf(ours, { call, idOf: ({ id }) => id, maximum: 1000 });
  const links = next === undefined ? {} : { volumes_links: [{ rel: 'next', href: `http://behind-a-proxy${next}` }] };
  return { status: 200, body: { volumes: rows.map(rowOf), ...links } };
}

function rowOf({ id, name, project, image, server }: StoredVolume): object {
  return {
    id,
    name,
    'os-vol-tenant-attr:tenant_id': project,
    attachments: server === '' ? [] : [{ server_id: server, device: '/dev/vda' }],
    ...(image === '' ? {} : { volume_image_metadata: { image_id: image, image_name: 'some' } }),
  };
}
