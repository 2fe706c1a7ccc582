// UUIDs in every spelling that OpenStack accepts (is_uuid_like of oslo.utils): capitals, braces,
// `urn:uuid:`, with or without hyphens.
import { createHash } from 'node:crypto';

/** A UUID in lower case with hyphens; undefined for anything else. */
export function canonicalUuid(text: string): string | undefined {
  const bare = text
    .trim()
    .toLowerCase()
    .replace('urn:', '')
    .replace('uuid:', '')
    .replace(/^[{}]+|[{}]+$/g, '');
  const digits = bare.replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(digits) ? hyphenated(digits) : undefined;
}

/**
 * True for a UUID with hyphens, in either case: the only spelling that counts as a UUID where a
 * name may also be given.
 */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/**
 * The key that ids are compared and looked up by: a UUID in lower case with hyphens, any other text
 * as it is.
 */
export function comparableId(id: string): string {
  return canonicalUuid(id) ?? id;
}

/** Whether two ids mean the same thing. */
export function sameId(one: string, other: string): boolean {
  return comparableId(one) === comparableId(other);
}

/**
 * Every UUID in a value, at any depth, alone or in a URL, in any spelling. Errs on the side of too
 * many: any 32 hexadecimal digits in a row count, ignoring hyphens.
 */
export function uuidsIn(value: unknown): string[] {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const decoded = text.replace(/%([0-7][0-9a-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  return [...new Set([text, decoded].flatMap(digitRuns).flatMap(windowsOf))].map(hyphenated);
}

/**
 * The UUID of a name within a namespace, itself a UUID: version 5 of RFC 9562, which is defined by
 * SHA-1.
 */
export function uuid5(name: string, namespace: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hyphenated(bytes.toString('hex'));
}

function digitRuns(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replaceAll('-', '')
      .match(/[0-9a-f]{32,}/g) ?? []
  );
}

function windowsOf(run: string): string[] {
  return Array.from({ length: run.length - 31 }, (_, start) => run.slice(start, start + 32));
}

function hyphenated(digits: string): string {
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  );
}
