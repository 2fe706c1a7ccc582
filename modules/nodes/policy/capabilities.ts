// The capabilities of a node: `key:value,key:value` in Ironic, a mapping for people. The order does
// not matter.

export interface Capabilities {
  readonly values: ReadonlyMap<string, string>;
  /** Items that are not `key:value`; they are kept as they are. */
  readonly odd: readonly string[];
}

export function parseCapabilities(text: string): Capabilities {
  const values = new Map<string, string>();
  const odd: string[] = [];
  for (const item of text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')) {
    const parts = item.split(':').map((part) => part.trim());
    if (parts.length === 2 && parts[0]) values.set(parts[0], parts[1] ?? '');
    else odd.push(item);
  }
  return { values, odd };
}

/** What is wrong with given capabilities, which may be text or a mapping. */
export function capabilitiesFault(given: unknown): string | undefined {
  if (typeof given === 'string') {
    const { odd } = parseCapabilities(given);
    return odd.length === 0 ? undefined : `capabilities: "${odd[0]}" is not key:value`;
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return 'capabilities must be text (key:value,key:value) or a mapping';
  const bad = Object.entries(given).find(
    ([key, value]) =>
      key === '' || /[:,]/.test(key) || (value !== null && (typeof value === 'object' || /[:,]/.test(String(value)))),
  );
  return bad === undefined
    ? undefined
    : `capabilities: ${JSON.stringify(bad[0])}: neither the name nor the value may contain a colon or a comma`;
}

/**
 * The text with the given capabilities merged in; null removes one. With `replace` only the given
 * ones stay. Undefined if none is left.
 */
export function mergeCapabilities(
  served: string,
  given: string | Readonly<Record<string, unknown>>,
  replace: boolean,
): string | undefined {
  const present = parseCapabilities(served);
  const changes: readonly (readonly [string, unknown])[] =
    typeof given === 'string' ? [...parseCapabilities(given).values] : Object.entries(given);
  const merged = new Map<string, string>(replace ? [] : present.values);
  for (const [key, value] of changes) {
    if (value === null) merged.delete(key);
    else merged.set(key, String(value));
  }
  const items = [...merged].map(([key, value]) => `${key}:${value}`);
  return [...items, ...(replace ? [] : present.odd)].join(',') || undefined;
}

/** Whether two texts have the same capabilities, in any order. */
export function sameCapabilities(one: string, other: string): boolean {
  const sorted = (text: string): string => {
    const { values, odd } = parseCapabilities(text);
    return JSON.stringify([[...values].sort(), [...odd].sort()]);
  };
  return sorted(one) === sorted(other);
}
