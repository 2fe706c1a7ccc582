// Images that openstack-image-manager brought to the site, and that image lists take over. Facts about that tool:
// https://github.com/osism/openstack-image-manager, openstack_image_manager/main.py
import { parseName } from './archive-names.js';
import { editsToward, type ImageEdit } from './image-edits.js';
import { isManaged, isSnapshot, markers, releaseProperty, type SiteImage } from './site-image.js';

/** What an image must be to be taken over. */
export interface TakeOver {
  /** The names that the image lists of the site have and that are enabled. */
  readonly listed: ReadonlySet<string>;
  /** The tag by which that tool knows its images. */
  readonly tag: string;
}

/**
 * The version that that tool has recorded. Undefined for an image without its tag, which a copy and a snapshot do not
 * inherit, and for one that these tools have deployed or taken over.
 */
export function managerVersion(image: SiteImage, tag: string): string | undefined {
  const { properties, tags = [] } = image;
  if (!tags.includes(tag) || isSnapshot(image) || properties[markers.id] !== undefined) return undefined;
  return properties[releaseProperty] === undefined ? properties.internal_version || undefined : undefined;
}

/**
 * True for an image of our project that a list may take over: the list has its name, and its own name is that one, or
 * what that tool or these tools make of it when it is replaced.
 */
export function isTakenOver(image: SiteImage, owner: string, { listed, tag }: TakeOver): boolean {
  if (image.owner !== owner || managerVersion(image, tag) === undefined) return false;
  const parsed = parseName(image, listed);
  return parsed !== undefined && listed.has(parsed.productionName);
}

/**
 * Marks such an image when it is archived, so that it is known without the list. A copy that somebody has made of one
 * has its properties, but not its tag, and stays theirs.
 */
export function takeOverEdits(image: SiteImage, tag: string): ImageEdit[] {
  const version = managerVersion(image, tag);
  if (version === undefined || isManaged(image, image.owner)) return [];
  return editsToward(image, takeOverMarks(version));
}

/** What tells that an image is of this release of a list. */
export function takeOverMarks(release: string): Readonly<Record<string, string>> {
  return { [releaseProperty]: release, [markers.origin]: 'list' };
}
