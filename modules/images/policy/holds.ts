// Holds: an earlier image was put back into production, and the release that it replaced waits for a
// newer one or for an operator. All of it is in properties of the image that was put back.
import { markerTime, parseBuildTimestamp } from './dates.js';
import { hidingEdits, type HideMode } from './hiding.js';
import { takeOverEdits } from './image-manager-images.js';
import { editsToward, type ImageEdit } from './image-edits.js';
import { markers, ownMark, releaseLabel, type ProductionTraits, type SiteImage } from './site-image.js';

export interface Hold {
  /** The releases that must not be deployed again, as `releaseLabel` gives them; newest first. */
  readonly releases: readonly string[];
  /** RFC 3339, UTC. */
  readonly since: string;
  /** The id of the image whose place was taken; empty if there was none. */
  readonly imageId: string;
}

/**
 * The hold that an image carries. A copy of the image inherits its properties, but not the id that
 * `promoted` must name.
 */
export function holdOf({ id, properties }: Pick<SiteImage, 'id' | 'properties'>): Hold | undefined {
  const since = properties[markers.heldSince];
  if (!since || properties[markers.promoted] !== id) return undefined;
  const releases = (properties[markers.heldRelease] ?? '').split(',').map((release) => release.trim());
  return { releases: releases.filter(Boolean), since, imageId: properties[markers.heldImage] ?? '' };
}

/** The release of an image as a hold names it; `internal_version` is that of openstack-image-manager. */
export function holdLabel(image: Pick<SiteImage, 'properties' | 'created_at'>): string {
  return (releaseLabel(image) || image.properties.internal_version || image.created_at).replaceAll(',', ' ');
}

/** True if a hold keeps this release from being deployed: all but those that are newer. */
export function isHeldBy(hold: Hold, release: string): boolean {
  return hold.releases.some((held) => !isNewerRelease(release, held));
}

/**
 * Releases are ordered by their date and number, builds by their time; a word at the end, such as
 * `-amd`, does not count. If two cannot be compared, a different one counts as newer.
 */
export function isNewerRelease(release: string, than: string): boolean {
  const dated = /^\d{8}(?!\d)/;
  if (dated.test(release) && dated.test(than))
    return withoutWord(release).localeCompare(withoutWord(than), 'en', { numeric: true }) > 0;
  const [one, other] = [momentOfRelease(release), momentOfRelease(than)];
  return one && other ? one > other : release !== than;
}

function withoutWord(release: string): string {
  return /^\d{8}-v\d+/.exec(release)?.[0] ?? release;
}

/** The day that a release begins with, or the time that it is; undefined if it is neither. */
export function momentOfRelease(release: string): Date | undefined {
  const day = /^(\d{4})(\d\d)(\d\d)(?!\d)/.exec(release);
  return parseBuildTimestamp(day ? `${day[1]}-${day[2]}-${day[3]} 00:00:00` : release);
}

/** What putting an image back changes, and what is held because of it. */
export interface PutBack {
  /** The production name. */
  readonly name: string;
  /** The property that older tools set to `no` on an archived image. */
  readonly metadataField: string;
  readonly hold: Hold;
  /** That of the production images of the name. */
  readonly visibility: string;
}

/**
 * Gives an image the production name and visibility, takes the marks of an archived image from it,
 * and records the hold.
 */
export function putBackEdits(image: SiteImage, { name, metadataField, hold, visibility }: PutBack): ImageEdit[] {
  return editsToward(image, {
    name,
    visibility,
    ...productionMarks(image, { visibility }),
    os_hidden: false,
    ...withoutArchiveMarks(metadataField),
    [markers.promoted]: image.id,
    [markers.heldRelease]: hold.releases.join(', '),
    [markers.heldSince]: hold.since,
    [markers.heldImage]: hold.imageId,
  });
}

/**
 * The marks that an image in production needs so that every run knows it for what it is, as far as
 * it does not have them. An image that is public and active needs none.
 */
export function productionMarks(
  { properties }: Pick<SiteImage, 'properties'>,
  { visibility, status }: ProductionTraits,
): Readonly<Record<string, string>> {
  const isMissing = (marker: string, value: string | undefined, usual: string): boolean =>
    value !== undefined && value !== (properties[marker] ?? usual);
  return {
    ...(visibility !== undefined && isMissing(markers.visibility, visibility, 'public')
      ? { [markers.visibility]: visibility }
      : {}),
    ...(status !== undefined && isMissing(markers.status, status, 'active') ? { [markers.status]: status } : {}),
  };
}

function withoutArchiveMarks(metadataField: string): Readonly<Record<string, undefined>> {
  return { [markers.supersededAt]: undefined, [markers.hiddenAt]: undefined, [metadataField]: undefined };
}

const withoutHold: Readonly<Record<string, undefined>> = {
  [markers.heldRelease]: undefined,
  [markers.heldSince]: undefined,
  [markers.heldImage]: undefined,
};

/**
 * Ends the hold of an image; one that was put back by hand loses the marks of an archived one too.
 */
export function releaseEdits(image: SiteImage, metadataField: string): ImageEdit[] {
  const isPutBack = image.properties[markers.supersededAt] !== undefined;
  return editsToward(image, { ...withoutHold, ...(isPutBack ? withoutArchiveMarks(metadataField) : {}) });
}

/** What archiving an image requires. */
export interface Archiving {
  readonly name: string;
  readonly metadataField: string;
  readonly now: Date;
  /** The tag of images of openstack-image-manager. */
  readonly managerTag: string;
  /** How the image is hidden at the same time; undefined if it stays visible. */
  readonly hideMode?: HideMode | undefined;
}

/**
 * Gives a replaced image its archive name and marks. A hold ends with the time in production, and so does a protection
 * that was requested for the production image: image_clean could never delete the archived one. What it was shown to
 * in production is recorded, so that going back to it does not show it to more.
 */
export function archiveEdits(
  image: SiteImage,
  { name, metadataField, now, managerTag, hideMode }: Archiving,
): ImageEdit[] {
  return [
    { op: 'replace', attribute: 'name', value: name },
    { op: 'add', attribute: metadataField, value: 'no' },
    { op: 'add', attribute: markers.supersededAt, value: markerTime(now) },
    ...editsToward(image, withoutHold),
    ...takeOverEdits(image, managerTag),
    ...visibilityMarks(image),
    ...(ownMark(image, markers.protected)
      ? editsToward(image, { protected: false, [markers.protected]: undefined })
      : []),
    ...(hideMode === undefined ? [] : hidingEdits(image, hideMode)),
  ];
}

/** For an image of openstack-image-manager, or of an older tool, that was not public and that no run has marked. */
function visibilityMarks(image: SiteImage): ImageEdit[] {
  const { id, visibility, properties } = image;
  const isKnown = ownMark(image, markers.visibility) !== undefined || properties[markers.hiddenAt] !== undefined;
  if (visibility === 'public' || isKnown) return [];
  return editsToward(image, { [markers.visibility]: visibility, [markers.promoted]: id });
}

/**
 * The hold that putting `image` back causes. `replaced`: the image whose place it takes, or after a
 * change by hand those that were in production since. What they held stays held; what is put back
 * is not, and nothing that is older. The time is later than that of every earlier hold, because of
 * two images that have taken each other's place the later one counts.
 */
export function newHold(image: SiteImage, replaced: readonly SiteImage[], now: Date): Hold {
  const earlier = replaced.flatMap((each) => holdOf(each) ?? []);
  const releases = [...replaced.map(holdLabel), ...earlier.flatMap((hold) => hold.releases)];
  const own = holdLabel(image);
  const times = earlier.map(({ since }) => Date.parse(since) + 1000).filter((time) => !Number.isNaN(time));
  return {
    releases: [...new Set(releases)]
      .filter((release) => release !== own && newestReleaseFirst(release, own) <= 0)
      .sort(newestReleaseFirst),
    since: markerTime(new Date(Math.max(now.getTime(), ...times))),
    imageId: replaced[0]?.id ?? '',
  };
}

/** 0 if the releases cannot be compared. */
function newestReleaseFirst(one: string, other: string): number {
  if (isNewerRelease(one, other)) return isNewerRelease(other, one) ? 0 : -1;
  return isNewerRelease(other, one) ? 1 : 0;
}
