// image_deploy: read everything, plan, then apply the plan; check mode stops before the last step.
import pLimit from 'p-limit';
import validate from '#validators/image_deploy';
import { failureOfPart } from '../../core/errors.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { permissionWarnings } from '../../core/rights.js';
import { settleBoth } from '../../core/waiting.js';
import { openCloud, openHttp } from '../../runtime/connect.js';
import { peekRunLock, takeRunLock } from '../../runtime/run-lock.js';
import { groupPairs, leftoverResult, type ImageResult } from '../policy/deploy-results.js';
import { usesOfDeployment, usesOfEdits } from '../policy/image-permissions.js';
import { newestReportedDigests } from '../policy/verification.js';
import { changeImage, readSiteImages } from '../site-images.js';
import { archiveNames } from './archive.js';
import { imageDeployDeclaration } from './declaration.js';
import { deployGroup, planGroup, type GroupResults } from './deploy-group.js';
import { deleteLeftover } from './leftovers.js';
import { openCatalogues, prepareDeployment, readScope, type PreparedDeployment } from './plan.js';
import { checkPublishing } from './publishing.js';
import { deployOutcome } from './report.js';
import type { DeployArguments, DeployJob, DeployRun } from './run.js';

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
    };
    const prepared = await prepareDeployment(run, scope, catalogues, images);
    const { results, warnings } = await (context.checkMode ? plannedResults(prepared, run) : applyPlan(prepared, run));
    return deployOutcome(results, { ...prepared, warnings: [...prepared.warnings, ...warnings] }, context.checkMode);
  } finally {
    await lock.release();
  }
}

async function plannedResults(
  { jobs, leftovers, putBacks }: PreparedDeployment,
  { cloud }: DeployRun,
): Promise<GroupResults> {
  const results = [...groupPairs(jobs).flatMap(planGroup), ...leftovers.map(leftoverResult)];
  const uses = [...putBacks.flatMap(({ name, edits }) => usesOfEdits(name, edits)), ...usesOfDeployment(results)];
  return { results, warnings: permissionWarnings(uses, await cloud.rights('image')) };
}

async function applyPlan({ jobs, leftovers, putBacks }: PreparedDeployment, run: DeployRun): Promise<GroupResults> {
  const failures = new Map<string, string>();
  for (const { name, image, edits } of putBacks) {
    try {
      await changeImage(run.cloud, image.id, edits, { signal: run.context.signal });
    } catch (error) {
      const { reason } = failureOfPart(error, run.context.log);
      failures.set(name, `the rollback to ${image.id} could not be recorded: ${reason}`);
    }
  }
  const deleted: ImageResult[] = [];
  for (const leftover of leftovers) deleted.push(await deleteLeftover(leftover, run));
  const limit = pLimit(run.args.concurrency);
  const groups = await Promise.all(
    groupPairs(jobs.map((job) => withFailure(job, failures))).map((group) => limit(() => deployGroup(group, run))),
  );
  return {
    results: [...groups.flatMap(({ results }) => results), ...deleted],
    warnings: groups.flatMap(({ warnings }) => warnings),
  };
}

function withFailure(job: DeployJob, failures: ReadonlyMap<string, string>): DeployJob {
  const reason = failures.get(job.planned.name);
  return reason === undefined ? job : { ...job, planned: { ...job.planned, action: 'failed', reason } };
}
