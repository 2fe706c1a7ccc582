// The image that a deployment creates: its id and attributes, and what to do with an image that an
// earlier run created under that id.
import { uuid5 } from '../../core/uuid.js';
import { publishableUrl } from '../../core/urls.js';
import type { Checksum } from './checksums.js';
import type { PlannedImage, Subscription } from './deployment.js';
import { minimumDiskGib } from './disk-inspection.js';
import { wasImported } from './conversion.js';
import type { ImportMethod } from './import-methods.js';
import { qcow2VirtualBytes } from './qcow2.js';
import { decideLeftover, type RecoverySituation } from './recovery.js';
import {
  isBrokenImport,
  isIncoming,
  isProduction,
  isStaged,
  markers,
  type ImageOwnership,
  type SiteImage,
} from './site-image.js';

/** Must never change: another value would produce other ids. */
const namespace = '6f6e0c9c-51a5-5a0e-9d6c-2f3a4d0f7f1b';

/**
 * The id is the same on every host, so that exactly one of many runs can create the image.
 * `attempt` counts from 0 and increases if an id is spent.
 */
export function imageId(image: { project: string; name: string; release: string; attempt: number }): string {
  return uuid5(JSON.stringify([image.project, image.name, image.release, image.attempt]), namespace);
}

/**
 * How many computed ids that belong to other projects are skipped: anybody can compute these ids
 * and take them.
 */
export const maxForeignIds = 3;

/** Warnings about the ids that a run would skip, as far as the list of images shows them. */
export function foreignIdWarnings(
  { name, release }: Pick<PlannedImage, 'name' | 'release'>,
  images: readonly SiteImage[],
  projectId: string,
): string[] {
  const taken: SiteImage[] = [];
  for (let attempt = 0; attempt < maxForeignIds; attempt++) {
    const id = imageId({ project: projectId, name, release, attempt });
    const image = images.find((candidate) => candidate.id === id);
    if (!image) break;
    taken.push(image);
  }
  return taken.filter(({ owner }) => owner !== projectId).map((image) => foreignIdWarning(name, image));
}

export function foreignIdWarning(name: string, image: Pick<SiteImage, 'id' | 'name' | 'owner'>): string {
  return (
    `${name}: the id intended for its image belongs to image ${JSON.stringify(image.name)} (${image.id}) ` +
    `of project ${image.owner}; another id is used, and that image is not changed`
  );
}

/** The visibilities of the Image API. */
export type ImageVisibility = 'public' | 'community' | 'shared' | 'private';

/**
 * What a catalogue or the site wants an image to be, besides its data and its properties. What is
 * absent is left as Glance has it.
 */
export interface WantedAttributes {
  /** Visibility of the image in production; `public` if absent. */
  readonly visibility?: ImageVisibility;
  readonly tags?: readonly string[];
  readonly minDiskGib?: number;
  readonly minRamMib?: number;
  readonly protected?: boolean;
  /** Ids of the projects that a `shared` image is shared with. */
  readonly members?: readonly string[];
  readonly status?: 'active' | 'deactivated';
}

/** What a new image contains, apart from its data. */
export interface ImageContent {
  /** As Glance calls it. */
  readonly diskFormat: string;
  /** All properties of the new image except the markers that depend on its id. */
  readonly properties: Readonly<Record<string, string>>;
  readonly minDiskGib: number | undefined;
  /** Bytes of the disk, if its header tells them. */
  readonly virtualBytes?: number;
  /** Whether the data themselves are compressed, as those of ramdisks are. */
  readonly isGzip?: boolean;
  readonly wanted?: WantedAttributes;
}

const gzipMagic = Buffer.from([0x1f, 0x8b, 8]);

/** The object with the data of an image, as far as its image tells of it. */
interface DescribedObject {
  readonly url: string;
  readonly bytes: number;
  readonly sha256?: string;
  readonly published?: readonly Checksum[];
}

/** `head`: the first bytes of the disk. */
export function describeContent(
  object: DescribedObject,
  head: Buffer,
  image: {
    readonly name: string;
    readonly diskFormat: string;
    readonly properties: Readonly<Record<string, string>>;
    readonly minDisk: 'auto' | 'none';
    /** Of a compressed object: the size of the disk, if it is known. */
    readonly unpacked?: { readonly bytes?: number };
  },
): ImageContent {
  const { name, diskFormat, properties, unpacked } = image;
  const bytes = unpacked ? unpacked.bytes : object.bytes;
  const isDisk = diskFormat === 'qcow2' || diskFormat === 'raw';
  const virtualBytes = diskFormat === 'qcow2' ? qcow2VirtualBytes(head) : undefined;
  const sha256 = object.sha256 ?? object.published?.find(({ algorithm }) => algorithm === 'sha256')?.digest;
  return {
    diskFormat,
    minDiskGib: image.minDisk === 'auto' && isDisk ? minimumDiskGib(bytes, head, diskFormat) : undefined,
    ...(virtualBytes === undefined ? {} : { virtualBytes }),
    ...(head.subarray(0, gzipMagic.length).equals(gzipMagic) ? { isGzip: true } : {}),
    properties: {
      ...properties,
      [markers.name]: name,
      [markers.source]: publishableUrl(object.url),
      ...(sha256 && !unpacked ? { [markers.sha256]: sha256 } : {}),
    },
  };
}

/** The image that is to be deployed, and the run that deploys it. */
export interface NewImageRequest extends ImageOwnership {
  readonly planned: Pick<PlannedImage, 'name' | 'production'>;
  readonly isBuiltFrom: Subscription['isBuiltFrom'];
  readonly content: ImageContent;
  readonly importMethod: ImportMethod;
  readonly recovery: RecoverySituation;
}

export function newImageAttributes(id: string, { planned, prefix, content, recovery }: NewImageRequest) {
  const { name, production } = planned;
  const { wanted = {} } = content;
  return {
    id,
    name: prefix + name,
    disk_format: content.diskFormat,
    container_format: containerFormat(content.diskFormat),
    min_disk: wanted.minDiskGib ?? content.minDiskGib ?? 0,
    ...(wanted.minRamMib === undefined ? {} : { min_ram: wanted.minRamMib }),
    ...(wanted.tags === undefined ? {} : { tags: [...new Set(wanted.tags)] }),
    properties: {
      ...content.properties,
      [markers.id]: id,
      [markers.lock]: recovery.lock,
      ...(production ? { [markers.replaces]: production.id } : {}),
    },
  };
}

/**
 * The container format of an image without a container. Kernels and ramdisks have formats of their
 * own: since 2025.1 Glance inspects everything that is `bare` as a disk, and takes a bootable
 * kernel for a partition table.
 */
function containerFormat(diskFormat: string): string {
  return diskFormat === 'aki' || diskFormat === 'ari' ? diskFormat : 'bare';
}

/** The attributes of an image that a run sets, or that Glance sets by default. */
export interface ComparableImage {
  readonly name: string;
  readonly disk_format?: string;
  readonly container_format?: string;
  readonly min_disk: number;
  readonly min_ram: number;
  readonly visibility: string;
  readonly os_hidden: boolean;
  readonly protected: boolean;
  readonly tags: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * Markers that differ from run to run: hosts may reach one store by different URLs, another image
 * may be in production now, and a promotion that was rolled back leaves its own behind.
 */
const runMarkers: ReadonlySet<string> = new Set([
  markers.source,
  markers.lock,
  markers.replaces,
  markers.promoted,
  markers.staged,
  markers.visibility,
  markers.status,
]);

/**
 * The names of the attributes and properties in which an image differs from the expected one;
 * properties that Glance adds do not count.
 */
function differingAttributes(expected: ComparableImage, image: ComparableImage): string[] {
  const names = [
    'name',
    'disk_format',
    'container_format',
    'min_disk',
    'min_ram',
    'visibility',
    'os_hidden',
    'protected',
  ] as const;
  const attributes = names.filter((name) => image[name] !== expected[name]);
  const hasSameTags =
    image.tags.length === expected.tags.length && image.tags.every((tag) => expected.tags.includes(tag));
  const keys = new Set([...Object.keys(expected.properties), ...Object.keys(image.properties)]);
  const properties = [...keys].filter(
    (key) =>
      !runMarkers.has(key) && !key.startsWith('os_glance_') && image.properties[key] !== expected.properties[key],
  );
  return [...attributes, ...(hasSameTags ? [] : ['tags']), ...properties];
}

/**
 * The differences from what this run would create: of an image that an earlier run left, and that
 * may since have been changed.
 */
function differencesFromNew(image: SiteImage & ComparableImage, request: NewImageRequest): string[] {
  const attributes = newImageAttributes(image.id, request);
  if (isBrokenImport(image)) return ['data, which Glance has failed to import'];
  if (isStaged(image) && !(request.importMethod === 'glance-direct' && image.properties[markers.staged]))
    return ['staged data, of which no run has noted what they are'];
  const { disk_format } = image;
  const formats = disk_format && wasConverted(image, request) ? { disk_format, container_format: 'bare' } : {};
  return differingAttributes(
    { min_ram: 0, visibility: 'private', os_hidden: false, protected: false, tags: [], ...attributes, ...formats },
    image,
  );
}

/**
 * Whether Glance has converted the image of an earlier run for the same object, whose name tells its
 * format: hosts may reach one store by different URLs.
 */
function wasConverted(image: SiteImage & ComparableImage, { importMethod, content }: NewImageRequest): boolean {
  const [found, wanted] = [image.properties, content.properties].map(({ [markers.source]: url = '' }) =>
    url.slice(url.lastIndexOf('/') + 1),
  );
  return importMethod !== 'stream' && image.status === 'active' && wasImported(image) && found === wanted;
}

/**
 * `discard`: of no use to this run; delete it if nobody uses it. `skip`: the id is spent.
 * `differing`: why it is not resumed, for the log.
 */
export type ExistingImageDecision =
  | { readonly action: 'resume' | 'in_progress' | 'up_to_date'; readonly reason?: string }
  | { readonly action: 'discard'; readonly differing: readonly string[] }
  | { readonly action: 'skip' };

/** Decides about an incoming image that the plan wants to resume. */
export function decideIncoming(image: SiteImage & ComparableImage, request: NewImageRequest): ExistingImageDecision {
  if (!isRequestedIncoming(image, request)) return { action: 'skip' };
  const differing = differencesFromNew(image, request);
  return differing.length === 0 ? { action: 'resume' } : { action: 'discard', differing };
}

/** Decides about an image of our project that already has the id of the new image. */
export function decideExisting(image: SiteImage & ComparableImage, request: NewImageRequest): ExistingImageDecision {
  const { name, production } = request.planned;
  const { wanted } = request.content;
  if (image.id !== production?.id && isProduction(image, name, request.owner, wanted) && request.isBuiltFrom(image))
    return { action: 'up_to_date', reason: 'another run has deployed it in the meantime' };
  if (!isRequestedIncoming(image, request)) return { action: 'skip' };
  const { verdict, reason } = decideLeftover(image, true, request.recovery);
  if (verdict === 'in_progress') return { action: 'in_progress', reason };
  if (verdict === 'leave') return { action: 'skip' };
  const differing = verdict === 'resume' ? differencesFromNew(image, request) : [];
  return verdict === 'resume' && differing.length === 0
    ? { action: 'resume', reason }
    : { action: 'discard', differing };
}

function isRequestedIncoming(image: SiteImage, request: NewImageRequest): boolean {
  return (
    isIncoming(image, request) && image.properties[markers.name] === request.planned.name && request.isBuiltFrom(image)
  );
}
