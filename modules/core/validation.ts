import type { ErrorObject, ValidateFunction } from 'ajv';
import { InputError } from './errors.js';
import { fieldsBelow, rangeOf, type Field, type Fields } from './fields.js';
import { isMapping } from './mapping.js';
import { holdsSecrets } from './masking.js';

export interface ValidationSubject {
  /** The name of the operation, such as `image_deploy`. */
  readonly name: string;
  readonly fields: Fields;
  readonly validate: ValidateFunction;
  /**
   * The origin of a top-level value that the caller did not give, such as `admin_password in
   * /etc/…/site.yaml`.
   */
  readonly origins?: ReadonlyMap<string, string>;
}

/**
 * Throws INVALID_INPUT with a sentence for each invalid value: the field, the value, and what is
 * allowed.
 */
export function assertValid(values: Readonly<Record<string, unknown>>, subject: ValidationSubject): void {
  if (subject.validate(values)) return;
  const faults = (subject.validate.errors ?? []).map((error) => describeFault(error, values, subject));
  const unique = [...new Map(faults.map((fault) => [fault.text, fault])).values()];
  throw new InputError(
    unique.map((fault) => fault.text).join('; '),
    unique.length === 1 ? unique[0]?.field : undefined,
  );
}

/** Adds the declared default of every field that is absent. */
export function withDefaults(fields: Fields, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const defaults = Object.entries(fields).flatMap(([name, field]) =>
    'default' in field && values[name] === undefined ? [[name, field.default]] : [],
  );
  return { ...values, ...Object.fromEntries(defaults) };
}

/** The nearest of `candidates`, if it is near enough to be a typing error. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate) }))
    .sort((one, other) => one.distance - other.distance)
    .map(({ candidate }) => candidate);
  if (best === undefined) return undefined;
  const shared = [...word.toLowerCase()].filter((letter) => best.includes(letter)).length;
  return shared >= Math.max(best.length, word.length) * 0.6 ? best : undefined;
}

/** Such as `; did you mean image_type?`, to end a sentence about an unknown word; empty if none is near. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/**
 * The candidate of which `word` is most likely a misspelling: at most two letters differ, and not
 * only digits. Far stricter than `nearest`, for words that are allowed to be unknown.
 */
export function misspelt(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.includes(word)) return undefined;
  const plain = (text: string): string => text.toLowerCase().replace(/[\s.-]+/g, '_');
  const lettersOf = (text: string): string => text.replace(/\d/g, '');
  const near = candidates
    .filter((candidate) => Math.abs(plain(candidate).length - plain(word).length) <= 2)
    .map((candidate) => ({ candidate, distance: editDistance(plain(word), plain(candidate)) }))
    .filter(
      ({ candidate, distance }) =>
        distance <= toleranceFor(candidate) &&
        (distance === 0 || lettersOf(plain(word)) !== lettersOf(plain(candidate))),
    );
  return near.sort((one, other) => one.distance - other.distance)[0]?.candidate;
}

/** In short words each letter makes another word. */
function toleranceFor({ length }: string): number {
  return length <= 4 ? 0 : length <= 7 ? 1 : 2;
}

/** Levenshtein's: how many letters must be inserted, removed or replaced. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

function describeFault(
  error: ErrorObject,
  values: unknown,
  subject: ValidationSubject,
): { field: string; text: string } {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (error.keyword === 'additionalProperties')
    return describeUnknown(path, String(error.params.additionalProperty), subject);
  if (error.keyword === 'required') {
    const field = findField(subject.fields, [...path, String(error.params.missingProperty)]).dotted;
    return { field, text: `${field} is required` };
  }
  const { field, dotted } = findField(subject.fields, path);
  const label = subject.origins?.get(path[0] ?? '') ?? dotted;
  const value = path.reduce(valueAt, values);
  const shown = field && holdsSecrets(field) ? 'the value given' : quote(value);
  return { field: dotted, text: `${label}: ${shown} ${describeRule(error, field)}` };
}

function valueAt(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isMapping(value) ? value[key] : undefined;
}

function describeUnknown(
  path: readonly string[],
  key: string,
  subject: ValidationSubject,
): { field: string; text: string } {
  const { field: parent, dotted: prefix } = findField(subject.fields, path);
  const fields = path.length === 0 ? subject.fields : ((parent && fieldsBelow(parent)) ?? {});
  const below = (name: string): string => (prefix === '' ? name : `${prefix}.${name}`);
  const dotted = below(key);
  const near = nearest(key, Object.keys(fields));
  const hint = near ? `did you mean ${below(near)}?` : `allowed: ${Object.keys(fields).sort().join(', ')}`;
  return { field: dotted, text: `${quoteName(dotted)} is not an option of ${subject.name}; ${hint}` };
}

function describeRule(error: ErrorObject, field: Field | undefined): string {
  switch (error.keyword) {
    case 'enum':
      return `is not allowed; allowed: ${(error.params.allowedValues as string[]).join(', ')}`;
    case 'minimum':
    case 'maximum':
      return `is out of range; allowed: ${(field && rangeOf(field)) ?? 'another value'}`;
    case 'pattern':
      return (field?.type === 'string' || field?.type === 'list') && field.pattern
        ? `is not allowed; it must be ${field.pattern.meaning}`
        : 'is not allowed; it must not contain control characters';
    case 'minLength':
      return 'is not allowed; it must not be empty';
    case 'type':
      return `is of the wrong type; it must be ${typeNames[String(error.params.type)] ?? String(error.params.type)}`;
    default:
      return error.message ?? 'is not allowed';
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'yes or no',
  array: 'a list',
  object: 'a mapping',
};

/**
 * The field at a path of keys. An element of a list belongs to the list's field and is shown as
 * `images[2]`, a key of an element as `files[2].url`.
 */
function findField(fields: Fields, path: readonly string[]): { field: Field | undefined; dotted: string } {
  let field: Field | undefined;
  let inner: Fields | undefined = fields;
  let dotted = '';
  for (const key of path) {
    if (field?.type === 'list' || (field?.type === 'records' && /^\d+$/.test(key))) {
      dotted += `[${key}]`;
      continue;
    }
    dotted += dotted === '' ? key : `.${key}`;
    const next: Field | undefined = inner && Object.hasOwn(inner, key) ? inner[key] : undefined;
    if (next) field = next;
    inner = next && fieldsBelow(next);
  }
  return { field, dotted };
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function quoteName(name: string): string {
  return /^[\w.[\]-]{1,60}$/.test(name) ? name : quote(name);
}
