// Finds the version of an API behind an endpoint whose URL has no version, or another one, from the
// document that lists the versions, as keystoneauth does. Only the path of a version is used:
// behind a proxy its URL may have http or an internal host.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { serviceTypeOf } from './services.js';

export interface Discovery {
  readonly type: string;
  /** The endpoint, without a trailing slash. */
  readonly url: string;
  readonly projectId: string;
  /** Reads the document at a URL; undefined if it is not JSON or not an answer of the service. */
  readonly read: (url: string) => Promise<unknown>;
}

/**
 * The URL that paths are appended to. Throws SERVICE_MISSING if the service reports that it only
 * has other versions.
 */
export async function discoverRoot({ type, url, projectId, read }: Discovery): Promise<string> {
  const service = serviceTypeOf(type);
  if (!service || type.startsWith('object') || versionRank(url, type) === 0) return url;
  const base = url.replace(/\/v\d+(\.\d+)?(\/.*)?$/, '');
  const versions = versionsIn(await read(`${base}/`));
  if (versions.length === 0) return url;
  const best = versions
    .filter(({ major }) => major === service.version)
    .sort((one, other) => other.minor - one.minor)[0];
  if (!best) {
    const offered = versions.map(({ segment }) => segment).join(', ');
    throw new OperationError(
      'SERVICE_MISSING',
      `${base} offers the versions ${offered} of the ${type} service, but these tools use version ${service.version}`,
      { service: type },
    );
  }
  // Cinder reads the project's id from the end of the URL; only since 3.67 can it be left out.
  return `${base}/${best.segment}${service.names.includes('block-storage') && projectId ? `/${projectId}` : ''}`;
}

/**
 * How well an endpoint's URL fits: 0 if it has the version in use, 1 if none, 2 if another one.
 * Nova's v2 has no microversions.
 */
export function versionRank(url: string, type: string): 0 | 1 | 2 {
  const service = serviceTypeOf(type);
  if (!service?.isInRoot) return 0;
  const [, major, minor] = /\/v(\d+)(?:\.(\d+))?(?:\/|$)/.exec(new URL(url).pathname) ?? [];
  if (major === undefined) return 1;
  if (Number(major) !== service.version) return 2;
  return service.names.includes('compute') && minor === undefined ? 2 : 0;
}

interface Version {
  readonly major: number;
  readonly minor: number;
  /** The version in the URL, such as `v2.1`. */
  readonly segment: string;
}

/** `{versions: […]}`, Keystone's `{versions: {values: […]}}`, or one `{version: …}`. */
function versionsIn(document: unknown): readonly Version[] {
  if (!isMapping(document)) return [];
  const { versions, version } = document;
  const rows: unknown = isMapping(versions) ? versions.values : (versions ?? [version]);
  return Array.isArray(rows) ? rows.flatMap((row: unknown) => (isMapping(row) ? parseVersion(row) : [])) : [];
}

function parseVersion({ id, links }: Readonly<Record<string, unknown>>): Version[] {
  const [, major, minor] = typeof id === 'string' ? (/^v?(\d+)(?:\.(\d+))?$/.exec(id) ?? []) : [];
  if (major === undefined) return [];
  const rows: readonly unknown[] = Array.isArray(links) ? links : [];
  const self = rows.find(
    (link): link is { href: string } => isMapping(link) && link.rel === 'self' && typeof link.href === 'string',
  );
  const segment = self ? /\/(v\d+(?:\.\d+)?)\/?$/.exec(self.href.replace(/[?#].*$/, ''))?.[1] : undefined;
  return [
    {
      major: Number(major),
      minor: Number(minor ?? 0),
      segment: segment ?? `v${major}${minor && minor !== '0' ? `.${minor}` : ''}`,
    },
  ];
}
