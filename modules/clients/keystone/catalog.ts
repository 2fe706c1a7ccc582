// Picks a service's endpoint from Keystone's catalogue, and makes URLs below it.
import { InputError, OperationError } from '../../core/errors.js';
import type { Interface } from './settings.js';

export interface CatalogService {
  readonly type: string;
  readonly endpoints: readonly CatalogEndpoint[];
}

export interface CatalogEndpoint {
  readonly interface: string;
  /** Former name of `region_id`; older clouds give only one of the two. */
  readonly region?: string | null;
  readonly region_id?: string | null;
  readonly url: string;
}

export interface Endpoints {
  /** The region that all requests go to; undefined when the catalogue has several and none was asked for. */
  readonly regionName: string | undefined;
  /** True when the cloud has such a service in the region, on whatever interface: only then may its absence be relied upon. */
  has(type: string): boolean;
  /** The URL that paths are appended to, without a trailing slash. Throws SERVICE_MISSING. */
  root(type: string): string;
}

export interface EndpointChoice {
  readonly regionName: string | undefined;
  readonly interface: Interface;
  readonly overrides: Readonly<Record<string, string>>;
  /** Who has the catalogue, for messages. */
  readonly authUrl: string;
}

/** Names of one service, by the service types authority of OpenStack; the one that is asked for is tried first. */
const synonyms: readonly (readonly string[])[] = [
  ['block-storage', 'block-store', 'volumev3', 'volume'],
  ['baremetal', 'bare-metal'],
  ['object-store', 'object-storage'],
  ['compute', 'computev21'],
];

/** Services whose version is part of the path that callers give, such as `/v2/images`. Others keep it: compute's is `…/v2.1`. */
const unversioned: ReadonlySet<string> = new Set(['image', 'baremetal', 'bare-metal', 'identity', 'network', 'reservation', 'inventory']);

/** The endpoints of a catalogue, of one region and one interface; overrides win. */
export function endpointsOf(catalog: readonly CatalogService[], choice: EndpointChoice): Endpoints {
  const regions = [...new Set(catalog.flatMap((service) => service.endpoints.map(regionOf)))];
  const regionName = choice.regionName ?? (regions.length === 1 ? regions[0] : undefined);
  const within = (type: string): CatalogEndpoint[] =>
    servicesOf(catalog, type).flatMap((service) => service.endpoints.filter((endpoint) => regionName === undefined || regionOf(endpoint) === regionName));
  return {
    regionName,
    has: (type) => overrideOf(choice, type) !== undefined || within(type).length > 0,
    root: (type) => {
      const url = overrideOf(choice, type) ?? pick(within(type), type, choice, catalog).url;
      return rootOf(url, type);
    },
  };
}

/** A service's URL without a trailing slash and, where callers name the version, without the version. */
export function rootOf(url: string, type: string): string {
  const bare = url.replace(/\/+$/, '');
  return unversioned.has(type) ? bare.replace(/\/v\d+(\.\d+)?$/, '').replace(/\/+$/, '') : bare;
}

/**
 * The URL of a path below the root. A whole URL, as Ironic's and Nova's `next` are, is brought back below the root: behind a
 * proxy it may name http instead of https or lack the prefix, and the token must not go anywhere else.
 */
export function urlBelow(root: string, path: string): string {
  if (!/^https?:\/\//i.test(path)) return `${root}${path.startsWith('/') ? '' : '/'}${path}`;
  const { pathname, search } = new URL(path);
  const segments = new URL(root).pathname.split('/').filter(Boolean);
  const tails = segments.map((_, index) => `/${segments.slice(index).join('/')}`);
  const shared = tails.find((tail) => pathname === tail || pathname.startsWith(`${tail}/`)) ?? '';
  return `${root}${pathname.slice(shared.length)}${search}`;
}

function namesOf(type: string): readonly string[] {
  return [type, ...(synonyms.find((names) => names.includes(type)) ?? []).filter((name) => name !== type)];
}

function servicesOf(catalog: readonly CatalogService[], type: string): readonly CatalogService[] {
  for (const name of namesOf(type)) {
    const found = catalog.filter((service) => service.type === name && service.endpoints.length > 0);
    if (found.length > 0) return found;
  }
  return [];
}

function overrideOf(choice: EndpointChoice, type: string): string | undefined {
  return namesOf(type)
    .map((name) => choice.overrides[name])
    .find((url) => url !== undefined);
}

function regionOf(endpoint: CatalogEndpoint): string {
  return endpoint.region_id ?? endpoint.region ?? '';
}

function pick(candidates: readonly CatalogEndpoint[], type: string, choice: EndpointChoice, catalog: readonly CatalogService[]): CatalogEndpoint {
  const usable = candidates.filter((endpoint) => endpoint.interface === choice.interface);
  const regions = [...new Set(usable.map(regionOf))];
  if (regions.length > 1) {
    // keystoneauth takes the first; a run that deletes images must not guess where.
    throw new InputError(`${choice.authUrl} has the ${type} service in several regions (${regions.sort().join(', ')}): give region_name`, 'region_name');
  }
  if (usable[0]) return usable[0];
  const where = choice.regionName ? ` in region "${choice.regionName}"` : '';
  const message = `${choice.authUrl} has no ${type} service with ${choice.interface === 'public' ? 'a' : 'an'} ${choice.interface} endpoint${where}; its catalogue has ${describeCatalog(catalog)}`;
  throw new OperationError('SERVICE_MISSING', message, { service: type, region: choice.regionName, interface: choice.interface });
}

function describeCatalog(catalog: readonly CatalogService[]): string {
  const described = catalog.map(({ type, endpoints }) => {
    const places = new Map<string, string[]>();
    for (const endpoint of endpoints) places.set(regionOf(endpoint), [...(places.get(regionOf(endpoint)) ?? []), endpoint.interface]);
    return `${type} (${[...places].map(([region, interfaces]) => `${region}: ${interfaces.sort().join(', ')}`).join('; ') || 'no endpoint'})`;
  });
  return described.sort().join(', ') || 'nothing';
}
