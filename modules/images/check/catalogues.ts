// The catalogues, the age of their newest releases, and each object that the next deployment would
// bring in: by the plan that image_deploy makes, which writes nothing.
import { countActions, counted } from '../../core/counts.js';
import { formatBytes } from '../../core/sizes.js';
import { optionText } from '../../core/option-text.js';
import { peekRunLock } from '../../runtime/run-lock.js';
import { cataloguesOf } from '../catalogues.js';
import { imageDeployDeclaration } from '../deploy/declaration.js';
import { openCatalogues, prepareDeployment, readScope, refuseImports, type ReadScope } from '../deploy/plan.js';
import { expectedResults } from '../deploy/planned-results.js';
import type { Catalogue, CatalogueImage, DeployJob, DeployRun, ImageSource } from '../deploy/run.js';
import { checkPublishing } from '../deploy/publishing.js';
import { readWantedStores } from '../deploy/stores.js';
import type { ImageResult } from '../policy/deploy-results.js';
import type { Observation } from '../policy/check-findings.js';
import { judgeReleases } from '../policy/check-rules.js';
import { selectNames } from '../policy/deploy-scope.js';
import type { CatalogueKind } from '../policy/site-image.js';
import { newestReportedDigests } from '../policy/verification.js';
import { attempt, deployArguments, failureObservation, observe, type CheckedSite, type CheckRun } from './run.js';

/** How many objects of each catalogue are looked at if there is no plan. */
const sampleSize = 5;

export interface CheckedCatalogues {
  readonly observations: readonly Observation[];
  /** What the next deployment would do; empty if the images of the site are not known. */
  readonly jobs: readonly DeployJob[];
}

/** A catalogue that could be opened, and what was read of it since. */
interface OpenCatalogue {
  readonly kind: CatalogueKind;
  readonly catalogue: Catalogue;
  readonly scope: ReadScope;
  readonly images: CatalogueImage[];
}

/** `site`: absent without a login. */
export async function checkCatalogues(run: CheckRun, site: CheckedSite | undefined): Promise<CheckedCatalogues> {
  const { value: kinds, failure } = await attempt(run, { check: 'catalogue', fails: ['deploy'] }, () =>
    cataloguesOf(run.args),
  );
  if (failure) return { observations: [failure], jobs: [] };
  const unread = new Map<CatalogueKind, string>();
  const opened: OpenCatalogue[] = [];
  const failures: Observation[] = [];
  for (const kind of kinds) {
    const part = { check: 'catalogue', subject: kind, fails: ['deploy'] } as const;
    const found = await attempt(run, part, () => openOne(run, kind));
    if (found.failure) {
      failures.push(found.failure);
      unread.set(kind, found.failure.text);
    } else if (!opened.some((other) => other.kind === found.value.kind)) opened.push(found.value);
  }
  const looked = site?.images
    ? await lookByPlan({ ...site, images: site.images }, { kinds, opened, unread })
    : await lookAtAll(run, opened);
  return { jobs: looked.jobs, observations: [...failures, ...looked.observations, ...agesOf(run, opened)] };
}

async function openOne({ args, context, http }: CheckRun, kind: CatalogueKind): Promise<OpenCatalogue> {
  const own = { ...deployArguments(args), catalog: [kind] };
  const scope = await readScope(own, context);
  const { catalogues } = await openCatalogues(scope, { args: own, context, http });
  const [catalogue] = catalogues;
  if (!catalogue) throw new TypeError(`no catalogue ${kind}`);
  const images: CatalogueImage[] = [];
  const subscribe: Catalogue['subscribe'] = async (names) => {
    const contents = await catalogue.subscribe(names);
    images.push(...contents.images);
    return contents;
  };
  // UUIDs in `images` mean the older store, whatever the catalogue is.
  return { kind: catalogue.kind, scope, images, catalogue: { ...catalogue, subscribe } };
}

interface OpenedAll {
  readonly kinds: readonly CatalogueKind[];
  readonly opened: readonly OpenCatalogue[];
  readonly unread: ReadonlyMap<CatalogueKind, string>;
}

async function lookByPlan(
  site: CheckedSite & { readonly images: NonNullable<CheckedSite['images']> },
  { kinds, opened, unread }: OpenedAll,
): Promise<CheckedCatalogues> {
  const [first] = opened;
  if (!first) return { observations: [], jobs: [] };
  const supported = opened.flatMap(({ scope }) => scope.supported);
  const scope: ReadScope = { ...first.scope, ...(first.scope.ids.length > 0 ? {} : { kinds }), supported };
  const images = site.images.filter(
    ({ visibility, owner }) => visibility !== 'community' || owner === site.cloud.projectId,
  );
  const catalogues = opened.map(({ catalogue }) => catalogue);
  const run = await deployRun(site);
  const { value: prepared, failure } = await attempt(site, { check: 'catalogue', fails: ['deploy'] }, () =>
    prepareDeployment(run, scope, { catalogues, unread }, images),
  );
  if (failure) return { observations: [failure], jobs: [] };
  const jobs = refuseImports(prepared.jobs, site.args.import_method);
  const results = new Map(expectedResults(jobs, images, run).map((result) => [result.name, result]));
  const known = [...unread].map(([kind, reason]) => `the catalogue ${kind} could not be read: ${reason}`);
  return {
    jobs,
    observations: [
      ...opened.map((each) => summaryOf(each, results)),
      ...jobs.flatMap((job) => observationsOf(job, results.get(job.planned.name))),
      ...prepared.failures.filter((text) => !known.includes(text)).map((text) => faultOf(text)),
      ...prepared.warnings.map((text) => ({ check: 'catalogue', text, fault: { fails: [] } })),
    ],
  };
}

/** A run that is only planned. */
async function deployRun(site: CheckedSite): Promise<DeployRun> {
  const { args, context, cloud, http, images = [] } = site;
  const { value: stores } = await attempt(site, { check: 'stores', fails: [] }, () => readWantedStores(args, cloud));
  return {
    // Whether Glance offers another method is an observation of its own.
    args: { ...deployArguments(args), import_method: 'stream' },
    context: { ...context, checkMode: true },
    cloud,
    http,
    recovery: { now: context.now(), uploadTimeoutSeconds: args.upload_timeout, lock: await fingerprintOfLock(site) },
    reserveArchiveName: ({ name }) => name,
    publishing: checkPublishing(cloud),
    glanceDigests: newestReportedDigests(images),
    ...(stores ? { stores } : {}),
  };
}

/** Empty while a deployment is running, or where there is no place for its lock, which is an observation of its own. */
async function fingerprintOfLock(site: CheckedSite): Promise<string> {
  const { args, context, cloud } = site;
  const lock = { directory: args.lock_dir, operation: imageDeployDeclaration.name, cloud: cloud.identity, context };
  const { value } = await attempt(site, { check: 'lock folder', fails: [] }, () => peekRunLock(lock));
  return value?.fingerprint ?? '';
}

type Results = ReadonlyMap<string, ImageResult>;

function summaryOf({ kind, catalogue, images }: OpenCatalogue, results: Results): Observation {
  const own = new Set(images.map(({ name }) => name));
  const planned = [...results.values()].filter(({ name }) => own.has(name));
  const subscribed = planned.length > 0 ? `: ${countActions(planned)}` : ', none of which the site subscribes to';
  return { check: 'catalogue', subject: kind, text: `it has ${counted(catalogue.names.length, 'image')}${subscribed}` };
}

/** None for an image with which nothing will be done. */
function observationsOf({ planned, source }: DeployJob, result: ImageResult | undefined): Observation[] {
  const { name, action, reason } = result ?? planned;
  if (action === 'failed' || action === 'conflict') {
    const advice = `leave it out (${optionText('exclude')}), or report it to its publisher`;
    const fails = ['deploy'] as const;
    return [
      { check: 'object', subject: name, text: reason, fault: { fails, ...(action === 'failed' ? { advice } : {}) } },
    ];
  }
  return source ? [objectOf(name, planned.release, source)] : [];
}

function objectOf(name: string, release: string, { object }: ImageSource): Observation {
  const { bytes, sha256, md5, published = [] } = object;
  const checksums = [
    ...(sha256 ? ['sha256'] : []),
    ...(md5 ? ['md5'] : []),
    ...published.map((each) => each.algorithm),
  ];
  const sums = checksums.length > 0 ? `with ${[...new Set(checksums)].join(', ')}` : 'without a checksum';
  return { check: 'object', subject: name, text: `${release} is there, ${formatBytes(bytes)}, ${sums}` };
}

function faultOf(text: string): Observation {
  return { check: 'catalogue', text, fault: { fails: ['deploy'] } };
}

/**
 * Without the images of the site, everything that it subscribes to may have to be brought in. A few
 * objects show whether the store has them; all would be asked about again and again while Glance is down.
 */
async function lookAtAll(run: CheckRun, opened: readonly OpenCatalogue[]): Promise<CheckedCatalogues> {
  const { images, exclude } = run.args;
  const { names, missing } = selectNames(
    opened.map(({ catalogue }) => catalogue),
    { images, exclude },
    true,
  );
  const looked = opened.map(({ kind, catalogue }) =>
    observe(run, { check: 'catalogue', subject: kind, fails: ['deploy'] }, async () => {
      const read = await catalogue.subscribe(names.get(catalogue) ?? new Set());
      const sample = read.images.filter(({ readSource }) => readSource).slice(0, sampleSize);
      const chosen = read.images.filter((image) => !image.readSource || sample.includes(image));
      const objects = await Promise.all(chosen.map((image) => lookAtObject(run, image)));
      const text =
        `it has ${counted(catalogue.names.length, 'image')}; which of them the site has is not known` +
        (chosen.length < read.images.length ? `, so only the first ${sample.length} are looked at` : '');
      return [
        { check: 'catalogue', subject: kind, text },
        ...objects,
        ...read.failures.map((failure) => faultOf(failure)),
      ];
    }),
  );
  const absent = missing.map(({ name, fault = '' }) => ({ ...faultOf(fault), check: 'object', subject: name }));
  return { jobs: [], observations: [...(await Promise.all(looked)).flat(), ...absent] };
}

async function lookAtObject(run: CheckRun, image: CatalogueImage): Promise<Observation> {
  const part = { check: 'object', subject: image.name, fails: ['deploy'] } as const;
  if (!image.readSource) return { ...part, text: image.fault ?? 'it cannot be read', fault: { fails: ['deploy'] } };
  try {
    return objectOf(image.name, image.release, (await image.readSource()).source);
  } catch (error) {
    run.context.signal.throwIfAborted();
    return failureObservation(error, part, run.context);
  }
}

function agesOf({ args, context }: CheckRun, opened: readonly OpenCatalogue[]): Observation[] {
  const limits = { now: context.now(), staleDays: args.stale_after };
  return opened.flatMap(({ kind, images }) => judgeReleases(kind, images, limits) ?? []);
}
