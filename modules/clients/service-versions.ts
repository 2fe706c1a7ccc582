// Which version of its API a service speaks, by one small request that any role may send.
import { isMapping } from '../core/mapping.js';
import type { HttpAnswer } from './http/client.js';
import type { Cloud, ServiceRequest } from './keystone/cloud.js';

export interface ServiceVersion {
  /** Such as `2.93`; undefined if the service does not tell. */
  readonly version: string | undefined;
  /** Scheme, host and port of the service. */
  readonly origin: string;
}

interface VersionQuestion extends Pick<ServiceRequest, 'path' | 'headers' | 'expect'> {
  readonly versionIn: (answer: HttpAnswer) => Promise<string | undefined>;
}

/** A document that lists the versions. */
function document(path: string, expect: readonly number[] = [200]): VersionQuestion {
  return { path, expect, versionIn: async (answer) => newestIn(await answer.json()) };
}

/** A header of an answer. */
function header(name: string, question: Pick<VersionQuestion, 'path' | 'headers'>): VersionQuestion {
  return {
    ...question,
    versionIn: async (answer) => {
      await answer.text();
      return /(\d+\.\d+)$/.exec(answer.header(name) ?? '')?.[1];
    },
  };
}

/** Nova and Cinder answer which version `latest` is. */
function microversion(type: string): VersionQuestion {
  return header('openstack-api-version', { path: '/limits', headers: { 'OpenStack-API-Version': `${type} latest` } });
}

/** By their types in Keystone's catalogue. Doni has one version. */
const questions = {
  identity: document('/v3/'),
  image: document('/versions', [200, 300]),
  baremetal: header('x-openstack-ironic-api-maximum-version', { path: '/v1/' }),
  compute: microversion('compute'),
  'block-storage': microversion('volume'),
  reservation: document('/', [200, 300]),
  inventory: { path: '/v1/hardware/?limit=1', versionIn: (answer) => answer.text().then(() => undefined) },
} satisfies Record<string, VersionQuestion>;

export type VersionedService = keyof typeof questions;

/** Throws what keeps the service from being asked. */
export async function readServiceVersion(cloud: Cloud, service: VersionedService): Promise<ServiceVersion> {
  const { versionIn, ...request } = questions[service];
  const answer = await cloud.request(service, { method: 'GET', ...request });
  return { version: await versionIn(answer), origin: new URL(answer.url).origin };
}

/** The newest in `{versions: […]}` or `{version: …}`. */
function newestIn(body: unknown): string | undefined {
  if (!isMapping(body)) return undefined;
  const rows: unknown = body.versions ?? [body.version];
  const versions = (Array.isArray(rows) ? rows : []).flatMap((row: unknown) => {
    const [, major, minor = '0'] = isMapping(row) ? (/^v?(\d+)(?:\.(\d+))?$/.exec(String(row.id)) ?? []) : [];
    return major === undefined ? [] : [{ major: Number(major), minor: Number(minor) }];
  });
  const [newest] = versions.sort((one, other) => other.major - one.major || other.minor - one.minor);
  return newest && `${newest.major}.${newest.minor}`;
}
