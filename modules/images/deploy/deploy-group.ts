// Deploys one image, or the two halves of a pair: create, transfer and verify each, then promote
// them and archive what they replace.
import type { Image } from '../../clients/glance/images.js';
import { failureOfPart } from '../../core/errors.js';
import { conversionWarning, describeConversion } from '../policy/conversion.js';
import {
  blockedResults,
  isBlocking,
  isWork,
  overtakenReason,
  plannedResult,
  settledResults,
  type ImageResult,
} from '../policy/deploy-results.js';
import { archiveReplaced, type ArchivedImage } from './archive.js';
import { explainRefusal } from '../permissions.js';
import { createOrResume } from './create.js';
import { promoteGroup } from './promote.js';
import { assertPublishable } from './publishing.js';
import { conversionIn, type DeployJob, type DeployRun, type ImageSource } from './run.js';
import { transferData } from './transfer.js';
import { verify } from './verify.js';

/** An image before it becomes visible. */
interface PreparedImage {
  readonly job: DeployJob;
  /** Absent if there was nothing to transfer, or another run does it. */
  readonly image?: Image;
  readonly result: ImageResult;
  readonly warnings: readonly string[];
}

export interface GroupResults {
  readonly results: readonly ImageResult[];
  readonly warnings: readonly string[];
}

/**
 * Never throws: a failure is the result of these images, and the others are still deployed. Of a
 * pair either both halves go into production or neither does; a half that is already transferred
 * and verified stays private until a later run.
 */
export async function deployGroup(jobs: readonly DeployJob[], run: DeployRun): Promise<GroupResults> {
  const planned = jobs.map(resultOf);
  const settled = settledResults(planned);
  if (settled) return { results: settled, warnings: [] };
  const started = performance.now();
  const prepared: PreparedImage[] = [];
  for (const job of jobs) {
    const next = await prepareImage(job, run);
    prepared.push(next);
    if (isBlocking(next.result)) break;
  }
  const results = prepared.some(({ result }) => isBlocking(result))
    ? blockedResults(
        planned,
        prepared.map(({ result }) => result),
      )
    : await promotePrepared(prepared, run);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return {
    results: results.map((result, index) => {
      if (!isWork(planned[index] ?? result)) return result;
      run.context.progress({ subject: result.name, stage: result.action === 'failed' ? 'failed' : 'done' });
      return { ...result, seconds };
    }),
    warnings: prepared.flatMap(({ warnings }) => warnings),
  };
}

/** What a run would do with these images, for check mode. */
export function planGroup(jobs: readonly DeployJob[]): readonly ImageResult[] {
  const planned = jobs.map(resultOf);
  return settledResults(planned) ?? planned;
}

function resultOf({ planned, source }: DeployJob): ImageResult {
  return plannedResult(planned, source?.object.bytes);
}

/** Transfers and verifies the data. A failure is the result of this image. */
async function prepareImage(job: DeployJob, run: DeployRun): Promise<PreparedImage> {
  const base = resultOf(job);
  if (!isWork(base) || !job.source) return { job, result: base, warnings: [] };
  const warnings: string[] = [];
  try {
    const prepared = await transferAndVerify(job, job.source, run, (warning) => warnings.push(warning));
    return { job, ...prepared, warnings };
  } catch (error) {
    const { reason, code } = failureOfPart(await explainRefusal(error, run.cloud), run.context.log);
    return { job, result: { ...base, action: 'failed', reason, code }, warnings };
  }
}

async function transferAndVerify(
  job: DeployJob,
  source: ImageSource,
  run: DeployRun,
  warn: (warning: string) => void,
): Promise<Pick<PreparedImage, 'image' | 'result'>> {
  const { name, unarchived, production } = job.planned;
  const earlier = archivedValues(unarchived && (await archiveReplaced(name, run, job.desired.wanted)).archived[0]);
  // Of an image that is public already it can be asked without creating another.
  const isPublic = (job.desired.wanted.visibility ?? 'public') === 'public';
  if (production && isPublic) await run.publishing.assertPermitted(production.id);
  const transfer = { job, source, run };
  const { image: created, action, reason } = await createOrResume(transfer, warn);
  const result = { ...resultOf(job), action, ...(reason === undefined ? {} : { reason }), id: created.id, ...earlier };
  if (!isWork(result)) return { result };
  if (isPublic) await assertPublishable(created, run);
  const { image, sent } = await transferData(created, { isNew: action === 'deploy' }, transfer);
  const verifiedBy = await verify(image, sent, transfer);
  const mirror = sent?.mirror === undefined ? {} : { mirror: sent.mirror };
  const verified = { ...result, ...mirror, verified_by: verifiedBy };
  const conversion = conversionIn(image, transfer);
  if (!conversion) return { image, result: verified };
  const warning = conversionWarning(name, conversion, verifiedBy);
  if (warning !== undefined) warn(warning);
  return { image, result: { ...verified, converted: describeConversion(conversion) } };
}

/** Puts the prepared images into production. */
async function promotePrepared(prepared: readonly PreparedImage[], run: DeployRun): Promise<ImageResult[]> {
  const promotions = prepared.map(({ job, image }) => ({ job, ...(image ? { image } : {}) }));
  const promoted = await promoteGroup(promotions, run);
  const failures = await Promise.all(promoted.map(({ failure }) => explainRefusal(failure, run.cloud)));
  return prepared.map(({ job, image, result }, index) => {
    const { archived, overtakenBy } = promoted[index] ?? {};
    const failure = failures[index];
    if (failure !== undefined) {
      const { reason, code } = failureOfPart(failure, run.context.log);
      return { ...resultOf(job), action: 'failed', reason, code };
    }
    const id = image || !job.planned.production ? {} : { id: result.id ?? job.planned.production.id };
    const reason = overtakenBy ? { reason: overtakenReason(overtakenBy) } : {};
    const present = overtakenBy ?? image;
    return { ...result, ...id, ...archivedValues(archived), ...reason, ...(present ? { promoted: present } : {}) };
  });
}

function archivedValues(archived: ArchivedImage | undefined): Partial<ImageResult> {
  if (!archived) return {};
  return {
    archived_id: archived.id,
    archived_name: archived.name,
    ...(archived.isHidden ? { archived_hidden: true } : {}),
  };
}
