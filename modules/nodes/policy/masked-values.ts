// Compares values that Ironic returns, with passwords masked, with desired values.
import { isMapping } from '../../core/mapping.js';
import { isRedactionNotice } from '../../core/masking.js';

const mask = '***';

/**
 * Whether Ironic withholds a value from this login, as its policy may demand since 2024.1: then it
 * returns a notice instead of the value, or under the key `content`, and it is unknown whether
 * there is a value.
 */
export function isWithheld(value: unknown): boolean {
  if (isMapping(value)) return isWithheld(value.content);
  return typeof value === 'string' && isRedactionNotice(value);
}

/**
 * Whether a value contains a mask at any depth: the true value is unknown, and the masked one must
 * never be written back.
 */
export function isMasked(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(mask) || isWithheld(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(isMasked);
}

export interface Tolerance {
  /** Whether "4" equals 4 and "true" equals true, as inspection and older tools write them. */
  readonly types: boolean;
}

/**
 * Whether a served value is the desired one. `unknown` if they differ at most in what is masked.
 */
export function compareValues(
  served: unknown,
  desired: unknown,
  tolerance: Tolerance = { types: false },
): 'same' | 'different' | 'unknown' {
  if (typeof served === 'string' && served.includes(mask)) return fitsMask(served, desired) ? 'unknown' : 'different';
  if (isMapping(served) && isMapping(desired)) {
    const keys = new Set([...Object.keys(served), ...Object.keys(desired)]);
    return worst(
      [...keys].map((key) =>
        Object.hasOwn(served, key) && Object.hasOwn(desired, key)
          ? compareValues(served[key], desired[key], tolerance)
          : 'different',
      ),
    );
  }
  if (Array.isArray(served) && Array.isArray(desired)) {
    if (served.length !== desired.length) return 'different';
    return worst(served.map((element, index) => compareValues(element, desired[index], tolerance)));
  }
  return served === desired ||
    (tolerance.types && spelling(served) !== undefined && spelling(served) === spelling(desired))
    ? 'same'
    : 'different';
}

function worst(found: readonly ('same' | 'different' | 'unknown')[]): 'same' | 'different' | 'unknown' {
  return found.includes('different') ? 'different' : found.includes('unknown') ? 'unknown' : 'same';
}

/** Whether the mask could hide this value: `password=***` hides only a part of the text. */
function fitsMask(served: string, desired: unknown): boolean {
  if (typeof desired !== 'string' && typeof desired !== 'number') return true;
  const literal = served.split(/\*{3,}/).map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return new RegExp(`^${literal.join('[^]*')}$`).test(String(desired));
}

function spelling(value: unknown): string | undefined {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^(true|false)$/i.test(text)) return text.toLowerCase();
  return /^-?\d+(\.\d+)?$/.test(text) ? String(Number(text)) : text;
}
