// Reads the catalogues, the site's images and the headers of the objects to deploy, and makes the
// plan. Writes nothing.
import pLimit from 'p-limit';
import { importMethods } from '../../clients/glance/data.js';
import type { Image } from '../../clients/glance/images.js';
import { codeOf, InputError, messageOf, OperationError } from '../../core/errors.js';
import type { Context } from '../../core/operation.js';
import { cataloguesOf, readSupports } from '../catalogues.js';
import { assertLists } from '../image-lists.js';
import { planDeployment, type DeploymentPlan, type Leftover, type PlannedImage } from '../policy/deployment.js';
import {
  assertListed,
  decideScope,
  deferTo,
  excludedNames,
  selectNames,
  type DeployScope,
} from '../policy/deploy-scope.js';
import { methodFor, notOffered } from '../policy/import-methods.js';
import { foreignIdWarnings } from '../policy/new-image.js';
import { desiredImage } from '../policy/reconciliation.js';
import { unknownPins } from '../policy/pinned-builds.js';
import type { UnmarkedPutBack } from '../policy/put-backs.js';
import type { CatalogueKind } from '../policy/site-image.js';
import {
  parseSiteProperties,
  sitePropertiesOf,
  unmatchedSiteProperties,
  withDesired,
  type SiteProperties,
} from '../policy/site-properties.js';
import type { SupportedBuild } from '../policy/supported-builds.js';
import { importRefusal } from '../policy/verification.js';
import { unusedLeftovers } from './leftovers.js';
import { openLists } from './list-catalogue.js';
import { reconcilable } from './reconcile.js';
import { openObjects } from './objects-catalogue.js';
import { openReleases, storeUrls } from './releases-catalogue.js';
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
  /** False if images are missing in it, since a catalogue or a part of one could not be read. */
  readonly isComplete: boolean;
}

export interface ReadScope extends DeployScope {
  /** What supports.yaml lists; nothing if the older store is not read. */
  readonly supported: readonly SupportedBuild[];
  readonly siteProperties: SiteProperties;
}

/** Throws INVALID_INPUT if the arguments contradict each other or supports.yaml, or request what cannot be. */
export async function readScope(
  args: DeployArguments,
  context: Pick<Context, 'environment' | 'signal'>,
): Promise<ReadScope> {
  const scope = decideScope(args, cataloguesOf(args));
  const siteProperties = parseSiteProperties(args.properties ?? {});
  if (scope.kinds.includes('releases')) storeUrls(args);
  if (scope.kinds.includes('list')) assertLists(args);
  const supported = scope.kinds.includes('objects') ? (await readSupports(args, context)).builds : [];
  assertListed(args, supported);
  return { ...scope, supported, siteProperties };
}

/** The catalogues that could be opened, and why the others could not. */
export interface OpenedCatalogues {
  readonly catalogues: readonly Catalogue[];
  readonly unread: ReadonlyMap<CatalogueKind, string>;
}

/**
 * The failure of one catalogue is reported and does not stop the others; that of the only one is
 * thrown, and so is a fault in a file of this host, which the site can correct.
 */
export async function openCatalogues(scope: ReadScope, access: StoreAccess): Promise<OpenedCatalogues> {
  const { kinds, ids, supported } = scope;
  const open: Readonly<Record<CatalogueKind, () => Promise<Catalogue>>> = {
    releases: () => openReleases(access),
    objects: () => openObjects(access, supported, ids),
    list: () => openLists(access),
  };
  const settled = await Promise.allSettled(kinds.map((kind) => open[kind]()));
  const failed = settled.flatMap((result, index) => {
    const kind = kinds[index];
    return result.status === 'rejected' && kind !== undefined ? [{ kind, error: result.reason }] : [];
  });
  const fatal = failed.find(({ error }) => error instanceof InputError) ?? failed[0];
  if (fatal && (kinds.length === 1 || fatal.error instanceof InputError || access.context.signal.aborted))
    throw fatal.error;
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
    plan.images.map((planned) => limit(() => prepareJob(planned, byName.get(planned.name), scope, run))),
  );
  const importable = await withImportable(jobs, run);
  const { leftovers, warnings } = await unusedLeftovers(plan.leftovers, run);
  return {
    jobs: importable,
    leftovers,
    putBacks: plan.putBacks,
    warnings: [
      ...selected.warnings,
      ...(isUnrestricted(args) && opened.unread.size === 0
        ? [
            ...unknownPins(args.pins ?? {}, namesIn(opened.catalogues)),
            ...unmatchedSiteProperties(scope.siteProperties, namesIn(opened.catalogues)),
          ]
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
    isComplete: read.unread.size === 0 && read.failures.length === 0,
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
    sourcePrefixes: catalogues.flatMap(({ sourcePrefixes }) => sourcePrefixes),
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
      const unread = kinds.slice(0, kinds.indexOf(kind)).filter((other) => opened.unread.has(other));
      const before = { unread, managerTag: run.args.image_manager_tag };
      read = {
        ...read,
        images: [...read.images, ...images.map((image) => deferTo(image, kind, before))],
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
  { siteProperties }: ReadScope,
  run: DeployRun,
): Promise<DeployJob> {
  const desired = desiredImage(image?.wanted, sitePropertiesOf(planned.name, siteProperties));
  const { isBuiltFrom = () => false, readSource } = image ?? {};
  const isTransferred = planned.action === 'deploy' || (planned.action === 'resume' && planned.incoming !== undefined);
  if (!isTransferred || !readSource) return reconcilable({ planned, isBuiltFrom, desired, warnings: [] }, run);
  try {
    const { source, warnings } = await readSource();
    const content = {
      properties: withDesired(source.properties, desired.properties),
      wanted: { ...desired.wanted, ...source.wanted },
    };
    return { planned, isBuiltFrom, desired, source: { ...source, ...content }, warnings };
  } catch (error) {
    run.context.signal.throwIfAborted();
    const failure = { action: 'failed', reason: messageOf(error), code: codeOf(error) } as const;
    return { planned: { ...planned, ...failure }, isBuiltFrom, desired, warnings: [] };
  }
}

/**
 * Throws IMPORT_NOT_OFFERED if Glance does not offer what the images require, and refuses each image that could not be
 * verified afterwards.
 */
async function withImportable(jobs: readonly DeployJob[], run: DeployRun): Promise<readonly DeployJob[]> {
  const method = run.args.import_method;
  const isImported = ({ source }: DeployJob): boolean =>
    source !== undefined && methodFor(method, source.diskFormat) !== 'stream';
  if (!jobs.some(isImported)) return jobs;
  const offered = await importMethods(run.cloud);
  const refusal = notOffered(method, offered);
  if (refusal !== undefined)
    throw new OperationError('IMPORT_NOT_OFFERED', refusal, { offered: offered.join(', ') || 'none' });
  return refuseImports(jobs, method);
}

/** The jobs with a failure for each image whose data could not be verified after such an import. */
export function refuseImports(
  jobs: readonly DeployJob[],
  method: DeployArguments['import_method'],
): readonly DeployJob[] {
  return method === 'web-download' ? jobs.map(withImportRefusal) : jobs;
}

function withImportRefusal(job: DeployJob): DeployJob {
  const reason = job.source && importRefusal(job.source);
  if (reason === undefined) return job;
  const { source: _refused, ...rest } = job;
  return { ...rest, planned: { ...job.planned, action: 'failed', reason } };
}

function plannedIdWarnings(jobs: readonly DeployJob[], images: readonly Image[], projectId: string): string[] {
  return jobs
    .filter(({ planned }) => planned.action === 'deploy')
    .flatMap(({ planned }) => foreignIdWarnings(planned, images, projectId));
}
