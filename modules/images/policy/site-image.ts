// What an image of the site is to this system: whose it is, and what its properties say of it.
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
  readonly min_disk?: number;
  readonly min_ram?: number;
  readonly tags?: readonly string[];
  readonly created_at: string;
  readonly updated_at: string;
  /** Bytes; absent until the image has data, in a store or staged. */
  readonly size?: number;
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
  /** `list` on an image of an image list; the others are told by their properties. */
  origin: 'image_tools_origin',
  sha256: 'image_tools_sha256',
  /**
   * The digest, with its algorithm, of the data that a run has staged for an import: all of them, compared with what
   * the store publishes.
   */
  staged: 'image_tools_staged',
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
  /**
   * On an image that is, or was, in production: its visibility there if that is not `public`, its status there if that
   * is not `active`, and that it was protected for as long as it is in production.
   */
  visibility: 'image_tools_visibility',
  status: 'image_tools_status',
  protected: 'image_tools_protected',
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

/** `releases`: the present central store. `objects`: the older one. `list`: the image lists of the site. */
export type CatalogueKind = 'releases' | 'objects' | 'list';

/** The catalogue that an image came from: images of the older store name no release. */
export function originOf({ properties }: Pick<SiteImage, 'properties'>): CatalogueKind {
  if (properties[markers.origin] === 'list') return 'list';
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

/** The task that works on an image, such as an import; Glance leaves the property behind as an empty string. */
export function importTaskOf({ properties }: Pick<SiteImage, 'properties'>): string {
  return properties.os_glance_import_task ?? '';
}

type ImageProgress = Pick<SiteImage, 'status' | 'size' | 'properties'>;

/** True for an image whose data are all staged, and wait for their import. Glance tells the size at the end. */
export function isStaged(image: ImageProgress): boolean {
  return image.status === 'uploading' && image.size !== undefined && importTaskOf(image) === '';
}

/**
 * True for an image that an import of staged data has left as it was when it failed, which happens before 2025.1: the
 * task that had locked it is gone, and no request but a DELETE is accepted any more.
 */
export function isBrokenImport(image: ImageProgress): boolean {
  const hasBegun = image.properties.os_glance_importing_to_stores !== undefined;
  return image.status === 'importing' && hasBegun && importTaskOf(image) === '';
}

/**
 * True while data are being transferred, including the time before the first byte of an import.
 * Glance leaves both properties behind as empty strings afterwards.
 */
export function isInMotion(image: ImageProgress): boolean {
  if (isReceiving(image)) return !isStaged(image) && !isBrokenImport(image);
  return image.status === 'queued' && importTaskOf(image) !== '' && !image.properties.os_glance_failed_import;
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
export function hasOwnMarker(image: SiteImage): boolean {
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

/** What the catalogue wants a production image to be, as far as that decides whether an image is one. */
export interface ProductionTraits {
  readonly visibility?: string;
  readonly status?: string;
}

/** A mark that a copy of the image does not inherit. */
export function ownMark({ id, properties }: Pick<SiteImage, 'id' | 'properties'>, marker: string): string | undefined {
  return properties[markers.promoted] === id ? properties[marker] || undefined : undefined;
}

/** The visibility that an image has or had in production. */
export function productionVisibility(image: Pick<SiteImage, 'id' | 'properties'>): string {
  return ownMark(image, markers.visibility) ?? 'public';
}

/**
 * True if users see the image as they see the production images of its name: in the lists of all for a public one, in
 * those of its project alone for a private one, unless image_clean has hidden it there.
 */
export function isShown(image: SiteImage, wanted: ProductionTraits = {}): boolean {
  const { visibility, properties } = image;
  if (visibility === 'public') return true;
  if (visibility === 'private' && properties[markers.hiddenAt] !== undefined) return false;
  return visibility === productionVisibility(image) || (visibility === wanted.visibility && !isSnapshot(image));
}

/** True for data that can be used, or that are kept from use as the catalogue wants it. */
export function hasProductionStatus(
  image: Pick<SiteImage, 'id' | 'status' | 'properties'>,
  wanted: ProductionTraits = {},
): boolean {
  if (image.status === 'active') return true;
  return image.status === 'deactivated' && [wanted.status, ownMark(image, markers.status)].includes('deactivated');
}

/** True for the image behind the production name. */
export function isProduction(image: SiteImage, name: string, owner: string, wanted: ProductionTraits = {}): boolean {
  return (
    image.name === name &&
    image.owner === owner &&
    !image.os_hidden &&
    isShown(image, wanted) &&
    hasProductionStatus(image, wanted)
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
