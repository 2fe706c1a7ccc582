// Carries out what was planned for one image: create, transfer, verify, promote, archive.
import { deleteImage } from '../../clients/glance/images.js';
import { messageOf } from '../../core/errors.js';
import type { SiteImage } from '../../policy/images.js';
import { createIncoming, isSameSource, type Creation } from './create.js';
import type { ImageResult, Job, Run, Source } from './job.js';
import { archive, promote, type Archived } from './promote.js';
import { transfer } from './transfer.js';
import { verify } from './verify.js';

const carriedOut: ReadonlySet<string> = new Set(['deploy', 'resume']);

/** Never throws: a failure is this image's result, and the others go on. */
export async function deployImage(job: Job, run: Run): Promise<ImageResult> {
  const base = resultOf(job);
  if (!carriedOut.has(job.planned.action)) return base;
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 100) / 10;
  try {
    const done = await carryOut(job, run);
    run.context.progress({ subject: job.planned.name, stage: 'done' });
    return { ...base, ...done, seconds: seconds() };
  } catch (error) {
    run.context.progress({ subject: job.planned.name, stage: 'failed' });
    return { ...base, action: 'failed', reason: messageOf(error), seconds: seconds() };
  }
}

/** The result as the plan has it, before anything is done. */
export function resultOf({ planned, source }: Job): ImageResult {
  const { name, release, action, reason } = planned;
  const id = action === 'deploy' || action === 'failed' ? undefined : (planned.incoming?.id ?? planned.production?.id);
  return { name, release, action, reason, ...(id ? { id } : {}), ...(source ? { bytes: source.object.bytes } : {}) };
}

async function carryOut(job: Job, run: Run): Promise<Partial<ImageResult>> {
  const { production, unarchived } = job.planned;
  const earlier = unarchived ? await archive(unarchived, run) : undefined;
  if (!job.source) return { ...(production ? { id: production.id } : {}), ...archivedOf(earlier) };

  const work = { job, source: job.source, run };
  const creation = await takeUp(job, job.source, run);
  const { action } = creation;
  const told = 'reason' in creation ? { action, reason: creation.reason } : { action };
  if ('elsewhere' in creation) return { ...told, id: creation.elsewhere.id, ...archivedOf(earlier) };
  const { image, streamed } = await transfer(creation.image.id, work);
  const verifiedBy = await verify(image, streamed, work);
  const archived = await promote(image, job, run);
  return { ...told, id: image.id, verified_by: verifiedBy, ...archivedOf(archived) };
}

function archivedOf(archived: Archived | undefined): Partial<ImageResult> {
  return archived ? { archived_id: archived.id, archived_name: archived.name } : {};
}

/** The incoming image of an earlier run where it is still good for this source, else a new one. */
async function takeUp(job: Job, source: Source, run: Run): Promise<Creation | { readonly image: SiteImage; readonly action: 'resume' }> {
  const { incoming } = job.planned;
  if (incoming && isSameSource(incoming, source)) return { image: incoming, action: 'resume' };
  if (incoming) await deleteImage(run.cloud, incoming.id);
  return createIncoming(job, source, run);
}
