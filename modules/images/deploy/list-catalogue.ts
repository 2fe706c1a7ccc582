// The catalogue of the site's image lists: images anywhere on the web, in the release that their
// list, their checksum or their date tells.
import pLimit from 'p-limit';
import type { StoreObject } from '../../clients/store/object.js';
import { fromFirst } from '../../clients/store/mirrors.js';
import { probeObject } from '../../clients/store/reading.js';
import { asMirrored } from '../../clients/store/source.js';
import { readDecompressedHead } from '../../clients/store/unpacking.js';
import { messageOf } from '../../core/errors.js';
import { publishableUrl } from '../../core/urls.js';
import { readImageLists } from '../image-lists.js';
import { headBytes } from '../policy/disk-formats.js';
import { unavailable } from '../policy/deploy-scope.js';
import { assertContent, assertTrustedChecksums } from '../policy/disk-inspection.js';
import { rollingProperties } from '../policy/image-manager-lists.js';
import { diskFormatIn } from '../policy/listed-formats.js';
import type { ListedImage } from '../policy/listed-images.js';
import { listSubscription, releaseByDate, releaseByDigests, type ReleaseNames } from '../policy/listed-releases.js';
import { describeContent } from '../policy/new-image.js';
import { pinOf } from '../policy/pinned-builds.js';
import { markers, releaseProperty } from '../policy/site-image.js';
import { checksumReader, type ReadChecksums } from './list-checksums.js';
import {
  mirrorAccess,
  pinnedMissing,
  type Catalogue,
  type CatalogueImage,
  type ImageSource,
  type StoreAccess,
} from './run.js';

/** How many images are looked up at once. */
const concurrentProbes = 8;

/** Throws INVALID_INPUT, CATALOGUE_UNUSABLE. */
export async function openLists(access: StoreAccess): Promise<Catalogue> {
  const { images, names } = await readImageLists(access.args, access);
  const readChecksums = checksumReader(access);
  const isEmpty = (name: string): boolean => !images.some((image) => image.name === name);
  return {
    kind: 'list',
    sourcePrefixes: images.flatMap(({ url, mirrors }) => [url, ...mirrors].map(publishableUrl)),
    names: [...names],
    subscribe: async (selected) => {
      const limit = pLimit(concurrentProbes);
      const chosen = images.filter(({ name }) => selected.has(name));
      const empty = [...names].filter(
        (name) => isEmpty(name) && selected.has(name) && access.args.images?.includes(name),
      );
      const subscribed = await Promise.all(
        chosen.map((image) => limit(() => subscribe(image, { ...access, readChecksums }))),
      );
      const unversioned = empty.map((name) => unavailable(name, 'its list has no version of it'));
      return { images: [...subscribed.flat(), ...unversioned], failures: [], warnings: [] };
    },
  };
}

interface ListAccess extends StoreAccess {
  readonly readChecksums: ReadChecksums;
}

/** None for an image that is only known, unless this run asks for it by name. */
async function subscribe(image: ListedImage, access: ListAccess): Promise<CatalogueImage[]> {
  const { args } = access;
  if (!image.isEnabled) {
    if (!args.images?.includes(image.name)) return [];
    return [failed(image, 'its list has it with enable: false, so it is left as it is')];
  }
  try {
    const pin = pinOf(image.name, args.pins ?? {});
    return [pin === undefined ? await subscribeNewest(image, access) : await subscribePinned(image, pin, access)];
  } catch (error) {
    access.context.signal.throwIfAborted();
    return [failed(image, messageOf(error))];
  }
}

function failed(image: ListedImage, fault: string): CatalogueImage {
  return { ...listSubscription(image, [image.version ?? '']), fault };
}

interface FoundRelease {
  readonly names: ReleaseNames;
  /** The object, if its headers tell the release. */
  readonly object?: StoreObject;
}

async function subscribeNewest(image: ListedImage, access: ListAccess): Promise<CatalogueImage> {
  const { fault } = image;
  if (fault !== undefined) return failed(image, fault);
  const found = await findRelease(image, access);
  if (found) return withSource(image, found, access);
  return failed(
    image,
    'nothing tells its releases apart, because the server sends no Last-Modified; give it a checksum or a version',
  );
}

/**
 * A pinned version is deployed as long as the list has it. What the newest one is may be unknown
 * meanwhile.
 */
async function subscribePinned(image: ListedImage, pin: string, access: ListAccess): Promise<CatalogueImage> {
  const older = image.older.find(({ version }) => version === pin);
  const newest = await subscribeNewest(image, access).catch((error: unknown) => {
    access.context.signal.throwIfAborted();
    return failed(image, messageOf(error));
  });
  if (newest.release === pin) return { ...newest, pin: {} };
  const pinned = { pin: { newest: newest.release || 'another release' } };
  if (older?.fault !== undefined) return { ...failed(older, older.fault), ...pinned };
  if (older) return { ...withSource(older, { names: [pin] }, access), ...pinned };
  const missing = pinnedMissing(image.name, pin);
  const subscription = listSubscription(image, [pin], access.args.image_manager_tag);
  return { ...subscription, ...pinned, readSource: () => Promise.reject(missing) };
}

async function findRelease(image: ListedImage, { http, readChecksums }: ListAccess): Promise<FoundRelease | undefined> {
  if (image.version !== undefined) return { names: [image.version] };
  const names = releaseByDigests(await readChecksums(image));
  if (names) return { names };
  const { object } = await probeObject(http, image.url);
  const name = releaseByDate(object);
  return name === undefined ? undefined : { names: [name], object };
}

function withSource(image: ListedImage, found: FoundRelease, access: ListAccess): CatalogueImage {
  return {
    ...listSubscription(image, found.names, access.args.image_manager_tag),
    readSource: async () => ({ source: await readSource(image, found, access), warnings: [] }),
  };
}

async function readSource(
  image: ListedImage,
  { names: [release], object: known }: FoundRelease,
  access: ListAccess,
): Promise<ImageSource> {
  const { args, readChecksums } = access;
  const published = await readChecksums(image);
  const compression = image.compression ?? usualCompression(image);
  const { value, url } = await fromFirst(
    [image.url, ...image.mirrors],
    mirrorAccess(access, image.name),
    async (place, http) => {
      const probed = place === image.url && known ? known : (await probeObject(http, place)).object;
      return readDecompressedHead(http, probed, { bytes: headBytes, compression });
    },
  );
  const { object: found, head, ...packed } = value;
  const object = { ...(url === image.url ? found : asMirrored(found, image.url)), published };
  assertTrustedChecksums(object);
  const diskFormat = image.diskFormat ?? diskFormatIn(object, head);
  assertContent({ url: object.url, bytes: packed.bytes ?? Number.POSITIVE_INFINITY }, { head }, diskFormat);
  const content = describeContent(object, head, {
    name: image.name,
    diskFormat,
    properties: {
      ...image.properties,
      ...(image.isManagers && image.version === undefined ? rollingProperties(found.lastModified, published) : {}),
      [releaseProperty]: release,
      [markers.origin]: 'list',
    },
    minDisk: args.min_disk,
    ...(packed.compression ? { unpacked: packed } : {}),
  });
  const packing = packed.compression ? { compression: packed.compression } : {};
  return { object, mirrors: image.mirrors, ...packing, ...content, wanted: image.wanted };
}

/** Kernels and ramdisks are compressed for the boot loader. */
function usualCompression({ diskFormat }: ListedImage): 'auto' | 'none' {
  return diskFormat === 'aki' || diskFormat === 'ari' ? 'none' : 'auto';
}
