// What a port should look like, read from what people write, and how that differs from the port
// that Ironic has.
import { isMapping } from '../../core/mapping.js';
import { suggestion } from '../../core/validation.js';
import {
  addressFault,
  fieldPath,
  normaliseMac,
  parseValue,
  type Fault,
  type Parsed,
  type ParsedValue,
} from './field-values.js';
import { compareValues } from './masked-values.js';
import { portAttributes } from './node-fields.js';
import type { PatchStep, Values } from './node-differences.js';

export interface DesiredPort {
  readonly address: string;
  /** The UUID that a new port gets. */
  readonly uuid?: string;
  /** Index of the port group of the same node to which it belongs. */
  readonly group?: number;
  /** Each replaced as a whole, except `extra`, which is merged by key. Null resets an attribute. */
  readonly attributes: Values;
}

const addressKeys = ['address', 'mac'];
/** Other spellings, of openstack.cloud and of Bifrost. */
const synonyms: Readonly<Record<string, string>> = {
  pxe: 'pxe_enabled',
  llc: 'local_link_connection',
  port_group: 'portgroup_uuid',
  is_smart_nic: 'is_smartnic',
};

/**
 * Reads one port: a mapping with `address` or `mac`, or just the address. `field` is where it was
 * found.
 */
export function parsePort(given: unknown, field = ''): Parsed<DesiredPort> {
  if (typeof given === 'string') return parsePort({ address: given }, field);
  if (!isMapping(given))
    return { desired: undefined, faults: [{ field, text: 'it must be a MAC address, or a mapping with one' }] };
  const faults: Fault[] = [];
  const attributes: Record<string, unknown> = {};
  for (const [spelling, value] of Object.entries(given)) {
    const key = synonyms[spelling] ?? spelling;
    if (addressKeys.includes(key) || key === 'uuid') continue;
    const parsed = parseAttribute(key, value, fieldPath(field, spelling));
    faults.push(...parsed.faults);
    if (parsed.faults.length === 0) attributes[key] = parsed.value;
  }
  const address = given.address ?? given.mac;
  const mac = typeof address === 'string' ? normaliseMac(address) : undefined;
  if (mac === undefined) faults.push({ field: fieldPath(field, 'mac'), text: addressFault(address) });
  if (mac === undefined || faults.length > 0) return { desired: undefined, faults };
  return {
    desired: { address: mac, attributes, ...(typeof given.uuid === 'string' ? { uuid: given.uuid } : {}) },
    faults,
  };
}

function parseAttribute(key: string, value: unknown, field: string): ParsedValue {
  const rule = portAttributes[key];
  if (rule !== undefined) return parseValue(rule.kind, value, field, key);
  const known = [...Object.keys(portAttributes), ...Object.keys(synonyms), ...addressKeys];
  return {
    value: undefined,
    faults: [{ field, text: `ports have no such field${suggestion(key, known)}` }],
  };
}

export interface PortChange {
  readonly attribute: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly steps: readonly PatchStep[];
}

/** The changes that bring a port to its desired state. */
export function portChanges(
  served: Values,
  { attributes }: Pick<DesiredPort, 'attributes'>,
  purge: boolean,
): PortChange[] {
  return Object.entries(attributes).flatMap(([attribute, target]): PortChange[] => {
    const before = served[attribute];
    if (attribute === 'extra' && isMapping(target)) return extraChanges(isMapping(before) ? before : {}, target, purge);
    if (isSame(before, target)) return [];
    const path = `/${attribute}`;
    const step: PatchStep = target === null ? { op: 'remove', path } : { op: 'add', path, value: target };
    return [{ attribute, before: before ?? undefined, after: target ?? undefined, steps: [step] }];
  });
}

/** A switch cannot be removed, as Ironic answers 500 to that: null leaves it as it is. */
function isSame(served: unknown, target: unknown): boolean {
  const isUnset =
    served === undefined ||
    served === null ||
    served === false ||
    (isMapping(served) && Object.keys(served).length === 0);
  if (target === null) return isUnset || served === true;
  if (target === false && isUnset) return true;
  if (isMapping(target) && Object.keys(target).length === 0 && isUnset) return true;
  return compareValues(served, target, { types: true }) === 'same';
}

function extraChanges(served: Values, target: Values, purge: boolean): PortChange[] {
  const keys = [
    ...Object.keys(target),
    ...(purge ? Object.keys(served).filter((key) => !Object.hasOwn(target, key)) : []),
  ];
  const changed = keys.filter((key) =>
    target[key] === null || !Object.hasOwn(target, key)
      ? Object.hasOwn(served, key)
      : compareValues(served[key], target[key]) !== 'same',
  );
  if (changed.length === 0) return [];
  const after = Object.fromEntries(
    [...Object.entries(served), ...Object.entries(target)].filter(
      ([key]) => !(changed.includes(key) && (target[key] ?? null) === null),
    ),
  );
  // Written as a whole: nothing in it is masked, and keys may then contain any characters.
  return [{ attribute: 'extra', before: served, after, steps: [{ op: 'add', path: '/extra', value: after }] }];
}
