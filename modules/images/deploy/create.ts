// Creates the private image that receives the data, or finds the one that an earlier run created.
import { randomUUID } from 'node:crypto';
import { createImage, getImage, type Image } from '../../clients/glance/images.js';
import { OperationError } from '../../core/errors.js';
import {
  decideExisting,
  decideIncoming,
  foreignIdWarning,
  imageId,
  maxForeignIds,
  newImageAttributes,
  type ExistingImageDecision,
  type NewImageRequest,
} from '../policy/new-image.js';
import { isInMotion } from '../policy/site-image.js';
import { deleteIfUnused } from './leftovers.js';
import { newImageRequest, type TransferJob } from './run.js';
import { waitUntilSettled } from './settle.js';

/** Each deployment of a release spends one id, and so does each upload that had to be discarded. */
const maxSpentIds = 20;
const maxRandomIds = 3;

export interface CreatedImage {
  readonly image: Image;
  /**
   * `in_progress`: another run is deploying it. `up_to_date`: another run has deployed it since the
   * plan was made.
   */
  readonly action: 'deploy' | 'resume' | 'in_progress' | 'up_to_date';
  readonly reason?: string;
}

type Warn = (warning: string) => void;

/**
 * The incoming image of an earlier run if it is still what this run would create, else a new one.
 */
export async function createOrResume(transfer: TransferJob, warn: Warn): Promise<CreatedImage> {
  const { incoming } = transfer.job.planned;
  const image = incoming && (await getImage(transfer.run.cloud, incoming.id));
  const existing = image && (await applyDecision(image, decideIncoming, transfer, warn));
  return existing ?? createIncoming(transfer, warn);
}

/**
 * Of any number of runs anywhere exactly one gets the next computed id. If other projects have
 * taken several of them, a random id is used: two runs may then upload the same release, and the
 * promotion decides which image counts.
 */
async function createIncoming(transfer: TransferJob, warn: Warn): Promise<CreatedImage> {
  const { job, run } = transfer;
  const { name, release } = job.planned;
  const project = run.cloud.projectId;
  const create = (id: string): Promise<Image | undefined> =>
    createImage(run.cloud, newImageAttributes(id, newImageRequest(transfer)));
  const passed = { foreign: 0, spent: 0 };
  for (let attempt = 0; passed.foreign < maxForeignIds && passed.spent < maxSpentIds; attempt++) {
    const id = imageId({ project, name, release, attempt });
    const created = await create(id);
    if (created) return { image: created, action: 'deploy' };
    const image = await getImage(run.cloud, id);
    if (image && image.owner !== project) {
      passed.foreign += 1;
      warn(foreignIdWarning(name, image));
      continue;
    }
    const existing = image && (await applyDecision(image, decideExisting, transfer, warn));
    if (existing) return existing;
    passed.spent += 1;
  }
  for (let attempt = 0; attempt < maxRandomIds; attempt++) {
    const created = await create(randomUUID());
    if (created) return { image: created, action: 'deploy' };
  }
  throw new OperationError('IDS_EXHAUSTED', `Glance accepts no id for release ${release}, not even a random one`, {
    name,
    release,
  });
}

/** Undefined if the image is of no use to this run and another id is to be tried. */
async function applyDecision(
  image: Image,
  decide: (image: Image, request: NewImageRequest) => ExistingImageDecision,
  transfer: TransferJob,
  warn: Warn,
): Promise<CreatedImage | undefined> {
  const { job, run } = transfer;
  const decision = decide(image, newImageRequest(transfer));
  if (decision.action === 'skip') return undefined;
  // Only when Glance has ended what a killed run began is it known what it has made of it.
  if (decision.action === 'resume' && isInMotion(image))
    return applyDecision(await waitUntilSettled(image.id, transfer), decide, transfer, warn);
  if (decision.action !== 'discard') return { image, ...decision };
  if (decision.differing.length > 0)
    run.context.log(
      'info',
      `${job.planned.name}: image ${image.id} of an earlier run is not resumed because it differs in ` +
        `${decision.differing.join(', ')}`,
    );
  for (const warning of await deleteIfUnused(image, run)) warn(warning);
  return undefined;
}
