// Gives the production name to a verified image, then the archive name to the previous one: in this
// order the production name is never missing.
import type { Image, ImageChange } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { holdLabel, holdOf, isHeldBy, productionMarks, releaseEdits } from '../policy/holds.js';
import { editsToward } from '../policy/image-edits.js';
import { markers, type SiteImage } from '../policy/site-image.js';
import { changeImage } from '../site-images.js';
import { archive, archiveReplaced, findReplaced, isInProduction, type ArchivedImage } from './archive.js';
import type { DeployJob, DeployRun } from './run.js';

/** An image that is ready for production. */
export interface Promotion {
  readonly job: DeployJob;
  /**
   * Absent if it is already in production, and at most the previous image is still to be archived.
   */
  readonly image?: Image;
}

export interface PromotionResult {
  readonly archived?: ArchivedImage | undefined;
  /** The newer image that another run promoted at the same time; ours has been archived. */
  readonly overtakenBy?: SiteImage | undefined;
  readonly failure?: unknown;
}

interface ReplacingPromotion extends Promotion {
  /** The image to archive. */
  readonly old: SiteImage | undefined;
}

/**
 * Makes these the production images and archives the previous ones: all get their production names
 * before any previous image is archived, so that the halves of a pair change together except for
 * the time of one request. If a request is refused, all are rolled back unless one has been
 * archived. Finally it checks whether another run has promoted an image of these names at the same
 * time.
 */
export async function promoteGroup(promotions: readonly Promotion[], run: DeployRun): Promise<PromotionResult[]> {
  const published: ReplacingPromotion[] = [];
  try {
    const found: ReplacingPromotion[] = [];
    for (const promotion of promotions) found.push({ ...promotion, old: await imageToReplace(promotion, run) });
    for (const each of found) {
      await publish(each, run);
      published.push(each);
    }
  } catch (error) {
    return rollBackAll(promotions, published, { error, at: published.length, why: messageOf(error) }, run);
  }
  const results: PromotionResult[] = [];
  for (const each of published) {
    try {
      results.push({ archived: each.old && (await archive(each.old, run)) });
    } catch (error) {
      const why = `the previous image ${each.old?.id} could not be archived (${messageOf(error)})`;
      const canRollBack = published.every(({ image }) => image) && results.every(({ archived }) => !archived);
      if (canRollBack) return rollBackAll(promotions, published, { error, at: results.length, why }, run);
      results.push({ failure: each.image ? halfDoneError(each, why, error) : error });
    }
  }
  const settled: PromotionResult[] = [];
  for (const [index, each] of published.entries()) settled.push(await settleRivals(each, results[index] ?? {}, run));
  return settled;
}

/**
 * The image of the site that this one replaces. Throws RELEASE_HELD if a rollback during the
 * transfer holds the release.
 */
async function imageToReplace({ job, image }: Promotion, run: DeployRun): Promise<SiteImage | undefined> {
  if (!image) return undefined;
  const { name, production } = job.planned;
  const old = await findReplaced(image, name, run, job.desired.wanted);
  const hold = old && holdOf(old);
  const isNew = hold && (!production || holdOf(production)?.since !== hold.since);
  if (isNew && !run.args.force && isHeldBy(hold, holdLabel(image)))
    throw new OperationError(
      'RELEASE_HELD',
      `${name} was rolled back to ${old.id} during the transfer, and this release is held since ${hold.since}; ` +
        `${image.id} stays private`,
      { name, id: image.id },
    );
  return old;
}

async function endHold(image: SiteImage, run: DeployRun): Promise<void> {
  const edits = releaseEdits(image, run.args.image_metadata_field);
  await changeImage(run.cloud, image.id, edits, { signal: run.context.signal });
}

/**
 * Two runs may promote two images at the same time: each checks again when its own image is public,
 * so that the later one sees both.
 */
async function settleRivals(
  { job, image }: ReplacingPromotion,
  { archived, failure }: PromotionResult,
  run: DeployRun,
): Promise<PromotionResult> {
  const needsCheck = image !== undefined || (!job.source && job.planned.unarchived !== undefined);
  if (failure !== undefined || !needsCheck) return { archived, failure };
  const { name } = job.planned;
  try {
    const { present, archived: others } = await archiveReplaced(name, run, job.desired.wanted);
    return {
      archived: archived ?? others[0],
      ...(image && present && present.id !== image.id ? { overtakenBy: present } : {}),
    };
  } catch (error) {
    return {
      failure: image
        ? halfDoneError(
            { job, image, old: undefined },
            `it could not be verified that no other run has promoted an image too (${messageOf(error)})`,
            error,
          )
        : error,
    };
  }
}

async function publish({ image, job, old }: ReplacingPromotion, run: DeployRun): Promise<void> {
  if (!image) return;
  const { name } = job.planned;
  const visibility = job.desired.wanted.visibility ?? 'public';
  // The present image was put back in the place of this one, and would count as its replacement.
  if (old && holdOf(old)?.imageId === image.id) await endHold(old, run);
  // Without a production image the marker stays: another run may just have archived that image
  // because of this one.
  const replaces: ImageChange[] =
    old && image.properties[markers.replaces] !== old.id
      ? [{ op: 'add', attribute: markers.replaces, value: old.id }]
      : [];
  const changes: ImageChange[] = [
    { op: 'replace', attribute: 'name', value: name },
    { op: 'replace', attribute: 'visibility', value: visibility },
    { op: 'add', attribute: markers.promoted, value: image.id },
    ...editsToward(image, productionMarks(image, { ...job.desired.wanted, visibility })),
    ...replaces,
  ];
  // Another run that has promoted a newer build may archive this image before it is read back.
  await changeImage(run.cloud, image.id, changes, {
    signal: run.context.signal,
    isOvertaken: ({ properties }) => properties[markers.supersededAt] !== undefined,
  });
}

interface Refusal {
  readonly error: unknown;
  /** Which of the promotions was refused. */
  readonly at: number;
  readonly why: string;
}

/**
 * Rolls back what was published, in reverse order. Each promotion then has a failure: its own, or
 * that of the other one.
 */
async function rollBackAll(
  promotions: readonly Promotion[],
  published: readonly ReplacingPromotion[],
  refusal: Refusal,
  run: DeployRun,
): Promise<PromotionResult[]> {
  const failures = new Map<DeployJob, unknown>();
  for (const each of [...published].reverse())
    if (each.image) failures.set(each.job, await rollBack(each, each.image, refusal, run));
  return promotions.map(({ job }, index) => {
    const other =
      `${job.planned.name} goes into production only together with ${promotions[refusal.at]?.job.planned.name}: ` +
      `${refusal.why}`;
    return {
      failure:
        failures.get(job) ??
        (index === refusal.at
          ? refusal.error
          : new OperationError('PROMOTION_ROLLED_BACK', other, { name: job.planned.name }, refusal.error)),
    };
  });
}

async function rollBack(
  { job, old }: ReplacingPromotion,
  image: Image,
  { error, why }: Refusal,
  run: DeployRun,
): Promise<OperationError> {
  const { name } = job.planned;
  try {
    // Another run may have archived the previous image because of its own: then ours may be the
    // only one.
    if (old && !(await isInProduction(old.id, name, run, job.desired.wanted)))
      return halfDoneError(
        { job, image, old: undefined },
        `${why}; the previous image is no longer in production`,
        error,
      );
    const changes = [
      { op: 'replace', attribute: 'name', value: run.args.image_prefix + name },
      { op: 'replace', attribute: 'visibility', value: 'private' },
      { op: 'add', attribute: markers.promoted, value: '' },
    ] as const;
    await changeImage(run.cloud, image.id, changes, { signal: run.context.signal });
    const facts = { name, id: image.id, present: old?.id };
    return new OperationError(
      'PROMOTION_ROLLED_BACK',
      `${why}; the promotion of ${image.id} was rolled back, and the next run tries again`,
      facts,
      error,
    );
  } catch (second) {
    return halfDoneError(
      { job, image, old },
      `${why}, and the rollback of the promotion failed too (${messageOf(second)})`,
      error,
    );
  }
}

function halfDoneError({ job, image, old }: ReplacingPromotion, why: string, error: unknown): OperationError {
  const facts = { name: job.planned.name, id: image?.id, present: old?.id };
  const state = old
    ? `two images in production now have this name: ${image?.id} and ${old.id}`
    : `${image?.id} is in production now`;
  return new OperationError('PROMOTION_HALF_DONE', `${why}; ${state}; the next run finishes the job`, facts, error);
}
