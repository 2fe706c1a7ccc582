// Applies the plan batch by batch: all uses are read again before each batch, and each image is
// read again right before it is changed.
import { deleteImage, getImage, type Image, type ImageChange } from '../../clients/glance/images.js';
import { statusOf } from '../../clients/http/errors.js';
import { codeOf, messageOf, rethrowProgramFault } from '../../core/errors.js';
import { comparableId } from '../../core/uuid.js';
import { explainRefusal } from '../permissions.js';
import { hidingEdits } from '../policy/hiding.js';
import { dependentImages, dependentUser, describeUse, describeUser } from '../policy/image-uses.js';
import { markerTime } from '../policy/dates.js';
import {
  changeOrder,
  changedAttribute,
  isChange,
  type PlannedRetention,
  type RetentionAction,
  type RetentionImage,
} from '../policy/retention.js';
import { assertClock } from '../policy/retention-schedule.js';
import { markers } from '../policy/site-image.js';
import { changeImage, readSiteImages } from '../site-images.js';
import { findServerOf, readUses } from '../uses.js';
import type { CleanRun } from './plan.js';

/** What happened to one planned image. */
export interface CleanResult {
  readonly planned: PlannedRetention;
  readonly action: RetentionAction | 'failed';
  readonly reason: string;
  /** The error code of a failure, if there is one. */
  readonly code?: string | undefined;
}

/** Why the run as a whole has failed. */
export interface CleanFailure {
  readonly reason: string;
  readonly code?: string | undefined;
}

export interface AppliedPlan {
  readonly results: readonly CleanResult[];
  /** Why the run stopped before the end of the plan. */
  readonly halt?: CleanFailure;
}

export interface ApplyingRun extends CleanRun {
  /** The ids of the images that `keep` protects, of the site as it is now. */
  readonly newestIds: (images: readonly Image[]) => ReadonlySet<string>;
}

/** How many images one reading of all uses covers, and for how long it is recent enough. */
const batchImages = 20;
const batchSeconds = 10;

/**
 * Stops as soon as it is unknown what is in use; the failure of one image does not stop the others.
 */
export async function applyPlan(planned: readonly PlannedRetention[], run: ApplyingRun): Promise<AppliedPlan> {
  let results = planned.filter((entry) => !isChange(entry)).map(asPlanned);
  let pending = changeOrder(planned);
  while (pending.length > 0) {
    const batch = await applyBatch(pending, run);
    results = [...results, ...batch.results];
    pending = pending.slice(batch.results.length);
    if (batch.halt !== undefined)
      return { results: [...results, ...haltedResults(pending, batch.halt)], halt: batch.halt };
  }
  return { results };
}

export function asPlanned(planned: PlannedRetention): CleanResult {
  return { planned, action: planned.action, reason: planned.reason };
}

/** The images that are left when the run stops: the first one is where it stopped. */
function haltedResults([failed, ...others]: readonly PlannedRetention[], halt: CleanFailure): CleanResult[] {
  return [
    ...(failed ? [{ ...halt, planned: failed, action: 'failed' as const, reason: `not changed: ${halt.reason}` }] : []),
    ...others.map((planned) =>
      skipped(planned, `not changed because the run stopped (planned action: ${planned.action})`),
    ),
  ];
}

function skipped(planned: PlannedRetention, why: string): CleanResult {
  return { planned, action: 'skip', reason: `${why}; ${planned.reason}` };
}

/**
 * Applies as many of the pending images, from the first one on, as one reading of all uses covers.
 */
async function applyBatch(pending: readonly PlannedRetention[], run: ApplyingRun): Promise<AppliedPlan> {
  const batch = pending.slice(0, batchImages);
  const results: CleanResult[] = [];
  try {
    const changes = await findChanges(batch, run);
    const { findUser, images } = await readUsers(batch, run);
    const newest = run.newestIds(images);
    const end = performance.now() + batchSeconds * 1000;
    for (const entry of batch) {
      if (performance.now() > end) break;
      const change = changes.get(entry) ?? becameNewest(entry, newest, run);
      const deletedIds = new Set(
        results.filter(({ action }) => action === 'delete').map(({ planned }) => planned.image.id),
      );
      results.push(change ? skipped(entry, change) : await applyOne(entry, run, (id) => findUser(id, deletedIds)));
    }
    return { results };
  } catch (error) {
    rethrowProgramFault(error);
    return { results, halt: { reason: messageOf(error), code: codeOf(error) } };
  }
}

/** The images that somebody has changed since the plan was made, and how. */
async function findChanges(
  batch: readonly PlannedRetention[],
  run: CleanRun,
): Promise<ReadonlyMap<PlannedRetention, string>> {
  const changes = new Map<PlannedRetention, string>();
  for (const entry of batch) {
    run.context.signal.throwIfAborted();
    const change = await findChange(entry.image, run);
    if (change) changes.set(entry, change);
  }
  return changes;
}

/** Somebody else may have deleted newer images of the name since the plan was made. */
function becameNewest(
  { image, action }: PlannedRetention,
  newest: ReadonlySet<string>,
  { args }: CleanRun,
): string | undefined {
  const isForbidden = newest.has(image.id) && (action === 'delete' || args.hide_at === 'age');
  return isForbidden ? 'newer images were deleted by somebody else during the run' : undefined;
}

async function findChange(image: RetentionImage, { cloud }: CleanRun): Promise<string | undefined> {
  const present = await getImage(cloud, image.id);
  if (!present) return 'deleted by somebody else during the run';
  const changed = changedAttribute(image, present);
  return changed && `its ${changed} was changed by somebody else during the run`;
}

/**
 * Who uses an image of the batch. An image that has been deleted no longer needs any other.
 */
type FindUser = (id: string, deletedIds: ReadonlySet<string>) => Promise<string | undefined>;

async function readUsers(
  batch: readonly PlannedRetention[],
  run: CleanRun,
): Promise<{ readonly findUser: FindUser; readonly images: readonly Image[] }> {
  assertClock(run.clock.furthest());
  const ids = new Set(batch.map(({ image }) => comparableId(image.id)));
  const uses = await readUses(run.cloud, (id) => ids.has(id));
  const images = await readSiteImages(run.cloud, { community: true });
  const dependents = dependentImages(images, ids);
  const findUser: FindUser = async (id, deletedIds) => {
    const use = uses.get(comparableId(id));
    if (use) return describeUse(use, await run.projectNames());
    const dependent = dependents.get(comparableId(id))?.find((image) => !deletedIds.has(image.id));
    return dependent && dependentUser(dependent).what;
  };
  return { findUser, images };
}

async function applyOne(
  entry: PlannedRetention,
  run: CleanRun,
  findUser: (id: string) => Promise<string | undefined>,
): Promise<CleanResult> {
  run.context.signal.throwIfAborted();
  const { image } = entry;
  const user = await findUser(image.id);
  if (user) return skipped(entry, `used by ${user}`);
  const change = await findChange(image, run);
  if (change) return skipped(entry, change);
  // Users start servers at any time, so Nova is asked last.
  const server = await findServerOf(run.cloud, image.id);
  if (server) return skipped(entry, `used by ${describeUser(server, await run.projectNames())}`);
  return changePlanned(entry, run);
}

async function changePlanned(planned: PlannedRetention, run: CleanRun): Promise<CleanResult> {
  const { image, action, reason } = planned;
  try {
    if (action === 'delete') await deleteImage(run.cloud, image.id);
    else await hide(planned, run);
    return asPlanned(planned);
  } catch (error) {
    rethrowProgramFault(error);
    // 403: protected, or a policy of the site. 409: a store that has clones of the image keeps it.
    const isRefused = statusOf(error) === 403 || statusOf(error) === 409;
    const explained = messageOf(await explainRefusal(error, run.cloud));
    return {
      planned,
      action: isRefused ? 'skip' : 'failed',
      code: codeOf(error),
      reason: `${isRefused ? 'Glance refuses' : `could not ${action} it`}: ${explained}; ${reason}`,
    };
  }
}

async function hide({ image, recordsHiding }: PlannedRetention, { args, cloud, context }: CleanRun): Promise<void> {
  const changes: ImageChange[] = hidingEdits(image, args.hide_mode);
  if (recordsHiding) changes.push({ op: 'add', attribute: markers.hiddenAt, value: markerTime(context.now()) });
  await changeImage(cloud, image.id, changes, { signal: context.signal });
}
