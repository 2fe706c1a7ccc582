// The images of the site as image_info lists them, for programs and for people.
import type { Image } from '../../clients/glance/images.js';
import { listSome } from '../../core/counts.js';
import type { Table } from '../../core/operation.js';
import { formatMebibytes } from '../../core/sizes.js';
import { comparableId } from '../../core/uuid.js';
import type { HeldImages } from '../policy/held-images.js';
import { describeUser } from '../policy/image-uses.js';
import type { PlannedRetention } from '../policy/retention.js';
import { imageStateOf } from '../policy/image-states.js';
import { markers, originOf, releaseProperty } from '../policy/site-image.js';
import type { InfoArguments, UsesAndPlan } from './uses-and-plan.js';

type ImageDescription = ReturnType<typeof describeImage>;

interface PlanDescription {
  readonly action: string;
  readonly reason: string;
  readonly hide_from?: string;
  readonly delete_from?: string;
}

interface UsesDescription {
  readonly used_by?: readonly string[];
  readonly used_by_count?: number;
  readonly plan?: PlanDescription;
}

export type InfoImage = ImageDescription & UsesDescription & { readonly owner_name?: string };

export function describeImage(
  image: Image,
  site: { owner: string; prefix: string; now: Date; heldImages: HeldImages },
  planned?: PlannedRetention,
) {
  const { state, productionName } = stateIn(image, site, planned);
  const held = productionName === undefined ? {} : describeHold(image, productionName, site.heldImages);
  const { [releaseProperty]: release = state === 'unmanaged' ? undefined : image.properties.internal_version } =
    image.properties;
  const supersededAt = image.properties[markers.supersededAt];
  return {
    id: image.id,
    name: image.name,
    ...(productionName === undefined ? {} : { production_name: productionName }),
    ...(release === undefined ? {} : { release }),
    ...(state === 'unmanaged' ? {} : { origin: originOf(image) }),
    state,
    managed: state !== 'unmanaged',
    ...held,
    status: image.status,
    visibility: image.visibility,
    hidden: image.os_hidden,
    protected: image.protected,
    owner: image.owner,
    owned_by_us: image.owner === site.owner,
    ...(image.disk_format === undefined ? {} : { disk_format: image.disk_format }),
    ...(image.size === undefined ? {} : { bytes: image.size }),
    created_at: readableDate(image.created_at),
    age_days: ageInDays(image.created_at, site.now),
    ...(supersededAt === undefined ? {} : { superseded_at: readableDate(supersededAt) }),
  };
}

/** Images that are taken over from another tool are known by the plan, which has read the lists. */
function stateIn(
  image: Image,
  { owner, prefix }: { readonly owner: string; readonly prefix: string },
  planned?: PlannedRetention,
): ReturnType<typeof imageStateOf> {
  const found = imageStateOf(image, owner, prefix);
  if (found.state !== 'unmanaged' || planned?.productionName === undefined) return found;
  const state = planned.state === 'archived' ? 'archived' : 'current';
  return { state, productionName: planned.productionName };
}

interface HoldDescription {
  readonly held?: true;
  readonly held_releases?: readonly string[];
  readonly held_since?: string;
  readonly pinned?: true;
}

function describeHold(image: Image, productionName: string, heldImages: HeldImages): HoldDescription {
  const found = heldImages.holdOn(image, productionName);
  const role = found?.role === 'held' ? { held: true as const } : { held_releases: found?.hold.releases ?? [] };
  return {
    ...(found ? { ...role, held_since: found.hold.since } : {}),
    ...(heldImages.isPinned(image, productionName) ? { pinned: true } : {}),
  };
}

function readableDate(text: string): string | null {
  return Number.isNaN(Date.parse(text)) ? null : text;
}

function ageInDays(created: string, now: Date): number | null {
  const days = Math.floor((now.getTime() - Date.parse(created)) / 86_400_000);
  return Number.isNaN(days) ? null : Math.max(0, days);
}

export function describeUsesAndPlan(
  image: Image,
  { uses, projectNames, planned }: Pick<UsesAndPlan, 'uses' | 'projectNames' | 'planned'>,
  args: Pick<InfoArguments, 'uses'>,
): UsesDescription {
  const use = uses.get(comparableId(image.id));
  const entry = planned.get(image.id);
  return {
    ...(args.uses
      ? { used_by: (use?.named ?? []).map((user) => describeUser(user, projectNames)), used_by_count: use?.count ?? 0 }
      : {}),
    ...(entry ? { plan: describePlan(entry) } : {}),
  };
}

function describePlan({ action, reason, hideFrom, deleteFrom }: PlannedRetention): PlanDescription {
  const day = (name: string, moment: Date | undefined): Record<string, string> =>
    moment && !Number.isNaN(moment.getTime()) ? { [name]: moment.toISOString().slice(0, 10) } : {};
  return { action, reason, ...day('hide_from', hideFrom), ...day('delete_from', deleteFrom) };
}

export function byNameThenNewest(one: ImageDescription, other: ImageDescription): number {
  const byName = (one.production_name ?? one.name).localeCompare(other.production_name ?? other.name, 'en');
  if (byName !== 0) return byName;
  return (one.created_at ?? '') < (other.created_at ?? '') ? 1 : -1;
}

export function infoTable(images: readonly InfoImage[], { uses, plan }: InfoArguments): Table {
  return {
    columns: [
      'IMAGE',
      'RELEASE',
      'STATE',
      'STATUS',
      'VISIBILITY',
      'OWNER',
      'SIZE',
      'AGE',
      ...(uses ? ['USED BY'] : []),
      ...(plan ? ['CLEANING'] : []),
      'ID',
    ],
    rows: images.map((image) => [
      image.name,
      image.release ?? '',
      stateOf(image),
      image.status,
      visibilityOf(image),
      image.owned_by_us ? 'us' : (image.owner_name ?? image.owner),
      image.bytes === undefined ? '' : formatMebibytes(image.bytes),
      image.age_days === null ? '' : `${image.age_days} d`,
      ...(uses ? [usersOf(image)] : []),
      ...(plan ? [image.plan ? `${image.plan.action}: ${image.plan.reason}` : ''] : []),
      image.id,
    ]),
  };
}

function visibilityOf({ visibility, hidden, protected: isProtected }: InfoImage): string {
  return [visibility, ...(hidden ? ['hidden'] : []), ...(isProtected ? ['protected'] : [])].join(', ');
}

function stateOf({ state, held, held_releases: releases, pinned }: InfoImage): string {
  const words = [state, ...(held ? ['held'] : []), ...(releases ? ['put back'] : []), ...(pinned ? ['pinned'] : [])];
  return words.join(', ');
}

function usersOf({ used_by: users = [], used_by_count: count = 0 }: UsesDescription): string {
  return listSome(users, 2, count);
}
