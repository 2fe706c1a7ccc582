// What the page shows, as data: the images, what comes next for each of them, and the agents.
import type { Image } from '../../clients/glance/images.js';
import { textFor } from '../../core/option-text.js';
import { comparableId } from '../../core/uuid.js';
import { byNameThenNewest, describeImage, describeUsesAndPlan, type InfoImage } from '../info/report.js';
import { agentBootsOf, type AgentBoots, type AgentImage } from '../policy/agent-boots.js';
import type { ImageResult } from '../policy/deploy-results.js';
import { findHeldImages } from '../policy/held-images.js';
import { markers } from '../policy/site-image.js';
import { useBy, type PlannedDeployment, type ReportRun, type SiteReading } from './read.js';

export interface PageImage extends InfoImage {
  readonly hidden_at?: string;
  /** The release that the catalogue has of its name; null if it has none, undefined if unknown. */
  readonly catalogue?: string | null;
  /** What the next deployment does with it, or in its place. */
  readonly deployment?: ImageResult;
}

export interface PageModel {
  readonly title: string;
  /** Which cloud it is. */
  readonly identity: string;
  readonly images: readonly PageImage[];
  /** What the next deployment does with names of the catalogue that the site does not have. */
  readonly missing: readonly ImageResult[];
  /** Images of others that are not listed. */
  readonly unlistedCount: number;
  readonly agents: AgentBoots;
  readonly areNodesKnown: boolean;
  /** Such as `use by servers`. */
  readonly unknownUses: readonly string[];
  readonly isDeploymentKnown: boolean;
  /** False if the next deployment may do more than is known. */
  readonly isDeploymentComplete: boolean;
  readonly isCleaningKnown: boolean;
  /** What an operator has to know before anything else. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

export function pageModel(run: ReportRun, reading: SiteReading): PageModel {
  const { args, cloud } = run;
  const { deployment, cleaning, uses } = reading;
  const listed = run.images.filter((image) => isListed(image, cloud.projectId));
  const described = describeAll(run, reading, listed);
  const results = (deployment?.results ?? []).filter(({ action }) => action !== 'delete');
  const images = withDeployments(described, deployment);
  const taken = new Set(images.flatMap((image) => (image.deployment ? [image.deployment] : [])));
  return {
    title: args.title ?? `Images of ${cloud.siteName}`,
    identity: cloud.identity,
    images,
    missing: results.filter((result) => !taken.has(result)),
    unlistedCount: run.images.length - listed.length,
    agents: agentBootsOf({ halves: halvesOf(described, listed), images: run.images, nodes: reading.nodes }),
    areNodesKnown: reading.areNodesKnown,
    unknownUses: uses ? uses.unknown.map(({ service }) => useBy(service)) : ['use'],
    isDeploymentKnown: deployment !== undefined,
    isDeploymentComplete: deployment?.isComplete ?? false,
    isCleaningKnown: cleaning !== undefined,
    problems: [
      ...reading.unknown.map(({ what, reason }) => `Unknown: ${what}. ${reason}`),
      ...results.filter(isProblem).map(({ name, action, reason }) => `${name}: ${action}: ${reason}`),
      ...(cleaning?.refusals ?? []),
    ],
    notes: [
      ...reading.notConfigured,
      ...(reading.absent.length > 0 ? [`services that this cloud does not have: ${reading.absent.join(', ')}`] : []),
      ...(deployment?.warnings ?? []),
    ],
  };
}

/** Images that nobody here can be expected to care for, such as snapshots of users' servers. */
function isListed({ owner, visibility }: Image, ourProject: string): boolean {
  return owner === ourProject || visibility === 'public';
}

function describeAll({ args, cloud, context, images }: ReportRun, reading: SiteReading, listed: readonly Image[]) {
  const heldImages = findHeldImages(images, { owner: cloud.projectId, pins: args.pins ?? {}, now: context.now() });
  const site = { owner: cloud.projectId, prefix: args.image_prefix, now: context.now(), heldImages };
  const projectNames = reading.uses?.projectNames ?? new Map<string, string>();
  const details = {
    uses: reading.uses?.uses ?? new Map(),
    projectNames,
    planned: reading.cleaning?.planned ?? new Map(),
  };
  return listed
    .map((image): PageImage => {
      const ownerName = projectNames.get(image.owner);
      const hiddenAt = image.properties[markers.hiddenAt];
      return {
        ...describeImage(image, site, details.planned.get(image.id)),
        ...describeUsesAndPlan(image, details, { uses: true }),
        ...(ownerName === undefined ? {} : { owner_name: ownerName }),
        ...(hiddenAt === undefined ? {} : { hidden_at: hiddenAt }),
      };
    })
    .sort(byNameThenNewest);
}

function isProblem({ action }: ImageResult): boolean {
  return action === 'failed' || action === 'conflict';
}

/**
 * The result of a name belongs to the image that it names, or else to the production image, which
 * the new one replaces.
 */
function withDeployments(images: readonly PageImage[], planned: PlannedDeployment | undefined): PageImage[] {
  if (planned === undefined) return [...images];
  const { results, isComplete } = planned;
  const byName = new Map(results.filter(({ action }) => action !== 'delete').map((result) => [result.name, result]));
  const byId = new Map(results.flatMap((result) => (result.id ? [[comparableId(result.id), result] as const] : [])));
  const named = new Set(images.map(({ id }) => comparableId(id)));
  return images.map((image) => {
    const result = image.production_name === undefined ? undefined : byName.get(image.production_name);
    const replaces = image.state === 'current' && result && !(result.id && named.has(comparableId(result.id)));
    const deployment = byId.get(comparableId(image.id)) ?? (replaces ? result : undefined);
    return {
      ...image,
      ...(image.managed && (result || isComplete) ? { catalogue: result?.release ?? null } : {}),
      ...(deployment ? { deployment } : {}),
    };
  });
}

/** In the order of the page, the newest of each name first. */
function halvesOf(described: readonly PageImage[], images: readonly Image[]): AgentImage[] {
  const byId = new Map(images.map((image) => [image.id, image]));
  return described.flatMap(({ id, production_name: productionName, state }) => {
    const image = byId.get(id);
    return image && productionName !== undefined && state !== 'incoming' ? [{ ...image, productionName }] : [];
  });
}

/** The model without secrets, and with the names of options as playbooks and site.yaml have them. */
export function presentable(model: PageModel, redact: (text: string) => string): PageModel {
  return mapTexts(model, (text) => redact(textFor('ansible', text)));
}

function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((element: unknown) => mapTexts(element, change)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)])) as T;
}
