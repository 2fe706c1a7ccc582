// Compares the driver, the interfaces and the keys of driver_info that a plan would write with what
// the conductors offer.
import { misspelt, suggestion } from '../../core/validation.js';
import type { NodeComparison, NodeSituation } from './node-comparison.js';

/** What a plan would write. */
export interface DriverUse {
  readonly driver: string;
  readonly isDriverChanged: boolean;
  /** Such as `['deploy', 'direct']`. */
  readonly interfaces: readonly (readonly [kind: string, name: string])[];
  /** Keys of driver_info. */
  readonly keys: readonly string[];
}

/** What the conductors offer, as far as it is known. */
export interface DriverOffer {
  readonly drivers: readonly string[];
  /** Of this driver, by kind. Without a kind that the server is too old for. */
  readonly interfaces: Readonly<Record<string, readonly string[]>>;
  /** The interface that a node of this driver has unless it names another, by kind. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Of this driver with its default interfaces; undefined if they are unknown. */
  readonly properties: readonly string[] | undefined;
}

/** Undefined if nothing is written that could be wrong. */
export function driverUse({ existing }: NodeSituation, { desired, changes }: NodeComparison): DriverUse | undefined {
  const driver = desired.attributes.driver ?? existing?.node.record.driver;
  if (typeof driver !== 'string') return undefined;
  const written = changes.flatMap(({ attribute, differences }) =>
    differences.filter(({ after }) => after !== undefined).map(({ field, after }) => ({ attribute, field, after })),
  );
  const use: DriverUse = {
    driver,
    isDriverChanged: written.some(({ attribute }) => attribute === 'driver'),
    interfaces: written.flatMap(({ attribute, after }) => {
      const kind = /^(\w+)_interface$/.exec(attribute)?.[1];
      return kind === undefined || typeof after !== 'string' ? [] : [[kind, after] as const];
    }),
    keys: written.flatMap(({ attribute, field }) =>
      attribute === 'driver_info' ? [field.slice('driver_info.'.length)] : [],
    ),
  };
  return use.isDriverChanged || use.interfaces.length > 0 || use.keys.length > 0 ? use : undefined;
}

interface DriverFindings {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** `given`: the keys of driver_info that the request has, also as null. */
export function checkDriver(
  use: DriverUse | undefined,
  offer: DriverOffer | undefined,
  given: ReadonlySet<string>,
): DriverFindings {
  if (use === undefined || offer === undefined) return { faults: [], warnings: [] };
  const { driver } = use;
  if (!offer.drivers.includes(driver)) {
    const there = offer.drivers.length > 0 ? `there are: ${offer.drivers.join(', ')}` : 'no conductor is running';
    const fault =
      `driver: no conductor offers ${JSON.stringify(driver)}; ${there}${suggestion(driver, offer.drivers)} ` +
      "(enabled_hardware_types in the conductors' ironic.conf)";
    return { faults: use.isDriverChanged ? [fault] : [], warnings: [] };
  }
  const keys = use.keys.flatMap((key) => keyFinding(key, driver, offer.properties ?? [], given));
  return {
    faults: [...interfaceFaults(use, offer), ...keys.flatMap(({ isFault, text }) => (isFault ? [text] : []))],
    warnings: keys.flatMap(({ isFault, text }) => (isFault ? [] : [text])),
  };
}

/** Fake hardware takes any interface that is enabled, also those that are not listed for it. */
const takesAnyInterface = 'fake-hardware';

function interfaceFaults({ driver, interfaces }: DriverUse, offer: DriverOffer): string[] {
  if (driver === takesAnyInterface) return [];
  return interfaces.flatMap(([kind, name]) => {
    const enabled = offer.interfaces[kind];
    if (enabled === undefined || enabled.includes(name)) return [];
    const there = enabled.length > 0 ? `there are: ${enabled.join(', ')}` : 'there are none';
    return [
      `${kind}_interface: no conductor offers ${JSON.stringify(name)} for the driver ${driver}; ${there}` +
        `${suggestion(name, enabled)} (enabled_${kind}_interfaces in the conductors' ironic.conf)`,
    ];
  });
}

/**
 * Ironic accepts any key and ignores those that it does not know, among which are keys of other
 * interfaces and of vendors. Only one that is almost a known one is most likely an error.
 */
function keyFinding(
  key: string,
  driver: string,
  properties: readonly string[],
  given: ReadonlySet<string>,
): { readonly isFault: boolean; readonly text: string }[] {
  const near = misspelt(key, properties);
  if (near === undefined) return [];
  const what = `driver_info.${key}: the driver ${driver} does not know this key, but ${near}`;
  return given.has(near)
    ? [{ isFault: false, text: `${what}; it is kept, since ${near} is given too` }]
    : [
        {
          isFault: true,
          text: `${what}; correct it, or if it is meant, give ${near} as well (as null if the node must not have it)`,
        },
      ];
}
