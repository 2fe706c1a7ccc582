// Compares secrets that Ironic masks: an HMAC of the value that was written last is kept in the
// node's `extra`. Without the key it reveals nothing, not even whether two nodes have the same
// password.
import { createHmac } from 'node:crypto';
import { isMapping } from '../../core/mapping.js';
import { isSecretKey } from '../../core/masking.js';
import { isMasked } from './masked-values.js';
import type { DesiredFields, Values } from './node-differences.js';

/**
 * The key in `extra`. Neither it nor the keys below it look like the name of a secret, which Ironic
 * and others would mask.
 */
export const secretRecordKey = 'image_tools_hmac';

interface SecretRecord {
  readonly version: 1;
  /** Identifies the key. */
  readonly key: string;
  readonly salt: string;
  /** By the HMAC of the name of the field. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface SecretKeeping {
  readonly key: string;
  /** Random, for a node that has no record yet. */
  readonly salt: string;
}

export interface ComparedSecrets {
  /** Fields, such as `driver_info.ipmi_password`, whose value is the one that was written last. */
  readonly same: ReadonlySet<string>;
  /** What `extra` should keep; undefined if no secret was given, now or earlier. */
  readonly record: Values | undefined;
}

/** Compares the desired secrets with the record of the node. */
export function compareSecrets(
  served: Values,
  { mappings }: DesiredFields,
  { key, salt }: SecretKeeping,
): ComparedSecrets {
  const found = isMapping(served.extra) ? recordIn(served.extra[secretRecordKey]) : undefined;
  const keyId = hmac(key, 'key').slice(0, 16);
  // A record of another key cannot be compared.
  const usable = found?.key === keyId ? found : undefined;
  const present: SecretRecord = usable ?? { version: 1, key: keyId, salt, fields: {} };
  const fields: Record<string, string> = { ...present.fields };
  const same = new Set<string>();
  for (const name of ['driver_info', 'instance_info'] as const) {
    const shown = isMapping(served[name]) ? served[name] : {};
    for (const [field, value] of Object.entries(mappings[name] ?? {})) {
      const place = hmac(key, 'field', `${name}.${field}`).slice(0, 32);
      if (value === null) delete fields[place];
      if (value === null || !(isSecret(field, value) || isMasked(shown[field]))) continue;
      const digest = hmac(key, present.salt, `${name}.${field}`, canonical(value));
      if (fields[place] === digest) same.add(`${name}.${field}`);
      fields[place] = digest;
    }
  }
  const isEmpty = Object.keys(fields).length === 0;
  return { same, record: isEmpty && found === undefined ? undefined : { ...present, fields } };
}

function recordIn(value: unknown): SecretRecord | undefined {
  if (!isMapping(value) || value.version !== 1 || !isMapping(value.fields)) return undefined;
  const { key, salt, fields } = value;
  if (typeof key !== 'string' || typeof salt !== 'string') return undefined;
  const digests = Object.entries(fields).flatMap(([place, digest]) =>
    typeof digest === 'string' ? [[place, digest] as const] : [],
  );
  return { version: 1, key, salt, fields: Object.fromEntries(digests) };
}

function isSecret(key: string, value: unknown): boolean {
  if (isSecretKey(key)) return true;
  return isMapping(value) && Object.entries(value).some(([inner, below]) => isSecret(inner, below));
}

/** The parts are separated, so that no two lists of parts give the same HMAC. */
function hmac(key: string, ...parts: readonly string[]): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['chameleon-image-tools', ...parts]))
    .digest('hex');
}

/** The same text for the same value, whatever the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isMapping(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
