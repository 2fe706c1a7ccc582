// What operators name by ids, names and patterns.
import picomatch from 'picomatch';
import { comparableId } from '../../core/uuid.js';
import { parseName, type SiteImage } from '../policy/site-image.js';
import type { CleanArguments } from './run.js';

type Matches = (image: SiteImage, productionName: string) => boolean;

export interface Selection {
  readonly isSelected: Matches;
  readonly isExempt: Matches;
}

export function selectionOf({
  images,
  exclude,
  skip_images: skipped,
}: Partial<Pick<CleanArguments, 'images'>> & Pick<CleanArguments, 'exclude' | 'skip_images'>): Selection {
  const included = images ? matcher(images) : () => true;
  const excluded = matcher(exclude);
  return { isSelected: (image, name) => included(image, name) && !excluded(image, name), isExempt: matcher(skipped) };
}

/** Entries of `skip_images` that name no image of the site: one that was mistyped protects nothing. */
export function idleEntries(skipped: readonly string[], images: readonly SiteImage[]): string[] {
  const ids = new Set(images.map(({ id }) => comparableId(id)));
  const names = new Set(images.map(({ name }) => name));
  const rest = skipped.filter((entry) => !ids.has(comparableId(entry)) && !names.has(entry));
  return rest.filter((entry) => {
    const matches = matcher([entry]);
    return !images.some((image) => matches(image, parseName(image, new Set())?.productionName ?? image.name));
  });
}

/** Ids in any spelling, exact names, names with brackets too; `*` stands for anything in a pattern. */
function matcher(entries: readonly string[]): Matches {
  const given = entries.map((entry) => entry.trim());
  const ids = new Set(given.map(comparableId));
  const names = new Set(given);
  const patterns = given
    .filter((entry) => /[*?[{(!]/.test(entry))
    .map((entry) => picomatch(entry, { dot: true, bash: true }));
  return ({ id, name }, productionName) =>
    ids.has(comparableId(id)) ||
    [name, productionName].some((text) => names.has(text) || patterns.some((isMatch) => isMatch(text)));
}
