// The newest images of each production name, which `keep` protects from the cleaner.
import { parseName } from './archive-names.js';
import { builtAt, createdAt, listedRelease } from './build-times.js';
import { isProduction, type SiteImage } from './site-image.js';

export interface NewestRequest {
  /** All names in the catalogue, by which the names of images of older tools are read. */
  readonly catalogue: ReadonlySet<string> | undefined;
  /** Id of our project. */
  readonly owner: string;
  /** How many of each name. */
  readonly keep: number;
}

/**
 * The newest of the images that this system manages, so many of each name. The production image counts as the newest,
 * even if a rollback has put an older build there. Images without data do not count: they are no use to anybody who
 * wants to go back.
 */
export function newestOfEachName<I extends SiteImage>(
  images: readonly I[],
  { catalogue = new Set(), owner, keep }: NewestRequest,
): ReadonlySet<I> {
  const byName = new Map<string, RankedImage<I>[]>();
  for (const image of images) {
    const name = parseName(image, catalogue)?.productionName;
    if (name === undefined || !hasData(image)) continue;
    const ranked = { image, isInProduction: isProduction(image, name, owner) };
    byName.set(name, [...(byName.get(name) ?? []), ranked]);
  }
  return new Set(
    [...byName.values()].flatMap((named) => named.sort(newestFirst).slice(0, keep)).map(({ image }) => image),
  );
}

interface RankedImage<I extends SiteImage = SiteImage> {
  readonly image: I;
  readonly isInProduction: boolean;
}

const statusesWithData: ReadonlySet<string> = new Set(['active', 'deactivated']);

function hasData({ status }: SiteImage): boolean {
  return statusesWithData.has(status);
}

/** By the time of the build, then by the name of the release, then by the creation at the site. */
function newestFirst(one: RankedImage, other: RankedImage): number {
  if (one.isInProduction !== other.isInProduction) return one.isInProduction ? -1 : 1;
  return (
    builtAt(other.image) - builtAt(one.image) ||
    listedRelease(other.image).localeCompare(listedRelease(one.image), 'en', { numeric: true }) ||
    createdAt(other.image) - createdAt(one.image) ||
    (one.image.id < other.image.id ? -1 : 1)
  );
}
