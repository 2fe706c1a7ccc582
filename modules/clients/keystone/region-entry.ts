// An entry of clouds.yaml as openstacksdk reads it for one region: the region's values override
// those of the cloud, and {key} in URLs is filled in.
import { InputError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';

export type CloudEntry = Readonly<Record<string, unknown>>;

interface Region {
  readonly name: string;
  readonly values: CloudEntry;
}

/**
 * The entry for the requested region, by default its first one. Throws INVALID_INPUT if its list
 * does not have that region.
 */
export function entryForRegion(
  entry: CloudEntry,
  { source, regionName }: { readonly source: string; readonly regionName: string | undefined },
): CloudEntry {
  const { regions: listed, ...rest } = entry;
  const regions = regionsOf(listed ?? entry.region_name, source);
  if (regions.length === 0) return regionName ? { ...rest, region_name: regionName } : rest;
  const region = regionName ? regions.find(({ name }) => name === regionName) : regions[0];
  // A single region_name is a default, and the catalogue may have others; a list is complete.
  if (!region && regions.length === 1 && listed === undefined) return { ...rest, region_name: regionName };
  if (!region)
    throw new InputError(
      `${source} has no region "${regionName}"; it has ${regions.map(({ name }) => name).join(', ')}`,
      'region_name',
    );
  return { ...mergeEntries(rest, region.values), region_name: region.name };
}

/** Names, or mappings with a name and their own values; formerly a text with commas. */
function regionsOf(listed: unknown, source: string): Region[] {
  if (listed === undefined || listed === null || listed === '') return [];
  const elements: unknown[] = Array.isArray(listed)
    ? listed
    : typeof listed === 'string'
      ? listed.split(',')
      : [listed];
  return elements.map((element) => {
    if (typeof element === 'string' && element.trim() !== '') return { name: element.trim(), values: {} };
    const known = isMapping(element) && Object.keys(element).every((key) => key === 'name' || key === 'values');
    if (
      !known ||
      typeof element.name !== 'string' ||
      !(element.values === undefined || element.values === null || isMapping(element.values))
    ) {
      throw new InputError(
        `${source}: regions must be a list of names, or of mappings with name and values`,
        'region_name',
      );
    }
    return { name: element.name, values: isMapping(element.values) ? underscored(element.values) : {} };
  });
}

/**
 * Merges the second over the first, `auth` and other mappings key by key; null overrides nothing.
 */
export function mergeEntries(under: CloudEntry, over: CloudEntry): CloudEntry {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    if (value !== null && value !== undefined)
      merged[key] = isMapping(below) && isMapping(value) ? mergeEntries(below, value) : value;
  }
  return merged;
}

/**
 * Replaces `{region_name}` and other keys of the entry in a text, like Python's str.format. Throws
 * INVALID_INPUT for an unknown key.
 */
export function fillPlaceholders(text: string, texts: Readonly<Record<string, string>>, label: string): string {
  return text.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (match, key: string | undefined) => {
    if (match === '{{' || match === '}}') return match.charAt(0);
    const value = key === undefined ? undefined : texts[key];
    if (value !== undefined) return value;
    throw new InputError(
      `${label} contains ${match}, but the cloud has no such key; replace it by its value, or give ${key || 'the key'}`,
      'cloud',
    );
  });
}

export function underscored(entry: CloudEntry): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).map(([key, value]) => [key.replaceAll('-', '_'), value]));
}

export function stringsIn(entry: CloudEntry): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entry).flatMap(([key, value]) => (typeof value === 'string' && value !== '' ? [[key, value]] : [])),
  );
}
