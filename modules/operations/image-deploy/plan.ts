// Reads the catalogue, the site's images and the objects to bring in, and makes the plan. Writes nothing.
import pLimit from 'p-limit';
import picomatch from 'picomatch';
import type { Image } from '../../clients/glance/images.js';
import { withoutCredentials } from '../../clients/http/errors.js';
import { messageOf } from '../../core/errors.js';
import { nearest } from '../../core/validation.js';
import { planDeployment, type DeploymentPlan, type PlannedImage } from '../../policy/deployment.js';
import { markers, releaseProperty } from '../../policy/images.js';
import { isBuiltFor, parseCatalogue, parseManifest, select, type CatalogueEntry, type Manifest } from '../../policy/releases.js';
import { assertFormat, headBytes, minDiskGib } from './format.js';
import type { Job, Run, Source } from './job.js';

/** Small requests to the store under way at once. */
const probesAtOnce = 8;

export interface SitePlan {
  readonly jobs: readonly Job[];
  readonly leftovers: DeploymentPlan['leftovers'];
  readonly warnings: readonly string[];
}

export async function readCatalogue(run: Pick<Run, 'store'>): Promise<CatalogueEntry[]> {
  return parseCatalogue(await run.store.readCatalogue(), withoutCredentials(run.store.catalogueUrl));
}

/** Makes the plan, and checks every object that it will need. */
export async function planRun(run: Run, catalogue: readonly CatalogueEntry[], images: readonly Image[]): Promise<SitePlan> {
  const readManifest = manifestReader(run);
  const selected = await selectEntries(run, catalogue, readManifest);
  const unrestricted = !run.args.images && !run.args.latest && !run.args.ipa;
  const selectedNames = new Set(selected.entries.map(({ name }) => name));
  const known = new Set(catalogue.map(({ name }) => name));
  const plan = planDeployment({
    wanted: selected.entries,
    isInScope: (name) => selectedNames.has(name) || (unrestricted && !known.has(name)),
    sourcePrefix: withoutCredentials(run.store.versionsUrl),
    images,
    owner: run.cloud.projectId,
    force: run.args.force,
    recovery: run.recovery,
  });
  const limit = pLimit(probesAtOnce);
  const jobs = await Promise.all(plan.images.map((planned) => limit(() => prepare(planned, run, readManifest))));
  return { jobs, leftovers: plan.leftovers, warnings: [...selected.warnings, ...jobs.flatMap(({ warnings }) => warnings)] };
}

async function selectEntries(run: Run, catalogue: readonly CatalogueEntry[], readManifest: ReadManifest): Promise<{ entries: CatalogueEntry[]; warnings: string[] }> {
  const { images, exclude, latest, ipa } = run.args;
  const entries = select(catalogue, { ...(images ? { includes: picomatch([...images]) } : {}), excludes: picomatch([...exclude]) });
  const unknown = (images ?? []).filter((wanted) => !entries.some(({ name }) => picomatch.isMatch(name, wanted)) && !catalogue.some(({ name }) => name === wanted));
  const isPattern = (wanted: string): boolean => picomatch.scan(wanted).isGlob;
  const missing = unknown.filter((wanted) => !isPattern(wanted)).map((name) => missingEntry(name, catalogue));
  const warnings = unknown.filter(isPattern).map((pattern) => `images: no image of the catalogue matches ${pattern}`);
  if (!latest && !ipa) return { entries: [...entries, ...missing], warnings };
  const limit = pLimit(probesAtOnce);
  const built = await Promise.all(entries.map((entry) => limit(() => filterByBuild(entry, readManifest, latest, ipa))));
  const chosen = built.filter((entry) => entry !== undefined);
  if (chosen.length === 0) warnings.push(`latest: no image of the catalogue is built for ${[...(latest ?? []), ...(ipa ? [`ipa ${ipa}`] : [])].join(', ')}`);
  return { entries: [...chosen, ...missing], warnings };
}

async function filterByBuild(entry: CatalogueEntry, readManifest: ReadManifest, latest?: readonly string[], ipa?: string): Promise<CatalogueEntry | undefined> {
  if (entry.fault) return entry;
  try {
    return isBuiltFor((await readManifest(entry)).properties, latest, ipa) ? entry : undefined;
  } catch (error) {
    return { ...entry, fault: messageOf(error) };
  }
}

function missingEntry(name: string, catalogue: readonly CatalogueEntry[]): CatalogueEntry {
  const near = nearest(name, catalogue.map((entry) => entry.name));
  const isId = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(name);
  const hint = isId ? '; its images have names, not ids' : near ? `; did you mean ${near}?` : '';
  return { name, release: '', fault: `the catalogue has no image of this name${hint}` };
}

async function prepare(planned: PlannedImage, run: Run, readManifest: ReadManifest): Promise<Job> {
  const transfers = planned.action === 'deploy' || (planned.action === 'resume' && planned.incoming !== undefined);
  if (!transfers) return { planned, warnings: [] };
  try {
    const manifest = await readManifest(planned);
    const source = await readSource(planned, manifest, run);
    const ignored = manifest.ignored.length > 0 ? [`${planned.name}: the manifest's ${manifest.ignored.join(', ')} cannot be set by a manifest and ${manifest.ignored.length > 1 ? 'were' : 'was'} left out`] : [];
    return { planned, source, warnings: ignored };
  } catch (error) {
    run.context.signal.throwIfAborted();
    return { planned: { ...planned, action: 'failed', reason: messageOf(error) }, warnings: [] };
  }
}

async function readSource(planned: PlannedImage, manifest: Manifest, run: Run): Promise<Source> {
  const { args, store } = run;
  const object = await store.probe(store.imageUrl(planned.name, planned.release, args.image_type));
  const head = await store.readHead(object, headBytes);
  assertFormat(object, head, args.image_type);
  return {
    object,
    minDiskGib: args.min_disk === 'auto' ? minDiskGib(object, head) : undefined,
    properties: {
      ...manifest.properties,
      [releaseProperty]: planned.release,
      [markers.name]: planned.name,
      [markers.source]: withoutCredentials(object.url),
      ...(object.sha256 ? { [markers.sha256]: object.sha256 } : {}),
    },
  };
}

type ReadManifest = (entry: { readonly name: string; readonly release: string }) => Promise<Manifest>;

/** Reads each manifest once. */
function manifestReader({ store }: Run): ReadManifest {
  const known = new Map<string, Promise<Manifest>>();
  return ({ name, release }) => {
    const url = store.manifestUrl(name, release);
    const manifest = known.get(url) ?? store.readManifest(name, release).then((document) => parseManifest(document, withoutCredentials(url)));
    known.set(url, manifest);
    return manifest;
  };
}
