// Gives the production name to a verified image and the archive name to the one before it, in this order: the name is never missing.
import type { Image, ImageChange } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { markers, type SiteImage } from '../policy/site-image.js';
import { changeImage } from '../site-images.js';
import { archive, archiveReplaced, isInProduction, presentProduction, type Archived } from './archive.js';
import type { Job, Run } from './job.js';

/** An image that is ready for production. */
export interface Promotion {
  readonly job: Job;
  /** Absent where it is in production already, and at most the one before it is still to be archived. */
  readonly image?: Image;
}

export interface Promoted {
  readonly archived?: Archived | undefined;
  /** The image that a run elsewhere promoted at the same moment, where that is the newer one: ours has been archived. */
  readonly overtakenBy?: SiteImage | undefined;
  readonly failure?: unknown;
}

interface Published extends Promotion {
  /** What is to be archived. */
  readonly old: SiteImage | undefined;
}

/**
 * Makes these the production images, and archives those before them: first all names are given, then all are archived, so that the halves of
 * a pair are there together but for the time of one request. What is refused is taken back, of all of them, as long as none has been archived.
 * In the end it is looked again who else has promoted an image of these names meanwhile.
 */
export async function promoteTogether(promotions: readonly Promotion[], run: Run): Promise<Promoted[]> {
  const published: Published[] = [];
  try {
    const found: Published[] = [];
    for (const promotion of promotions) found.push({ ...promotion, old: await imageBefore(promotion, run) });
    for (const each of found) {
      await publish(each, run);
      published.push(each);
    }
  } catch (error) {
    return failTogether(promotions, published, { error, at: published.length, why: messageOf(error) }, run);
  }
  const results: Promoted[] = [];
  for (const each of published) {
    try {
      results.push({ archived: each.old && (await archive(each.old, run)) });
    } catch (error) {
      const why = `the present image ${each.old?.id} could not be archived (${messageOf(error)})`;
      const mayGoBack = published.every(({ image }) => image) && results.every(({ archived }) => !archived);
      if (mayGoBack) return failTogether(promotions, published, { error, at: results.length, why }, run);
      results.push({ failure: each.image ? halfDone(each, why, error) : error });
    }
  }
  const settled: Promoted[] = [];
  for (const [index, each] of published.entries()) settled.push(await settle(each, results[index] ?? {}, run));
  return settled;
}

/** What of the site the image replaces. */
function imageBefore({ job, image }: Promotion, run: Run): Promise<SiteImage | undefined> | undefined {
  return image && presentProduction(image, job.planned.name, run);
}

/** Two runs may have promoted two images at once: each looks again when its own is public, so that the later one of them sees both. */
async function settle({ job, image }: Published, { archived, failure }: Promoted, run: Run): Promise<Promoted> {
  const isToSettle = image !== undefined || (!job.source && job.planned.unarchived !== undefined);
  if (failure !== undefined || !isToSettle) return { archived, failure };
  const { name } = job.planned;
  try {
    const { present, archived: others } = await archiveReplaced(name, run);
    return {
      archived: archived ?? others[0],
      ...(image && present && present.id !== image.id ? { overtakenBy: present } : {}),
    };
  } catch (error) {
    return {
      failure: image
        ? halfDone(
            { job, image, old: undefined },
            `it could not be made sure that no other run has promoted an image too (${messageOf(error)})`,
            error,
          )
        : error,
    };
  }
}

async function publish({ image, job, old }: Published, run: Run): Promise<void> {
  if (!image) return;
  const { name } = job.planned;
  // Where none is in production any more the marker stays: another run may just have archived it for the sake of this very image.
  const replaces: ImageChange[] =
    old && image.properties[markers.replaces] !== old.id
      ? [{ op: 'add', attribute: markers.replaces, value: old.id }]
      : [];
  const changes: ImageChange[] = [
    { op: 'replace', attribute: 'name', value: name },
    { op: 'replace', attribute: 'visibility', value: 'public' },
    { op: 'add', attribute: markers.promoted, value: image.id },
    ...replaces,
  ];
  // A run elsewhere that has promoted a newer build may archive this one before it is read back.
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

/** Takes back what was published, the last first. Each has its failure then: its own, or that of the other. */
async function failTogether(
  promotions: readonly Promotion[],
  published: readonly Published[],
  refusal: Refusal,
  run: Run,
): Promise<Promoted[]> {
  const failures = new Map<Job, unknown>();
  for (const each of [...published].reverse())
    if (each.image) failures.set(each.job, await takeBack(each, each.image, refusal, run));
  return promotions.map(({ job }, index) => {
    const other = `${job.planned.name} goes into production only together with ${promotions[refusal.at]?.job.planned.name}: ${refusal.why}`;
    return {
      failure:
        failures.get(job) ??
        (index === refusal.at
          ? refusal.error
          : new OperationError('PROMOTION_ROLLED_BACK', other, { name: job.planned.name }, refusal.error)),
    };
  });
}

async function takeBack(
  { job, old }: Published,
  image: Image,
  { error, why }: Refusal,
  run: Run,
): Promise<OperationError> {
  const { name } = job.planned;
  try {
    // A run elsewhere may have archived the one before for the sake of its own image: then ours may be the only one.
    if (old && !(await isInProduction(old.id, name, run)))
      return halfDone({ job, image, old: undefined }, `${why}; the image before it is in production no more`, error);
    const changes = [
      { op: 'replace', attribute: 'name', value: run.args.image_prefix + name },
      { op: 'replace', attribute: 'visibility', value: 'private' },
      { op: 'add', attribute: markers.promoted, value: '' },
    ] as const;
    await changeImage(run.cloud, image.id, changes, { signal: run.context.signal });
    const facts = { name, id: image.id, present: old?.id };
    return new OperationError(
      'PROMOTION_ROLLED_BACK',
      `${why}; the promotion of ${image.id} was taken back, and the next run tries again`,
      facts,
      error,
    );
  } catch (second) {
    return halfDone(
      { job, image, old },
      `${why}, and taking the promotion back failed too (${messageOf(second)})`,
      error,
    );
  }
}

function halfDone({ job, image, old }: Published, why: string, error: unknown): OperationError {
  const facts = { name: job.planned.name, id: image?.id, present: old?.id };
  const state = old ? `two public images have this name now: ${image?.id} and ${old.id}` : `${image?.id} is public now`;
  return new OperationError('PROMOTION_HALF_DONE', `${why}; ${state}; the next run puts it right`, facts, error);
}
