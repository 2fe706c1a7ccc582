// Which of the arguments are secret, and how arguments are shown.
import { fieldsBelow, visitFields, type Field, type Fields } from './fields.js';
import { isMapping } from './mapping.js';
import { secretsInUrls } from './urls.js';
import { isWrittenNumber } from './written-numbers.js';

export const masked = 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER';

/**
 * A copy of the arguments that may be shown: every secret is replaced, and so is every unknown
 * argument, which may be a misspelt password.
 */
export function maskArguments(fields: Fields, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const field = Object.hasOwn(fields, name)
        ? fields[name]
        : Object.values(fields).find((candidate) => candidate.aliases?.includes(name));
      if (!field || field.secret) return [name, masked];
      const inner = fieldsBelow(field);
      if (!inner) return [name, isFree(field) ? (typeof value === 'object' ? maskSecretKeys(value) : masked) : value];
      const mask = (element: unknown): unknown =>
        isMapping(element) ? maskArguments(inner, element) : holdsSecrets(field) ? masked : element;
      return [name, field.type === 'records' && Array.isArray(value) ? value.map(mask) : mask(value)];
    }),
  );
}

/**
 * Every secret value among the arguments, including aliases and the passwords and signatures in
 * URLs. Longest first, so that none hides a part of another.
 */
export function secretsIn(fields: Fields, values: Readonly<Record<string, unknown>>): string[] {
  const secretNames = new Set<string>();
  visitFields(fields, (path, field) => {
    if (field.secret)
      for (const name of [path.split('.').pop() ?? path, ...(field.aliases ?? [])]) secretNames.add(name);
  });
  const found = new Set<string>();
  const collect = (value: unknown, isSecret: boolean): void => {
    if (Array.isArray(value)) for (const inner of value) collect(inner, isSecret);
    else if (isMapping(value))
      for (const [key, inner] of Object.entries(value)) collect(inner, isSecret || secretNames.has(key));
    else if (isSecret && value !== null && value !== undefined && String(value) !== '') found.add(String(value));
    else if (typeof value === 'string') for (const secret of secretsInUrls(value)) found.add(secret);
  };
  collect(values, false);
  visitFields(fields, (_, field) => {
    if (!isFree(field)) return;
    for (const name of Object.keys(values))
      if (fields[name] === field || field.aliases?.includes(name))
        collectSecretKeys(values[name], (text) => found.add(text));
  });
  return [...found].sort((one, other) => other.length - one.length);
}

/**
 * Keys whose names mark their values as secret: those that Ironic masks, and two that it does not.
 */
const secretKey =
  /password|secret|token|passphrase|private_key|configdrive|sslkey|admin_pass|snmp_(auth|priv)_key|hex_kg_key/i;

export function isSecretKey(key: string): boolean {
  return secretKey.test(key);
}

/** A copy in which the value of every secret key is replaced, at any depth. */
export function maskSecretKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskSecretKeys);
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      isSecretKey(key) && inner !== null ? masked : maskSecretKeys(inner),
    ]),
  );
}

/** Calls `learn` with the value of every secret key, at any depth. */
export function collectSecretKeys(value: unknown, learn: (secret: string) => void): void {
  if (Array.isArray(value)) for (const element of value) collectSecretKeys(element, learn);
  if (!isMapping(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (
      isSecretKey(key) &&
      (typeof inner === 'string' || typeof inner === 'number' || isWrittenNumber(inner)) &&
      String(inner) !== ''
    )
      learn(String(inner));
    else collectSecretKeys(inner, learn);
  }
}

/** True for a secret, and for a mapping or a list of mappings that may contain one. */
export function holdsSecrets(field: Field): boolean {
  return field.secret === true || isFree(field) || Object.values(fieldsBelow(field) ?? {}).some(holdsSecrets);
}

/** True for arbitrary content, in which only the names of keys mark secrets. */
function isFree(field: Field): boolean {
  return field.type === 'object' || (field.type === 'records' && field.fields === undefined);
}

/**
 * True for the text that Ironic 2024.1 and newer shows in place of a value that this login may not
 * see (node_sanitize in ironic/api/controllers/v1/node.py).
 */
export function isRedactionNotice(text: string): boolean {
  return /^\s*\*\* (?:Value )?Redacted\b/i.test(text);
}
