// image_deploy: plan, then carry out; check mode stops between the two.
import pLimit from 'p-limit';
import validate from '#validators/image_deploy';
import { deleteImage, importMethods, type Image } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { both } from '../../core/waiting.js';
import type { Leftover } from '../policy/deployment.js';
import { markers, releaseLabel } from '../policy/site-image.js';
import { openCloud, openHttp } from '../../runtime/connect.js';
import { peekRunLock, takeRunLock } from '../../runtime/run-lock.js';
import { readSiteImages } from '../site-images.js';
import { imageDeployDeclaration } from './declaration.js';
import { warnOfForeignIds } from './create.js';
import { deployTogether, planTogether } from './deploy-image.js';
import type { DeployArguments, GlanceDigests, ImageResult, Job, Run } from './job.js';
import { openCatalogues, planRun, readScope, type SitePlan } from './plan.js';
import { withoutUsed } from './leftovers.js';
import { outcomeOf } from './report.js';
import { digestsOf, isVerifiableUnsent } from './verify.js';

export const imageDeploy: Operation<(typeof imageDeployDeclaration)['fields']> = {
  ...imageDeployDeclaration,
  validate,
  run: deployImages,
};

async function deployImages(args: DeployArguments, context: Context): Promise<Outcome> {
  const scope = await readScope(args, context);
  const http = openHttp(args, context);
  const cloud = await openCloud(args, context);
  const lockOptions = {
    directory: args.lock_dir,
    operation: imageDeployDeclaration.name,
    cloud: cloud.identity,
    context,
  };
  const lock = await (context.checkMode ? peekRunLock(lockOptions) : takeRunLock(lockOptions));
  try {
    const [catalogues, images] = await both(openCatalogues(scope, { args, context, http }), readSiteImages(cloud));
    const run: Run = {
      args,
      context,
      cloud,
      http,
      recovery: { now: context.now(), uploadTimeoutSeconds: args.upload_timeout, lock: lock.fingerprint },
      takenNames: new Set(images.filter(({ owner }) => owner === cloud.projectId).map(({ name }) => name)),
      warnings: [],
      glanceDigests: newestDigests(images),
    };
    const plan = await planRun(run, scope, catalogues, images);
    const importable = args.import_method === 'web-download' ? await withImportable(plan, run) : plan;
    const checked = { ...importable, leftovers: await withoutUsed(importable.leftovers, run) };
    if (context.checkMode) for (const job of checked.jobs) warnOfForeignIds(job, images, run);
    const results = context.checkMode ? plannedResults(checked) : await apply(checked, run);
    return outcomeOf(results, { ...checked, warnings: [...checked.warnings, ...run.warnings] }, context.checkMode);
  } finally {
    await lock.release();
  }
}

/** What the newest image with data shows of Glance's own digests. */
function newestDigests(images: readonly Image[]): GlanceDigests | undefined {
  const newest = images
    .filter((image) => image.os_hash_algo ?? image.checksum)
    .sort((one, other) => (one.created_at < other.created_at ? 1 : -1))[0];
  return newest && digestsOf(newest);
}

/** Refuses web-download where Glance does not offer it, and for each image that could not be verified afterwards. */
async function withImportable(plan: SitePlan, run: Run): Promise<SitePlan> {
  if (!plan.jobs.some(({ source }) => source)) return plan;
  const offered = await importMethods(run.cloud);
  if (!offered.includes('web-download')) {
    const list = offered.length > 0 ? offered.join(', ') : 'none';
    throw new OperationError(
      'IMPORT_NOT_OFFERED',
      `import_method: web-download is not offered by this Glance; it offers: ${list}`,
      { offered: list },
    );
  }
  const jobs = plan.jobs.map((job): Job => {
    if (!job.source || isVerifiableUnsent(job.source)) return job;
    const reason = 'web-download refused: the store publishes no checksum of this object; use import_method stream';
    return { ...withoutSource(job), planned: { ...job.planned, action: 'failed', reason } };
  });
  return { ...plan, jobs };
}

function withoutSource({ source: _source, ...job }: Job): Job {
  return job;
}

function plannedResults({ jobs, leftovers }: SitePlan): ImageResult[] {
  return [...togetherOf(jobs).flatMap(planTogether), ...leftovers.map(leftoverResult)];
}

async function apply({ jobs, leftovers }: SitePlan, run: Run): Promise<ImageResult[]> {
  const cleared: ImageResult[] = [];
  for (const leftover of leftovers) cleared.push(await clear(leftover, run));
  const limit = pLimit(run.args.concurrency);
  const deployed = await Promise.all(togetherOf(jobs).map((together) => limit(() => deployTogether(together, run))));
  return [...deployed.flat(), ...cleared];
}

/** The jobs that are carried out as one: a kernel with its initramfs, any other image by itself. */
function togetherOf(jobs: readonly Job[]): Job[][] {
  const byName = new Map(jobs.map((job) => [job.planned.name, job]));
  const taken = new Set<Job>();
  return jobs.flatMap((job) => {
    if (taken.has(job)) return [];
    const other = job.planned.pairedWith === undefined ? undefined : byName.get(job.planned.pairedWith);
    const together = other ? [job, other] : [job];
    for (const each of together) taken.add(each);
    return [together];
  });
}

async function clear(leftover: Leftover, run: Run): Promise<ImageResult> {
  try {
    await deleteImage(run.cloud, leftover.image.id);
    return leftoverResult(leftover);
  } catch (error) {
    return {
      ...leftoverResult(leftover),
      action: 'failed',
      reason: `leftover ${leftover.image.id} could not be deleted: ${messageOf(error)}`,
    };
  }
}

function leftoverResult({ image, reason }: Leftover): ImageResult {
  return {
    name: image.properties[markers.name] ?? image.name,
    release: releaseLabel(image),
    action: 'delete',
    reason,
    id: image.id,
  };
}
