import { fieldsBelow, visitFields, type Field, type Fields } from './fields.js';

export const masked = 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER';

/** A copy of the arguments that may be shown: every secret replaced, and what no field knows too, for it may be a misspelt password. */
export function maskArguments(fields: Fields, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const field = Object.hasOwn(fields, name) ? fields[name] : Object.values(fields).find((candidate) => candidate.aliases?.includes(name));
      if (!field || field.secret) return [name, masked];
      const inner = fieldsBelow(field);
      if (!inner) return [name, value];
      const mask = (element: unknown): unknown => (isMapping(element) ? maskArguments(inner, element) : holdsSecrets(field) ? masked : element);
      return [name, field.type === 'records' && Array.isArray(value) ? value.map(mask) : mask(value)];
    }),
  );
}

/** Every secret value among the arguments, aliases and passwords within URLs included, longest first, so that none hides a part of another. */
export function secretsIn(fields: Fields, values: Readonly<Record<string, unknown>>): string[] {
  const secretNames = new Set<string>();
  visitFields(fields, (path, field) => {
    if (field.secret) for (const name of [path.split('.').pop() ?? path, ...(field.aliases ?? [])]) secretNames.add(name);
  });
  const found = new Set<string>();
  const collect = (value: unknown, isSecret: boolean): void => {
    if (Array.isArray(value)) for (const inner of value) collect(inner, isSecret);
    else if (isMapping(value)) for (const [key, inner] of Object.entries(value)) collect(inner, isSecret || secretNames.has(key));
    else if (isSecret && value !== null && value !== undefined && String(value) !== '') found.add(String(value));
    else if (typeof value === 'string') for (const [, password] of value.matchAll(passwordInUrl)) found.add(password ?? '');
  };
  collect(values, false);
  return [...found].sort((one, other) => other.length - one.length);
}

const passwordInUrl = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:([^/?#@]+)@/gi;

/** True for a secret, and for a mapping, or a list of mappings, with a secret in it. */
export function holdsSecrets(field: Field): boolean {
  return field.secret === true || Object.values(fieldsBelow(field) ?? {}).some(holdsSecrets);
}

/** A shorter secret is replaced only where it stands as a word: one called `p` would take every URL apart. */
const shortestAnywhere = 8;
const hidden = '********';

/** The text with every secret replaced. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((redacted, secret) => {
    if (!redacted.includes(secret)) return redacted;
    return secret.length >= shortestAnywhere ? redacted.replaceAll(secret, hidden) : redacted.replace(asWord(secret), hidden);
  }, text);
}

function asWord(secret: string): RegExp {
  const literal = secret.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, 'gu');
}

/** A copy of any JSON value with every secret replaced in every text of it. */
export function redactAll<T>(value: T, secrets: readonly string[]): T {
  if (secrets.length === 0) return value;
  if (typeof value === 'string') return redact(value, secrets) as T;
  if (Array.isArray(value)) return value.map((element: unknown) => redactAll(element, secrets)) as T;
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactAll(inner, secrets)])) as T;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
