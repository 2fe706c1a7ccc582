// Chooses a service's endpoint from Keystone's catalogue, and builds URLs below it.
import { InputError, OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { versionRank } from './discovery.js';
import { type Interface, type ServiceSettings, namesOf, serviceTypeOf } from './services.js';

export interface CatalogService {
  readonly type: string;
  readonly name?: string;
  readonly endpoints: readonly CatalogEndpoint[];
}

export interface CatalogEndpoint {
  readonly interface: string;
  /** Former name of `region_id`; older clouds have only one of the two. */
  readonly region?: string | null;
  readonly region_id?: string | null;
  readonly url: string;
}

/**
 * The catalogue in a token, checked; undefined if part of it has another form, since a service must
 * not seem absent.
 */
export function parseCatalog(value: unknown): CatalogService[] | undefined {
  return Array.isArray(value) && value.every(isCatalogService) ? value : undefined;
}

function isCatalogService(value: unknown): value is CatalogService {
  return (
    isMapping(value) &&
    typeof value.type === 'string' &&
    Array.isArray(value.endpoints) &&
    value.endpoints.every(isEndpoint)
  );
}

function isEndpoint(value: unknown): value is CatalogEndpoint {
  return isMapping(value) && typeof value.interface === 'string' && typeof value.url === 'string';
}

export interface Endpoints {
  /**
   * The region that all requests go to; undefined if the catalogue has several and none was
   * requested.
   */
  readonly regionName: string | undefined;
  /**
   * True if the cloud has such a service in the region, on any interface. If false, the service is
   * really absent.
   */
  has(type: string): boolean;
  /** The URL that paths are appended to, without a trailing slash. Throws SERVICE_MISSING. */
  root(type: string): string;
}

export interface EndpointChoice {
  readonly regionName: string | undefined;
  readonly interface: Interface;
  readonly overrides: Readonly<Record<string, string>>;
  /** Settings of single services, by any of their names. */
  readonly services?: Readonly<Record<string, ServiceSettings>>;
  /** Whose catalogue it is, for messages. */
  readonly authUrl: string;
}

/** The endpoints of a catalogue for one region and one interface; overrides take precedence. */
export function endpointsOf(catalog: readonly CatalogService[], choice: EndpointChoice): Endpoints {
  const regions = [...new Set(catalog.flatMap((service) => service.endpoints.map(regionOf)))];
  const regionName = choice.regionName ?? (regions.length === 1 ? regions[0] : undefined);
  const choiceFor = (type: string): ServiceChoice => {
    const { serviceType, serviceName, apiVersion, ...settings } = settingsFor(choice, type);
    return {
      regionName: settings.regionName ?? regionName,
      isRegionAsked: (settings.regionName ?? choice.regionName) !== undefined,
      interface: settings.interface ?? choice.interface,
      names: serviceType ? [serviceType] : namesOf(type),
      serviceName,
      apiVersion,
      type,
    };
  };
  const within = ({ names, serviceName, regionName: region }: ServiceChoice): CatalogEndpoint[] =>
    names
      .flatMap((name) =>
        catalog.filter(
          (service) => service.type === name && (serviceName === undefined || service.name === serviceName),
        ),
      )
      .flatMap((service) =>
        service.endpoints.filter((endpoint) => region === undefined || regionOf(endpoint) === region),
      );
  return {
    regionName,
    has: (type) => overrideOf(choice, type) !== undefined || within(choiceFor(type)).length > 0,
    root: (type) => {
      const service = choiceFor(type);
      refuseOtherVersion(service);
      const url = overrideOf(choice, type) ?? chooseEndpoint(within(service), service, choice.authUrl, catalog).url;
      return rootOf(url, type);
    },
  };
}

/**
 * A service's URL without a trailing slash and, if callers name the version, without the version.
 */
export function rootOf(url: string, type: string): string {
  const bare = url.replace(/\/+$/, '');
  return serviceTypeOf(type)?.isInRoot === false ? bare.replace(/\/v\d+(\.\d+)?$/, '').replace(/\/+$/, '') : bare;
}

/**
 * The URL of a path below the root. A complete URL, such as `next` of Ironic and Nova, is moved
 * below the root: behind a proxy it may have http instead of https or lack the prefix, and the
 * token must not be sent anywhere else.
 */
export function urlBelow(root: string, path: string): string {
  if (!/^https?:\/\//i.test(path)) return `${root}${path.startsWith('/') ? '' : '/'}${path}`;
  const { pathname, search } = new URL(path);
  const segments = new URL(root).pathname.split('/').filter(Boolean);
  const tails = segments.map((_, index) => `/${segments.slice(index).join('/')}`);
  const shared = tails.find((tail) => pathname === tail || pathname.startsWith(`${tail}/`)) ?? '';
  return `${root}${pathname.slice(shared.length)}${search}`;
}

interface ServiceChoice {
  readonly type: string;
  /** In order of preference. */
  readonly names: readonly string[];
  readonly serviceName: string | undefined;
  readonly regionName: string | undefined;
  readonly isRegionAsked: boolean;
  readonly interface: Interface;
  readonly apiVersion: string | undefined;
}

/** The settings of a service under any of its names; the current name takes precedence. */
function settingsFor({ services = {} }: EndpointChoice, type: string): ServiceSettings {
  const found = (serviceTypeOf(type)?.names ?? [type]).map((name) => services[name] ?? {});
  const first = <K extends keyof ServiceSettings>(key: K): ServiceSettings[K] =>
    found.map((settings) => settings[key]).find((value) => value !== undefined);
  return {
    interface: first('interface'),
    regionName: first('regionName'),
    serviceType: first('serviceType'),
    serviceName: first('serviceName'),
    apiVersion: first('apiVersion'),
  };
}

function refuseOtherVersion({ type, apiVersion }: ServiceChoice): void {
  const spoken = serviceTypeOf(type)?.version;
  const major = /^v?(\d+)(\.\d+|\.latest)?$/.exec(apiVersion ?? '')?.[1];
  if (major === undefined || spoken === undefined || Number(major) === spoken) return;
  throw new InputError(
    `the login requests version ${apiVersion} of the ${type} service (${type.replaceAll('-', '_')}_api_version), ` +
      `but these tools use version ${spoken}: leave it out`,
    'cloud',
  );
}

function overrideOf(choice: EndpointChoice, type: string): string | undefined {
  return namesOf(type)
    .map((name) => choice.overrides[name])
    .find((url) => url !== undefined);
}

function regionOf(endpoint: CatalogEndpoint): string {
  return endpoint.region_id ?? endpoint.region ?? '';
}

function chooseEndpoint(
  candidates: readonly CatalogEndpoint[],
  service: ServiceChoice,
  authUrl: string,
  catalog: readonly CatalogService[],
): CatalogEndpoint {
  const { type } = service;
  const usable = candidates.filter((endpoint) => endpoint.interface === service.interface);
  const regions = [...new Set(usable.map(regionOf))];
  if (regions.length > 1) {
    // keystoneauth takes the first one, but a run that deletes images must not guess where.
    throw new InputError(
      `${authUrl} has the ${type} service in several regions (${regions.sort().join(', ')}): give region_name`,
      'region_name',
    );
  }
  // Several versions of an API may be listed, under one type or several.
  const [best] = [...usable].sort((one, other) => versionRank(one.url, type) - versionRank(other.url, type));
  if (best) return best;
  const where = service.isRegionAsked ? ` in region "${service.regionName}"` : '';
  const message =
    `${authUrl} has no ${type} service with ${service.interface === 'public' ? 'a' : 'an'} ${service.interface} ` +
    `endpoint${where}; its catalogue has ${describeCatalog(catalog)}`;
  throw new OperationError('SERVICE_MISSING', message, {
    service: type,
    region: service.regionName,
    interface: service.interface,
  });
}

function describeCatalog(catalog: readonly CatalogService[]): string {
  const described = catalog.map(({ type, endpoints }) => {
    const places = new Map<string, string[]>();
    for (const endpoint of endpoints)
      places.set(regionOf(endpoint), [...(places.get(regionOf(endpoint)) ?? []), endpoint.interface]);
    const regions = [...places].map(([region, interfaces]) => `${region}: ${interfaces.sort().join(', ')}`);
    return `${type} (${regions.join('; ') || 'no endpoint'})`;
  });
  return described.sort().join(', ') || 'nothing';
}
