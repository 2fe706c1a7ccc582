// Reads the catalogues, the site's images and the headers of the objects to deploy, and makes the
// plan. Writes nothing.
import { optionText } from '../../core/option-text.js';
import pLimit from 'p-limit';
import { importMethods, type Image } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import type { Context } from '../../core/operation.js';
import { cataloguesOf, readSupports } from '../catalogues.js';
import { planDeployment, type DeploymentPlan, type Leftover, type PlannedImage } from '../policy/deployment.js';
import {
  assertListed,
  decideScope,
  deferTo,
  excludedNames,
  selectNames,
  type DeployScope,
} from '../policy/deploy-scope.js';
import { foreignIdWarnings } from '../policy/new-image.js';
import { unknownPins } from '../policy/pinned-builds.js';
import type { UnmarkedPutBack } from '../policy/put-backs.js';
import type { CatalogueKind } from '../policy/site-image.js';
import type { SupportedBuild } from '../policy/supported-builds.js';
import { importRefusal } from '../policy/verification.js';
import { unusedLeftovers } from './leftovers.js';
import { openObjects } from './objects-catalogue.js';
import { openReleases, storeUrl } from './releases-catalogue.js';
import type {
  Catalogue,
  CatalogueContents,
  CatalogueImage,
  DeployArguments,
  DeployJob,
  DeployRun,
  StoreAccess,
} from './run.js';

/** How many small requests to the stores run at once. */
const concurrentProbes = 8;

export interface PreparedDeployment {
  readonly jobs: readonly DeployJob[];
  readonly leftovers: readonly Leftover[];
  /** What a rollback still lacks, and is done before anything else. */
  readonly putBacks: readonly UnmarkedPutBack[];
  readonly warnings: readonly string[];
  /** Failures that concern no single planned image. */
  readonly failures: readonly string[];
}

export interface ReadScope extends DeployScope {
  /** What supports.yaml lists; nothing if the older store is not read. */
  readonly supported: readonly SupportedBuild[];
}

/** Throws INVALID_INPUT if the arguments contradict each other or supports.yaml. */
export async function readScope(
  args: DeployArguments,
  context: Pick<Context, 'environment' | 'signal'>,
): Promise<ReadScope> {
  const scope = decideScope(args, cataloguesOf(args));
  if (scope.kinds.includes('releases')) storeUrl(args);
  const supported = scope.kinds.includes('objects') ? (await readSupports(args, context)).builds : [];
  assertListed(args, supported);
  return { ...scope, supported };
}

/** The catalogues that could be opened, and why the others could not. */
export interface OpenedCatalogues {
  readonly catalogues: readonly Catalogue[];
  readonly unread: ReadonlyMap<CatalogueKind, string>;
}

/**
 * The failure of one catalogue is reported and does not stop the others; that of the only one is
 * thrown.
 */
export async function openCatalogues(scope: ReadScope, access: StoreAccess): Promise<OpenedCatalogues> {
  const { kinds, ids, supported } = scope;
  const settled = await Promise.allSettled(
    kinds.map((kind) => (kind === 'releases' ? openReleases(access) : openObjects(access, supported, ids))),
  );
  const failed = settled.flatMap((result, index) => {
    const kind = kinds[index];
    return result.status === 'rejected' && kind !== undefined ? [{ kind, error: result.reason }] : [];
  });
  if (failed[0] && (kinds.length === 1 || access.context.signal.aborted)) throw failed[0].error;
  return {
    catalogues: settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    unread: new Map(failed.map(({ kind, error }) => [kind, messageOf(error)])),
  };
}

/** Makes the plan, and checks every object that it requires and every leftover that it deletes. */
export async function prepareDeployment(
  run: DeployRun,
  scope: ReadScope,
  opened: OpenedCatalogues,
  images: readonly Image[],
): Promise<PreparedDeployment> {
  const { args, cloud } = run;
  const selected = selectNames(
    opened.catalogues,
    { images: scope.ids.length > 0 ? undefined : args.images, exclude: args.exclude },
    opened.unread.size === 0,
  );
  const read = await subscribeAll(run, scope, opened, selected.names);
  const subscribed: readonly CatalogueImage[] = [
    ...read.images,
    ...selected.missing,
    ...excludedNames(scope, opened.catalogues, selected.names),
  ];
  const plan = makePlan(run, subscribed, opened, images, read.unread.size === 0);
  const limit = pLimit(concurrentProbes);
  const byName = new Map(subscribed.map((image) => [image.name, image]));
  const jobs = await Promise.all(
    plan.images.map((planned) => limit(() => prepareJob(planned, byName.get(planned.name), run))),
  );
  const importable = args.import_method === 'web-download' ? await withImportable(jobs, run) : jobs;
  const { leftovers, warnings } = await unusedLeftovers(plan.leftovers, run);
  return {
    jobs: importable,
    leftovers,
    putBacks: plan.putBacks,
    warnings: [
      ...selected.warnings,
      ...(isUnrestricted(args) && opened.unread.size === 0
        ? unknownPins(args.pins ?? {}, namesIn(opened.catalogues))
        : []),
      ...read.warnings,
      ...plan.warnings,
      ...jobs.flatMap((job) => job.warnings),
      ...warnings,
      ...(run.context.checkMode ? plannedIdWarnings(importable, images, cloud.projectId) : []),
    ],
    failures: [
      ...[...read.unread].map(([kind, failure]) => `the catalogue ${kind} could not be read: ${failure}`),
      ...read.failures,
    ],
  };
}

function isUnrestricted({ images, latest, ipa }: DeployArguments): boolean {
  return !images && !latest && !ipa;
}

function namesIn(catalogues: readonly Catalogue[]): string[] {
  return catalogues.flatMap(({ names }) => names);
}

function makePlan(
  run: DeployRun,
  subscribed: readonly CatalogueImage[],
  { catalogues }: OpenedCatalogues,
  images: readonly Image[],
  isComplete: boolean,
): DeploymentPlan {
  const { args } = run;
  const isWhole = isUnrestricted(args) && isComplete;
  const selectedNames = new Set(subscribed.map(({ name }) => name));
  const known = new Set(namesIn(catalogues));
  return planDeployment({
    subscriptions: subscribed,
    isInScope: (name) => selectedNames.has(name) || (isWhole && !known.has(name)),
    sourcePrefixes: catalogues.map(({ sourcePrefix }) => sourcePrefix),
    images,
    owner: run.cloud.projectId,
    prefix: args.image_prefix,
    force: args.force,
    metadataField: args.image_metadata_field,
    recovery: run.recovery,
  });
}

interface ReadCatalogues extends CatalogueContents {
  readonly unread: ReadonlyMap<CatalogueKind, string>;
}

async function subscribeAll(
  run: DeployRun,
  { kinds }: ReadScope,
  opened: OpenedCatalogues,
  names: ReadonlyMap<Catalogue, ReadonlySet<string>>,
): Promise<ReadCatalogues> {
  let read: ReadCatalogues = { images: [], failures: [], warnings: [], unread: opened.unread };
  for (const catalogue of opened.catalogues) {
    const { kind } = catalogue;
    try {
      const { images, failures, warnings } = await catalogue.subscribe(names.get(catalogue) ?? new Set());
      const unreadBefore = kinds.slice(0, kinds.indexOf(kind)).filter((other) => opened.unread.has(other));
      read = {
        ...read,
        images: [...read.images, ...images.map((image) => deferTo(image, kind, unreadBefore))],
        failures: [...read.failures, ...failures],
        warnings: [...read.warnings, ...warnings],
      };
    } catch (error) {
      if (kinds.length === 1 || run.context.signal.aborted) throw error;
      read = { ...read, unread: new Map([...read.unread, [kind, messageOf(error)]]) };
    }
  }
  return read;
}

async function prepareJob(
  planned: PlannedImage,
  image: CatalogueImage | undefined,
  run: DeployRun,
): Promise<DeployJob> {
  const { isBuiltFrom = () => false, readSource } = image ?? {};
  const isTransferred = planned.action === 'deploy' || (planned.action === 'resume' && planned.incoming !== undefined);
  if (!isTransferred || !readSource) return { planned, isBuiltFrom, warnings: [] };
  try {
    return { planned, isBuiltFrom, ...(await readSource()) };
  } catch (error) {
    run.context.signal.throwIfAborted();
    return { planned: { ...planned, action: 'failed', reason: messageOf(error) }, isBuiltFrom, warnings: [] };
  }
}

/**
 * Throws IMPORT_NOT_OFFERED if Glance does not offer web-download, and refuses each image that
 * could not be verified afterwards.
 */
async function withImportable(jobs: readonly DeployJob[], run: DeployRun): Promise<readonly DeployJob[]> {
  if (!jobs.some(({ source }) => source)) return jobs;
  const offered = await importMethods(run.cloud);
  if (!offered.includes('web-download')) {
    const list = offered.length > 0 ? offered.join(', ') : 'none';
    throw new OperationError(
      'IMPORT_NOT_OFFERED',
      `${optionText('import_method', 'web-download')} is not offered by this Glance; it offers: ${list}`,
      { offered: list },
    );
  }
  return jobs.map((job): DeployJob => {
    const reason = job.source && importRefusal(job.source.object);
    if (reason === undefined) return job;
    const { source: _refused, ...rest } = job;
    return { ...rest, planned: { ...job.planned, action: 'failed', reason } };
  });
}

function plannedIdWarnings(jobs: readonly DeployJob[], images: readonly Image[], projectId: string): string[] {
  return jobs
    .filter(({ planned }) => planned.action === 'deploy')
    .flatMap(({ planned }) => foreignIdWarnings(planned, images, projectId));
}
