// image_deploy: read everything, plan, then apply the plan; check mode stops before the last step.
import pLimit from 'p-limit';
import validate from '#validators/image_deploy';
import type { Image } from '../../clients/glance/images.js';
import { failureOfPart } from '../../core/errors.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { permissionWarnings } from '../../core/rights.js';
import { settleBoth } from '../../core/waiting.js';
import { openCloud, openHttp } from '../../runtime/connect.js';
import { peekRunLock, takeRunLock } from '../../runtime/run-lock.js';
import { groupPairs, isWork, leftoverResult, type ImageResult } from '../policy/deploy-results.js';
import type { PlannedImage } from '../policy/deployment.js';
import { usesOfCopies, usesOfDeployment, usesOfEdits } from '../policy/image-permissions.js';
import { choosesStores } from '../policy/image-stores.js';
import { newestReportedDigests } from '../policy/verification.js';
import { changeImage, readSiteImages } from '../site-images.js';
import { archiveNames } from './archive.js';
import { imageDeployDeclaration } from './declaration.js';
import { deployGroup, planGroup, type GroupResults } from './deploy-group.js';
import { deleteLeftover } from './leftovers.js';
import { openCatalogues, prepareDeployment, readScope, type PreparedDeployment } from './plan.js';
import { expectedResults } from './planned-results.js';
import { checkPublishing } from './publishing.js';
import { reconcile } from './reconcile.js';
import { deployOutcome } from './report.js';
import type { DeployArguments, DeployJob, DeployRun } from './run.js';
import { assertCopiesOffered, fillStores, readWantedStores } from './stores.js';

export const imageDeploy: Operation<(typeof imageDeployDeclaration)['fields']> = {
  ...imageDeployDeclaration,
  validate,
  run: deployImages,
};

async function deployImages(args: DeployArguments, context: Context): Promise<Outcome> {
  choosesStores(args);
  const scope = await readScope(args, context);
  const http = openHttp(args, context);
  const cloud = await openCloud(args, context);
  const lockOptions = {
    directory: args.lock_dir,
    operation: imageDeployDeclaration.name,
    cloud: cloud.identity,
    context,
  };
  const stores = await readWantedStores(args, cloud);
  const lock = await (context.checkMode ? peekRunLock(lockOptions) : takeRunLock(lockOptions));
  try {
    const [catalogues, images] = await settleBoth(
      openCatalogues(scope, { args, context, http }),
      readSiteImages(cloud),
    );
    const run: DeployRun = {
      args,
      context,
      cloud,
      http,
      recovery: { now: context.now(), uploadTimeoutSeconds: args.upload_timeout, lock: lock.fingerprint },
      reserveArchiveName: archiveNames(images.filter(({ owner }) => owner === cloud.projectId)),
      publishing: checkPublishing(cloud),
      glanceDigests: newestReportedDigests(images),
      ...(stores ? { stores } : {}),
    };
    const prepared = await prepareDeployment(run, scope, catalogues, images);
    await assertCopiesOffered(
      { results: groupPairs(prepared.jobs).flatMap(planGroup), images, jobs: prepared.jobs },
      run,
    );
    const { results, warnings } = await (context.checkMode
      ? plannedResults(prepared, images, run)
      : applyPlan(prepared, run));
    const filled = context.checkMode ? { results, failures: [] } : await fillStores(results, run);
    const told = {
      ...prepared,
      warnings: [...prepared.warnings, ...warnings],
      failures: [...prepared.failures, ...filled.failures],
    };
    return deployOutcome(filled.results, told, { siteName: cloud.siteName, checkMode: context.checkMode });
  } finally {
    await lock.release();
  }
}

async function plannedResults(
  { jobs, leftovers, putBacks }: PreparedDeployment,
  images: readonly Image[],
  run: DeployRun,
): Promise<GroupResults> {
  const results = expectedResults(jobs, images, run, leftovers.map(leftoverResult));
  const wanted = new Map(jobs.map(({ planned: { name }, desired }) => [name, desired.wanted]));
  const uses = [
    ...putBacks.flatMap(({ name, edits }) => usesOfEdits(name, edits)),
    ...usesOfDeployment(results.map((result) => ({ ...result, wanted: wanted.get(result.name) ?? {} }))),
    ...usesOfCopies(results),
  ];
  return { results, warnings: permissionWarnings(uses, await run.cloud.rights('image')) };
}

async function applyPlan({ jobs, leftovers, putBacks }: PreparedDeployment, run: DeployRun): Promise<GroupResults> {
  const failures = new Map<string, Pick<PlannedImage, 'reason' | 'code'>>();
  for (const { name, image, edits } of putBacks) {
    try {
      await changeImage(run.cloud, image.id, edits, { signal: run.context.signal });
    } catch (error) {
      const { reason, code } = failureOfPart(error, run.context.log);
      failures.set(name, { code, reason: `the rollback to ${image.id} could not be recorded: ${reason}` });
    }
  }
  const deleted: ImageResult[] = [];
  for (const leftover of leftovers) deleted.push(await deleteLeftover(leftover, run));
  const planned = groupPairs(jobs.map((job) => withFailure(job, failures)));
  announceTransfers(planned, run);
  const limit = pLimit(run.args.concurrency);
  const groups = await Promise.all(planned.map((group) => limit(() => deployAndReconcile(group, run))));
  return {
    results: [...groups.flatMap(({ results }) => results), ...deleted],
    warnings: groups.flatMap(({ warnings }) => warnings),
  };
}

/**
 * So that the totals of the progress include images whose turn has not come, and none that is not
 * begun because the other half of its pair cannot be deployed.
 */
function announceTransfers(groups: readonly (readonly DeployJob[])[], { context }: DeployRun): void {
  for (const { name: subject, action, bytes: totalBytes } of groups.flatMap(planGroup)) {
    if (totalBytes === undefined || !isWork({ action })) continue;
    context.progress({ subject, stage: 'transfer', totalBytes, isAnnounced: true });
  }
}

async function deployAndReconcile(group: readonly DeployJob[], run: DeployRun): Promise<GroupResults> {
  const { results, warnings } = await deployGroup(group, run);
  const reconciled: ImageResult[] = [];
  for (const [index, result] of results.entries()) {
    const job = group[index];
    reconciled.push(job ? await reconcile(job, result, run) : result);
  }
  return { results: reconciled, warnings };
}

function withFailure(job: DeployJob, failures: ReadonlyMap<string, Pick<PlannedImage, 'reason' | 'code'>>): DeployJob {
  const failure = failures.get(job.planned.name);
  return failure === undefined ? job : { ...job, planned: { ...job.planned, action: 'failed', ...failure } };
}
