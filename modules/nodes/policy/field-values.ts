// Reads the values that people write into fields, such as MAC addresses, and says what is wrong
// with them.
import { parseBoolean, preserveNumbers, type NumbersAs } from '../../core/coercion.js';
import { isMapping } from '../../core/mapping.js';
import { isWrittenNumber } from '../../core/written-numbers.js';
import type { Values } from './node-differences.js';
import type { FieldKind } from './node-fields.js';

export interface Fault {
  /** Dotted, such as `ports[0].mac`; empty if the fault concerns the whole. */
  readonly field: string;
  /** A sentence without the field. */
  readonly text: string;
}

export function faultText({ field, text }: Fault): string {
  return field === '' ? text : `${field}: ${text}`;
}

/** The dotted name of a key within a field. */
export function fieldPath(field: string, key: string): string {
  return field === '' ? key : `${field}.${key}`;
}

const longestShown = 80;

/** A value as it is quoted in messages, shortened if it is long. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`;
}

export interface Parsed<T> {
  readonly desired: T | undefined;
  readonly faults: readonly Fault[];
}

export interface ParsedValue {
  readonly value: unknown;
  readonly faults: readonly Fault[];
}

/**
 * A value of the kind that the field has; null stays null. Text is what was written, even if YAML
 * reads it as a number.
 */
export function parseValue(kind: FieldKind, value: unknown, field: string, key = field): ParsedValue {
  const fault = (text: string): ParsedValue => ({ value: undefined, faults: [{ field, text }] });
  if (value === null) return { value, faults: [] };
  if (kind === 'switch') {
    const isTrue = typeof value === 'object' ? undefined : parseBoolean(String(value));
    return isTrue === undefined ? fault(`${quoted(value)} is neither yes nor no`) : { value: isTrue, faults: [] };
  }
  if (kind === 'text') {
    if (typeof value !== 'string' && typeof value !== 'number' && !isWrittenNumber(value))
      return fault(`${quoted(value)} must be text`);
    return { value: String(value) === '' ? null : String(value), faults: [] };
  }
  if (!isMapping(value)) return fault('it must be a mapping');
  return key === 'local_link_connection' ? parseLink(value, field) : parseContent(value, field);
}

/** A value with arbitrary keys. `as: 'text'` if Ironic reads only text. */
export function parseContent(value: unknown, field: string, as: NumbersAs = 'exact'): ParsedValue {
  const faults: Fault[] = [];
  return {
    value: preserveNumbers(value, field, as, (place, text) => void faults.push({ field: place, text })),
    faults,
  };
}

const linkKeys = ['switch_id', 'port_id', 'switch_info', 'network_type', 'hostname'];

/**
 * Ironic validates the mapping as a whole, and accepts no other keys (api/controllers/v1/utils.py,
 * LOCAL_LINK_SCHEMA).
 */
function parseLink(link: Values, field: string): ParsedValue {
  const fault = (text: string, at = field): ParsedValue => ({ value: undefined, faults: [{ field: at, text }] });
  const unknown = Object.keys(link).find((key) => !linkKeys.includes(key));
  if (unknown !== undefined)
    return fault(`it is not allowed; allowed: ${linkKeys.join(', ')}`, fieldPath(field, unknown));
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
      `${quoted(id)} is neither a MAC address nor a datapath ID of 16 hexadecimal digits`,
      fieldPath(field, 'switch_id'),
    );
  return { value: Object.fromEntries(texts), faults: [] };
}

/**
 * The address as Ironic spells it; undefined if the text is not an address. Accepts colons, dashes,
 * dots (`aabb.ccdd.eeff`) or no separators.
 */
export function normaliseMac(text: string): string | undefined {
  const trimmed = text.trim().toLowerCase();
  const isKnownForm =
    /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$|^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$|^[0-9a-f]{12}$/.test(trimmed);
  if (!isKnownForm) return undefined;
  return trimmed.replace(/[:.-]/g, '').replace(/(..)(?!$)/g, '$1:');
}

/**
 * The ID of a switch in lower case, if it is a MAC address or a datapath ID of 16 hexadecimal
 * digits.
 */
export function normaliseSwitchId(text: string): string {
  return normaliseMac(text) ?? (/^[0-9a-fA-F]{16}$/.test(text) ? text.toLowerCase() : text);
}

/** Why something is not a MAC address. */
export function addressFault(address: unknown): string {
  if (address === undefined || address === null) return 'it is missing';
  if (typeof address === 'number' || isWrittenNumber(address))
    return `${String(address)} is a number; put the MAC address in quotes, since YAML may read it as a number`;
  if (typeof address === 'string' && /^\d{8,11}$/.test(address))
    return `${quoted(address)} is not a MAC address; it may have lost leading zeros in a spreadsheet`;
  return `${quoted(address)} is not a MAC address; it is six pairs of hexadecimal digits, such as 52:54:00:ab:cd:ef`;
}
