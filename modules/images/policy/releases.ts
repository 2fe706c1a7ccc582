// Parsing the documents of a central store: its catalogue of releases, and the manifest of an
// image. Their content is not trusted.
import { OperationError } from '../../core/errors.js';
import type { Subscription } from './deployment.js';
import { naturalOrder } from './natural-order.js';
import { originOf, releaseProperty, type SiteImage } from './site-image.js';
import { judgeProperty, type PropertyVerdict } from './manifest-properties.js';
import { isMapping } from '../../core/mapping.js';

/**
 * One image of the catalogue; `fault`: why its entry cannot be used. `newest`: for a pinned image
 * the release in the catalogue if that is another one.
 */
export type CatalogueEntry = {
  readonly name: string;
  readonly release: string;
  readonly fault?: string;
  readonly pin?: { readonly newest?: string };
};

export const catalogueNamePattern = /^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,199}$/;
export const releasePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * The entries of a catalogue, sorted by name. An unusable entry carries its fault and does not
 * affect the others. Throws CATALOGUE_UNUSABLE if the document is not a JSON object.
 */
export function parseCatalogue(document: unknown, url: string): CatalogueEntry[] {
  return Object.entries(catalogueMapping(document, url))
    .map(([name, release]) => parseEntry(name, release))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** The entry of an image that the site pins to a release, whatever the catalogue has. */
export function pinnedEntry({ name, release: newest }: CatalogueEntry, release: string): CatalogueEntry {
  const pinned = parseEntry(name, release);
  if (pinned.fault !== undefined)
    return { ...pinned, fault: `pins has the release ${quote(release)}; allowed: letters, digits and . _ -` };
  return { ...pinned, pin: newest === release ? {} : { newest: newest || 'another release' } };
}

/**
 * All names in a catalogue, including those with an unusable entry. Throws CATALOGUE_UNUSABLE if
 * the document is not a JSON object.
 */
export function catalogueNames(document: unknown, url: string): string[] {
  return Object.keys(catalogueMapping(document, url));
}

function catalogueMapping(document: unknown, url: string): Readonly<Record<string, unknown>> {
  if (isMapping(document)) return document;
  throw new OperationError(
    'CATALOGUE_UNUSABLE',
    `the catalogue ${url} is ${kindOf(document)}; it must be a JSON object that maps image names to releases`,
    { url },
  );
}

function parseEntry(name: string, release: unknown): CatalogueEntry {
  const shownRelease = typeof release === 'string' ? printable(release) : '';
  if (!catalogueNamePattern.test(name)) {
    return {
      name: printable(name),
      release: shownRelease,
      fault: `the catalogue has an image named ${quote(name)}; allowed: letters, digits, spaces and . _ + -`,
    };
  }
  if (typeof release !== 'string' || !releasePattern.test(release)) {
    return {
      name,
      release: shownRelease,
      fault:
        `the catalogue has the release ${quote(release)}; allowed: letters, digits and . ` +
        '_ -, such as 20250422-v1-amd',
    };
  }
  return { name, release };
}

export interface Manifest {
  readonly properties: Readonly<Record<string, string>>;
  /**
   * Keys that are left out because they are reserved by Glance or this system, or because their
   * values are not text.
   */
  readonly ignored: readonly string[];
  /** Keys that are left out because they have a meaning for a service. */
  readonly meaningful: readonly string[];
}

/**
 * The properties that a manifest gives to its image. `allowed`: the properties that the site
 * allows. Throws MANIFEST_UNUSABLE if it is not a JSON object.
 */
export function parseManifest(document: unknown, url: string, allowed: readonly string[] = []): Manifest {
  if (!isMapping(document)) {
    throw new OperationError(
      'MANIFEST_UNUSABLE',
      `the manifest ${url} is ${kindOf(document)}; it must be a JSON object of properties`,
      { url },
    );
  }
  const judged = Object.entries(document).map(([key, value]) => ({
    key,
    value,
    verdict: isUsable(key, value) ? judgeProperty(key, allowed) : ('reserved' as const),
  }));
  const keysOf = (kind: PropertyVerdict): string[] =>
    judged.filter(({ verdict }) => verdict === kind).map(({ key }) => printable(key));
  return {
    properties: Object.fromEntries(
      judged.filter(({ verdict }) => verdict === 'allowed').map(({ key, value }) => [key, String(value)]),
    ),
    ignored: keysOf('reserved'),
    meaningful: keysOf('meaningful'),
  };
}

/** Warnings about the keys of an image's manifest that were left out. */
export function manifestWarnings(name: string, { ignored, meaningful }: Manifest): string[] {
  const leftOut = (keys: readonly string[], why: string): string[] =>
    keys.length > 0
      ? [`${name}: the manifest's ${keys.join(', ')} ${why} and ${keys.length > 1 ? 'were' : 'was'} left out`]
      : [];
  return [
    ...leftOut(ignored, 'cannot be set by a manifest'),
    ...leftOut(
      meaningful,
      'cannot be set by a manifest, because Glance, Nova or Cinder act on it (see allowed_properties),',
    ),
  ];
}

function isUsable(key: string, value: unknown): boolean {
  if (!/^[\w.:-]{1,255}$/.test(key) || !['string', 'number', 'boolean'].includes(typeof value)) return false;
  return !/[\u0000-\u001f\u007f]/.test(String(value)) && String(value).length <= 4096;
}

/** An entry in the form in which it is compared with the images of the site. */
export function subscriptionOf(entry: CatalogueEntry): Subscription {
  return {
    ...entry,
    label: entry.release,
    isBuiltFrom: ({ properties }) => properties[releaseProperty] === entry.release,
    describe: ({ properties }) =>
      properties[releaseProperty] === undefined ? undefined : `release ${properties[releaseProperty]}`,
  };
}

/**
 * Why an entry of a catalogue that a mirror has sent must not replace an image of the site: a mirror
 * that lags behind would lead back to earlier releases. A release that the site pins is what it wants.
 */
export function objectionToMirrored({ release, pin }: CatalogueEntry, image: SiteImage): string | undefined {
  const present = originOf(image) === 'releases' ? image.properties[releaseProperty] : undefined;
  if (pin || present === undefined || naturalOrder(present, release) <= 0) return undefined;
  return (
    `the catalogue came from a mirror, and its release ${release} is older than ${present}, which the site has; ` +
    'the image is kept until the store itself can be read'
  );
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd').slice(0, 100);
}

function quote(value: unknown): string {
  // It may be nested too deeply to be shown.
  if (typeof value === 'object' && value !== null) return kindOf(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
