// The Bare Metal service's drivers, which are those of the conductors that are alive
// (https://docs.openstack.org/api-ref/baremetal/#drivers-drivers).
import { isMapping } from '../../core/mapping.js';
import { textAt } from '../paging.js';
import type { Ironic } from './api.js';

export interface Driver {
  readonly name: string;
  /** The interfaces that conductors have enabled for it, by kind; none for a server before 1.30. */
  readonly interfaces: Readonly<Record<string, readonly string[]>>;
}

/**
 * `hidden`: this login may not list them, which needs a role on the system by default. Ironic
 * answers 500 to a token of the wrong scope.
 */
export type DriverList =
  | { readonly kind: 'drivers'; readonly drivers: readonly Driver[] }
  | { readonly kind: 'hidden'; readonly why: string };

const detailSince = 30;

export async function listDrivers(ironic: Ironic): Promise<DriverList> {
  const path = `/v1/drivers${ironic.minor >= detailSince ? '?detail=true' : ''}`;
  const answer = await ironic.request({ method: 'GET', path, expect: [200, 403, 500] });
  if (answer.status !== 200) {
    await answer.text();
    return { kind: 'hidden', why: `GET /v1/drivers is answered with ${answer.status}` };
  }
  const content = await answer.json();
  const rows = isMapping(content) && Array.isArray(content.drivers) ? content.drivers : [];
  return { kind: 'drivers', drivers: rows.filter(isMapping).map(parseDriver) };
}

function parseDriver(row: Readonly<Record<string, unknown>>): Driver {
  const interfaces = Object.entries(row).flatMap(([key, value]) => {
    const kind = /^enabled_(\w+)_interfaces$/.exec(key)?.[1];
    return kind === undefined || !Array.isArray(value) ? [] : [[kind, value.map(String).sort()] as const];
  });
  return { name: textAt(row, 'name'), interfaces: Object.fromEntries(interfaces) };
}

/**
 * The keys of driver_info that the default interfaces of a driver read; undefined if they cannot be
 * had, for example because its conductor does not answer.
 */
export async function listDriverProperties(ironic: Ironic, driver: string): Promise<readonly string[] | undefined> {
  const path = `/v1/drivers/${encodeURIComponent(driver)}/properties`;
  const answer = await ironic.request({ method: 'GET', path, expect: [200, 403, 404, 500] });
  if (answer.status !== 200) {
    await answer.text();
    return undefined;
  }
  const content = await answer.json();
  return isMapping(content) ? Object.keys(content).sort() : undefined;
}
