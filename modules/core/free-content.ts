// Content of any keys, such as a node's `extra`: every number in it is exactly what was written.
import { isSecretKey } from './masking.js';
import { isWrittenNumber } from './written-numbers.js';

/** What a number is there whose spelling would be lost: `text` where Ironic reads texts; `exact`: the number itself, or it is refused. */
export type NumbersAs = 'text' | 'exact';

/**
 * A copy in which every number is exactly what was written: a number where it is one; the text under a key that is secret by its name.
 * `refuse` is told of each other one.
 */
export function settleNumbers(
  value: unknown,
  place: string,
  as: NumbersAs,
  refuse: (place: string, text: string) => void,
): unknown {
  if (isWrittenNumber(value)) {
    if (as === 'text') return value.source;
    if (value.number !== undefined) return value.number;
    refuse(place, `the number ${shortened(value.source)} would be changed; put it into quotes`);
    return null;
  }
  if (Array.isArray(value))
    return value.map((element: unknown, index) => settleNumbers(element, `${place}[${index}]`, as, refuse));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      settleNumbers(inner, `${place}.${key}`, isSecretKey(key) ? 'text' : as, refuse),
    ]),
  );
}

function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
