// The fields of an image list: what each of them may contain. Every fault is reported, and a field
// with a fault is absent.
import { isMapping } from '../../core/mapping.js';
import { withoutCredentials } from '../../core/urls.js';
import { isUuid } from '../../core/uuid.js';
import { suggestion } from '../../core/validation.js';
import { parseChecksumField, type ChecksumField } from './checksums.js';
import { hasControlCharacter } from './image-properties.js';
import { allowedPropertyRefusal } from './manifest-properties.js';

/** A value of a list, and where it is. */
export interface ListPlace {
  /** Reports what is wrong there. */
  report(why: string): undefined;
  /** The place of a key of a mapping, or of an element of a list. */
  below(key: string | number): ListPlace;
  /** Whether the list is a file of this host, which may refer to other files. */
  readonly isLocal: boolean;
}

/** Reads a value, or reports why it cannot. Scalars are texts as they were written. */
export type Rule<T> = (value: unknown, place: ListPlace) => T | undefined;

type Rules = Readonly<Record<string, Rule<unknown>>>;
export type FieldsOf<R extends Rules> = { readonly [K in keyof R]?: R[K] extends Rule<infer T> ? T : never };

/** Reads the fields of a mapping. A key without a value is absent. */
export function readFields<R extends Rules>(
  entry: Readonly<Record<string, unknown>>,
  rules: R,
  place: ListPlace,
): FieldsOf<R> {
  const fields: Partial<Record<keyof R, unknown>> = {};
  for (const [key, value] of Object.entries(entry)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (!rule) {
      const near = suggestion(key, Object.keys(rules));
      place.below(key).report(`there is no such key${near || `; allowed: ${Object.keys(rules).join(', ')}`}`);
    } else if (value !== null && value !== undefined) {
      fields[key as keyof R] = rule(value, place.below(key));
    }
  }
  return fields as FieldsOf<R>;
}

/** A value as messages show it: short, and without secrets. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isMapping(value)) return 'a mapping';
  const text = JSON.stringify(withoutCredentials(String(value)));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function refuse(place: ListPlace, value: unknown, meaning: string): undefined {
  return place.report(`${shown(value)} is not allowed; it must be ${meaning}`);
}

/** A text without control characters that matches, and what such a text is. */
export function text(pattern: RegExp, meaning: string): Rule<string> {
  return (value, place) =>
    typeof value === 'string' && !hasControlCharacter(value) && pattern.test(value)
      ? value
      : refuse(place, value, meaning);
}

export const anyText = text(/^.{0,255}$/su, 'a text of up to 255 characters');

export function oneOf<const C extends string>(choices: readonly C[]): Rule<C> {
  return (value, place) =>
    choices.find((choice) => choice === value) ??
    place.report(`${shown(value)} is not allowed; allowed: ${choices.join(', ')}`);
}

/** The spellings of PyYAML, which reads these lists elsewhere. */
const truths: ReadonlySet<string> = new Set(['true', 'yes', 'on']);
const falsehoods: ReadonlySet<string> = new Set(['false', 'no', 'off']);

export const flag: Rule<boolean> = (value, place) => {
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  if (truths.has(word)) return true;
  return falsehoods.has(word) ? false : refuse(place, value, 'true or false');
};

const largestInteger = 2 ** 31 - 1;

/** As large as Glance can store. */
export const count: Rule<number> = (value, place) => {
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : -1;
  return number >= 0 && number <= largestInteger
    ? number
    : refuse(place, value, `a whole number from 0 to ${largestInteger}`);
};

export function listOf<T>(rule: Rule<T>): Rule<readonly T[]> {
  return (value, place) =>
    Array.isArray(value)
      ? value.flatMap((element, index) => rule(element, place.below(index)) ?? [])
      : refuse(place, value, 'a list');
}

/** One value, or a list of them. */
export function someOf<T>(rule: Rule<T>): Rule<readonly T[]> {
  return (value, place) => {
    if (Array.isArray(value) && value.length === 0) return refuse(place, value, 'a value, or a list of values');
    if (Array.isArray(value)) return listOf(rule)(value, place);
    const single = rule(value, place);
    return single === undefined ? [] : [single];
  };
}

/**
 * A name in Glance. No wildcards, which `images` and `exclude` would take for patterns, no comma,
 * which separates names there, and no id, which means an object of the older store there.
 */
const namePattern = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._+:@~()-]{0,199}$/u;
const nameMeaning =
  'the name of an image: up to 200 letters, digits, spaces and . _ + - : @ ~ ( ), beginning with a letter or a digit';

export const imageName: Rule<string> = (value, place) =>
  typeof value === 'string' && namePattern.test(value) && !value.endsWith(' ') && !isUuid(value)
    ? value
    : refuse(place, value, nameMeaning);

export const version = text(
  /^[A-Za-z0-9][A-Za-z0-9._+~:-]{0,99}$/,
  'a version: up to 100 letters, digits and . _ + ~ : -, beginning with a letter or a digit',
);

/** Where an image or one of its companions is. A `file` URL only in a file of this host. */
export const location: Rule<string> = (value, place) => {
  if (typeof value !== 'string' || hasControlCharacter(value) || /\s/.test(value) || !URL.canParse(value))
    return refuse(place, value, 'a URL');
  const { protocol, host, hash } = new URL(value);
  if (hash !== '') return refuse(place, value, 'a URL without a fragment (#…)');
  if ((protocol === 'http:' || protocol === 'https:') && /^https?:\/\//i.test(value)) return value;
  if (protocol !== 'file:') return refuse(place, value, 'an http, https or file URL');
  if (!place.isLocal)
    return place.report(`${shown(value)} is not allowed: a list that was fetched may not refer to files of this host`);
  return host === '' && /^file:\/\/\/[^?]+$/.test(value)
    ? value
    : refuse(place, value, 'a file URL with an absolute path, such as file:///srv/images/a.qcow2');
};

/** A checksum, or the location of a file that contains it. */
export type ListedChecksum = Exclude<ChecksumField, { readonly kind: 'refused' }>;

export const checksum: Rule<ListedChecksum> = (value, place) => {
  if (typeof value !== 'string') return refuse(place, value, 'a checksum, or the URL of a checksum file');
  const parsed = parseChecksumField(value);
  if (parsed.kind === 'refused') return place.report(`${shown(value)} is not allowed: ${parsed.why}`);
  return parsed.kind === 'url' && location(parsed.url, place) === undefined ? undefined : parsed;
};

/** The location of a checksum file. */
export const checksumFile: Rule<ListedChecksum> = (value, place) => {
  const url = location(value, place);
  return url === undefined ? undefined : { kind: 'url', url };
};

const longestProperty = 4096;

/**
 * Properties of the image; one without a value is left out. Those that Glance or these tools
 * reserve, and those that refer to resources of a site, are refused. `asText`: what becomes of a
 * value.
 */
export function propertiesOf(asText = (written: string): string => written): Rule<Readonly<Record<string, string>>> {
  return (value, place) => {
    if (!isMapping(value)) return refuse(place, value, 'a mapping of properties to texts');
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]): [string, string][] => {
        if (inner === null) return [];
        const property = readProperty(key, inner, place.below(key));
        return property === undefined ? [] : [[key, asText(property)]];
      }),
    );
  };
}

function readProperty(key: string, value: unknown, place: ListPlace): string | undefined {
  const refusal = key.endsWith('*') ? `${shown(key)} is not the name of a property` : allowedPropertyRefusal(key);
  if (refusal !== undefined) return place.report(refusal.replace(' and cannot be set by a manifest', ''));
  return typeof value === 'string' && !hasControlCharacter(value) && value.length <= longestProperty
    ? value
    : refuse(place, value, `a text of up to ${longestProperty} characters`);
}

export const tag = text(/^[^,]{1,255}$/u, 'a tag: 1 to 255 characters without a comma');
export const project = text(/^[A-Za-z0-9-]{1,64}$/, 'the id of a project');
export const day = text(/^\d{4}-\d\d-\d\d(?:[T ].*)?$/, 'a date such as 2026-11-10');
export const absolutePath = text(/^(?:\/|~\/)[^\u0000]*$/u, 'an absolute path');
export const visibility = oneOf(['public', 'community', 'shared', 'private']);
export const status = oneOf(['active', 'deactivated']);
