// Carries out what was planned for one image, or for the two halves of a pair: create, transfer, verify; then promote, archive.
import type { Image } from '../../clients/glance/images.js';
import { failureOfPart } from '../../core/errors.js';
import { releaseLabel } from '../policy/site-image.js';
import { archiveReplaced, type Archived } from './archive.js';
import { takeUp } from './create.js';
import type { ImageResult, Job, Run } from './job.js';
import { promoteTogether, type Promoted } from './promote.js';
import { transfer } from './transfer.js';
import { verify } from './verify.js';

const carriedOut: ReadonlySet<string> = new Set(['deploy', 'resume']);

/** How far an image has come before anything of it can be seen. */
interface Ready {
  readonly job: Job;
  /** Absent where nothing had to be brought in, or a run elsewhere does it. */
  readonly image?: Image;
  readonly result: ImageResult;
}

/**
 * Never throws: a failure is these images' result, and the others go on. Of a pair either both halves go into production or none does;
 * one that is brought in and verified already then waits, private, for a later run.
 */
export async function deployTogether(jobs: readonly Job[], run: Run): Promise<ImageResult[]> {
  const held = heldBack(jobs);
  if (held) return held;
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 100) / 10;
  const ready: Ready[] = [];
  for (const job of jobs) {
    const next = await makeReady(job, run);
    ready.push(next);
    if (isHindrance(next)) break;
  }
  const done = ready.some(isHindrance) ? withHindrance(jobs, ready) : await settle(ready, run);
  return done.map((result, index) => {
    const isAtIt = carriedOut.has(jobs[index]?.planned.action ?? '');
    if (isAtIt) run.context.progress({ subject: result.name, stage: result.action === 'failed' ? 'failed' : 'done' });
    return isAtIt ? { ...result, seconds: seconds() } : result;
  });
}

/** The result as the plan has it, before anything is done. */
function resultOf({ planned, source }: Job): ImageResult {
  const { name, release, action, reason } = planned;
  const id = action === 'deploy' || action === 'failed' ? undefined : (planned.incoming?.id ?? planned.production?.id);
  return { name, release, action, reason, ...(id ? { id } : {}), ...(source ? { bytes: source.object.bytes } : {}) };
}

/** What a run would do with these, which check mode tells. */
export function planTogether(jobs: readonly Job[]): ImageResult[] {
  return heldBack(jobs) ?? jobs.map(resultOf);
}

/** The results where nothing is to be done, or one half keeps the other from being begun. */
function heldBack(jobs: readonly Job[]): ImageResult[] | undefined {
  const obstacle = jobs.find(({ planned: { action } }) => !carriedOut.has(action) && action !== 'up_to_date');
  if (!obstacle && jobs.some(({ planned }) => carriedOut.has(planned.action))) return undefined;
  return jobs.map((job) =>
    obstacle && carriedOut.has(job.planned.action) ? waiting(resultOf(job), resultOf(obstacle)) : resultOf(job),
  );
}

/** What becomes of a half whose other half cannot go into production. */
function waiting(result: ImageResult, obstacle: ImageResult): ImageResult {
  if (obstacle.action === 'in_progress')
    return {
      ...result,
      action: 'in_progress',
      reason: `it goes into production together with ${obstacle.name}, and a run elsewhere is at that`,
    };
  return {
    ...result,
    action: 'failed',
    reason: `it goes into production only together with ${obstacle.name}, which is not ready: ${obstacle.reason}`,
  };
}

function isHindrance({ result: { action } }: Ready): boolean {
  return action === 'failed' || action === 'in_progress';
}

function withHindrance(jobs: readonly Job[], ready: readonly Ready[]): ImageResult[] {
  const obstacle = ready.find(isHindrance)?.result as ImageResult;
  return jobs.map((job, index) => {
    const result = ready[index]?.result ?? resultOf(job);
    return result === obstacle ? obstacle : waiting(result, obstacle);
  });
}

/** Brings the data in and verifies them. Its own failure is its result. */
async function makeReady(job: Job, run: Run): Promise<Ready> {
  const base = resultOf(job);
  const { unarchived } = job.planned;
  if (!carriedOut.has(job.planned.action) || !job.source) return { job, result: base };
  try {
    const earlier = archivedOf(unarchived && (await archiveReplaced(job.planned.name, run)).archived[0]);
    const work = { job, source: job.source, run };
    const creation = await takeUp(job, job.source, run);
    const { action } = creation;
    const told = 'reason' in creation ? { action, reason: creation.reason } : { action };
    if ('elsewhere' in creation) return { job, result: { ...base, ...told, id: creation.elsewhere.id, ...earlier } };
    const { image, streamed } = await transfer(creation.image.id, work);
    const verified_by = await verify(image, streamed, work);
    return { job, image, result: { ...base, ...told, id: image.id, verified_by, ...earlier } };
  } catch (error) {
    return { job, result: { ...base, action: 'failed', reason: failureOfPart(error, run.context.log).reason } };
  }
}

/** Puts everything that is ready into production. */
async function settle(ready: readonly Ready[], run: Run): Promise<ImageResult[]> {
  const promotions = ready.map(({ job, image }) => ({ job, ...(image ? { image } : {}) }));
  const promoted = await promoteTogether(promotions, run);
  return ready.map(({ job, image, result }, index) => {
    const { archived, overtakenBy, failure } = promoted[index] ?? {};
    if (failure !== undefined)
      return { ...resultOf(job), action: 'failed', reason: failureOfPart(failure, run.context.log).reason };
    const id = image || !job.planned.production ? {} : { id: result.id ?? job.planned.production.id };
    return { ...result, ...id, ...archivedOf(archived), ...overtaken(overtakenBy) };
  });
}

function overtaken(by: Promoted['overtakenBy']): Partial<ImageResult> {
  if (!by) return {};
  return {
    reason: `a run elsewhere has promoted ${by.id} (release ${releaseLabel(by) || 'not told'}) at the same moment, which is newer: this one has been archived`,
  };
}

function archivedOf(archived: Archived | undefined): Partial<ImageResult> {
  return archived ? { archived_id: archived.id, archived_name: archived.name } : {};
}
