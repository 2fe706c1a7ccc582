// Creates the private image that the data will go into, or finds the one that exists already.
import { randomUUID } from 'node:crypto';
import { createImage, getImage, type Image, type NewImage } from '../../clients/glance/images.js';
import { OperationError } from '../../core/errors.js';
import { imageId } from '../policy/image-ids.js';
import { containerFormat, isIncoming, isProduction, markers } from '../policy/site-image.js';
import { differencesFrom } from '../policy/incoming.js';
import { decideLeftover } from '../policy/recovery.js';
import type { Job, Run, Source } from './job.js';
import { clearAway } from './leftovers.js';

/** So many computed ids are tried of which another project has images: anybody can compute them, and take them. */
const mostForeignIds = 3;
/** Each deployment of one release takes one id, and so does each upload that had to be thrown away. */
const mostSpentIds = 20;
const mostRandomIds = 3;

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
  readonly reason?: string;
}

export type Creation = { readonly image: Image; readonly action: 'deploy' } | Resumed | Elsewhere;

/** The incoming image of an earlier run where it is still what this run would create, else a new one. */
export async function takeUp(job: Job, source: Source, run: Run): Promise<Creation> {
  const { incoming } = job.planned;
  const image = incoming && (await getImage(run.cloud, incoming.id));
  if (image && isOurIncoming(image, job, run)) {
    if (isAsCreated(image, job, source, run)) return { image, action: 'resume' };
    await clearAway(image, run);
  }
  return createIncoming(job, source, run);
}

/**
 * Of any number of runs anywhere exactly one gets the next computed id. Where others have taken several of them a random one is used: then
 * two runs may bring in the same release, and the promotion settles which of them counts.
 */
async function createIncoming(job: Job, source: Source, run: Run): Promise<Creation> {
  const { name, release } = job.planned;
  const passed = { foreign: 0, spent: 0 };
  for (let attempt = 0; passed.foreign < mostForeignIds && passed.spent < mostSpentIds; attempt++) {
    const id = imageId({ project: run.cloud.projectId, name, release, attempt });
    const created = await createImage(run.cloud, newImage(id, job, source, run));
    if (created) return { image: created, action: 'deploy' };
    const image = await getImage(run.cloud, id);
    if (image && image.owner !== run.cloud.projectId) {
      passed.foreign += 1;
      run.warnings.push(foreignIdWarning(name, image));
      continue;
    }
    const taken = image && (await judgeTaken(image, job, source, run));
    if (taken) return taken;
    passed.spent += 1;
  }
  for (let attempt = 0; attempt < mostRandomIds; attempt++) {
    const created = await createImage(run.cloud, newImage(randomUUID(), job, source, run));
    if (created) return { image: created, action: 'deploy' };
  }
  throw new OperationError('IDS_EXHAUSTED', `Glance takes no id for release ${release}, not even a random one`, {
    name,
    release,
  });
}

function foreignIdWarning(name: string, { id, name: itsName, owner }: Image): string {
  return `${name}: the id that its image was to have belongs to image ${JSON.stringify(itsName)} (${id}) of project ${owner}; it was passed over, and nothing was done to it`;
}

/** What check mode tells of the ids that a run would pass over, as far as the list of images shows them. */
export function warnOfForeignIds(
  { planned: { name, release, action } }: Job,
  images: readonly Image[],
  run: Run,
): void {
  if (action !== 'deploy') return;
  for (let attempt = 0; attempt < mostForeignIds; attempt++) {
    const id = imageId({ project: run.cloud.projectId, name, release, attempt });
    const taken = images.find((image) => image.id === id);
    if (!taken) return;
    if (taken.owner !== run.cloud.projectId) run.warnings.push(foreignIdWarning(name, taken));
  }
}

function newImage(id: string, { planned: { name, production } }: Job, source: Source, run: Run): NewImage {
  return {
    id,
    name: run.args.image_prefix + name,
    disk_format: source.diskFormat,
    container_format: containerFormat(source.diskFormat),
    min_disk: source.minDiskGib ?? 0,
    properties: {
      ...source.properties,
      [markers.id]: id,
      [markers.lock]: run.recovery.lock,
      ...(production ? { [markers.replaces]: production.id } : {}),
    },
  };
}

/** What becomes of an image of ours that has the id: undefined where the id is spent and the next one is to be tried. */
async function judgeTaken(image: Image, job: Job, source: Source, run: Run): Promise<Creation | undefined> {
  const { name, production } = job.planned;
  if (image.id !== production?.id && isProduction(image, name, run.cloud.projectId) && job.isBuiltFrom(image)) {
    return { elsewhere: image, action: 'up_to_date', reason: 'a run elsewhere has deployed it meanwhile' };
  }
  if (!isOurIncoming(image, job, run)) return undefined;
  const { verdict, reason } = decideLeftover(image, true, { ...run.recovery, now: run.context.now() });
  if (verdict === 'in_progress') return { elsewhere: image, action: 'in_progress', reason };
  if (verdict === 'resume' && isAsCreated(image, job, source, run)) return { image, action: 'resume', reason };
  if (verdict !== 'leave') await clearAway(image, run);
  return undefined;
}

function isOurIncoming(image: Image, job: Job, run: Run): boolean {
  const { name } = job.planned;
  return (
    isIncoming(image, { owner: run.cloud.projectId, prefix: run.args.image_prefix }) &&
    image.properties[markers.name] === name &&
    job.isBuiltFrom(image)
  );
}

/** True while the store still has what the image was created for, and nobody has changed anything of it. */
function isAsCreated(image: Image, job: Job, source: Source, run: Run): boolean {
  const wanted = newImage(image.id, job, source, run);
  const differing = differencesFrom(
    { ...wanted, min_ram: 0, visibility: 'private', os_hidden: false, protected: false, tags: [] },
    image,
  );
  if (differing.length > 0)
    run.context.log(
      'info',
      `${job.planned.name}: ${image.id} of an earlier run is not gone on with: ${differing.join(', ')} differ`,
    );
  return differing.length === 0;
}
