// The site's own properties of images, by name or pattern: they count over those of a catalogue.
import picomatch from 'picomatch';
import { InputError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { suggestion } from '../../core/validation.js';
import { hasControlCharacter, propertyRefusal, quote, type DesiredProperties } from './image-properties.js';
import { isNamePattern } from './image-selection.js';
import { isNeverAllowed } from './manifest-properties.js';

interface SitePropertyEntry {
  /** A production name, or a pattern such as `CC-Ubuntu*`. */
  readonly key: string;
  readonly matches: (name: string) => boolean;
  readonly desired: DesiredProperties;
}

/** In the order in which they were written. */
export type SiteProperties = readonly SitePropertyEntry[];

const maxValueLength = 4096;

/**
 * Reads the option `properties`. A null value means that the image is not to have the property.
 * Throws INVALID_INPUT with all faults.
 */
export function parseSiteProperties(option: Readonly<Record<string, unknown>>): SiteProperties {
  const faults: string[] = [];
  const entries = Object.entries(option).map(([key, properties]): SitePropertyEntry => {
    if (key === '') faults.push('a name or a pattern is empty');
    const matches = key === '' ? () => false : picomatch(key, { dot: true, bash: true });
    if (!isMapping(properties)) {
      faults.push(`${quote(key)} must be followed by a mapping of properties to values`);
      return { key, matches, desired: new Map() };
    }
    const values = Object.entries(properties);
    faults.push(...values.flatMap(([name, value]) => faultsOf(key, name, value)), ...duplicateNames(key, values));
    return { key, matches, desired: new Map(values.map(([name, value]) => [name, asValue(value)])) };
  });
  if (faults.length > 0) throw new InputError(`properties: ${faults.join('; ')}`, 'properties');
  return entries;
}

function asValue(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

function faultsOf(key: string, name: string, value: unknown): string[] {
  const refusal = sitePropertyRefusal(name) ?? valueRefusal(value);
  return refusal === undefined ? [] : [`${quote(name)} of ${quote(key)} cannot be set: ${refusal}`];
}

/** Databases of Glance treat `Name` and `name` as equal. */
function duplicateNames(key: string, values: readonly (readonly [string, unknown])[]): string[] {
  const names = values.map(([name]) => name.toLowerCase());
  const twice = values.map(([name]) => name).filter((name, at) => names.indexOf(name.toLowerCase()) !== at);
  return twice.map((name) => `${quote(name)} of ${quote(key)} is given twice, in different spellings`);
}

/** Why a site may not set a property on all images of a name; undefined if it may. */
function sitePropertyRefusal(name: string): string | undefined {
  const refusal = propertyRefusal(name);
  if (refusal !== undefined) return refusal;
  const lower = name.toLowerCase();
  if (lower.startsWith('build-')) return 'the build of an image is identified by it';
  if (isNeverAllowed(lower)) return 'it is reserved by Glance or these tools, or refers to resources of the site';
  return undefined;
}

function valueRefusal(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (!['string', 'number', 'boolean'].includes(typeof value))
    return 'its value must be text, a number, true or false, or null for an image without it';
  const text = String(value);
  if (text.length > maxValueLength) return `its value is longer than ${maxValueLength} characters`;
  return hasControlCharacter(text) ? 'its value contains control characters' : undefined;
}

/** What the site requests for the images of a name: patterns in their order, then the name itself. */
export function sitePropertiesOf(name: string, site: SiteProperties): DesiredProperties {
  const matching = [
    ...site.filter(({ key, matches }) => key !== name && matches(name)),
    ...site.filter(({ key }) => key === name),
  ];
  return matching.reduce<DesiredProperties>((before, { desired }) => overlay(before, desired), new Map());
}

/** Both requests, of which the second counts where they differ; case is ignored, as in Glance. */
export function overlay(below: DesiredProperties, above: DesiredProperties): DesiredProperties {
  const names = new Set([...above.keys()].map((name) => name.toLowerCase()));
  return new Map([...[...below].filter(([name]) => !names.has(name.toLowerCase())), ...above]);
}

/** The properties of a new image: those of its catalogue with what is requested. */
export function withDesired(
  properties: Readonly<Record<string, string>>,
  desired: DesiredProperties,
): Readonly<Record<string, string>> {
  const merged = overlay(new Map(Object.entries(properties)), desired);
  return Object.fromEntries([...merged].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Warnings about names and patterns that no image of the catalogues has: mistyped, they do nothing. */
export function unmatchedSiteProperties(site: SiteProperties, names: readonly string[]): string[] {
  return site
    .filter(({ key, matches }) => !names.some((name) => name === key || matches(name)))
    .map(({ key }) => {
      const hint = isNamePattern(key) ? '' : suggestion(key, names);
      return `properties: no image of the catalogue matches ${key}${hint}`;
    });
}
