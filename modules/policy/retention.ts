// Which images have had their time: hidden first, deleted later, and never one in use. One pure decision over the site.
import { isGone, isIncoming, isManaged, isSnapshot, markers, parseName, type ParsedName, type SiteImage } from './images.js';
import { addMonths, monthsBetween } from './months.js';
import { describeUse, type Use } from './uses.js';

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
  /** Whole calendar months; absent where Glance does not tell when the image was created. */
  readonly ageMonths?: number;
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
  /** Who uses an image, by its id. */
  readonly uses: ReadonlyMap<string, Use>;
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
}

/** What a tool of old called an image that it was bringing in. */
const incomingOfOld = /^img-cc-prod-/;

export function planRetention(input: RetentionInput): RetentionPlan {
  const planned = input.images.filter((image) => isCandidate(image, input)).flatMap((image) => planImage(image, input));
  return withFuse(withoutNeeded(planned, input.images), input.settings);
}

/** Ours to care for: of our project, brought in by this system or an earlier tool, and no longer on its way in. */
export function isCandidate(image: SiteImage, { owner, prefix }: Pick<RetentionInput, 'owner' | 'prefix'>): boolean {
  if (image.owner !== owner || isGone(image) || isSnapshot(image) || !isManaged(image, owner)) return false;
  return !isIncoming(image, { owner, prefix }) && !image.name.startsWith(prefix) && !incomingOfOld.test(image.name);
}

function planImage(image: RetentionImage, input: RetentionInput): PlannedRetention[] {
  const parsed = parseName(image, input.catalogue ?? new Set());
  const productionName = parsed?.productionName ?? image.name;
  if (!input.isSelected(image, productionName)) return [];
  const since = agingSince(image, input);
  const base = {
    image,
    ...(parsed ? { productionName } : {}),
    state: parsed ? stateOf(image, parsed, input) : ('archived' as const),
    ...(since ? { ageMonths: monthsBetween(since, input.now) } : {}),
  };
  if (!parsed) return [{ ...base, action: 'keep', reason: 'left alone: its name is neither a production name nor an archive name' }];
  const lasting = reasonToLast(base.state, productionName, input);
  if (lasting) return [{ ...base, action: 'keep', reason: lasting }];
  if (!since) return [{ ...base, action: 'keep', reason: 'Glance does not tell how old it is' }];
  const due = dueBy(image, since, input);
  if (due.action === 'keep') return [{ ...base, ...due }];
  const obstacle = obstacleTo(image, productionName, input);
  return [{ ...base, ...(obstacle ? { action: 'skip' as const, reason: `${obstacle}; ${due.reason}` } : due) }];
}

/** Once a name of the catalogue is public it is current, hidden or deactivated though it may be: somebody may be about to bring it back. */
function stateOf(image: RetentionImage, { productionName, isArchive }: ParsedName, { catalogue }: RetentionInput): RetentionState {
  if (isArchive || image.properties[markers.supersededAt] !== undefined) return 'archived';
  if (catalogue === undefined || isBeyond(catalogue, image, productionName)) return 'current';
  if (catalogue.has(productionName)) return image.visibility === 'public' ? 'current' : 'archived';
  return 'deprecated';
}

const ipaName = /\.(kernel|initramfs)$/;

/** A catalogue without any IPA image says nothing of those that the site has. */
function isBeyond(catalogue: ReadonlySet<string>, image: SiteImage, productionName: string): boolean {
  const isIpa = ipaName.test(productionName) || ['kernel', 'initramfs'].includes(image.properties['build-ipa'] ?? '');
  return isIpa && ![...catalogue].some((name) => ipaName.test(name));
}

function reasonToLast(state: RetentionState, name: string, { catalogue, settings }: RetentionInput): string | undefined {
  if (state === 'archived') return undefined;
  if (state === 'current') return catalogue?.has(name) ? `the production image of ${name}` : `in production, and no catalogue says that ${name} is deprecated`;
  if (catalogue?.size === 0) return 'the catalogue is empty, so no name counts as deprecated';
  return settings.keepDeprecated ? `deprecated: the catalogue has no ${name} any more; keep_deprecated keeps it` : undefined;
}

/** The moment from which an image ages. Undefined when it cannot be read: then it does not age. */
function agingSince(image: RetentionImage, { settings }: RetentionInput): Date | undefined {
  const superseded = settings.ageFrom === 'superseded' ? image.properties[markers.supersededAt] : undefined;
  const since = new Date(superseded ?? image.created_at);
  return Number.isNaN(since.getTime()) ? undefined : since;
}

const dayMs = 86_400_000;

function dueBy(image: RetentionImage, since: Date, { settings, now }: RetentionInput): { action: 'keep' | 'hide' | 'delete'; reason: string } {
  const { hideMonths, deleteMonths, graceDays } = settings;
  const age = `${monthsBetween(since, now)} months old`;
  const hidden = isHidden(image);
  const deleteFrom = addMonths(since, deleteMonths);
  if (now >= deleteFrom) {
    // Any later change of the image only puts the day off.
    const graceEnds = new Date(Date.parse(image.updated_at) + graceDays * dayMs);
    if (graceDays === 0 || (hidden && now >= graceEnds)) return { action: 'delete', reason: `${age}, deleted from ${deleteMonths}` };
    if (!hidden) return { action: 'hide', reason: `${age}, hidden from ${hideMonths}; to be deleted ${graceDays} days later` };
    return { action: 'keep', reason: `${age} and hidden; to be deleted from ${dayOf(graceEnds)}, after ${graceDays} days of grace` };
  }
  if (hidden) return { action: 'keep', reason: `${age} and hidden; to be deleted from ${dayOf(deleteFrom)}` };
  const hideFrom = addMonths(since, hideMonths);
  if (now >= hideFrom) return { action: 'hide', reason: `${age}, hidden from ${hideMonths}` };
  return { action: 'keep', reason: `${age}; to be hidden from ${dayOf(hideFrom)}` };
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
  const use = input.uses.get(image.id);
  return use && `used by ${describeUse(use, input.projectNames)}`;
}

const needs = ['kernel_id', 'ramdisk_id'] as const;

/** The ids of the images that an image boots with. */
export function neededBy(image: SiteImage): string[] {
  return needs.flatMap((property) => image.properties[property] ?? []);
}

/** Whatever an image that stays boots with stays as it is; so does what that one needs, and so on. */
function withoutNeeded(planned: readonly PlannedRetention[], images: readonly SiteImage[]): PlannedRetention[] {
  const entries = new Map(planned.map((entry) => [entry.image.id, entry]));
  const staying: SiteImage[] = images.filter((image) => entries.get(image.id)?.action !== 'delete' && !isGone(image));
  for (let image = staying.pop(); image; image = staying.pop()) {
    for (const id of neededBy(image)) {
      const needed = entries.get(id);
      if (needed?.action !== 'delete' && needed?.action !== 'hide') continue;
      entries.set(id, { ...needed, action: 'skip', reason: `used by image ${image.name} (${image.id}) as its kernel or ramdisk; ${needed.reason}` });
      if (needed.action === 'delete') staying.push(needed.image);
    }
  }
  return [...entries.values()];
}

function withFuse(images: readonly PlannedRetention[], { maxDeletes }: RetentionSettings): RetentionPlan {
  const deletes = images.filter(({ action }) => action === 'delete').length;
  if (maxDeletes === undefined || deletes <= maxDeletes) return { images };
  const refusal = `the plan deletes ${deletes} images, more than max_deletes ${maxDeletes}: it is refused whole; look at it, then raise max_deletes or name images to keep`;
  return {
    refusal,
    images: images.map((planned) =>
      planned.action === 'hide' || planned.action === 'delete' ? { ...planned, action: 'skip', reason: `not touched, since the plan is refused: would ${planned.action}; ${planned.reason}` } : planned,
    ),
  };
}
