import { isWrittenNumber } from './written-numbers.js';

/**
 * True for a mapping of keys to values, as in JSON and YAML: not for a list, null, or a number as
 * it was written.
 */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isWrittenNumber(value);
}
