// Which images of the site operators mean by ids, names and patterns.
import picomatch from 'picomatch';
import { comparableId } from '../../core/uuid.js';
import { parseName } from './archive-names.js';
import type { SiteImage } from './site-image.js';

type NamedImage = Pick<SiteImage, 'id' | 'name'>;

export type ImageMatcher = (image: NamedImage, productionName: string) => boolean;

/** The images that a clean-up covers, and those that it never changes. */
export interface RetentionSelection {
  readonly isSelected: ImageMatcher;
  readonly isExempt: ImageMatcher;
}

/** `images`: only these; all if undefined. */
export function selectForRetention(options: {
  readonly images?: readonly string[] | undefined;
  readonly exclude: readonly string[];
  readonly skipImages: readonly string[];
}): RetentionSelection {
  const included = options.images ? matcherOf(options.images) : () => true;
  const excluded = matcherOf(options.exclude);
  return {
    isSelected: (image, name) => included(image, name) && !excluded(image, name),
    isExempt: matcherOf(options.skipImages),
  };
}

/** Entries of `skip_images` that match no image of the site: a mistyped entry protects nothing. */
export function unmatchedEntries(entries: readonly string[], images: readonly SiteImage[]): string[] {
  const ids = new Set(images.map(({ id }) => comparableId(id)));
  const names = new Set(images.map(({ name }) => name));
  const others = entries.filter((entry) => !ids.has(comparableId(entry)) && !names.has(entry));
  return others.filter((entry) => {
    const matches = matcherOf([entry]);
    return !images.some((image) => matches(image, parseName(image, new Set())?.productionName ?? image.name));
  });
}

/**
 * Matches ids in any spelling, exact names (which may contain brackets) and patterns, in which `*`
 * matches anything.
 */
function matcherOf(entries: readonly string[]): ImageMatcher {
  const trimmed = entries.map((entry) => entry.trim());
  const ids = new Set(trimmed.map(comparableId));
  const names = new Set(trimmed);
  const patterns = trimmed
    .filter((entry) => /[*?[{(!]/.test(entry))
    .map((entry) => picomatch(entry, { dot: true, bash: true }));
  return ({ id, name }, productionName) =>
    ids.has(comparableId(id)) ||
    [name, productionName].some((text) => names.has(text) || patterns.some((isMatch) => isMatch(text)));
}

/** True for what is meant as a pattern: parentheses alone are part of many names, such as `Debian 12 (ARM)`. */
export function isNamePattern(entry: string): boolean {
  return /[*?[{!]/.test(entry);
}

/**
 * Matches the images to list: ids in any spelling, names, production names and patterns. Everything
 * if undefined.
 */
export function listingMatcher(entries: readonly string[] | undefined): ImageMatcher {
  if (!entries) return () => true;
  const ids = new Set(entries.map(comparableId));
  const matches = picomatch([...entries]);
  return ({ id, name }, productionName) =>
    ids.has(comparableId(id)) || [name, id, productionName].some((text) => entries.includes(text) || matches(text));
}
