import { InputError } from './errors.js';
import type { Field, Fields } from './fields.js';
import { parseJson } from './json-text.js';
import { isMapping } from './mapping.js';
import { isSecretKey } from './masking.js';
import { exactNumber, isWrittenNumber } from './written-numbers.js';

/** Arguments as given: by Ansible's JSON, by site.yaml, on a command line. */
export type RawArguments = Readonly<Record<string, unknown>>;

/** Ansible's own list (ansible-core, module_utils/parsing/convert_bool.py). */
const truths = new Set(['y', 'yes', 'on', 'true', 't', '1', '1.0']);
const falsehoods = new Set(['n', 'no', 'off', 'false', 'f', '0', '0.0']);

/**
 * Converts every value to its field's type, by Ansible's rules (ansible-core,
 * module_utils/common/validation.py): "yes" is true, "5" is 5, "a,b" is a list. Null means absent.
 * A value that cannot be converted stays as it is, for the schema to refuse; no default is ever
 * filled in here. Aliases become the field's own name. Throws INVALID_INPUT when a field is given
 * under two names.
 */
export function coerce(fields: Fields, raw: RawArguments, prefix = ''): Record<string, unknown> {
  const names = new Map<string, string>();
  for (const [name, field] of Object.entries(fields)) {
    for (const spelling of [name, ...(field.aliases ?? [])]) names.set(spelling, name);
  }
  const coerced = new Map<string, unknown>();
  const givenAs = new Map<string, string>();
  for (const [spelling, value] of Object.entries(raw)) {
    if (value === null || value === undefined) continue;
    const name = names.get(spelling) ?? spelling;
    const earlier = givenAs.get(name);
    if (earlier !== undefined) {
      throw new InputError(
        `${prefix}${earlier} and ${prefix}${spelling} are the same option: give one of them`,
        prefix + name,
      );
    }
    givenAs.set(name, spelling);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    coerced.set(name, field ? coerceValue(field, value, `${prefix}${name}.`) : value);
  }
  return Object.fromEntries(coerced);
}

function coerceValue(field: Field, value: unknown, prefix: string): unknown {
  switch (field.type) {
    case 'string':
    case 'path':
      return asText(value);
    case 'integer':
    case 'number':
      if (isWrittenNumber(value)) return exactNumber(value.source) ?? value;
      return typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
    case 'boolean':
      return coerceBoolean(value);
    case 'list':
      return coerceList(value);
    case 'records':
      return coerceRecords(field.fields, value, prefix);
    case 'mapping':
      return coerceMapping(field.fields, value, prefix);
    case 'object':
      return withExactNumbers(typeof value === 'string' ? jsonIn(value) : value, prefix.slice(0, -1));
  }
}

/** A number or a boolean as text. */
function asText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' || isWrittenNumber(value) ? String(value) : value;
}

function withExactNumbers(value: unknown, name: string): unknown {
  const faults: string[] = [];
  const content = preserveNumbers(value, name, 'exact', (place, text) => void faults.push(`${place}: ${text}`));
  if (faults.length > 0) throw new InputError(faults.join('; '), name);
  return content;
}

function coerceBoolean(value: unknown): unknown {
  // String() of an object may throw.
  return typeof value === 'object' && !isWrittenNumber(value) ? value : (parseBoolean(String(value)) ?? value);
}

/**
 * The boolean that a text stands for: `yes`, `on`, `1` and so on, in any case. Undefined for any
 * other text.
 */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return truths.has(word) ? true : falsehoods.has(word) ? false : undefined;
}

function coerceList(value: unknown): unknown {
  if (typeof value === 'string') {
    const parts = value.split(',').map((part) => part.trim());
    return parts.length === 1 && parts[0] === '' ? [] : parts;
  }
  if (typeof value === 'number' || isWrittenNumber(value)) return [String(value)];
  return Array.isArray(value)
    ? value.map((element: unknown) => (typeof element === 'boolean' ? element : asText(element)))
    : value;
}

function coerceRecords(fields: Fields | undefined, given: unknown, prefix: string): unknown {
  const value = typeof given === 'string' ? jsonIn(given) : given;
  if (!Array.isArray(value) || !fields) return value;
  return value.map((element, index) => coerceMapping(fields, element, `${prefix.slice(0, -1)}[${index}].`));
}

function coerceMapping(fields: Fields | undefined, given: unknown, prefix: string): unknown {
  const value = typeof given === 'string' ? jsonIn(given) : given;
  if (!isMapping(value)) return value;
  if (fields) return coerce(fields, value, prefix);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, asText(entry)]));
}

/**
 * The mapping or list in a JSON text, which is how `-a 'auth={"username": …}'` arrives; any other
 * text as it is.
 */
function jsonIn(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return parseJson(text, { numbers: 'written' });
  } catch {
    return text;
  }
}

/**
 * How to treat a number whose spelling would be lost: as `text` where Ironic expects strings, or
 * `exact`, as a number or not at all.
 */
export type NumbersAs = 'text' | 'exact';

/**
 * A copy of content with arbitrary keys, such as a node's `extra`, in which every number is exactly
 * what was written: a number if possible, or its text under a key whose name marks it as secret.
 * `refuse` is called for every other one.
 */
export function preserveNumbers(
  value: unknown,
  place: string,
  as: NumbersAs,
  refuse: (place: string, text: string) => void,
): unknown {
  if (isWrittenNumber(value)) {
    if (as === 'text') return value.source;
    if (value.number !== undefined) return value.number;
    refuse(place, `the number ${shortened(value.source)} would be changed; put it in quotes`);
    return null;
  }
  if (Array.isArray(value))
    return value.map((element: unknown, index) => preserveNumbers(element, `${place}[${index}]`, as, refuse));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      preserveNumbers(inner, `${place}.${key}`, isSecretKey(key) ? 'text' : as, refuse),
    ]),
  );
}

function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
