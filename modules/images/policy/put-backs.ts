// What a rollback that was made by hand, or that was interrupted between the halves of a pair, still
// lacks: the marks of a hold.
import { isSameBuild, otherHalfName } from './agent-pairs.js';
import { holdLabel, holdOf, newHold, putBackEdits, type Hold } from './holds.js';
import { withEdits, type ImageEdit } from './image-edits.js';
import { lineageOf, productionNamesakes, settleProduction } from './production.js';
import { parseName } from './archive-names.js';
import {
  isManaged,
  isOurImage,
  isProduction,
  markers,
  productionVisibility,
  wasArchived,
  type SiteImage,
} from './site-image.js';

/** An image that is to get the marks of a hold. */
export interface UnmarkedPutBack {
  readonly image: SiteImage;
  /** The production name. */
  readonly name: string;
  readonly hold: Hold;
  readonly edits: readonly ImageEdit[];
  readonly reason: string;
}

export interface PutBackSite {
  readonly images: readonly SiteImage[];
  readonly owner: string;
  readonly metadataField: string;
  readonly now: Date;
}

/**
 * The put-backs that a run completes before anything else. `fallbackRelease`: the release to hold if
 * no image shows which one was in production last; without one such an image is left alone.
 */
export function unmarkedPutBacks(
  names: readonly { readonly name: string; readonly fallbackRelease: string }[],
  site: PutBackSite,
): UnmarkedPutBack[] {
  const byHand = names.flatMap(({ name, fallbackRelease }) => putBackByHand(name, fallbackRelease, site) ?? []);
  return [...byHand, ...names.flatMap(({ name }) => interruptedHalf(name, site) ?? [])];
}

export function withPutBacks<I extends SiteImage>(images: readonly I[], putBacks: readonly UnmarkedPutBack[]): I[] {
  const edits = new Map(putBacks.map((each) => [each.image.id, each.edits]));
  return images.map((image) => withEdits(image, edits.get(image.id) ?? []));
}

/** A production image with the mark of an archived one. */
function putBackByHand(name: string, fallbackRelease: string, site: PutBackSite): UnmarkedPutBack | undefined {
  const { images, owner, metadataField, now } = site;
  const { own } = productionNamesakes(images, name, owner);
  const [image, second] = own.filter((each) => wasArchived(each) && !holdOf(each));
  if (!image || second) return undefined;
  const others = own.filter((each) => each !== image);
  const settled = settleProduction(others, images);
  if (others.length > 0 && !settled) return undefined;
  const last = settled ? [settled.present] : setAsideByHand(name, site);
  if (last.length === 0 && fallbackRelease === '') return undefined;
  const known = newHold(image, [...last, ...laterInProduction(image, name, site)], now);
  const hold = last.length > 0 ? known : withRelease(known, fallbackRelease, image);
  const edits = putBackEdits(image, { name, metadataField, hold, visibility: image.visibility });
  return { image, name, hold, edits, reason: `${image.id} was put back by hand` };
}

function withRelease(hold: Hold, release: string, image: SiteImage): Hold {
  if (hold.releases.includes(release) || release === holdLabel(image)) return hold;
  return { ...hold, releases: [release, ...hold.releases] };
}

/** The images that were in production under a name, as their markers show, without those that are. */
function formerProduction(name: string, { images, owner }: PutBackSite): SiteImage[] {
  return images.filter(
    (each) =>
      isOurImage(each, owner) &&
      each.properties[markers.name] === name &&
      each.properties[markers.promoted] === each.id &&
      !isProduction(each, name, owner),
  );
}

/** What was in production and was renamed or hidden by somebody else; the last one created first. */
function setAsideByHand(name: string, site: PutBackSite): SiteImage[] {
  const aside = formerProduction(name, site).filter((each) => !wasArchived(each));
  return aside.sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
}

/** The images that have replaced this one, one after the other. */
function laterInProduction(image: SiteImage, name: string, site: PutBackSite): SiteImage[] {
  return formerProduction(name, site).filter((each) => each !== image && lineageOf(each, site.images).has(image.id));
}

/**
 * A run that was killed after it had put back the other half. The image in whose place that half
 * was put is archived only when both halves are back, so it is still in production.
 */
function interruptedHalf(name: string, site: PutBackSite): UnmarkedPutBack | undefined {
  const { images, owner, metadataField, now } = site;
  const otherName = otherHalfName(name);
  const other = otherName === undefined ? undefined : presentOf(otherName, site);
  const otherHold = other && holdOf(other);
  const present = presentOf(name, site);
  if (!otherHold || !present || holdOf(present) || isSameBuild(other, present)) return undefined;
  const before = images.find(({ id }) => id === otherHold.imageId);
  if (!before || !isProduction(before, otherName ?? '', owner)) return undefined;
  const image = archivedImages(name, images, owner).find((each) => isSameBuild(each, other));
  if (!image) return undefined;
  const hold = newHold(image, [present], now);
  const edits = putBackEdits(image, { name, metadataField, hold, visibility: productionVisibility(present) });
  return {
    image,
    name,
    hold,
    edits,
    reason: `a rollback was interrupted: ${image.id} goes back together with ${other.id}`,
  };
}

/** The production image of a name, if the markers tell. */
export function presentOf(
  name: string,
  { images, owner }: Pick<PutBackSite, 'images' | 'owner'>,
): SiteImage | undefined {
  const { own } = productionNamesakes(images, name, owner);
  return settleProduction(own, images)?.present;
}

/**
 * The images that were in production under a name and can be put back: those with an archive name,
 * and those that our markers show whatever they are called now.
 */
export function archivedImages(name: string, images: readonly SiteImage[], owner: string): SiteImage[] {
  const names = new Set([name]);
  return images.filter((image) => {
    if (!isManaged(image, owner) || isProduction(image, name, owner)) return false;
    if (
      image.properties[markers.name] === name &&
      (wasArchived(image) || image.properties[markers.promoted] === image.id)
    )
      return true;
    const parsed = parseName(image, names);
    return parsed?.productionName === name && parsed.isArchive;
  });
}
