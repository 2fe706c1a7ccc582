// Looks up what the conductors offer, once in a run, and only if a plan needs it.
import type { Ironic } from '../clients/ironic/api.js';
import { messageOf } from '../core/errors.js';
import { listDriverProperties, listDrivers, type DriverList } from '../clients/ironic/drivers.js';
import type { DriverOffer, DriverUse } from './policy/driver-checks.js';

export interface DriverReader {
  /** Undefined if this login may not see it. */
  look(use: DriverUse): Promise<DriverOffer | undefined>;
  /** What could not be checked for this reason. */
  warnings(): readonly string[];
}

export function createDriverReader(ironic: Ironic): DriverReader {
  let list: Promise<DriverList | { readonly kind: 'unknown'; readonly why: string }> | undefined;
  const properties = new Map<string, Promise<readonly string[] | undefined>>();
  let unchecked: string | undefined;
  const propertiesOf = (driver: string): Promise<readonly string[] | undefined> => {
    const found = properties.get(driver) ?? listDriverProperties(ironic, driver).catch(() => undefined);
    properties.set(driver, found);
    return found;
  };
  return {
    look: async ({ driver, keys }) => {
      // What cannot be checked keeps no node from being enrolled.
      list ??= listDrivers(ironic).catch((error: unknown) => ({ kind: 'unknown', why: messageOf(error) }));
      const found = await list;
      if (found.kind !== 'drivers') {
        unchecked =
          found.kind === 'hidden'
            ? `this login may not list drivers (${found.why}); that needs the role reader on the system`
            : `Ironic did not list its drivers (${found.why})`;
        return undefined;
      }
      const own = found.drivers.find(({ name }) => name === driver);
      return {
        drivers: found.drivers.map(({ name }) => name).sort(),
        interfaces: own?.interfaces ?? {},
        defaults: own?.defaults ?? {},
        properties: own && keys.length > 0 ? await propertiesOf(driver) : undefined,
      };
    },
    warnings: () =>
      unchecked === undefined
        ? []
        : [`drivers, interfaces and the keys of driver_info were not checked, since ${unchecked}`],
  };
}
