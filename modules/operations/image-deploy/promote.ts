// Gives the production name to a verified image and the archive name to the one before it, in this order: the name is never missing.
import { getImage, listPublicImages, type Image, type ImageChange } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { archiveName, isProduction, markers, type SiteImage } from '../../policy/images.js';
import { changeImage } from '../change-image.js';
import type { Job, Run } from './job.js';

export interface Archived {
  readonly id: string;
  readonly name: string;
}

/** An image that is ready for production. */
export interface Promotion {
  readonly job: Job;
  /** Absent where it is in production already, and at most the one before it is still to be archived. */
  readonly image?: Image;
}

export interface Promoted {
  readonly archived?: Archived | undefined;
  readonly failure?: unknown;
}

interface Published extends Promotion {
  /** What is to be archived. */
  readonly old: SiteImage | undefined;
}

/**
 * Makes these the production images, and archives those before them: first all names are given, then all are archived, so that the halves of
 * a pair are there together but for the time of one request. What is refused is taken back, of all of them, as long as none has been archived.
 */
export async function promoteTogether(promotions: readonly Promotion[], run: Run): Promise<Promoted[]> {
  const published: Published[] = [];
  try {
    const found: Published[] = [];
    for (const promotion of promotions) found.push({ ...promotion, old: await imageToArchive(promotion, run) });
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
      const why = `${each.job.planned.name}: the present image ${each.old?.id} could not be archived (${messageOf(error)})`;
      const mayGoBack = published.every(({ image }) => image) && results.every(({ archived }) => !archived);
      if (mayGoBack) return failTogether(promotions, published, { error, at: results.length, why }, run);
      results.push({ failure: each.image ? halfDone(each, why, error) : error });
    }
  }
  return results;
}

/** What of the site the image replaces. One without data of its own was promoted by an earlier run. */
function imageToArchive({ job, image }: Promotion, run: Run): Promise<SiteImage | undefined> | SiteImage | undefined {
  if (image) return presentProduction(image, job, run);
  return job.source ? undefined : job.planned.unarchived;
}

async function publish({ image, job, old }: Published, run: Run): Promise<void> {
  if (!image) return;
  const replaces: ImageChange[] = old && image.properties[markers.replaces] !== old.id ? [{ op: 'add', attribute: markers.replaces, value: old.id }] : [];
  await changeImage(run.cloud, image.id, [{ op: 'replace', attribute: 'name', value: job.planned.name }, { op: 'replace', attribute: 'visibility', value: 'public' }, ...replaces]);
}

interface Refusal {
  readonly error: unknown;
  /** Which of the promotions was refused. */
  readonly at: number;
  readonly why: string;
}

/** Takes back what was published, the last first. Each has its failure then: its own, or that of the other. */
async function failTogether(promotions: readonly Promotion[], published: readonly Published[], refusal: Refusal, run: Run): Promise<Promoted[]> {
  const failures = new Map<Job, unknown>();
  for (const each of [...published].reverse()) if (each.image) failures.set(each.job, await takeBack(each, each.image, refusal, run));
  return promotions.map(({ job }, index) => {
    const other = `${job.planned.name} goes into production only together with ${promotions[refusal.at]?.job.planned.name}: ${refusal.why}`;
    return { failure: failures.get(job) ?? (index === refusal.at ? refusal.error : new OperationError('PROMOTION_ROLLED_BACK', other, { name: job.planned.name }, refusal.error)) };
  });
}

/** The image to replace, as it is now: a transfer takes long, and another run may have promoted another release meanwhile. */
async function presentProduction(image: Image, job: Job, run: Run): Promise<SiteImage | undefined> {
  const { name } = job.planned;
  const present = (await listPublicImages(run.cloud, name)).filter(({ id }) => id !== image.id);
  if (present.length > 1 || present.some((other) => !isProduction(other, name, run.cloud.projectId))) {
    const ids = present.map(({ id }) => id).join(', ');
    throw new OperationError('NAME_TAKEN', `${name}: during the transfer other public images of this name came up (${ids}); ${image.id} stays private`, { name, ids });
  }
  return present[0];
}

/** Renames an image that was replaced, marks it, and leaves it public. Undefined when it is gone. */
export async function archive(image: SiteImage, run: Run): Promise<Archived | undefined> {
  const present = await getImage(run.cloud, image.id);
  if (!present) return undefined;
  // A run elsewhere went on with the same promotion and was faster.
  if (present.name !== image.name) return { id: present.id, name: present.name };
  const name = archiveName(present, run.takenNames);
  run.takenNames.add(name);
  await changeImage(run.cloud, image.id, [
    { op: 'replace', attribute: 'name', value: name },
    { op: 'add', attribute: run.args.image_metadata_field, value: 'no' },
    { op: 'add', attribute: markers.supersededAt, value: run.context.now().toISOString().replace(/\.\d+Z$/, 'Z') },
  ]);
  return { id: image.id, name };
}

async function takeBack({ job, old }: Published, image: Image, { error, why }: Refusal, run: Run): Promise<OperationError> {
  const { name } = job.planned;
  try {
    await changeImage(run.cloud, image.id, [
      { op: 'replace', attribute: 'name', value: run.args.image_prefix + name },
      { op: 'replace', attribute: 'visibility', value: 'private' },
    ]);
    const facts = { name, id: image.id, present: old?.id };
    return new OperationError('PROMOTION_ROLLED_BACK', `${why}; the promotion of ${image.id} was taken back, and the next run tries again`, facts, error);
  } catch (second) {
    return halfDone({ job, image, old }, `${why}, and taking the promotion back failed too (${messageOf(second)})`, error);
  }
}

function halfDone({ job, image, old }: Published, why: string, error: unknown): OperationError {
  const facts = { name: job.planned.name, id: image?.id, present: old?.id };
  const state = old ? `two public images have this name now: ${image?.id} and ${old.id}` : `${image?.id} is public now`;
  return new OperationError('PROMOTION_HALF_DONE', `${why}; ${state}; the next run puts it right`, facts, error);
}
