// Reads the catalogues, the site's images and the objects to bring in, and makes the plan. Writes nothing.
import pLimit from 'p-limit';
import type { Image } from '../../clients/glance/images.js';
import { InputError, messageOf } from '../../core/errors.js';
import type { Context } from '../../core/operation.js';
import { isUuid } from '../../core/uuid.js';
import { planDeployment, type DeploymentPlan, type PlannedImage } from '../policy/deployment.js';
import { originOf, type CatalogueKind } from '../policy/site-image.js';
import { allowedPropertyRefusal } from '../policy/manifest-properties.js';
import { isMeant, wordsOf, type SupportedBuild } from '../policy/supported-builds.js';
import { cataloguesOf, readSupports } from '../catalogues.js';
import { selectNames, type Catalogue, type Subscribed } from './catalogue.js';
import type { DeployArguments, Job, Planning, Run } from './job.js';
import { openObjects } from './objects-catalogue.js';
import { openReleases, urlOf } from './releases-catalogue.js';

/** Small requests to the stores under way at once. */
const probesAtOnce = 8;

export interface SitePlan {
  readonly jobs: readonly Job[];
  readonly leftovers: DeploymentPlan['leftovers'];
  readonly warnings: readonly string[];
  /** What failed and is not the failure of one planned image. */
  readonly failures: readonly string[];
}

/** What a run is to look at. */
export interface Scope {
  readonly kinds: readonly CatalogueKind[];
  /** Objects of the older store that were named by their ids. */
  readonly ids: readonly string[];
  /** What supports.yaml lists; nothing where the older store is not asked. */
  readonly supported: readonly SupportedBuild[];
}

/**
 * An id, `latest` and `ipa` mean the older store, whatever `catalog` says: the present one has neither ids nor IPA images, and there a
 * distribution, release and variant do not tell images apart. Throws INVALID_INPUT where the arguments contradict each other, or supports.yaml.
 */
export async function readScope(
  args: DeployArguments,
  context: Pick<Context, 'environment' | 'signal'>,
): Promise<Scope> {
  const { latest, ipa, images = [] } = args;
  const kinds = cataloguesOf(args);
  const refusals = args.allowed_properties.flatMap((pattern) => allowedPropertyRefusal(pattern) ?? []);
  if (refusals.length > 0) throw new InputError(`allowed_properties: ${refusals.join('; ')}`, 'allowed_properties');
  if (latest && latest.length > 3)
    throw new InputError(
      `latest: ${latest.join(',')} has more than three words: distribution, release, variant`,
      'latest',
    );
  const ids = images.filter(isUuid);
  if (ids.length > 0 && ids.length < images.length)
    throw new InputError(`images: ${images.join(', ')} has ids and names in it; give one kind of them`, 'images');
  if (ids.length > 0 && (latest || ipa))
    throw new InputError(`images: an id and ${latest ? 'latest' : 'ipa'} exclude each other`, 'images');
  const wanted: readonly CatalogueKind[] = ids.length > 0 || latest || ipa ? ['objects'] : kinds;
  if (wanted.includes('releases')) urlOf(args);
  const supported = wanted.includes('objects') ? (await readSupports(args, context)).builds : [];
  if ((latest || ipa) && !supported.some(({ identity }) => isMeant(identity, latest, ipa)))
    throw notListed(args, supported);
  return { kinds: wanted, ids: [...new Set(ids)], supported };
}

function notListed({ latest = [], ipa }: DeployArguments, supported: readonly SupportedBuild[]): InputError {
  const listed = [
    ...new Set(supported.map(({ identity }) => wordsOf({ ...identity, ipa: 'na' }).replaceAll(' ', ','))),
  ];
  const words = [...(latest.length > 0 ? [`latest ${latest.join(',')}`] : []), ...(ipa ? [`ipa ${ipa}`] : [])].join(
    ' and ',
  );
  return new InputError(
    `${words}: supports.yaml lists no such image; it lists: ${listed.join(' ') || 'nothing'}`,
    latest.length > 0 ? 'latest' : 'ipa',
  );
}

/** The catalogues that could be opened, and why the others could not. */
export interface Opened {
  readonly catalogues: readonly Catalogue[];
  readonly unread: ReadonlyMap<CatalogueKind, string>;
}

/** Opens them all. The failure of one is told and stops no other; that of the only one is thrown. */
export async function openCatalogues(scope: Scope, planning: Planning): Promise<Opened> {
  const { kinds, ids, supported } = scope;
  const settled = await Promise.allSettled(
    kinds.map((kind) => (kind === 'releases' ? openReleases(planning) : openObjects(planning, supported, ids))),
  );
  const unread = new Map<CatalogueKind, string>();
  settled.forEach((result, index) => {
    if (result.status === 'fulfilled') return;
    if (kinds.length === 1 || planning.context.signal.aborted) throw result.reason;
    unread.set(kinds[index] as CatalogueKind, messageOf(result.reason));
  });
  return { catalogues: settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])), unread };
}

/** Makes the plan, and checks every object that it will need. */
export async function planRun(run: Run, scope: Scope, opened: Opened, images: readonly Image[]): Promise<SitePlan> {
  const { args } = run;
  const patterns = scope.ids.length > 0 ? undefined : args.images;
  const selected = selectNames(
    opened.catalogues,
    { images: patterns, exclude: args.exclude },
    opened.unread.size === 0,
  );
  const read = await subscribeAll(run, scope, opened, selected.names);
  const wanted = [...read.subscribed, ...selected.missing, ...excludedIds(scope, opened.catalogues, selected.names)];
  const isUnrestricted = !args.images && !args.latest && !args.ipa && read.unread.size === 0;
  const selectedNames = new Set(wanted.map(({ name }) => name));
  const known = new Set(opened.catalogues.flatMap(({ names }) => names));
  const plan = planDeployment({
    wanted,
    isInScope: (name) => selectedNames.has(name) || (isUnrestricted && !known.has(name)),
    sourcePrefixes: opened.catalogues.map(({ sourcePrefix }) => sourcePrefix),
    images,
    owner: run.cloud.projectId,
    prefix: args.image_prefix,
    force: args.force,
    recovery: run.recovery,
  });
  const limit = pLimit(probesAtOnce);
  const subscriptions = new Map(wanted.map((subscribed) => [subscribed.name, subscribed]));
  const jobs = await Promise.all(
    plan.images.map((planned) => limit(() => prepare(planned, subscriptions.get(planned.name) as Subscribed, run))),
  );
  return {
    jobs,
    leftovers: plan.leftovers,
    warnings: [...selected.warnings, ...read.warnings, ...plan.warnings, ...jobs.flatMap(({ warnings }) => warnings)],
    failures: [
      ...[...read.unread].map(([kind, failure]) => `the catalogue ${kind} could not be read: ${failure}`),
      ...read.failures,
    ],
  };
}

interface ReadCatalogues {
  readonly subscribed: readonly Subscribed[];
  readonly unread: ReadonlyMap<CatalogueKind, string>;
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

async function subscribeAll(
  run: Run,
  { kinds }: Scope,
  opened: Opened,
  names: ReadonlyMap<Catalogue, ReadonlySet<string>>,
): Promise<ReadCatalogues> {
  const unread = new Map(opened.unread);
  const read: { subscribed: Subscribed[]; failures: string[]; warnings: string[] } = {
    subscribed: [],
    failures: [],
    warnings: [],
  };
  for (const catalogue of opened.catalogues) {
    try {
      const { subscribed, failures, warnings } = await catalogue.subscribe(names.get(catalogue) ?? new Set());
      const before = kinds.slice(0, kinds.indexOf(catalogue.kind)).filter((kind) => opened.unread.has(kind));
      read.subscribed.push(...subscribed.map((image) => givingWay(image, catalogue.kind, before)));
      read.failures.push(...failures);
      read.warnings.push(...warnings);
    } catch (error) {
      if (kinds.length === 1 || run.context.signal.aborted) throw error;
      unread.set(catalogue.kind, messageOf(error));
    }
  }
  return { ...read, unread };
}

/** A catalogue that goes before this one, and could not be read, may have the name: what has come from there is not replaced meanwhile. */
function givingWay(image: Subscribed, kind: CatalogueKind, before: readonly CatalogueKind[]): Subscribed {
  const [first] = before;
  if (first === undefined) return image;
  const reason = `the catalogue ${first}, which goes before ${kind} and may have this name, could not be read; the image that has come from there stays`;
  return { ...image, objectionTo: (present) => (originOf(present) === first ? reason : image.objectionTo?.(present)) };
}

/** What was asked for by its id is never left out without a word. */
function excludedIds(
  { ids }: Scope,
  catalogues: readonly Catalogue[],
  names: ReadonlyMap<Catalogue, ReadonlySet<string>>,
): Subscribed[] {
  if (ids.length === 0) return [];
  const excluded = catalogues.flatMap((catalogue) =>
    catalogue.names.filter((name) => !names.get(catalogue)?.has(name)),
  );
  return excluded.map((name) => ({
    name,
    release: '',
    fault: 'it was asked for by its id, but exclude leaves it out',
    isBuiltFrom: () => false,
    describe: () => undefined,
  }));
}

async function prepare(planned: PlannedImage, { isBuiltFrom, readSource }: Subscribed, run: Run): Promise<Job> {
  const transfers = planned.action === 'deploy' || (planned.action === 'resume' && planned.incoming !== undefined);
  if (!transfers || !readSource) return { planned, isBuiltFrom, warnings: [] };
  try {
    return { planned, isBuiltFrom, ...(await readSource()) };
  } catch (error) {
    run.context.signal.throwIfAborted();
    return { planned: { ...planned, action: 'failed', reason: messageOf(error) }, isBuiltFrom, warnings: [] };
  }
}
