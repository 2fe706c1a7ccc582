// Which of several public images of ours is the production image of their name, and which ones it
// has replaced.
import { isOurImage, isProduction, markers, releaseProperty, type SiteImage } from './site-image.js';
import { parseBuildTimestamp } from './dates.js';

export interface SettledProduction {
  /** The image that stays in production. */
  readonly present: SiteImage;
  /** The images to archive, the oldest first. */
  readonly replaced: readonly SiteImage[];
}

/**
 * `own`: candidates for being the production image of the name. `conflicting`: public images that
 * stand in its way.
 */
export interface PublicNamesakes<I> {
  readonly own: readonly I[];
  readonly conflicting: readonly I[];
}

/**
 * Images of other projects are in the way only while we have no production image of the name: they
 * cannot keep us from replacing our own.
 */
export function publicNamesakes<I extends SiteImage>(
  images: readonly I[],
  name: string,
  owner: string,
): PublicNamesakes<I> {
  const named = images.filter((image) => image.name === name && image.visibility === 'public');
  const own = named.filter((image) => isProduction(image, name, owner));
  return {
    own,
    conflicting: named.filter((image) => !own.includes(image) && (image.owner === owner || own.length === 0)),
  };
}

/**
 * `candidates`: our public images of one name. One replaces another if its markers lead to it; two
 * that replace the same image, or none, were promoted at the same time, and the newer build wins.
 * Every run on every host reaches the same result. Undefined if the markers do not explain all of
 * them; a person has to decide then. `images`: all of our images, by which the markers are
 * followed.
 */
export function settleProduction(
  candidates: readonly SiteImage[],
  images: readonly SiteImage[] = candidates,
): SettledProduction | undefined {
  const lineages = new Map(candidates.map((image) => [image, lineageOf(image, images)]));
  const isReplaced = (image: SiteImage): boolean =>
    candidates.some((newer) => newer !== image && replaces(newer, image, lineages.get(newer)));
  const heads = candidates.filter((image) => !isReplaced(image));
  const present = [...heads].sort(newestBuildFirst)[0];
  if (!present || heads.some((head) => head !== present && !areRivals(head, present, lineages))) return undefined;
  const replaced = candidates.filter((image) => image !== present).sort(byCreation);
  return { present, replaced };
}

/**
 * The ids of the images that this one has replaced, directly or indirectly, as far as our own
 * markers show.
 */
function lineageOf(image: SiteImage, images: readonly SiteImage[]): ReadonlySet<string> {
  const lineage = new Set<string>();
  let next: SiteImage | undefined = image;
  while (next && isOurImage(next, image.owner)) {
    const replaced: string | undefined = next.properties[markers.replaces];
    if (!replaced || lineage.has(replaced)) break;
    lineage.add(replaced);
    next = images.find(({ id }) => id === replaced);
  }
  return lineage;
}

/**
 * An archived image that is public under its name again was put back by hand: only the image that
 * directly replaced it counts as its replacement.
 */
function replaces(newer: SiteImage, older: SiteImage, lineage: ReadonlySet<string> = new Set()): boolean {
  if (!lineage.has(older.id)) return false;
  return newer.properties[markers.replaces] === older.id || !wasArchived(older);
}

/** True for images of two runs that did not know of each other. */
function areRivals(one: SiteImage, other: SiteImage, lineages: ReadonlyMap<SiteImage, ReadonlySet<string>>): boolean {
  if (![one, other].every((image) => isOurImage(image, image.owner) && !wasArchived(image))) return false;
  const lineageOf = (image: SiteImage): ReadonlySet<string> => lineages.get(image) ?? new Set();
  const [first, second] = [lineageOf(one), lineageOf(other)];
  return (first.size === 0 && second.size === 0) || [...first].some((id) => second.has(id));
}

function wasArchived({ properties }: SiteImage): boolean {
  return properties[markers.supersededAt] !== undefined;
}

/**
 * By build time if known, then by the names of their releases, then by creation at the site.
 */
function newestBuildFirst(one: SiteImage, other: SiteImage): number {
  return (
    buildTime(other) - buildTime(one) ||
    releaseOf(other).localeCompare(releaseOf(one), 'en', { numeric: true }) ||
    byCreation(other, one)
  );
}

function buildTime({ properties }: SiteImage): number {
  return parseBuildTimestamp(properties['build-timestamp'])?.getTime() ?? 0;
}

function releaseOf({ properties }: SiteImage): string {
  return properties[releaseProperty] ?? '';
}

function byCreation(one: SiteImage, other: SiteImage): number {
  if (one.created_at !== other.created_at) return one.created_at < other.created_at ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}
