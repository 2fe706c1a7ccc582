// Has Glance copy the images in production to all stores that the site wants them in.
import pLimit from 'p-limit';
import { importFailure, importImage, importMethods, listStores } from '../../clients/glance/data.js';
import { getImage, type Image } from '../../clients/glance/images.js';
import { statusOf } from '../../clients/http/errors.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { failureOfPart, OperationError } from '../../core/errors.js';
import { optionText } from '../../core/option-text.js';
import { waitFor } from '../../core/waiting.js';
import { explainRefusal } from '../permissions.js';
import type { ImageResult } from '../policy/deploy-results.js';
import {
  choosesStores,
  lackingStores,
  mayBeCopied,
  plannedCopies,
  wantedStores,
  withCopies,
  type StoreArguments,
  type WantedStores,
} from '../policy/image-stores.js';
import { importTaskOf } from '../policy/site-image.js';
import type { DeployJob, DeployRun } from './run.js';

/** Undefined if the site does not choose. Throws INVALID_INPUT, GLANCE_STORE_UNKNOWN. */
export async function readWantedStores(args: StoreArguments, cloud: Cloud): Promise<WantedStores | undefined> {
  return choosesStores(args) ? wantedStores(args, await listStores(cloud)) : undefined;
}

interface PlannedCopies {
  readonly results: readonly ImageResult[];
  readonly images: readonly Image[];
  readonly jobs: readonly DeployJob[];
}

/** True for an image that is active when the run has done with it: Glance copies no other. */
function isActiveAfter({ planned, source, desired, reconciliation }: DeployJob): boolean {
  if (source) return desired.wanted.status !== 'deactivated';
  if (reconciliation?.action) return reconciliation.action === 'reactivate';
  return planned.production?.status !== 'deactivated';
}

/** The results with the copies that a run would make. */
export function withPlannedCopies(
  { results, images, jobs }: PlannedCopies,
  { stores }: DeployRun,
): readonly ImageResult[] {
  if (!stores) return results;
  const active = new Set(jobs.filter(isActiveAfter).map(({ planned }) => planned.name));
  const byId = new Map(images.map((image) => [image.id, image]));
  return results.map((result) => {
    if (!mayBeCopied(result) || !active.has(result.name)) return result;
    const image = result.id === undefined ? undefined : byId.get(result.id);
    const copies = plannedCopies(result, image, stores);
    const present = image?.stores ?? [stores.first];
    return withCopies(result, [...new Set([...present, ...copies])], copies);
  });
}

/** Throws IMPORT_NOT_OFFERED if copies are needed and Glance makes none. */
export async function assertCopiesOffered(planned: PlannedCopies, run: DeployRun): Promise<void> {
  const copied = withPlannedCopies(planned, run).filter(({ copied_to: copies = [] }) => copies.length > 0);
  if (copied.length === 0) return;
  const methods = await importMethods(run.cloud);
  if (methods.includes('copy-image')) return;
  const offered = methods.join(', ') || 'none';
  const option = run.args.all_stores ? optionText('all_stores') : optionText('stores');
  throw new OperationError(
    'IMPORT_NOT_OFFERED',
    `${option} requires the import method copy-image, which is not offered by this Glance; it offers: ${offered}`,
    { offered },
  );
}

export interface FilledStores {
  readonly results: readonly ImageResult[];
  /** For each image that a store still lacks. */
  readonly failures: readonly string[];
}

/**
 * Copies each image of the results to the stores that lack it. A failure is that image's, and does
 * not stop the others.
 */
export async function fillStores(results: readonly ImageResult[], run: DeployRun): Promise<FilledStores> {
  const { stores } = run;
  if (!stores) return { results, failures: [] };
  const limit = pLimit(run.args.concurrency);
  const filled = await Promise.all(results.map((result) => limit(() => fillOne(result, stores, run))));
  return {
    results: filled.map(({ result }) => result),
    failures: filled.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
  };
}

interface FilledImage {
  readonly result: ImageResult;
  readonly failure?: string;
}

/** Never throws, except when the run is interrupted. */
async function fillOne(result: ImageResult, wanted: WantedStores, run: DeployRun): Promise<FilledImage> {
  const { id, name } = result;
  if (id === undefined || !mayBeCopied(result)) return { result };
  try {
    const image = await getImage(run.cloud, id);
    // Another run may have promoted a newer image in the meantime. Glance copies none that is deactivated.
    if (image?.name !== name || image.status !== 'active') return { result };
    return await fillImage(result, image, wanted, run);
  } catch (error) {
    run.context.signal.throwIfAborted();
    const { reason } = failureOfPart(await explainRefusal(error, run.cloud), run.context.log);
    return { result, failure: `${name}: which stores of Glance have ${id} could not be read: ${reason}` };
  }
}

async function fillImage(
  result: ImageResult,
  image: Image,
  wanted: WantedStores,
  run: DeployRun,
): Promise<FilledImage> {
  const { stores: before = [] } = image;
  if (lackingStores(image, wanted).length === 0) return { result: { ...result, stores: before } };
  const { image: after, failure } = await copyImage(image, wanted, run, result.name);
  const { stores = [] } = after;
  return {
    result: withCopies(
      result,
      stores,
      stores.filter((store) => !before.includes(store)),
    ),
    ...(failure === undefined ? {} : { failure: `${result.name}: ${failure}` }),
  };
}

/** Never throws, except when the run is interrupted. */
async function copyImage(
  image: Image,
  wanted: WantedStores,
  run: DeployRun,
  subject: string,
): Promise<{ readonly image: Image; readonly failure?: string }> {
  const { id } = image;
  const lacking = lackingStores(image, wanted).join(', ');
  try {
    const copied = await copyAndWait(image, wanted, run, subject);
    const left = lackingStores(copied, wanted).join(', ');
    if (copied.os_hash_value !== image.os_hash_value)
      return { image: copied, failure: `the checksum that Glance reports of ${id} has changed while it was copied` };
    if (left === '') return { image: copied };
    const message = await importFailure(run.cloud, id);
    const reason = /^Copied \d+ MiB$/.test(message) || message === '' ? 'its log tells why' : message;
    return { image: copied, failure: `Glance could not copy ${id} to its store ${left}: ${reason}` };
  } catch (error) {
    run.context.signal.throwIfAborted();
    const { reason } = failureOfPart(await explainRefusal(error, run.cloud), run.context.log);
    return { image, failure: `${id} could not be copied to the store ${lacking} of Glance: ${reason}` };
  }
}

/** Glance frees an image by itself from a task that has died, an hour after it. */
const askAgainSeconds = 60;

/** The image when all stores have it, or Glance has ended a copy to those that lack it. */
async function copyAndWait(image: Image, wanted: WantedStores, run: DeployRun, subject: string): Promise<Image> {
  const { id } = image;
  const all = lackingStores(image, wanted).length;
  let isAsked = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  return waitFor(
    async () => {
      const present = await getImage(run.cloud, id);
      if (present?.status !== 'active')
        throw new OperationError('IMAGE_GONE', `image ${id} is ${present?.status ?? 'deleted'} meanwhile`, { id });
      const lacking = lackingStores(present, wanted);
      const size = present.size ?? 0;
      const doneBytes = size * (all - lacking.length);
      run.context.progress({ subject, stage: 'copy', doneBytes, totalBytes: size * all });
      const isBusy = importTaskOf(present) !== '';
      if (!isBusy && (isAsked || lacking.length === 0)) return present;
      const isDue = performance.now() - askedAt >= askAgainSeconds * 1000;
      if (!isBusy || isDue) {
        askedAt = performance.now();
        isAsked = (await requestCopy(id, lacking, run)) || isAsked;
      }
      return undefined;
    },
    {
      subject: `Glance to copy image ${id}`,
      timeoutSeconds: run.args.upload_timeout,
      intervalSeconds: 0.5,
      longestPauseSeconds: 10,
      signal: run.context.signal,
    },
  );
}

/** False if another task works on the image. */
async function requestCopy(id: string, stores: readonly string[], { cloud }: DeployRun): Promise<boolean> {
  try {
    await importImage(cloud, id, { name: 'copy-image' }, { stores, all_stores_must_succeed: false });
    return true;
  } catch (error) {
    if (statusOf(error) === 409) return false;
    throw error;
  }
}
