// What is wanted of a port, read from what people write: every fault is collected.
import { booleanSpelt, settleNumbers, type NumbersAs } from '../../core/coercion.js';
import { isMapping } from '../../core/mapping.js';
import { nearest } from '../../core/validation.js';
import { isWrittenNumber } from '../../core/written-numbers.js';
import { below, shownInFault, type Fault } from './faults.js';
import { compareValues } from './masked-values.js';
import { normaliseMac, normaliseSwitchId } from './mac-addresses.js';
import { portAttributes, type FieldKind } from './node-fields.js';
import type { PatchStep, Values } from './node-differences.js';

export interface PortWish {
  readonly address: string;
  /** Whether Ironic is to give it this UUID. */
  readonly uuid?: string;
  /** The port group of the same node to which it belongs, by its place among them. */
  readonly group?: number;
  /** As a whole, but `extra`, which is merged by key; null resets one. */
  readonly attributes: Values;
}

export interface Parsed<T> {
  readonly wish: T | undefined;
  readonly faults: readonly Fault[];
}

const addressKeys = ['address', 'mac'];
/** Other spellings, of openstack.cloud and of bifrost. */
const synonyms: Readonly<Record<string, string>> = {
  pxe: 'pxe_enabled',
  llc: 'local_link_connection',
  port_group: 'portgroup_uuid',
  is_smart_nic: 'is_smartnic',
};

/** Reads one port: a mapping with `address` or `mac`, or the address alone. `field` is where it stands. */
export function parsePort(given: unknown, field = ''): Parsed<PortWish> {
  if (typeof given === 'string') return parsePort({ address: given }, field);
  if (!isMapping(given))
    return { wish: undefined, faults: [{ field, text: 'it must be a MAC address, or a mapping with one' }] };
  const faults: Fault[] = [];
  const attributes: Record<string, unknown> = {};
  for (const [spelling, value] of Object.entries(given)) {
    const key = synonyms[spelling] ?? spelling;
    if (addressKeys.includes(key) || key === 'uuid') continue;
    const parsed = parseAttribute(key, value, below(field, spelling));
    faults.push(...parsed.faults);
    if (parsed.faults.length === 0) attributes[key] = parsed.value;
  }
  const address = given.address ?? given.mac;
  const mac = typeof address === 'string' ? normaliseMac(address) : undefined;
  if (mac === undefined) faults.push({ field: below(field, 'mac'), text: faultOfAddress(address) });
  if (mac === undefined || faults.length > 0) return { wish: undefined, faults };
  return {
    wish: { address: mac, attributes, ...(typeof given.uuid === 'string' ? { uuid: given.uuid } : {}) },
    faults,
  };
}

/** Why something is not a MAC address. */
export function faultOfAddress(address: unknown): string {
  if (address === undefined || address === null) return 'it is missing';
  if (typeof address === 'number' || isWrittenNumber(address))
    return `${String(address)} is a number; put the MAC address into quotes, as YAML may take it for a number`;
  return `${shownInFault(address)} is not a MAC address; it is six pairs of hexadecimal digits, such as 52:54:00:ab:cd:ef`;
}

function parseAttribute(key: string, value: unknown, field: string): ParsedValue {
  const rule = portAttributes[key];
  if (rule !== undefined) return parseValue(rule.kind, value, field, key);
  const near = nearest(key, [...Object.keys(portAttributes), ...Object.keys(synonyms), ...addressKeys]);
  return {
    value: undefined,
    faults: [{ field, text: `it is not a field of a port${near ? `; did you mean ${near}?` : ''}` }],
  };
}

export interface ParsedValue {
  readonly value: unknown;
  readonly faults: readonly Fault[];
}

/** A value of the kind that a field has; null stays null. A text is what was written, even where YAML takes it for a number. */
export function parseValue(kind: FieldKind, value: unknown, field: string, key = field): ParsedValue {
  const fault = (text: string): ParsedValue => ({ value: undefined, faults: [{ field, text }] });
  if (value === null) return { value, faults: [] };
  if (kind === 'switch') {
    const isTrue = typeof value === 'object' ? undefined : booleanSpelt(String(value));
    return isTrue === undefined ? fault(`${shownInFault(value)} is neither yes nor no`) : { value: isTrue, faults: [] };
  }
  if (kind === 'text') {
    if (typeof value !== 'string' && typeof value !== 'number' && !isWrittenNumber(value))
      return fault(`${shownInFault(value)} must be text`);
    return { value: String(value) === '' ? null : String(value), faults: [] };
  }
  if (!isMapping(value)) return fault('it must be a mapping');
  return key === 'local_link_connection' ? parseLink(value, field) : parseContent(value, field);
}

/** Content of any keys. `as: 'text'` where Ironic reads texts only. */
export function parseContent(value: unknown, field: string, as: NumbersAs = 'exact'): ParsedValue {
  const faults: Fault[] = [];
  return { value: settleNumbers(value, field, as, (place, text) => void faults.push({ field: place, text })), faults };
}

const linkKeys = ['switch_id', 'port_id', 'switch_info', 'network_type', 'hostname'];

/** Ironic checks it as a whole, and takes no other keys (api/controllers/v1/utils.py, LOCAL_LINK_SCHEMA). */
function parseLink(link: Values, field: string): ParsedValue {
  const fault = (text: string, at = field): ParsedValue => ({ value: undefined, faults: [{ field: at, text }] });
  const unknown = Object.keys(link).find((key) => !linkKeys.includes(key));
  if (unknown !== undefined) return fault(`it is not allowed; allowed: ${linkKeys.join(', ')}`, below(field, unknown));
  const isWhole =
    Object.keys(link).length === 0 ||
    ('port_id' in link && ('switch_id' in link || 'hostname' in link)) ||
    (link.network_type === 'unmanaged' && Object.keys(link).length === 1);
  if (!isWhole) return fault('it needs port_id with switch_id or hostname, or only network_type: unmanaged');
  const texts = Object.entries(link).map(
    ([key, value]) => [key, key === 'switch_id' ? normaliseSwitchId(String(value)) : String(value)] as const,
  );
  const id = Object.fromEntries(texts).switch_id;
  if (id !== undefined && !normaliseMac(id) && !/^[0-9a-f]{16}$/.test(id))
    return fault(
      `${shownInFault(id)} is neither a MAC address nor a datapath id of 16 hexadecimal digits`,
      below(field, 'switch_id'),
    );
  return { value: Object.fromEntries(texts), faults: [] };
}

export interface PortChange {
  readonly attribute: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly steps: readonly PatchStep[];
}

/** What must be sent so that a port is as it is wanted. */
export function portChanges(
  served: Values,
  { attributes }: Pick<PortWish, 'attributes'>,
  purge: boolean,
): PortChange[] {
  return Object.entries(attributes).flatMap(([attribute, wanted]): PortChange[] => {
    const before = served[attribute];
    if (attribute === 'extra' && wanted !== null)
      return extraChanges(isMapping(before) ? before : {}, wanted as Values, purge);
    if (isSame(before, wanted)) return [];
    const step: PatchStep =
      wanted === null ? resetStep(attribute) : { op: 'add', path: `/${attribute}`, value: wanted };
    return [{ attribute, before: before ?? undefined, after: wanted ?? undefined, steps: [step] }];
  });
}

/** Ironic answers 500 where `pxe_enabled` is removed: its default is written. */
function resetStep(attribute: string): PatchStep {
  if (attribute === 'pxe_enabled') return { op: 'add', path: '/pxe_enabled', value: true };
  return { op: 'remove', path: `/${attribute}` };
}

function isSame(served: unknown, wanted: unknown): boolean {
  const isUnset =
    served === undefined ||
    served === null ||
    served === false ||
    (isMapping(served) && Object.keys(served).length === 0);
  if (wanted === null) return isUnset || served === true;
  if (wanted === false && isUnset) return true;
  if (isMapping(wanted) && Object.keys(wanted).length === 0 && isUnset) return true;
  return compareValues(served, wanted, { types: true }) === 'same';
}

function extraChanges(served: Values, wanted: Values, purge: boolean): PortChange[] {
  const keys = [
    ...Object.keys(wanted),
    ...(purge ? Object.keys(served).filter((key) => !Object.hasOwn(wanted, key)) : []),
  ];
  const changed = keys.filter((key) =>
    wanted[key] === null || !Object.hasOwn(wanted, key)
      ? Object.hasOwn(served, key)
      : compareValues(served[key], wanted[key]) !== 'same',
  );
  if (changed.length === 0) return [];
  const after = Object.fromEntries(
    [...Object.entries(served), ...Object.entries(wanted)].filter(
      ([key]) => !(changed.includes(key) && (wanted[key] ?? null) === null),
    ),
  );
  // Written whole: nothing in it is masked, and keys of any characters are taken so.
  return [{ attribute: 'extra', before: served, after, steps: [{ op: 'add', path: '/extra', value: after }] }];
}
