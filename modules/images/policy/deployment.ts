// Which images to deploy, to resume, to finish or to leave alone: one pure decision over the
// catalogue and the site's images.
import { optionText, rollbackText } from '../../core/option-text.js';
import { isSameBuild } from './agent-pairs.js';
import { holdOf, isHeldBy, type Hold } from './holds.js';
import type { WantedAttributes } from './new-image.js';
import { isGone, isIncoming, markers, releaseLabel, type ImageOwnership, type SiteImage } from './site-image.js';
import { productionNamesakes, settleProduction } from './production.js';
import { unmarkedPutBacks, withPutBacks, type UnmarkedPutBack } from './put-backs.js';
import { decideLeftover, type RecoverySituation } from './recovery.js';

export type PlannedAction = 'up_to_date' | 'deploy' | 'resume' | 'held' | 'in_progress' | 'conflict' | 'failed';

/** One image that a catalogue offers, whichever kind of catalogue it is. */
export interface Subscription {
  /** Production name. */
  readonly name: string;
  /** Identifies this release of the image. */
  readonly release: string;
  /** The release as the images of the site name it: that of the catalogue, or a build timestamp. */
  readonly label: string;
  /** What images of this release are named too, such as its other digests. */
  readonly otherLabels?: readonly string[];
  /** When its catalogue last changed, in milliseconds since 1970, if that is known. */
  readonly changedAt?: number | undefined;
  /** Set if the site pins this release: what the catalogue has instead, if that is another one. */
  readonly pin?: { readonly newest?: string };
  /** Why it cannot be deployed. */
  readonly fault?: string;
  /** Whether an image of the site was built from this release. */
  readonly isBuiltFrom: (image: SiteImage) => boolean;
  /**
   * Describes an image of the site, such as `release 20250422-v1-amd`; undefined if it has no
   * release.
   */
  readonly describe: (image: SiteImage) => string | undefined;
  /** Name of the image that goes into production together with this one, or not at all. */
  readonly pairedWith?: string;
  /** Why it must not replace an image of the site; undefined if it may. */
  readonly objectionTo?: (image: SiteImage) => string | undefined;
  /** The attributes and properties that its catalogue gives it, where they are known without its object. */
  readonly wanted?: WantedAttributes & { readonly properties?: Readonly<Record<string, string>> };
}

/** The plan for one image of the catalogue. */
export interface PlannedImage {
  readonly name: string;
  readonly release: string;
  readonly pairedWith?: string;
  readonly action: PlannedAction;
  readonly reason: string;
  /** The error code of a failure, if there is one. */
  readonly code?: string | undefined;
  readonly catalogueChangedAt?: number | undefined;
  /** The present image behind this name; it is archived when the new one is published. */
  readonly production?: SiteImage;
  /** Since when the release is held; absent if it is only pinned. */
  readonly heldSince?: string;
  /** An incoming image of an earlier run that is to be resumed. */
  readonly incoming?: SiteImage;
  /**
   * Set if only the second half of a promotion is missing: the images to archive, the oldest first.
   */
  readonly unarchived?: readonly SiteImage[];
}

/** An image that an earlier run left behind and that is no longer needed. */
export interface Leftover {
  readonly image: SiteImage;
  readonly reason: string;
}

export interface DeploymentPlan {
  readonly images: readonly PlannedImage[];
  readonly leftovers: readonly Leftover[];
  /** What a rollback still lacks; the rest of the plan is for the site after these changes. */
  readonly putBacks: readonly UnmarkedPutBack[];
  /** Other remarks about the images of the site. */
  readonly warnings: readonly string[];
}

export interface DeploymentInput extends ImageOwnership {
  readonly subscriptions: readonly Subscription[];
  /**
   * Names of which leftovers may be deleted: the selected ones and, in an unrestricted run, those
   * that have left the catalogue.
   */
  readonly isInScope: (name: string) => boolean;
  /**
   * The beginnings of the URLs of these catalogues' objects: an image from elsewhere may belong to
   * a run for another catalogue.
   */
  readonly sourcePrefixes: readonly string[];
  readonly images: readonly SiteImage[];
  readonly force: boolean;
  /** The property that is set to `no` on an archived image. */
  readonly metadataField: string;
  readonly recovery: RecoverySituation;
}

export function planDeployment(input: DeploymentInput): DeploymentPlan {
  const found = input.images.filter((image) => !isGone(image));
  const names = input.subscriptions
    .filter(({ fault }) => fault === undefined)
    .map(({ name, label }) => ({ name, fallbackRelease: label }));
  const site = { images: found, owner: input.owner, metadataField: input.metadataField, now: input.recovery.now };
  const putBacks = unmarkedPutBacks(names, site);
  const alive = withPutBacks(found, putBacks);
  const incoming = alive.filter((image) => isIncoming(image, input));
  const images = withHeldHalves(
    input.subscriptions.map((subscription) => planImage(subscription, alive, incoming, input)),
  );
  const held = new Set(images.flatMap(({ name, action }) => (action === 'held' ? [name] : [])));
  const resumedIds = new Set(images.flatMap((planned) => (planned.incoming ? [planned.incoming.id] : [])));
  const unread = new Set(input.subscriptions.flatMap(({ name, fault }) => (fault === undefined ? [] : [name])));
  const leftovers = incoming
    .filter(
      (image) =>
        !resumedIds.has(image.id) &&
        !input.subscriptions.some(({ name, isBuiltFrom }) => held.has(name) && isBuiltFrom(image)) &&
        input.isInScope(image.properties[markers.name] ?? '') &&
        (isFromCatalogues(image, input) || isAbandoned(image, input)),
    )
    .flatMap((image) => {
      // Which release the catalogue has of such a name is not known today, and may be this one.
      const isWanted = unread.has(image.properties[markers.name] ?? '');
      const { verdict, reason } = decideLeftover(image, isWanted, input.recovery);
      return verdict === 'delete' ? [{ image, reason }] : [];
    });
  const warnings = [...images.flatMap((planned) => namesakesOf(planned, alive, input)), ...mixedPairs(images)];
  return { images, leftovers, putBacks, warnings };
}

/** An image that waits for the other half of its pair, because that one is held. */
function withHeldHalves(images: readonly PlannedImage[]): PlannedImage[] {
  return images.map((planned) => {
    const isTransferred = planned.action === 'deploy' || planned.incoming !== undefined;
    const other = images.find(({ name }) => name === planned.pairedWith);
    if (!isTransferred || other?.heldSince === undefined) return planned;
    const { incoming: _waiting, ...rest } = planned;
    const reason = `it goes into production together with ${other.name}, which is held: ${other.reason}`;
    return { ...rest, action: 'held', reason, heldSince: other.heldSince };
  });
}

/** Halves of an agent that were put back by hand, one without the other. */
function mixedPairs(images: readonly PlannedImage[]): string[] {
  return images.flatMap(({ name, action, pairedWith, production }) => {
    const other = images.find((each) => each.name === pairedWith)?.production;
    if (action !== 'held' || !production || !other || isSameBuild(production, other)) return [];
    return [
      `${name}: its production image ${production.id} and that of ${pairedWith}, ${other.id}, are not of the same ` +
        `build; ${rollbackText()} puts both halves back`,
    ];
  });
}

/**
 * Public images of other projects with the same name as a production image of ours: they only
 * affect users who select images by name.
 */
function namesakesOf(
  { name, production }: PlannedImage,
  alive: readonly SiteImage[],
  { owner }: DeploymentInput,
): string[] {
  const foreign = production
    ? alive.filter((image) => image.name === name && image.visibility === 'public' && image.owner !== owner)
    : [];
  return foreign.map(
    (image) =>
      `${name}: image ${image.id} of project ${image.owner} is also public under this name; ` +
      'it is not ours and is left unchanged',
  );
}

function isFromCatalogues(image: SiteImage, { sourcePrefixes }: DeploymentInput): boolean {
  return sourcePrefixes.some((prefix) => (image.properties[markers.source] ?? '').startsWith(prefix));
}

/** Too old to belong to a running deployment, of whichever catalogue. */
function isAbandoned(image: SiteImage, { recovery }: DeploymentInput): boolean {
  return recovery.now.getTime() - Date.parse(image.updated_at) >= recovery.uploadTimeoutSeconds * 1000;
}

function planImage(
  subscription: Subscription,
  alive: readonly SiteImage[],
  incoming: readonly SiteImage[],
  input: DeploymentInput,
): PlannedImage {
  const { name, release, pairedWith, changedAt } = subscription;
  const known = { name, release, catalogueChangedAt: changedAt, ...(pairedWith === undefined ? {} : { pairedWith }) };
  if (subscription.fault) return { ...known, action: 'failed', reason: subscription.fault };
  const { own: candidates, conflicting } = productionNamesakes(alive, name, input.owner, subscription.wanted);
  if (conflicting.length > 0)
    return {
      ...known,
      action: 'conflict',
      reason: `${conflicting.map((image) => describeConflict(image, input.owner)).join('; ')}: rename or remove it`,
    };

  const settled = settleProduction(candidates, alive);
  if (candidates.length > 0 && !settled) {
    const ids = candidates.map((image) => image.id).join(', ');
    return {
      ...known,
      action: 'conflict',
      reason:
        `${candidates.length} ${visibilitiesOf(candidates)} images of this name, and no marker shows which one ` +
        `replaces the others: ${ids}; rename or remove all but one`,
    };
  }
  const production = settled?.present;
  const unarchived = settled?.replaced.length ? { unarchived: settled.replaced } : {};
  const base = { ...known, ...(production ? { production } : {}), ...unarchived };
  const isCurrent = production !== undefined && subscription.isBuiltFrom(production);
  if (isCurrent && !input.force) {
    if (!base.unarchived) return { ...base, ...upToDate(subscription, production) };
    return { ...base, action: 'resume', reason: interrupted(base.unarchived, holdOf(production)) };
  }
  const hold = production && !input.force ? holdOf(production) : undefined;
  if (production && hold && holds(hold, subscription)) {
    if (base.unarchived) return { ...base, action: 'resume', reason: interrupted(base.unarchived, hold) };
    return { ...base, action: 'held', heldSince: hold.since, reason: heldReason(hold, production, subscription) };
  }
  const objection = production && !isCurrent ? subscription.objectionTo?.(production) : undefined;
  if (objection !== undefined) return { ...base, action: 'failed', reason: objection };
  return { ...base, ...planTransfer(subscription, production, incoming, input) };
}

function upToDate(subscription: Subscription, production: SiteImage): Pick<PlannedImage, 'action' | 'reason'> {
  const reason = `the site has ${subscription.describe(production)}`;
  const newest = subscription.pin?.newest;
  return newest === undefined
    ? { action: 'up_to_date', reason }
    : { action: 'held', reason: `${reason}, to which pins keeps it; the catalogue has ${newest}` };
}

function interrupted(unarchived: readonly SiteImage[], hold: Hold | undefined): string {
  const ids = unarchived.map(({ id }) => id).join(', ');
  return (
    `a ${hold ? 'rollback' : 'promotion'} was interrupted: ${ids} ${unarchived.length > 1 ? 'are' : 'is'} ` +
    `still to be archived`
  );
}

/** A pinned release is what the operator asked for, unless it is the very one that was taken back. */
function holds(hold: Hold, subscription: Subscription): boolean {
  return isNamedIn(hold, subscription) || (!subscription.pin && isHeldBy(hold, subscription.label));
}

/** Whether this very release was taken back. */
function isNamedIn({ releases }: Hold, { label, otherLabels = [] }: Subscription): boolean {
  return [label, ...otherLabels].some((each) => releases.includes(each));
}

function heldReason(hold: Hold, production: SiteImage, subscription: Subscription): string {
  const present = releaseLabel(production) || `image ${production.id}`;
  const older = isNamedIn(hold, subscription) ? '' : `, and ${subscription.label} is not newer`;
  return (
    `held since ${hold.since}, when ${hold.releases[0]} was rolled back to ${present}${older}; a newer ` +
    `release, ${optionText('force')} or ${rollbackText('release')} ends this`
  );
}

function planTransfer(
  subscription: Subscription,
  production: SiteImage | undefined,
  incoming: readonly SiteImage[],
  input: DeploymentInput,
): Pick<PlannedImage, 'action' | 'reason' | 'incoming'> {
  const candidates = incoming
    .filter((image) => image.properties[markers.name] === subscription.name && subscription.isBuiltFrom(image))
    .map((image) => ({ image, ...decideLeftover(image, true, input.recovery) }));
  const running = candidates.find(({ verdict }) => verdict === 'in_progress');
  if (running) return { action: 'in_progress', incoming: running.image, reason: running.reason };
  const resumable =
    candidates.find(({ verdict, image }) => verdict === 'resume' && image.status === 'active') ??
    candidates.find(({ verdict }) => verdict === 'resume');
  if (resumable) return { action: 'resume', incoming: resumable.image, reason: resumable.reason };
  return { action: 'deploy', reason: reasonToDeploy(subscription, production) };
}

function reasonToDeploy(subscription: Subscription, production: SiteImage | undefined): string {
  if (!production) return 'the site has no image of this name';
  if (subscription.isBuiltFrom(production)) return 'deployed again as requested';
  const present = subscription.describe(production);
  return present === undefined ? `the site's image ${production.id} has no release` : `the site has ${present}`;
}

function describeConflict(image: SiteImage, owner: string): string {
  if (image.owner !== owner) return `image ${image.id} of project ${image.owner} is public under this name`;
  const what = `our image ${image.id} is ${image.visibility} under this name, but`;
  return image.os_hidden ? `${what} hidden` : `${what} ${image.status}`;
}

function visibilitiesOf(images: readonly SiteImage[]): string {
  return [...new Set(images.map(({ visibility }) => visibility))].join(' and ');
}
