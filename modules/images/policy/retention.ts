// Which images to hide and, later, to delete, but never one that is in use: one pure decision over
// all images of the site.
import { optionText } from '../../core/option-text.js';
import { parseName, type ParsedName } from './archive-names.js';
import { counted } from '../../core/counts.js';
import { comparableId } from '../../core/uuid.js';
import type { HeldImages } from './held-images.js';
import { dependentUser, describeUse, type ImageUse, requiredImageIds } from './image-uses.js';
import { isHidden } from './hiding.js';
import { isTakenOver, type TakeOver } from './image-manager-images.js';
import { newestOfEachName } from './newest-images.js';
import { isGone, isIncoming, isManaged, isShown, isSnapshot, markers, type SiteImage } from './site-image.js';
import { monthsBetween } from './dates.js';
import { ageStart, scheduleImage, type RetentionAges, type RetentionSchedule } from './retention-schedule.js';

export interface RetentionImage extends SiteImage {
  readonly protected: boolean;
}

export interface RetentionSettings extends RetentionAges {
  /** How many images of each name are never deleted: the newest ones. */
  readonly keep: number;
  /** A plan that deletes more images than this is refused as a whole. */
  readonly maxDeletes?: number | undefined;
  /** Production images do not age when their name leaves the catalogue. */
  readonly keepDeprecated: boolean;
  /** Accepts a catalogue that has lost many names at once. */
  readonly acceptLosses: boolean;
}

/**
 * `current`: the image behind a production name. `deprecated`: the same, for a name that has left
 * the catalogue.
 */
export type RetentionState = 'current' | 'deprecated' | 'archived';
export type RetentionAction = 'keep' | 'hide' | 'delete' | 'skip';

/** The plan for one image that this system manages. */
export interface PlannedRetention
  extends Partial<Pick<RetentionSchedule, 'recordsHiding' | 'hideFrom' | 'deleteFrom'>> {
  readonly image: RetentionImage;
  /** Absent if the name cannot be parsed. */
  readonly productionName?: string;
  readonly state: RetentionState;
  /** `skip`: the image is due, but something forbids the action. */
  readonly action: RetentionAction;
  readonly reason: string;
  /** Whole calendar months; absent if the image does not age. */
  readonly ageMonths?: number;
}

export interface RetentionInput {
  /** All images of the site, including those of other projects, which may boot with one of ours. */
  readonly images: readonly RetentionImage[];
  /** Id of our project. */
  readonly owner: string;
  /** Prefix of the names of incoming images. */
  readonly prefix: string;
  /** Which images of openstack-image-manager count; none if absent. */
  readonly takeOver?: TakeOver;
  /** All names in the catalogue; undefined if none is configured. */
  readonly catalogue: ReadonlySet<string> | undefined;
  /** It came from a mirror, which may lag behind: a name that it lacks may be a new one. */
  readonly isMirrored?: boolean;
  /** Who uses an image, by its id in canonical form. */
  readonly uses: ReadonlyMap<string, ImageUse>;
  /** Names of projects by id, as far as they are known. */
  readonly projectNames: ReadonlyMap<string, string>;
  readonly isSelected: (image: SiteImage, productionName: string) => boolean;
  /** Listed in `skip_images`. */
  readonly isExempt: (image: SiteImage, productionName: string) => boolean;
  /** Held since a rollback, or pinned. */
  readonly heldImages: Pick<HeldImages, 'reasonToKeep'>;
  readonly settings: RetentionSettings;
  readonly now: Date;
}

export interface RetentionPlan {
  readonly images: readonly PlannedRetention[];
  /** Why the whole plan is refused. */
  readonly refusal?: string;
  /** How many images that plan would have deleted. */
  readonly refusedDeletions?: number;
  /** Why the catalogue is not trusted; set if this keeps an image from being hidden or deleted. */
  readonly doubt?: string;
}

/** How an older tool named the images that it was uploading. */
const olderIncomingName = /^img-cc-prod-/;

export function planRetention(input: RetentionInput): RetentionPlan {
  const candidates = input.images.filter((image) => isCandidate(image, input));
  const doubt = doubtOf(candidates, input);
  const newest = newestOfEachName(candidates, { ...input, keep: input.settings.keep });
  const planned = candidates.flatMap((image) => planImage(image, input, { doubt, newest }));
  const isDoubtDecisive =
    doubt !== undefined && planned.some(({ state, action }) => state === 'deprecated' && action === 'skip');
  return {
    ...limitDeletes(keepRequired(planned, input.images), input.settings),
    ...(isDoubtDecisive ? { doubt } : {}),
  };
}

/**
 * True for an image of our project that this system, an older tool, or another one that is taken over, has deployed,
 * and that is no longer incoming.
 */
export function isCandidate(
  image: SiteImage,
  { owner, prefix, takeOver }: Pick<RetentionInput, 'owner' | 'prefix' | 'takeOver'>,
): boolean {
  if (image.owner !== owner || isGone(image) || isSnapshot(image)) return false;
  if (!isManaged(image, owner) && !(takeOver && isTakenOver(image, owner, takeOver))) return false;
  return !isIncoming(image, { owner, prefix }) && !image.name.startsWith(prefix) && !olderIncomingName.test(image.name);
}

interface PlanFacts {
  readonly doubt: string | undefined;
  readonly newest: ReadonlySet<RetentionImage>;
}

function planImage(image: RetentionImage, input: RetentionInput, { doubt, newest }: PlanFacts): PlannedRetention[] {
  const parsed = parseName(image, input.catalogue ?? new Set());
  const productionName = parsed?.productionName ?? image.name;
  if (!input.isSelected(image, productionName)) return [];
  const since = ageStart(image, input.settings);
  const base = {
    image,
    ...(parsed ? { productionName } : {}),
    state: parsed ? retentionStateOf(image, parsed, input) : ('archived' as const),
    ...(since ? { ageMonths: monthsBetween(since, input.now) } : {}),
  };
  if (!parsed)
    return [
      { ...base, action: 'keep', reason: 'left alone: its name is neither a production name nor an archive name' },
    ];
  const keepReason =
    reasonToKeep(base.state, productionName, input) ?? input.heldImages.reasonToKeep(image, productionName);
  if (keepReason) return [{ ...base, action: 'keep', reason: keepReason }];
  if (!since) return [{ ...base, action: 'keep', reason: 'its age cannot be determined' }];
  const due = scheduleImage(image, { ...parsed, since, isNewest: newest.has(image) }, input.settings, input.now);
  if (due.action === 'keep') return [{ ...base, ...due }];
  const obstacle = (base.state === 'deprecated' ? doubt : undefined) ?? obstacleTo(image, productionName, input);
  return [{ ...base, ...due, ...(obstacle ? { action: 'skip' as const, reason: `${obstacle}; ${due.reason}` } : {}) }];
}

/**
 * An image that has its visibility of production and a name of the catalogue is current even if it
 * is hidden or deactivated, because somebody may be about to restore it. So is an image that was
 * replaced and then put back by hand, although it still has the marker of the replacement. Without any
 * mark it is not known how users see the image, so it is current however it is hidden.
 */
function retentionStateOf(
  image: RetentionImage,
  { productionName, isArchive }: ParsedName,
  { catalogue, owner }: Pick<RetentionInput, 'catalogue' | 'owner'>,
): RetentionState {
  if (isArchive || (image.properties[markers.supersededAt] !== undefined && !isShown(image))) return 'archived';
  if (catalogue === undefined || isOutsideCatalogue(catalogue, image, productionName)) return 'current';
  if (catalogue.has(productionName)) return isShown(image) || !isManaged(image, owner) ? 'current' : 'archived';
  return 'deprecated';
}

const ipaName = /\.(kernel|initramfs)$/;

/**
 * A catalogue that has lost more names than this, and more than a third of the site's production
 * names, is not trusted.
 */
const plausibleLosses = 2;

/** An incomplete catalogue, or the wrong one, must not cause the site's images to be deleted. */
function doubtOf(candidates: readonly RetentionImage[], input: RetentionInput): string | undefined {
  const { catalogue, settings } = input;
  if (catalogue === undefined || catalogue.size === 0 || settings.acceptLosses || settings.keepDeprecated)
    return undefined;
  const [known, lost] = [new Set<string>(), new Set<string>()];
  for (const image of candidates.filter((each) => !isHidden(each) || (!each.os_hidden && isShown(each)))) {
    const parsed = parseName(image, catalogue);
    if (!parsed || parsed.isArchive || isOutsideCatalogue(catalogue, image, parsed.productionName)) continue;
    known.add(parsed.productionName);
    if (retentionStateOf(image, parsed, input) === 'deprecated') lost.add(parsed.productionName);
  }
  if (lost.size <= plausibleLosses || lost.size * 3 <= known.size) return undefined;
  const names = [...lost].sort().slice(0, 5).join(', ');
  return (
    `the catalogue no longer has ${lost.size} of the ${known.size} names that the site has in production ` +
    `(${names}${lost.size > 5 ? ', …' : ''}) and may be incomplete; ` +
    `check it, then give ${optionText('accept_losses')} if they were removed on purpose`
  );
}

/** A catalogue without any IPA image says nothing about those of the site. */
function isOutsideCatalogue(catalogue: ReadonlySet<string>, image: SiteImage, productionName: string): boolean {
  const isIpa = ipaName.test(productionName) || ['kernel', 'initramfs'].includes(image.properties['build-ipa'] ?? '');
  return isIpa && ![...catalogue].some((name) => ipaName.test(name));
}

function reasonToKeep(
  state: RetentionState,
  name: string,
  { catalogue, isMirrored, settings }: RetentionInput,
): string | undefined {
  if (state === 'archived') return undefined;
  if (state === 'current')
    return catalogue?.has(name)
      ? `the production image of ${name}`
      : `in production, and no catalogue says that ${name} is deprecated`;
  if (catalogue?.size === 0) return 'the catalogue is empty, so no name counts as deprecated';
  if (isMirrored) return `deprecated only according to a mirror, which may not have ${name} yet`;
  return settings.keepDeprecated
    ? `deprecated: ${name} is no longer in the catalogue; kept because of keep_deprecated`
    : undefined;
}

function obstacleTo(image: RetentionImage, productionName: string, input: RetentionInput): string | undefined {
  if (image.protected) return 'protected in Glance';
  if (input.isExempt(image, productionName)) return 'listed in skip_images';
  const use = input.uses.get(comparableId(image.id));
  return use && `used by ${describeUse(use, input.projectNames)}`;
}

/** Keeps the images that a remaining image boots with, and those that these boot with in turn. */
function keepRequired(planned: readonly PlannedRetention[], images: readonly SiteImage[]): PlannedRetention[] {
  const entries = new Map(planned.map((entry) => [comparableId(entry.image.id), entry]));
  const remaining: SiteImage[] = images.filter(
    (image) => entries.get(comparableId(image.id))?.action !== 'delete' && !isGone(image),
  );
  for (let image = remaining.pop(); image; image = remaining.pop()) {
    for (const id of requiredImageIds(image)) {
      const needed = entries.get(id);
      if (needed?.action !== 'delete' && needed?.action !== 'hide') continue;
      entries.set(id, {
        ...needed,
        action: 'skip',
        reason: `used by ${dependentUser(image).what}; ${needed.reason}`,
      });
      if (needed.action === 'delete') remaining.push(needed.image);
    }
  }
  return [...entries.values()];
}

/** True for an image that the plan hides or deletes. */
export function isChange({ action }: Pick<PlannedRetention, 'action'>): boolean {
  return action === 'hide' || action === 'delete';
}

/** The images that the plan changes, each before those that it boots with. */
export function changeOrder(planned: readonly PlannedRetention[]): readonly PlannedRetention[] {
  const changes = planned.filter(isChange);
  const isDependent = ({ image }: PlannedRetention): boolean => requiredImageIds(image).length > 0;
  return [...changes.filter(isDependent), ...changes.filter((entry) => !isDependent(entry))];
}

const plannedAttributes = ['name', 'owner', 'visibility', 'os_hidden', 'protected', 'status'] as const;

/**
 * The attribute in which an image differs from the one for which the plan was made; the plan is
 * void then.
 */
export function changedAttribute(planned: RetentionImage, present: RetentionImage): string | undefined {
  return plannedAttributes.find((attribute) => planned[attribute] !== present[attribute]);
}

/** The same plan with every change turned into a skip. */
export function withholdPlan(images: readonly PlannedRetention[], why: string): PlannedRetention[] {
  return images.map((planned) =>
    isChange(planned)
      ? {
          ...planned,
          action: 'skip',
          reason: `not changed because ${why} (planned action: ${planned.action}); ${planned.reason}`,
        }
      : planned,
  );
}

function limitDeletes(images: readonly PlannedRetention[], { maxDeletes }: RetentionSettings): RetentionPlan {
  const deletes = images.filter(({ action }) => action === 'delete').length;
  if (maxDeletes === undefined || deletes <= maxDeletes) return { images };
  const refusal =
    `the plan deletes ${counted(deletes, 'image')}, more than ${optionText('max_deletes')} (${maxDeletes}), ` +
    `so nothing is changed; review the plan, then raise ${optionText('max_deletes')} or list images to keep in ` +
    optionText('skip_images');
  return { refusal, refusedDeletions: deletes, images: withholdPlan(images, 'the plan is refused') };
}
