// Which images have had their time: hidden first, deleted later, and never one in use. One pure decision over the site.
import { comparableId, uuidsIn } from '../../core/uuid.js';
import {
  isGone,
  isIncoming,
  isManaged,
  isSnapshot,
  markers,
  parseName,
  type ParsedName,
  type SiteImage,
} from './site-image.js';
import { addMonths, monthsBetween } from './dates.js';
import { describeUse, type ImageUse } from './image-uses.js';

export interface RetentionImage extends SiteImage {
  readonly protected: boolean;
}

export interface RetentionSettings {
  readonly hideMonths: number;
  readonly deleteMonths: number;
  /** Whether an image ages from its creation, or from the day it was replaced where that is known. */
  readonly ageFrom: 'created' | 'superseded';
  /** Days that must lie between hiding and deleting. */
  readonly graceDays: number;
  /** A plan that deletes more is refused whole. */
  readonly maxDeletes?: number | undefined;
  /** Production images whose name has left the catalogue do not age. */
  readonly keepDeprecated: boolean;
  /** Believes a catalogue that has lost many names at once. */
  readonly acceptLosses: boolean;
}

/** `current`: what users get by a production name. `deprecated`: the same, of a name that has left the catalogue. */
export type RetentionState = 'current' | 'deprecated' | 'archived';
export type RetentionAction = 'keep' | 'hide' | 'delete' | 'skip';

/** What is to become of one image that this system cares for. */
export interface PlannedRetention {
  readonly image: RetentionImage;
  /** Absent where the name cannot be taken apart. */
  readonly productionName?: string;
  readonly state: RetentionState;
  /** `skip`: it has had its time, and something forbids to touch it. */
  readonly action: RetentionAction;
  readonly reason: string;
  /** Hiding it is noted with the day, since it is deleted only so many days later. */
  readonly isNoted?: true;
  /** Whole calendar months; absent where Glance does not tell when the image was created. */
  readonly ageMonths?: number;
  /** From when it is due to be hidden and to be deleted, whatever forbids it; absent for one that does not age. */
  readonly hideFrom?: Date;
  readonly deleteFrom?: Date;
}

export interface RetentionInput {
  /** All images of the site, of other projects too: one of them may need one of ours. */
  readonly images: readonly RetentionImage[];
  /** Id of our project. */
  readonly owner: string;
  /** Stands before the names of incoming images. */
  readonly prefix: string;
  /** The names of a catalogue that was read whole; undefined where none is configured. */
  readonly catalogue: ReadonlySet<string> | undefined;
  /** Who uses an image, by its id in the usual spelling. */
  readonly uses: ReadonlyMap<string, ImageUse>;
  /** Names of projects by their ids, as far as they are known. */
  readonly projectNames: ReadonlyMap<string, string>;
  readonly isSelected: (image: SiteImage, productionName: string) => boolean;
  /** Named by `skip_images`. */
  readonly isExempt: (image: SiteImage, productionName: string) => boolean;
  readonly settings: RetentionSettings;
  readonly now: Date;
}

export interface RetentionPlan {
  readonly images: readonly PlannedRetention[];
  /** Why nothing at all may be done. */
  readonly refusal?: string;
  /** Why the catalogue is not believed; there where it keeps an image from what is due. */
  readonly doubt?: string;
}

/** What a tool of old called an image that it was bringing in. */
const incomingOfOld = /^img-cc-prod-/;

export function planRetention(input: RetentionInput): RetentionPlan {
  const candidates = input.images.filter((image) => isCandidate(image, input));
  const doubt = doubtOf(candidates, input);
  const planned = candidates.flatMap((image) => planImage(image, input, doubt));
  const isInTheWay =
    doubt !== undefined && planned.some(({ state, action }) => state === 'deprecated' && action === 'skip');
  return { ...withFuse(withoutNeeded(planned, input.images), input.settings), ...(isInTheWay ? { doubt } : {}) };
}

/** Ours to care for: of our project, brought in by this system or an earlier tool, and no longer on its way in. */
export function isCandidate(image: SiteImage, { owner, prefix }: Pick<RetentionInput, 'owner' | 'prefix'>): boolean {
  if (image.owner !== owner || isGone(image) || isSnapshot(image) || !isManaged(image, owner)) return false;
  return !isIncoming(image, { owner, prefix }) && !image.name.startsWith(prefix) && !incomingOfOld.test(image.name);
}

function planImage(image: RetentionImage, input: RetentionInput, doubt: string | undefined): PlannedRetention[] {
  const parsed = parseName(image, input.catalogue ?? new Set());
  const productionName = parsed?.productionName ?? image.name;
  if (!input.isSelected(image, productionName)) return [];
  const since = agingSince(image, input);
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
  const lasting = reasonToLast(base.state, productionName, input);
  if (lasting) return [{ ...base, action: 'keep', reason: lasting }];
  if (!since) return [{ ...base, action: 'keep', reason: 'Glance does not tell how old it is' }];
  const due = parsed.isArchive ? dueBy(image, since, input) : dueWithNotice(image, since, input);
  if (due.action === 'keep') return [{ ...base, ...due }];
  const obstacle = (base.state === 'deprecated' ? doubt : undefined) ?? obstacleTo(image, productionName, input);
  return [{ ...base, ...due, ...(obstacle ? { action: 'skip' as const, reason: `${obstacle}; ${due.reason}` } : {}) }];
}

/**
 * Once a name of the catalogue is public it is current, hidden or deactivated though it may be: somebody may be about to bring it back.
 * So is one that was replaced and then put back by hand, mark of the replacement and all.
 */
function retentionStateOf(
  image: RetentionImage,
  { productionName, isArchive }: ParsedName,
  { catalogue }: Pick<RetentionInput, 'catalogue'>,
): RetentionState {
  if (isArchive || (image.properties[markers.supersededAt] !== undefined && image.visibility !== 'public'))
    return 'archived';
  if (catalogue === undefined || isBeyond(catalogue, image, productionName)) return 'current';
  if (catalogue.has(productionName)) return image.visibility === 'public' ? 'current' : 'archived';
  return 'deprecated';
}

const ipaName = /\.(kernel|initramfs)$/;

/** A catalogue that has lost more names than this, and more than a third of those that the site has in production, is not believed. */
const believableLosses = 2;

/** A store that is half empty, or the wrong one, must not take the site's images with it. */
function doubtOf(candidates: readonly RetentionImage[], { catalogue, settings }: RetentionInput): string | undefined {
  if (catalogue === undefined || catalogue.size === 0 || settings.acceptLosses || settings.keepDeprecated)
    return undefined;
  const [known, lost] = [new Set<string>(), new Set<string>()];
  for (const image of candidates.filter((candidate) => !isHidden(candidate))) {
    const parsed = parseName(image, catalogue);
    if (!parsed || parsed.isArchive || isBeyond(catalogue, image, parsed.productionName)) continue;
    known.add(parsed.productionName);
    if (retentionStateOf(image, parsed, { catalogue }) === 'deprecated') lost.add(parsed.productionName);
  }
  if (lost.size <= believableLosses || lost.size * 3 <= known.size) return undefined;
  const names = [...lost].sort().slice(0, 5).join(', ');
  return `the catalogue has lost ${lost.size} of the ${known.size} names that the site has in production (${names}${lost.size > 5 ? ', …' : ''}): it is not believed; check it, then accept_losses says that they may go`;
}

/** A catalogue without any IPA image says nothing of those that the site has. */
function isBeyond(catalogue: ReadonlySet<string>, image: SiteImage, productionName: string): boolean {
  const isIpa = ipaName.test(productionName) || ['kernel', 'initramfs'].includes(image.properties['build-ipa'] ?? '');
  return isIpa && ![...catalogue].some((name) => ipaName.test(name));
}

function reasonToLast(
  state: RetentionState,
  name: string,
  { catalogue, settings }: RetentionInput,
): string | undefined {
  if (state === 'archived') return undefined;
  if (state === 'current')
    return catalogue?.has(name)
      ? `the production image of ${name}`
      : `in production, and no catalogue says that ${name} is deprecated`;
  if (catalogue?.size === 0) return 'the catalogue is empty, so no name counts as deprecated';
  return settings.keepDeprecated
    ? `deprecated: the catalogue has no ${name} any more; keep_deprecated keeps it`
    : undefined;
}

/** The moment from which an image ages. Undefined when it cannot be read: then it does not age. */
function agingSince(image: RetentionImage, { settings }: RetentionInput): Date | undefined {
  const superseded = settings.ageFrom === 'superseded' ? image.properties[markers.supersededAt] : undefined;
  const since = new Date(superseded ?? image.created_at);
  return Number.isNaN(since.getTime()) ? undefined : since;
}

const dayMs = 86_400_000;

type Due = Pick<PlannedRetention, 'reason' | 'isNoted' | 'hideFrom' | 'deleteFrom'> & {
  readonly action: 'keep' | 'hide' | 'delete';
};

/** What becomes of an archived image, by its age. */
function dueBy(image: RetentionImage, since: Date, { settings, now }: RetentionInput): Due {
  const { hideMonths, deleteMonths, graceDays } = settings;
  const age = `${monthsBetween(since, now)} months old`;
  const hidden = isHidden(image);
  const hideFrom = addMonths(since, hideMonths);
  const oldFrom = addMonths(since, deleteMonths);
  const graceEnds = hidden ? noticeEnd(image, graceDays) : daysAfter(laterOf(hideFrom, now), graceDays);
  const dates = { hideFrom, deleteFrom: graceDays === 0 ? oldFrom : laterOf(oldFrom, graceEnds) };
  if (now >= oldFrom) {
    if (graceDays === 0 || (hidden && now >= graceEnds))
      return { ...dates, action: 'delete', reason: `${age}, deleted from ${deleteMonths}` };
    if (!hidden)
      return {
        ...dates,
        action: 'hide',
        reason: `${age}, hidden from ${hideMonths}; to be deleted ${graceDays} days later`,
      };
    return {
      ...dates,
      action: 'keep',
      reason: `${age} and hidden; to be deleted from ${dayOf(graceEnds)}, after ${graceDays} days of grace`,
    };
  }
  if (hidden) return { ...dates, action: 'keep', reason: `${age} and hidden; to be deleted from ${dayOf(oldFrom)}` };
  if (now >= hideFrom) return { ...dates, action: 'hide', reason: `${age}, hidden from ${hideMonths}` };
  return { ...dates, action: 'keep', reason: `${age}; to be hidden from ${dayOf(hideFrom)}` };
}

/** The least days between hiding an image that bears a production name and deleting it. */
const noticeDays = 30;

/**
 * An image that bears a production name and is not in production is deleted only when this system has hidden it, and so many days
 * later: its name may come back to the catalogue, and one that was hidden before may have been set aside by an operator.
 */
function dueWithNotice(image: RetentionImage, since: Date, { settings, now }: RetentionInput): Due {
  const { hideMonths, deleteMonths } = settings;
  const days = Math.max(noticeDays, settings.graceDays);
  const age = `${monthsBetween(since, now)} months old`;
  const hidden = isHidden(image);
  const isNoted = hidden && image.properties[markers.hiddenAt] !== undefined;
  const hideFrom = addMonths(since, hideMonths);
  const deleteFrom = laterOf(
    addMonths(since, deleteMonths),
    isNoted ? noticeEnd(image, days) : daysAfter(laterOf(hideFrom, now), days),
  );
  const dates = { hideFrom, deleteFrom };
  if (now < hideFrom) return { ...dates, action: 'keep', reason: `${age}; to be hidden from ${dayOf(hideFrom)}` };
  const later = `to be deleted ${days} days later at the earliest`;
  if (!hidden)
    return { ...dates, action: 'hide', reason: `${age}, hidden from ${hideMonths}; ${later}`, isNoted: true };
  if (!isNoted)
    return {
      ...dates,
      action: 'hide',
      reason: `${age}, and hidden by somebody else, which is noted; ${later}`,
      isNoted: true,
    };
  if (!(now >= deleteFrom))
    return { ...dates, action: 'keep', reason: `${age} and hidden; to be deleted from ${dayOf(deleteFrom)}` };
  return { ...dates, action: 'delete', reason: `${age}, deleted from ${deleteMonths}` };
}

/** Any later change of the image only puts the day off. */
function noticeEnd(image: RetentionImage, days: number): Date {
  return daysAfter(new Date(image.updated_at), days);
}

function daysAfter(moment: Date, days: number): Date {
  return new Date(moment.getTime() + days * dayMs);
}

/** The one that cannot be read is later than any. */
function laterOf(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/** True where users do not find the image in their lists, by whichever way of hiding. */
export function isHidden(image: SiteImage): boolean {
  return image.os_hidden || image.visibility === 'private';
}

function dayOf(moment: Date): string {
  return Number.isNaN(moment.getTime()) ? 'a day that is not known' : moment.toISOString().slice(0, 10);
}

function obstacleTo(image: RetentionImage, productionName: string, input: RetentionInput): string | undefined {
  if (image.protected) return 'protected in Glance';
  if (input.isExempt(image, productionName)) return 'named by skip_images';
  const use = input.uses.get(comparableId(image.id));
  return use && `used by ${describeUse(use, input.projectNames)}`;
}

const needs = ['kernel_id', 'ramdisk_id'] as const;

/** The ids of the images that an image boots with, in the usual spelling. */
export function requiredImageIds({ properties }: SiteImage): string[] {
  return [
    ...needs.flatMap((property) => properties[property] ?? []).map(comparableId),
    ...uuidsIn(properties.block_device_mapping ?? ''),
  ];
}

/** Whatever an image that stays boots with stays as it is; so does what that one needs, and so on. */
function withoutNeeded(planned: readonly PlannedRetention[], images: readonly SiteImage[]): PlannedRetention[] {
  const entries = new Map(planned.map((entry) => [comparableId(entry.image.id), entry]));
  const staying: SiteImage[] = images.filter(
    (image) => entries.get(comparableId(image.id))?.action !== 'delete' && !isGone(image),
  );
  for (let image = staying.pop(); image; image = staying.pop()) {
    for (const id of requiredImageIds(image)) {
      const needed = entries.get(id);
      if (needed?.action !== 'delete' && needed?.action !== 'hide') continue;
      entries.set(id, {
        ...needed,
        action: 'skip',
        reason: `used by image ${image.name} (${image.id}) as its kernel or ramdisk; ${needed.reason}`,
      });
      if (needed.action === 'delete') staying.push(needed.image);
    }
  }
  return [...entries.values()];
}

/** The same plan, of which nothing is carried out. */
export function withholdPlan(images: readonly PlannedRetention[], why: string): PlannedRetention[] {
  return images.map((planned) =>
    planned.action === 'hide' || planned.action === 'delete'
      ? { ...planned, action: 'skip', reason: `not touched, since ${why}: would ${planned.action}; ${planned.reason}` }
      : planned,
  );
}

function withFuse(images: readonly PlannedRetention[], { maxDeletes }: RetentionSettings): RetentionPlan {
  const deletes = images.filter(({ action }) => action === 'delete').length;
  if (maxDeletes === undefined || deletes <= maxDeletes) return { images };
  const refusal = `the plan deletes ${deletes} images, more than max_deletes ${maxDeletes}: it is refused whole; look at it, then raise max_deletes or name images to keep`;
  return { refusal, images: withholdPlan(images, 'the plan is refused') };
}
