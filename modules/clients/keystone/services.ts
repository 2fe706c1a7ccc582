// The services: their names in the service types authority, the version of each API that these
// tools speak, and what a login says about one of them (`baremetal_interface`,
// `image_endpoint_override`, `volume_api_version` and the like).
import { InputError } from '../../core/errors.js';

interface ServiceType {
  /** The current name first, then its former names. */
  readonly names: readonly string[];
  /** Major version. */
  readonly version: number;
  /**
   * Whether the version is part of the URL that paths are appended to; otherwise callers name it,
   * as in `/v2/images`.
   */
  readonly isInRoot: boolean;
}

const serviceTypes: readonly ServiceType[] = [
  { names: ['image'], version: 2, isInRoot: false },
  { names: ['baremetal', 'bare-metal'], version: 1, isInRoot: false },
  { names: ['identity'], version: 3, isInRoot: false },
  { names: ['network'], version: 2, isInRoot: false },
  { names: ['reservation'], version: 1, isInRoot: false },
  { names: ['inventory'], version: 1, isInRoot: false },
  { names: ['compute', 'computev21'], version: 2, isInRoot: true },
  { names: ['block-storage', 'block-store', 'volumev3', 'volume', 'volumev2'], version: 3, isInRoot: true },
  { names: ['object-store', 'object-storage'], version: 1, isInRoot: true },
];

/** All names of all known services. */
export const serviceNames: readonly string[] = serviceTypes.flatMap(({ names }) => names);

export function serviceTypeOf(name: string): ServiceType | undefined {
  return serviceTypes.find(({ names }) => names.includes(name));
}

/** Every name of a service, the given one first. */
export function namesOf(name: string): readonly string[] {
  return [name, ...(serviceTypeOf(name)?.names ?? []).filter((other) => other !== name)];
}

/** A name such as `block_storage` in the catalogue's spelling. */
export function nameInCatalogue(name: string): string {
  return name.replaceAll('_', '-');
}

export type Interface = 'public' | 'internal' | 'admin';

/** How to find a service in the catalogue; all may be absent. */
export interface ServiceSettings {
  readonly interface?: Interface | undefined;
  readonly regionName?: string | undefined;
  readonly serviceType?: string | undefined;
  readonly serviceName?: string | undefined;
  /**
   * Checked when the service is used: an openrc may name versions of services that are never used.
   */
  readonly apiVersion?: string | undefined;
}

/**
 * The settings by service type, in the catalogue's spelling; only of services that these tools
 * know.
 */
export function pickServices(texts: Readonly<Record<string, string>>, source: string): Record<string, ServiceSettings> {
  const found: Record<string, ServiceSettings> = {};
  for (const name of serviceNames) {
    const key = (suffix: string): string => `${name.replaceAll('-', '_')}_${suffix}`;
    const value = (suffix: string): string | undefined => texts[key(suffix)];
    const settings: ServiceSettings = {
      interface: readInterface(value('interface') ?? value('endpoint_type'), key('interface'), source),
      regionName: value('region_name'),
      serviceType: value('service_type'),
      serviceName: value('service_name'),
      apiVersion: value('api_version'),
    };
    if (Object.values(settings).some((given) => given !== undefined)) found[name] = settings;
  }
  return found;
}

/**
 * URLs by service type: `_endpoint_override` of any service, and of known services also
 * `_endpoint`, its former name.
 */
export function pickOverrides(texts: Readonly<Record<string, string>>): Record<string, string> {
  const ending = '_endpoint_override';
  const former = serviceNames.flatMap((name) => {
    const url = texts[`${name.replaceAll('-', '_')}_endpoint`];
    return url ? [[nameInCatalogue(name), url] as const] : [];
  });
  const present = Object.entries(texts).flatMap(([key, url]) =>
    key.endsWith(ending) ? [[nameInCatalogue(key.slice(0, -ending.length)), url] as const] : [],
  );
  return Object.fromEntries([...former, ...present]);
}

/** Parses the name of an interface; `publicURL` is its former spelling. Throws INVALID_INPUT. */
export function readInterface(text: string | undefined, key: string, source: string): Interface | undefined {
  const name = text?.replace(/URL$/, '');
  if (name === undefined || name === 'public' || name === 'internal' || name === 'admin') return name;
  throw new InputError(`${source}: ${key} must be public, internal or admin, not "${text}"`, key);
}
