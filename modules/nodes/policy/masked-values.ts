// Values as Ironic serves them, passwords masked, against values as they are wanted.
import { isMapping } from '../../core/mapping.js';
import { isRedactionNotice } from '../../core/masking.js';

const mask = '***';

/**
 * What Ironic says from 2024.1 on instead of a value, or in its place under the key `content`, to whom its policy hides it: a value is there or
 * not, nobody knows.
 */
export function isWithheld(value: unknown): boolean {
  if (isMapping(value)) return isWithheld(value.content);
  return typeof value === 'string' && isRedactionNotice(value);
}

/** True for a value that has a mask in it, however deep: the true one is not known, and this one must never be written back. */
export function isMasked(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(mask) || isWithheld(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(isMasked);
}

export interface Tolerance {
  /** Whether "4" is 4 and "true" is true, as inspection and the older tools write them. */
  readonly types: boolean;
}

/** Whether a served value is the wanted one. `unknown` where they differ at most in what is masked. */
export function compareValues(
  served: unknown,
  wanted: unknown,
  tolerance: Tolerance = { types: false },
): 'same' | 'different' | 'unknown' {
  if (typeof served === 'string' && served.includes(mask)) return fitsMask(served, wanted) ? 'unknown' : 'different';
  if (isMapping(served) && isMapping(wanted)) {
    const keys = new Set([...Object.keys(served), ...Object.keys(wanted)]);
    return worst(
      [...keys].map((key) =>
        Object.hasOwn(served, key) && Object.hasOwn(wanted, key)
          ? compareValues(served[key], wanted[key], tolerance)
          : 'different',
      ),
    );
  }
  if (Array.isArray(served) && Array.isArray(wanted)) {
    if (served.length !== wanted.length) return 'different';
    return worst(served.map((element, index) => compareValues(element, wanted[index], tolerance)));
  }
  return served === wanted ||
    (tolerance.types && spelling(served) !== undefined && spelling(served) === spelling(wanted))
    ? 'same'
    : 'different';
}

function worst(found: readonly ('same' | 'different' | 'unknown')[]): 'same' | 'different' | 'unknown' {
  return found.includes('different') ? 'different' : found.includes('unknown') ? 'unknown' : 'same';
}

/** Whether text could be behind the mask: `password=***` hides a part of it only. */
function fitsMask(served: string, wanted: unknown): boolean {
  if (typeof wanted !== 'string' && typeof wanted !== 'number') return true;
  const literal = served.split(/\*{3,}/).map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return new RegExp(`^${literal.join('[^]*')}$`).test(String(wanted));
}

function spelling(value: unknown): string | undefined {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^(true|false)$/i.test(text)) return text.toLowerCase();
  return /^-?\d+(\.\d+)?$/.test(text) ? String(Number(text)) : text;
}
