// Creates the private image that the data will go into, or finds the one that exists already.
import { createImage, deleteImage, getImage, type Image } from '../../clients/glance/images.js';
import { OperationError } from '../../core/errors.js';
import { imageId } from '../../policy/ids.js';
import { isIncoming, markers, releaseProperty } from '../../policy/images.js';
import { decideLeftover } from '../../policy/recovery.js';
import type { Job, Run, Source } from './job.js';

/** Each deployment of one release takes one id, and so does each upload that had to be thrown away. */
const mostIds = 1000;

/** The image to fill, or the reason why a run elsewhere is to be left to it. */
export type Creation = { readonly image: Image; readonly created: boolean } | { readonly elsewhere: Image; readonly reason: string };

export async function createIncoming(job: Job, source: Source, run: Run): Promise<Creation> {
  const { name, release, production } = job.planned;
  for (let attempt = 0; attempt < mostIds; attempt++) {
    const id = imageId({ project: run.cloud.projectId, name, release, attempt });
    const created = await createImage(run.cloud, {
      id,
      name: run.args.image_prefix + name,
      disk_format: run.args.image_type,
      ...(source.minDiskGib === undefined ? {} : { min_disk: source.minDiskGib }),
      properties: {
        ...source.properties,
        [markers.id]: id,
        [markers.lock]: run.recovery.lock,
        ...(production ? { [markers.replaces]: production.id } : {}),
      },
    });
    if (created) return { image: created, created: true };
    const taken = await judgeTaken(id, job, source, run);
    if (taken) return taken;
  }
  throw new OperationError('IDS_EXHAUSTED', `${name}: release ${release} was deployed ${mostIds} times already`, { name, release });
}

/** Glance answered 409: undefined where the id is spent and the next one is to be tried. */
async function judgeTaken(id: string, job: Job, source: Source, run: Run): Promise<Creation | undefined> {
  const image = await getImage(run.cloud, id);
  if (!image || !isIncoming(image) || image.properties[releaseProperty] !== job.planned.release) return undefined;
  const { verdict, reason } = decideLeftover(image, true, { ...run.recovery, now: run.context.now() });
  if (verdict === 'in_progress') return { elsewhere: image, reason };
  if (verdict === 'resume' && isSameSource(image, source)) return { image, created: false };
  await deleteImage(run.cloud, id);
  return undefined;
}

/** True while the store still has what the image was created for. */
export function isSameSource(image: { readonly properties: Readonly<Record<string, string>> }, source: Source): boolean {
  return Object.entries(source.properties).every(([key, value]) => image.properties[key] === value);
}
