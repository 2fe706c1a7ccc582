// What an image of the site is to this system: who owns it, and which state it is in.
import { sameId } from '../../core/uuid.js';

/**
 * An image as policy sees it, with the names of the Image API; `properties` are those that are not
 * attributes of Glance.
 */
export interface SiteImage {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly status: string;
  readonly visibility: string;
  readonly os_hidden: boolean;
  readonly protected?: boolean;
  readonly created_at: string;
  readonly updated_at: string;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * Properties by which this system identifies its images. They are set at creation; `promoted` when
 * published, `superseded_at` when archived, `hidden_at` by image_clean, `held_*` when put back.
 */
export const markers = {
  /**
   * The image's own id: a copy, or a snapshot of a server, inherits the property but not the id.
   */
  id: 'image_tools_id',
  name: 'image_tools_name',
  replaces: 'image_tools_replaces',
  source: 'image_tools_source',
  sha256: 'image_tools_sha256',
  /**
   * The lock that the deploying run held: a later holder of the same lock knows that the earlier
   * run has ended.
   */
  lock: 'image_tools_lock',
  /**
   * Also the image's own id, set when it goes into production: from then on it is not a leftover,
   * whatever its name.
   */
  promoted: 'image_tools_promoted',
  supersededAt: 'image_tools_superseded_at',
  /** When image_clean hid a production image whose name had left the catalogue. */
  hiddenAt: 'image_tools_hidden_at',
  /**
   * On a production image that was put back: the releases that are held, since when, and the id of
   * the image whose place it took.
   */
  heldRelease: 'image_tools_held_release',
  heldSince: 'image_tools_held_since',
  heldImage: 'image_tools_held_image',
} as const;

/** The property that names an image's release. */
export const releaseProperty = 'current';

/**
 * The release of an image for people; for images of the older store, which have none, the build
 * timestamp.
 */
export function releaseLabel({ properties }: Pick<SiteImage, 'properties'>): string {
  return properties[releaseProperty] ?? properties['build-timestamp'] ?? '';
}

/** `releases`: the present central store. `objects`: the older one. */
export type CatalogueKind = 'releases' | 'objects';

/** The central store that an image came from: images of the older store name no release. */
export function originOf({ properties }: Pick<SiteImage, 'properties'>): CatalogueKind {
  return properties[releaseProperty] === undefined ? 'objects' : 'releases';
}

/** Statuses of images that are deleted or being deleted. */
const gone: ReadonlySet<string> = new Set(['deleted', 'pending_delete']);

export function isGone(image: SiteImage): boolean {
  return gone.has(image.status);
}

const receiving: ReadonlySet<string> = new Set(['saving', 'importing', 'uploading']);

/**
 * True while Glance receives data: changes made in the meantime are lost when it is finished.
 */
export function isReceiving({ status }: Pick<SiteImage, 'status'>): boolean {
  return receiving.has(status);
}

/**
 * True while data are being transferred, including the time before the first byte of an import.
 * Glance leaves both properties behind as empty strings afterwards.
 */
export function isInMotion(image: Pick<SiteImage, 'status' | 'properties'>): boolean {
  const { os_glance_import_task: task, os_glance_failed_import: failed } = image.properties;
  return isReceiving(image) || (image.status === 'queued' && Boolean(task) && !failed);
}

/** What distinguishes our images from those of others, and incoming images from the rest. */
export interface ImageOwnership {
  /** Id of our project. */
  readonly owner: string;
  /** Prefix of the names of incoming images. */
  readonly prefix: string;
}

/**
 * True unless the marker belongs to another image, of which this one is a copy. It does not prove
 * ownership, because anybody can set it.
 */
function hasOwnMarker(image: SiteImage): boolean {
  return sameId(image.properties[markers.id] ?? '', image.id);
}

/** True for an image that this system created itself. */
export function isOurImage(image: SiteImage, owner: string): boolean {
  return image.owner === owner && hasOwnMarker(image);
}

/** True for an image that was replaced, and for one that was then put back by hand. */
export function wasArchived({ properties }: Pick<SiteImage, 'properties'>): boolean {
  return properties[markers.supersededAt] !== undefined;
}

/** True for the image behind the production name. */
export function isProduction(image: SiteImage, name: string, owner: string): boolean {
  return (
    image.name === name &&
    image.owner === owner &&
    image.visibility === 'public' &&
    image.status === 'active' &&
    !image.os_hidden
  );
}

/**
 * True for an image of ours that has never been in production: still being uploaded, or left by an
 * interrupted run. Marker and name must both be as a run set them: an image that an operator has
 * renamed, hidden or protected is left to the operator.
 */
export function isIncoming(image: SiteImage, { owner, prefix }: ImageOwnership): boolean {
  const name = image.properties[markers.name];
  if (!isOurImage(image, owner) || name === undefined || image.name !== prefix + name) return false;
  if (image.visibility !== 'private' || image.os_hidden || image.protected) return false;
  return image.properties[markers.promoted] !== image.id && image.properties[markers.supersededAt] === undefined;
}

export type ImageState = 'current' | 'archived' | 'incoming' | 'unmanaged';

/**
 * The state of an image of the site. `owner`: our project. `prefix`: that of the names of incoming
 * images.
 */
export function imageStateOf(
  image: SiteImage,
  owner: string,
  prefix: string,
): { state: ImageState; productionName?: string } {
  const markedName = image.properties[markers.name];
  if (markedName !== undefined && isIncoming(image, { owner, prefix }))
    return { state: 'incoming', productionName: markedName };
  if (!isManaged(image, owner)) return { state: 'unmanaged' };
  const productionName = markedName ?? productionNameOf(image.name, prefix);
  if (isProduction(image, productionName, owner)) return { state: 'current', productionName };
  return image.name.startsWith(prefix) ? { state: 'incoming', productionName } : { state: 'archived', productionName };
}

/** True for a snapshot of a server, which inherits all properties of the server's image. */
export function isSnapshot({ properties }: SiteImage): boolean {
  return properties.image_type === 'snapshot' || Boolean(properties.base_image_ref);
}

/**
 * True for images of this system and of its predecessors: owned by our project, with the properties
 * of a build, and neither a snapshot nor a copy.
 */
export function isManaged(image: SiteImage, owner: string): boolean {
  if (isOurImage(image, owner)) return true;
  const { properties } = image;
  if (image.owner !== owner || isSnapshot(image) || properties[markers.id]) return false;
  return properties[releaseProperty] !== undefined || Object.keys(properties).some((name) => name.startsWith('build-'));
}

/**
 * The shapes of archive names: `NAME_2025-04-22 15:30:45.123456`, `NAME_1677628504.897832`,
 * `NAME-20230302-1677628504.897832`, `NAME-20230302-2025-…`, `NAME-20230302`, each with a counter
 * if the name was taken. A revision may be `20230124-1270`, like those of Debian.
 */
const archiveSuffix = new RegExp(
  [
    /(?:_|-(?:\d{8}-)?[\w.:]+?-)/,
    /(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?|\d{8} \d{6}(?:\.\d+)?|\d{9,}(?:\.\d+)?)(?:\.\d+)?$/,
    /|-\d{8}(?:\.\d+)?$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

/** The production name within an image's present name. */
export function productionNameOf(name: string, prefix: string): string {
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return bare.replace(archiveSuffix, '');
}

/**
 * Production names of older tools: no spaces, underscores or colons.
 */
const productionShape = /^[A-Za-z0-9][A-Za-z0-9.+-]*$/;

export interface ParsedName {
  readonly productionName: string;
  readonly isArchive: boolean;
}

/**
 * Parses an image's present name. Undefined if it is neither a production nor an archive name;
 * nothing is known about the image then.
 */
export function parseName(image: SiteImage, catalogue: ReadonlySet<string>): ParsedName | undefined {
  const { name } = image;
  const markedName = hasOwnMarker(image) ? image.properties[markers.name] : undefined;
  if (name === markedName || (markedName === undefined && catalogue.has(name)))
    return { productionName: name, isArchive: false };
  const productionName = name.replace(archiveSuffix, '');
  const isArchive = productionName !== name && hasPlausibleDay(name.slice(productionName.length));
  if (markedName !== undefined)
    return isArchive && productionName === markedName ? { productionName, isArchive } : undefined;
  if (!productionShape.test(productionName) && !catalogue.has(productionName)) return undefined;
  if (isArchive) return { productionName, isArchive };
  return productionName === name ? { productionName, isArchive: false } : undefined;
}

/**
 * An archive suffix contains a calendar date or POSIX seconds; other eight digits may mean
 * anything.
 */
function hasPlausibleDay(suffix: string): boolean {
  const day =
    /^[-_](\d{4})(\d\d)(\d\d)(?: \d{6}(?:\.\d+)?)?(?:\.\d+)?$/.exec(suffix) ?? /(\d{4})-(\d\d)-(\d\d)[ T]/.exec(suffix);
  if (!day) return true;
  const [year = 0, month = 0, date = 0] = day.slice(1).map(Number);
  return year >= 2000 && month >= 1 && month <= 12 && date >= 1 && date <= 31;
}

/**
 * The archive name of an image that is replaced, with a counter if it is taken:
 * `{name}_{build-timestamp}`, or for an image of the older store with a revision
 * `{name}-{build-os-base-image-revision}-{build-timestamp}`. Without a timestamp its creation
 * counts.
 */
export function archiveName(image: SiteImage, taken: ReadonlySet<string>): string {
  const stamp = image.properties['build-timestamp'] || image.created_at.replace('T', ' ').replace('Z', '');
  const revision =
    image.properties[releaseProperty] === undefined ? image.properties['build-os-base-image-revision'] : undefined;
  const plain = `${image.name}${revision ? `-${revision}-` : '_'}${stamp}`.slice(0, 250);
  for (let counter = 1; ; counter++) {
    const candidate = counter === 1 ? plain : `${plain}.${counter}`;
    if (!taken.has(candidate)) return candidate;
  }
}
