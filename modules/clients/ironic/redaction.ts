// What Ironic says in place of a value that this login may not know (node_sanitize in ironic/api/controllers/v1/node.py).

/** True for such a text, and for a mapping or a list that holds one, however deep. */
export function isRedacted(value: unknown): boolean {
  if (typeof value === 'string') return /^\s*\*\* (?:Value )?Redacted\b/i.test(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(isRedacted);
}
