// Where Ironic has left a value out for this login.
import { isRedactionNotice } from '../../core/redacted.js';

/** True for such a text, and for a mapping or a list that holds one, however deep. */
export function isRedacted(value: unknown): boolean {
  if (typeof value === 'string') return isRedactionNotice(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(isRedacted);
}
