// The Bare Metal service's drivers, which are those of the conductors that are alive
// (https://docs.openstack.org/api-ref/baremetal/#drivers-drivers).
import { isMapping } from '../../core/mapping.js';
import { statusOf } from '../http/errors.js';
import { textAt } from '../paging.js';
import type { Ironic } from './api.js';

export interface Driver {
  readonly name: string;
  /** The interfaces that conductors have enabled for it, by kind; none for a server before 1.30. */
  readonly interfaces: Readonly<Record<string, readonly string[]>>;
  /** The interface that a new node gets, by kind. */
  readonly defaults: Readonly<Record<string, string>>;
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
  const { status, content } = await askForDrivers(
    ironic,
    `/v1/drivers${ironic.minor >= detailSince ? '?detail=true' : ''}`,
  );
  if (status !== 200) return { kind: 'hidden', why: `GET /v1/drivers is answered with ${status}` };
  const rows = isMapping(content) && Array.isArray(content.drivers) ? content.drivers : [];
  return { kind: 'drivers', drivers: rows.filter(isMapping).map(parseDriver) };
}

/** Not even a refusal is an error. If a token of the system is refused, the project's is tried. */
async function askForDrivers(
  ironic: Ironic,
  path: string,
): Promise<{ readonly status: number; readonly content?: unknown }> {
  try {
    const answer = await ironic.request({ method: 'GET', path, expect: [200, 404, 500] });
    if (answer.status === 200) return { status: 200, content: await answer.json() };
    await answer.text();
    return { status: answer.status };
  } catch (error) {
    if (statusOf(error) === 403) return { status: 403 };
    throw error;
  }
}

function parseDriver(row: Readonly<Record<string, unknown>>): Driver {
  const interfaces = Object.entries(row).flatMap(([key, value]) => {
    const kind = /^enabled_(\w+)_interfaces$/.exec(key)?.[1];
    return kind === undefined || !Array.isArray(value) ? [] : [[kind, value.map(String).sort()] as const];
  });
  const defaults = Object.entries(row).flatMap(([key, value]) => {
    const kind = /^default_(\w+)_interface$/.exec(key)?.[1];
    return kind === undefined || typeof value !== 'string' ? [] : [[kind, value] as const];
  });
  return {
    name: textAt(row, 'name'),
    interfaces: Object.fromEntries(interfaces),
    defaults: Object.fromEntries(defaults),
  };
}

/**
 * The keys of driver_info that the default interfaces of a driver read; undefined if they cannot be
 * had, for example because its conductor does not answer.
 */
export async function listDriverProperties(ironic: Ironic, driver: string): Promise<readonly string[] | undefined> {
  const { content } = await askForDrivers(ironic, `/v1/drivers/${encodeURIComponent(driver)}/properties`);
  return isMapping(content) ? Object.keys(content).sort() : undefined;
}
