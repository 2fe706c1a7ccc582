// Which of several images of ours is the production image of their name, and which ones it has
// replaced.
import { parseBuildTimestamp } from './dates.js';
import { holdLabel, holdOf, isHeldBy } from './holds.js';
import {
  isOurImage,
  isProduction,
  isShown,
  markers,
  releaseProperty,
  wasArchived,
  type ProductionTraits,
  type SiteImage,
} from './site-image.js';

export interface SettledProduction {
  /** The image that stays in production. */
  readonly present: SiteImage;
  /** The images to archive, the oldest first. */
  readonly replaced: readonly SiteImage[];
}

/**
 * `own`: candidates for being the production image of the name. `conflicting`: images that stand in
 * its way.
 */
export interface ProductionNamesakes<I> {
  readonly own: readonly I[];
  readonly conflicting: readonly I[];
}

/**
 * Images of other projects are in the way only if they are public, and only while we have no
 * production image of the name: they cannot keep us from replacing our own. `wanted`: what the
 * catalogue says of the name, for images that no run has marked yet.
 */
export function productionNamesakes<I extends SiteImage>(
  images: readonly I[],
  name: string,
  owner: string,
  wanted: ProductionTraits = {},
): ProductionNamesakes<I> {
  const named = images.filter((image) => image.name === name);
  const own = named.filter((image) => isProduction(image, name, owner, wanted));
  const isInTheWay = (image: I): boolean =>
    image.owner === owner ? isShown(image, wanted) : image.visibility === 'public' && own.length === 0;
  return { own, conflicting: named.filter((image) => !own.includes(image) && isInTheWay(image)) };
}

/**
 * `candidates`: our images in production under one name. One replaces another if its markers lead to it, or
 * if it was put back in its place; two that replace the same image, or none, were promoted at the
 * same time, and the newer build wins, unless the other one holds it. Every run on every host
 * reaches the same result. Undefined if the markers do not explain all of them; a person has to
 * decide then. `images`: all of our images, by which the markers are followed.
 */
export function settleProduction(
  candidates: readonly SiteImage[],
  images: readonly SiteImage[] = candidates,
): SettledProduction | undefined {
  const lineages = new Map(candidates.map((image) => [image, lineageOf(image, images)]));
  const isReplaced = (image: SiteImage): boolean =>
    candidates.some((newer) => newer !== image && replaces(newer, image, lineages));
  const heads = candidates.filter((image) => !isReplaced(image));
  const present =
    heads.find((head) => heads.every((other) => other === head || prevails(head, other))) ??
    [...heads].sort(newestBuildFirst)[0];
  if (!present || heads.some((head) => head !== present && !areRivals(head, present, lineages))) return undefined;
  const replaced = candidates.filter((image) => image !== present).sort(byCreation);
  return { present, replaced };
}

/**
 * The ids of the images that this one has replaced or whose place it took, directly or indirectly,
 * as far as our own markers show.
 */
export function lineageOf(image: SiteImage, images: readonly SiteImage[]): ReadonlySet<string> {
  const lineage = new Set<string>();
  const pending: (SiteImage | undefined)[] = [image];
  for (let next = pending.pop(); next; next = pending.pop()) {
    for (const id of [isOurImage(next, next.owner) && next.properties[markers.replaces], holdOf(next)?.imageId]) {
      if (!id || lineage.has(id)) continue;
      lineage.add(id);
      pending.push(images.find((each) => each.id === id && each.owner === image.owner));
    }
  }
  return lineage;
}

/**
 * An archived image that is public under its name again was put back by hand: only the image that
 * directly replaced it counts as its replacement. One that a rollback has put back stands over all
 * that came after it.
 */
function replaces(newer: SiteImage, older: SiteImage, lineages: Lineages): boolean {
  if (tookPlaceOf(newer, older, lineages)) return !tookPlaceOf(older, newer, lineages) || isLaterHold(newer, older);
  if (tookPlaceOf(older, newer, lineages) || !lineages.get(newer)?.has(older.id)) return false;
  return newer.properties[markers.replaces] === older.id || !wasArchived(older);
}

type Lineages = ReadonlyMap<SiteImage, ReadonlySet<string>>;

function tookPlaceOf(image: SiteImage, { id }: SiteImage, lineages: Lineages): boolean {
  return holdOf(image) !== undefined && lineages.get(image)?.has(id) === true;
}

function isLaterHold(one: SiteImage, other: SiteImage): boolean {
  const [since, otherSince] = [holdOf(one)?.since ?? '', holdOf(other)?.since ?? ''];
  return since > otherSince || (since === otherSince && one.id > other.id);
}

/** Which of two images that do not replace each other stays in production. */
function prevails(one: SiteImage, other: SiteImage): boolean {
  const [holds, isHeld] = [isHeldTo(one, other), isHeldTo(other, one)];
  if (holds !== isHeld) return holds;
  if (holds) return isLaterHold(one, other);
  if (Boolean(holdOf(one)) !== Boolean(holdOf(other))) return holdOf(other) !== undefined;
  return newestBuildFirst(one, other) < 0;
}

/** True if the hold of one image covers the release of another. */
function isHeldTo(holder: SiteImage, image: SiteImage): boolean {
  const hold = holdOf(holder);
  return hold !== undefined && isHeldBy(hold, holdLabel(image));
}

/** True for images of two runs that did not know of each other. */
function areRivals(one: SiteImage, other: SiteImage, lineages: Lineages): boolean {
  if (![one, other].every(isMarked)) return false;
  const lineage = (image: SiteImage): ReadonlySet<string> => lineages.get(image) ?? new Set();
  const [first, second] = [lineage(one), lineage(other)];
  return (first.size === 0 && second.size === 0) || [...first].some((id) => second.has(id));
}

/** True for an image that a run of this system has put into production. */
function isMarked(image: SiteImage): boolean {
  return !wasArchived(image) && (isOurImage(image, image.owner) || holdOf(image) !== undefined);
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
