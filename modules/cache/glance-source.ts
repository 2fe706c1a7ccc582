// The data of an image in Glance.
import { download, type DownloadOptions } from '../clients/download/download.js';
import { downloadImage, getImage, listImages, type Image } from '../clients/glance/images.js';
import { InputError } from '../core/errors.js';
import { algorithmByName, type Checksum } from '../images/policy/checksums.js';
import { foreignImageRefusal, describeOwners, chooseImageNamed, isForeign } from '../images/policy/image-choice.js';
import type { Remote } from './policy/freshness.js';
import { parseImageReference } from '../images/policy/image-urls.js';
import type { CacheRun } from './run.js';
import { downloadOptions, sourceChanged, type CacheSource } from './source.js';

/** An image in Glance. Throws INVALID_INPUT if no image or several have the name. */
export async function glanceSource(nameOrId: string, label: string, run: CacheRun): Promise<CacheSource> {
  const cloud = await run.cloud();
  const image = await findImage(nameOrId, label, run);
  if (image.status !== 'active' || image.size === undefined)
    throw new InputError(`${label}: image ${image.id} is ${image.status}, not active`, label);
  const source = `glance:${image.id}`;
  const created = Date.parse(image.created_at);
  const remote: Remote = {
    source,
    isImmutable: true,
    bytes: image.size,
    modifiedMs: Number.isNaN(created) ? undefined : created,
  };
  const checksum = checksumFrom(image);
  return {
    shown: source,
    fileName: image.name,
    ...(checksum ? { checksum } : {}),
    look: async () => remote,
    receive: async (options) => {
      const open: DownloadOptions['open'] = (headers, expect) => downloadImage(cloud, image.id, { headers, expect });
      const url = `glance://${image.id}`;
      const { bytes } = await download({
        ...downloadOptions(options, run),
        source,
        url,
        open,
        isImmutable: true,
        assertExpected: () => undefined,
      });
      if (bytes !== image.size) throw sourceChanged(source);
      return { bytes, modifiedMs: remote.modifiedMs };
    },
  };
}

async function findImage(nameOrId: string, label: string, run: CacheRun): Promise<Image> {
  const cloud = await run.cloud();
  const reference = parseImageReference(nameOrId);
  const byId = 'kind' in reference && reference.kind === 'glance' ? await getImage(cloud, reference.id) : undefined;
  const obstacle = byId && foreignImageRefusal(byId, cloud.projectId);
  if (obstacle) throw new InputError(`${label}: image ${obstacle}`, label);
  if (byId) return byId;
  const quoted = JSON.stringify(nameOrId);
  const listed = await listImages(cloud, { hidden: false, community: true, property: ['name', `in:${quoted}`] });
  const image = chooseImageNamed(nameOrId, listed, {
    owner: cloud.projectId,
    label,
    missing: `Glance shows no image with the id or name ${quoted}`,
  });
  if (isForeign(image, cloud.projectId)) run.context.log('info', `${label}: ${quoted} is ${describeOwners([image])}`);
  return image;
}

function checksumFrom({ os_hash_algo: algorithm = '', os_hash_value: digest, checksum }: Image): Checksum | undefined {
  const known = algorithmByName(algorithm);
  if (known && digest) return { algorithm: known, digest };
  return checksum ? { algorithm: 'md5', digest: checksum } : undefined;
}
