// Parsing image lists: files in which a site, or somebody that it trusts, lists images anywhere on
// the web. The documents are valid as a whole, or none of them counts.
import { isMapping } from '../../core/mapping.js';
import { suggestion } from '../../core/validation.js';
import { readManagerEntry } from './image-manager-lists.js';
import { readListEntry } from './list-entries.js';
import type { ListPlace } from './listed-fields.js';
import type { ListedImage } from './listed-images.js';

/** A file of images, read but not validated. */
export interface ListDocument {
  /** Path or URL, for messages. */
  readonly path: string;
  readonly isLocal: boolean;
  /** In milliseconds since 1970, if known. */
  readonly changedAt?: number | undefined;
  readonly content: unknown;
  /** The line of a value, from 1. */
  readonly lineOf: (keys: readonly (string | number)[]) => number;
}

export interface ImageLists {
  readonly images: readonly ListedImage[];
  /** All names, also of images without a version. */
  readonly names: ReadonlySet<string>;
}

/** How many faults a message tells. */
const mostFaults = 20;

/** `faults`: each with its file, line and image, in order; `isLocal`: whether a file of this host has one. */
export type ParsedLists =
  | { readonly lists: ImageLists }
  | { readonly faults: readonly string[]; readonly count: number; readonly isLocal: boolean };

/** `managerTag`: what images in the spelling of openstack-image-manager are tagged with. */
export function parseImageLists(documents: readonly ListDocument[], managerTag: string): ParsedLists {
  const faults = collectFaults();
  const named = new Map<string, string>();
  const images: ListedImage[] = [];
  for (const document of documents) {
    for (const { entry, index } of entriesOf(document, faults)) {
      const place = placeIn(document, ['images', index], nameOf(entry), faults);
      if (!isMapping(entry)) {
        place.report(`it is ${Array.isArray(entry) ? 'a list' : 'a text'}; it must be a mapping with name and url`);
        continue;
      }
      const { images: read, names } = isManagers(entry)
        ? readManagerEntry(entry, managerTag, place)
        : readListEntry(entry, place);
      images.push(...read.map((image) => ({ ...image, listChangedAt: document.changedAt })));
      for (const name of names) {
        const earlier = named.get(name);
        if (earlier === undefined) named.set(name, `${document.path} line ${document.lineOf(['images', index])}`);
        else place.report(`the name ${JSON.stringify(name)} is already given at ${earlier}`);
      }
    }
  }
  const { texts, count, isLocal } = faults;
  return count() > 0
    ? { faults: texts, count: count(), isLocal: isLocal() }
    : { lists: { images, names: new Set(named.keys()) } };
}

/** One sentence for all faults. */
export function describeListFaults({ faults, count }: { readonly faults: readonly string[]; readonly count: number }) {
  const more = count - faults.length;
  return `${faults.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

interface Faults {
  readonly texts: readonly string[];
  readonly count: () => number;
  readonly isLocal: () => boolean;
  add(document: ListDocument, keys: readonly (string | number)[], text: string): undefined;
}

function collectFaults(): Faults {
  const texts: string[] = [];
  let count = 0;
  let isLocal = false;
  return {
    texts,
    count: () => count,
    isLocal: () => isLocal,
    add: (document, keys, text) => {
      count += 1;
      isLocal ||= document.isLocal;
      // Finding a line takes time, and nobody reads a thousand faults.
      if (texts.length < mostFaults) texts.push(`${document.path} line ${document.lineOf(keys)}: ${text}`);
    },
  };
}

const topKeys = ['images'] as const;

function entriesOf(document: ListDocument, faults: Faults): { readonly entry: unknown; readonly index: number }[] {
  const { content } = document;
  const fault = (keys: readonly string[], text: string): [] => {
    faults.add(document, keys, text);
    return [];
  };
  if (!isMapping(content)) return fault([], 'it must be a mapping with the key images, a list');
  for (const key of Object.keys(content))
    if (!topKeys.some((known) => known === key))
      fault([key], `${key}: there is no such key${suggestion(key, topKeys) || `; allowed: ${topKeys.join(', ')}`}`);
  const { images } = content;
  if (images === undefined) return fault([], 'images is missing; it must be a list of images');
  if (!Array.isArray(images)) return fault(['images'], 'images must be a list of images');
  if (images.length === 0) return fault(['images'], 'images is empty');
  return images.map((entry: unknown, index) => ({ entry, index }));
}

function nameOf(entry: unknown): string | undefined {
  return isMapping(entry) && typeof entry.name === 'string' ? JSON.stringify(entry.name.slice(0, 100)) : undefined;
}

function placeIn(
  document: ListDocument,
  entry: readonly (string | number)[],
  name: string | undefined,
  faults: Faults,
): ListPlace {
  const at = (keys: readonly (string | number)[]): ListPlace => ({
    isLocal: document.isLocal,
    below: (key) => at([...keys, key]),
    report: (why) => {
      const field = dotted(keys.slice(entry.length));
      const image = name ?? `images[${entry.at(-1)}]`;
      return faults.add(document, keys, `${image}: ${field === '' ? '' : `${field}: `}${why}`);
    },
  });
  return at(entry);
}

/** `versions[1].url`. */
function dotted(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    const shown = /^[\w-]{1,60}$/.test(key) ? key : JSON.stringify(key.slice(0, 60));
    return path === '' ? shown : `${path}.${shown}`;
  }, '');
}

/** Which of the two spellings an entry has: one of them has versions, the other one a URL. */
function isManagers(entry: Readonly<Record<string, unknown>>): boolean {
  return !('url' in entry) && ['versions', 'multi', 'meta', 'format'].some((key) => key in entry);
}
