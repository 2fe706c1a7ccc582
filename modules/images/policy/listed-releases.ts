// The release of an image in an image list: what tells it from the one before, and which images of
// the site were built from it.
import { parseHttpDate } from '../../core/http-dates.js';
import { algorithmByLength, isWeaker, type Checksum } from './checksums.js';
import type { Subscription } from './deployment.js';
import { managerVersion } from './image-manager-images.js';
import type { ListedImage } from './listed-images.js';
import { releaseProperty, type SiteImage } from './site-image.js';

/** A checksum of the bytes at the URL of an image, and who says so. */
export interface SourcedChecksum extends Checksum {
  /** A URL without credentials, or `the list`. */
  readonly from: string;
}

/** Why the checksums of an image cannot all be right; undefined if they agree. */
export function disagreement(checksums: readonly SourcedChecksum[]): string | undefined {
  for (const [index, one] of checksums.entries()) {
    const other = checksums.slice(index + 1).find((each) => each.algorithm === one.algorithm);
    if (other && other.digest !== one.digest)
      return `its ${one.algorithm} is ${one.digest} by ${one.from}, but ${other.digest} by ${other.from}`;
  }
  return undefined;
}

/** The names of a release; the first is what an image of it is marked with. */
export type ReleaseNames = readonly [string, ...string[]];

const digitsShown = 16;

/**
 * A release without a version, by its digests: the strongest names it, and each of them is enough
 * to recognise it, so that a list may add or remove one. Undefined without digests.
 */
export function releaseByDigests(checksums: readonly Checksum[]): ReleaseNames | undefined {
  const inOrder = [...checksums].sort((one, other) => (isWeaker(one.algorithm, other.algorithm) ? 1 : -1));
  const [first, ...others] = inOrder.map(digestName);
  return first === undefined ? undefined : [first, ...others];
}

/** Such as `sha256-0123456789abcdef`. */
export function digestName({ algorithm, digest }: Pick<Checksum, 'algorithm' | 'digest'>): string {
  return `${algorithm}-${digest.slice(0, digitsShown)}`;
}

/** By date and length of the object, such as `20261110T103000Z-345276416`; undefined without a date. */
export function releaseByDate({ lastModified, bytes }: { readonly lastModified?: string; readonly bytes: number }) {
  const time = parseHttpDate(lastModified);
  if (time === undefined) return undefined;
  const stamp = new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${stamp}-${bytes}`;
}

/**
 * An image of a list in the form in which it is compared with the images of the site. `managerTag`: the tag of those
 * that openstack-image-manager has brought in; without it none counts.
 */
export function listSubscription(image: ListedImage, names: ReleaseNames, managerTag = ''): Subscription {
  const [release, ...others] = names;
  return {
    name: image.name,
    release,
    label: release,
    changedAt: image.listChangedAt,
    otherLabels: [...others, ...(release === image.version ? listedDigests(image) : [])],
    isBuiltFrom: (found) =>
      names.some((name) => found.properties[releaseProperty] === name) || isManagersRelease(found, names, managerTag),
    describe: (found) => describeListed(found, managerTag),
    wanted: { ...image.wanted, properties: image.properties },
  };
}

/** A list may give a version to what its digest has named so far. */
function listedDigests({ checksums }: ListedImage): string[] {
  return checksums.flatMap((listed) => (listed.kind === 'checksum' ? [digestName(listed.checksum)] : []));
}

/**
 * True if that tool has brought in this release: the version of a list, or for the version `latest` the content that
 * the publisher's checksum file had then.
 */
function isManagersRelease(image: SiteImage, names: ReleaseNames, tag: string): boolean {
  const version = managerVersion(image, tag);
  if (version === undefined) return false;
  const digest = image.properties.upstream_checksum?.toLowerCase() ?? '';
  const algorithm = algorithmByLength(digest.length);
  return names.includes(version) || (algorithm !== undefined && names.includes(digestName({ algorithm, digest })));
}

function describeListed(image: SiteImage, managerTag: string): string | undefined {
  const release = image.properties[releaseProperty];
  if (release !== undefined) return `release ${release}`;
  const version = managerVersion(image, managerTag);
  return version === undefined ? undefined : `version ${version} of openstack-image-manager`;
}
