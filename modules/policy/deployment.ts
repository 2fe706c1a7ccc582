// Which images to deploy, resume, put right or leave alone: one pure decision over the catalogue and the site's images.
import { isGone, isIncoming, isOurs, isProduction, markers, type SiteImage } from './images.js';
import { decideLeftover, type RecoverySituation } from './recovery.js';

export type PlannedAction = 'up_to_date' | 'deploy' | 'resume' | 'in_progress' | 'conflict' | 'failed';

/** One image that a catalogue offers, whichever kind of catalogue it is. */
export interface Subscription {
  /** Production name. */
  readonly name: string;
  /** What tells this release of the image from every other. */
  readonly release: string;
  /** Why it cannot be deployed. */
  readonly fault?: string;
  /** Whether an image of the site was made of this release. */
  readonly isMadeInto: (image: SiteImage) => boolean;
  /** What an image of the site is, in words such as `release 20250422-v1-amd`; undefined where it does not tell. */
  readonly describe: (image: SiteImage) => string | undefined;
  /** Name of the image that goes into production together with this one, or not at all. */
  readonly pairedWith?: string;
  /** Why it must not replace an image of the site; undefined where it may. */
  readonly objectionTo?: (image: SiteImage) => string | undefined;
}

/** What is to become of one image of the catalogue. */
export interface PlannedImage {
  readonly name: string;
  readonly release: string;
  readonly pairedWith?: string;
  readonly action: PlannedAction;
  readonly reason: string;
  /** The image that users get by this name now; it is archived when the new one is there. */
  readonly production?: SiteImage;
  /** An incoming image that an earlier run left, to go on with. */
  readonly incoming?: SiteImage;
  /** Set when only the second half of a promotion is missing: the image to archive. */
  readonly unarchived?: SiteImage;
}

/** An image that an earlier run left and nobody will ask for again. */
export interface Leftover {
  readonly image: SiteImage;
  readonly reason: string;
}

export interface DeploymentPlan {
  readonly images: readonly PlannedImage[];
  readonly leftovers: readonly Leftover[];
}

export interface DeploymentInput {
  readonly wanted: readonly Subscription[];
  /** Names of which leftovers may be cleared away: those selected, and in an unrestricted run those that left the catalogue too. */
  readonly isInScope: (name: string) => boolean;
  /** What the URLs of these catalogues' objects begin with: an image from elsewhere may belong to a run of another catalogue. */
  readonly sourcePrefixes: readonly string[];
  readonly images: readonly SiteImage[];
  /** Id of our project. */
  readonly owner: string;
  readonly force: boolean;
  readonly recovery: RecoverySituation;
}

export function planDeployment(input: DeploymentInput): DeploymentPlan {
  const alive = input.images.filter((image) => !isGone(image));
  const incoming = alive.filter((image) => isIncoming(image) && image.owner === input.owner);
  const images = input.wanted.map((wanted) => planImage(wanted, alive, incoming, input));
  const goneOnWith = new Set(images.flatMap((planned) => (planned.incoming ? [planned.incoming.id] : [])));
  const leftovers = incoming
    .filter((image) => !goneOnWith.has(image.id) && input.isInScope(image.properties[markers.name] ?? '') && (isFromHere(image, input) || isForgotten(image, input)))
    .flatMap((image) => {
      const { verdict, reason } = decideLeftover(image, false, input.recovery);
      return verdict === 'delete' ? [{ image, reason }] : [];
    });
  return { images, leftovers };
}

function isFromHere(image: SiteImage, { sourcePrefixes }: DeploymentInput): boolean {
  return sourcePrefixes.some((prefix) => (image.properties[markers.source] ?? '').startsWith(prefix));
}

/** Too old for any run to be at it, of whichever catalogue. */
function isForgotten(image: SiteImage, { recovery }: DeploymentInput): boolean {
  return recovery.now.getTime() - Date.parse(image.updated_at) >= recovery.uploadTimeoutSeconds * 1000;
}

function planImage(wanted: Subscription, alive: readonly SiteImage[], incoming: readonly SiteImage[], input: DeploymentInput): PlannedImage {
  const { name, release, pairedWith } = wanted;
  const known = { name, release, ...(pairedWith === undefined ? {} : { pairedWith }) };
  if (wanted.fault) return { ...known, action: 'failed', reason: wanted.fault };
  const named = alive.filter((image) => image.name === name && image.visibility === 'public');
  const candidates = named.filter((image) => isProduction(image, name, input.owner));
  const strangers = named.filter((image) => !candidates.includes(image));
  if (strangers.length > 0) return { ...known, action: 'conflict', reason: `${strangers.map((image) => describeStranger(image, input.owner)).join('; ')}: rename or remove it` };

  const pair = halfPromoted(candidates);
  if (candidates.length > 1 && !pair) {
    const ids = candidates.map((image) => image.id).join(', ');
    return { ...known, action: 'conflict', reason: `${candidates.length} public images of this name, and no marker says which replaces which: ${ids}; rename or remove all but one` };
  }
  const production = pair?.newer ?? candidates[0];
  const base = { ...known, ...(production ? { production } : {}) };
  const isCurrent = production !== undefined && wanted.isMadeInto(production);
  if (isCurrent && !input.force) {
    if (pair) return { ...base, action: 'resume', unarchived: pair.older, reason: `a promotion was broken off: ${pair.older.id} is still to be archived` };
    return { ...base, action: 'up_to_date', reason: `the site has ${wanted.describe(production)}` };
  }
  const objection = production && !isCurrent ? wanted.objectionTo?.(production) : undefined;
  if (objection !== undefined) return { ...base, action: 'failed', reason: objection };
  const unarchived = pair ? { unarchived: pair.older } : {};
  return { ...base, ...unarchived, ...planTransfer(wanted, production, incoming, input) };
}

function planTransfer(
  wanted: Subscription,
  production: SiteImage | undefined,
  incoming: readonly SiteImage[],
  input: DeploymentInput,
): Pick<PlannedImage, 'action' | 'reason' | 'incoming'> {
  const begun = incoming
    .filter((image) => image.properties[markers.name] === wanted.name && wanted.isMadeInto(image))
    .map((image) => ({ image, ...decideLeftover(image, true, input.recovery) }));
  const elsewhere = begun.find(({ verdict }) => verdict === 'in_progress');
  if (elsewhere) return { action: 'in_progress', incoming: elsewhere.image, reason: elsewhere.reason };
  const resumable = begun.find(({ verdict, image }) => verdict === 'resume' && image.status === 'active') ?? begun.find(({ verdict }) => verdict === 'resume');
  if (resumable) return { action: 'resume', incoming: resumable.image, reason: resumable.reason };
  return { action: 'deploy', reason: reasonToDeploy(wanted, production) };
}

function reasonToDeploy(wanted: Subscription, production: SiteImage | undefined): string {
  if (!production) return 'the site has no image of this name';
  if (wanted.isMadeInto(production)) return 'deployed again, as asked';
  const present = wanted.describe(production);
  return present === undefined ? `the site's image ${production.id} tells no release` : `the site has ${present}`;
}

/** The two images of a promotion of which only the first half was done: the newer one's marker names the older one. */
function halfPromoted(candidates: readonly SiteImage[]): { newer: SiteImage; older: SiteImage } | undefined {
  if (candidates.length !== 2) return undefined;
  for (const newer of candidates) {
    const older = candidates.find((image) => image.id === newer.properties[markers.replaces]);
    if (older && older !== newer && isOurs(newer)) return { newer, older };
  }
  return undefined;
}

function describeStranger(image: SiteImage, owner: string): string {
  if (image.owner !== owner) return `image ${image.id} of project ${image.owner} is public under this name`;
  if (image.os_hidden) return `our image ${image.id} is public under this name, but hidden`;
  return `our image ${image.id} is public under this name, but ${image.status}`;
}
