/** True for a mapping of keys to values, as JSON and YAML have it; not for a list, and not for null. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
