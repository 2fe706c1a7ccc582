// What a login says of single services: `baremetal_interface`, `image_endpoint_override`, `volume_api_version` and the like.
import { InputError } from '../../core/errors.js';
import { nameInCatalogue, serviceNames } from './service-types.js';

export type Interface = 'public' | 'internal' | 'admin';

/** Where it is looked for in the catalogue; all may be absent. */
export interface ServiceSettings {
  readonly interface?: Interface | undefined;
  readonly regionName?: string | undefined;
  readonly serviceType?: string | undefined;
  readonly serviceName?: string | undefined;
  /** Checked when the service is used: an openrc may name versions of services that nobody asks. */
  readonly apiVersion?: string | undefined;
}

/** By service type, in the catalogue's spelling; only services that these tools know. */
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

/** URLs by service type: any service's `_endpoint_override`, and of those that are known `_endpoint` too, as it was once called. */
export function pickOverrides(texts: Readonly<Record<string, string>>): Record<string, string> {
  const ending = '_endpoint_override';
  const former = serviceNames.flatMap((name) => {
    const url = texts[`${name.replaceAll('-', '_')}_endpoint`];
    return url ? [[nameInCatalogue(name), url]] : [];
  });
  const present = Object.entries(texts).flatMap(([key, url]) =>
    key.endsWith(ending) ? [[nameInCatalogue(key.slice(0, -ending.length)), url]] : [],
  );
  return Object.fromEntries([...former, ...present]) as Record<string, string>;
}

/** Throws INVALID_INPUT. `publicURL` is how it was once written. */
export function readInterface(text: string | undefined, key: string, source: string): Interface | undefined {
  const name = text?.replace(/URL$/, '');
  if (name === undefined || name === 'public' || name === 'internal' || name === 'admin') return name;
  throw new InputError(`${source}: ${key} must be public, internal or admin, not "${text}"`, key);
}
