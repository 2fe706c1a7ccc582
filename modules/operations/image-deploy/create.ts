// Creates the private image that the data will go into, or finds the one that exists already.
import { createImage, deleteImage, getImage, type Image } from '../../clients/glance/images.js';
import { OperationError } from '../../core/errors.js';
import { imageId } from '../../policy/ids.js';
import { isIncoming, isProduction, markers } from '../../policy/images.js';
import { decideLeftover } from '../../policy/recovery.js';
import type { Job, Run, Source } from './job.js';

/** Each deployment of one release takes one id, and so does each upload that had to be thrown away. */
const mostIds = 1000;

/** An image that a run elsewhere is at (`in_progress`), or has deployed since we made our plan (`up_to_date`). */
export interface Elsewhere {
  readonly elsewhere: Image;
  readonly action: 'in_progress' | 'up_to_date';
  readonly reason: string;
}

/** An image of an earlier run, or of one elsewhere, that is gone on with. */
export interface Resumed {
  readonly image: Image;
  readonly action: 'resume';
  readonly reason: string;
}

export type Creation = { readonly image: Image; readonly action: 'deploy' } | Resumed | Elsewhere;

export async function createIncoming(job: Job, source: Source, run: Run): Promise<Creation> {
  const { name, release, production } = job.planned;
  for (let attempt = 0; attempt < mostIds; attempt++) {
    const id = imageId({ project: run.cloud.projectId, name, release, attempt });
    const created = await createImage(run.cloud, {
      id,
      name: run.args.image_prefix + name,
      disk_format: source.diskFormat,
      ...(source.minDiskGib === undefined ? {} : { min_disk: source.minDiskGib }),
      properties: {
        ...source.properties,
        [markers.id]: id,
        [markers.lock]: run.recovery.lock,
        ...(production ? { [markers.replaces]: production.id } : {}),
      },
    });
    if (created) return { image: created, action: 'deploy' };
    const taken = await judgeTaken(id, job, source, run);
    if (taken) return taken;
  }
  throw new OperationError('IDS_EXHAUSTED', `${name}: release ${release} was deployed ${mostIds} times already`, { name, release });
}

/** Glance answered 409: undefined where the id is spent and the next one is to be tried. */
async function judgeTaken(id: string, job: Job, source: Source, run: Run): Promise<Creation | undefined> {
  const image = await getImage(run.cloud, id);
  const { name, production } = job.planned;
  if (image && image.id !== production?.id && isProduction(image, name, run.cloud.projectId)) {
    return { elsewhere: image, action: 'up_to_date', reason: 'a run elsewhere has deployed it meanwhile' };
  }
  if (!image || !isIncoming(image) || !job.isMadeInto(image)) return undefined;
  const { verdict, reason } = decideLeftover(image, true, { ...run.recovery, now: run.context.now() });
  if (verdict === 'in_progress') return { elsewhere: image, action: 'in_progress', reason };
  if (verdict === 'resume' && isSameSource(image, source)) return { image, action: 'resume', reason };
  await deleteImage(run.cloud, id);
  return undefined;
}

/** True while the store still has what the image was created for. Hosts may reach one store by different URLs. */
export function isSameSource(image: { readonly properties: Readonly<Record<string, string>> }, source: Source): boolean {
  return Object.entries(source.properties).every(([key, value]) => key === markers.source || image.properties[key] === value);
}
