// image_info: what the site has, in words of this system. Only reads.
import picomatch from 'picomatch';
import validate from '#validators/image_info';
import type { Image } from '../../clients/glance/images.js';
import type { ArgumentsOf } from '../../core/fields.js';
import { messageOf } from '../../core/errors.js';
import type { Context, Operation, Outcome, Table } from '../../core/operation.js';
import { comparableId } from '../../core/uuid.js';
import { markers, releaseProperty, imageStateOf } from '../policy/site-image.js';
import type { PlannedRetention } from '../policy/retention.js';
import { describeUser } from '../policy/image-uses.js';
import { openWatchedCloud } from '../../runtime/connect.js';
import { assertAges } from '../clean/plan.js';
import { readProjectNames, readSiteImages } from '../site-images.js';
import { imageInfoDeclaration } from './declaration.js';
import { lookCloser, type Look } from './look.js';

export type InfoArguments = ArgumentsOf<(typeof imageInfoDeclaration)['fields']>;

export const imageInfo: Operation<(typeof imageInfoDeclaration)['fields']> = {
  ...imageInfoDeclaration,
  validate,
  run: describeImages,
};

async function describeImages(args: InfoArguments, context: Context): Promise<Outcome> {
  if (args.plan) assertAges(args);
  const { cloud, clock } = await openWatchedCloud(args, context);
  const isLookedAt = args.uses || args.plan;
  const found = await readSiteImages(cloud, isLookedAt ? { community: true } : {});
  const look = isLookedAt ? await lookCloser({ args, context, cloud, clock, images: found }) : undefined;
  const site = { owner: cloud.projectId, prefix: args.image_prefix, now: context.now() };
  const matches = matcherOf(args.images);
  const chosen = found
    .filter(({ visibility, owner }) => visibility !== 'community' || owner === cloud.projectId)
    .map((image) => ({ ...describeImage(image, site), ...(look ? describeLook(image, look, args) : {}) }))
    .filter((image) => args.state.includes(image.state) && matches(image))
    .sort(byNameThenNewest);
  const projectNames =
    look?.projectNames ?? (chosen.length > 0 ? await readProjectNames(cloud, context) : new Map<string, string>());
  const images = chosen.map((image) => withOwnerName(image, projectNames));
  return {
    changed: false,
    message: images.length === 1 ? '1 image' : `${images.length} images`,
    values: {
      images,
      ...(look
        ? { uses_unknown: look.unknown.map(({ service, cause }) => ({ service, reason: messageOf(cause) })) }
        : {}),
    },
    failures: look?.failures ?? [],
    warnings: [],
    differences: [],
    table: tableOf(images, args),
  };
}

type Shown = Description & LookDescription & { readonly owner_name?: string };

function matcherOf(entries: readonly string[] | undefined): (image: Description) => boolean {
  if (!entries) return () => true;
  const ids = new Set(entries.map(comparableId));
  const matches = picomatch([...entries]);
  return ({ id, name, production_name }) =>
    ids.has(comparableId(id)) || [name, id, production_name ?? name].some((text) => matches(text));
}

interface LookDescription {
  readonly used_by?: readonly string[];
  readonly used_by_count?: number;
  readonly plan?: Readonly<Record<string, string>>;
}

function describeLook(image: Image, { uses, projectNames, planned }: Look, args: InfoArguments): LookDescription {
  const use = uses.get(comparableId(image.id));
  const entry = planned.get(image.id);
  return {
    ...(args.uses
      ? { used_by: (use?.named ?? []).map((user) => describeUser(user, projectNames)), used_by_count: use?.count ?? 0 }
      : {}),
    ...(entry ? { plan: describePlan(entry) } : {}),
  };
}

function describePlan({ action, reason, hideFrom, deleteFrom }: PlannedRetention): Readonly<Record<string, string>> {
  const day = (name: string, moment: Date | undefined): Record<string, string> =>
    moment && !Number.isNaN(moment.getTime()) ? { [name]: moment.toISOString().slice(0, 10) } : {};
  return { action, reason, ...day('hide_from', hideFrom), ...day('delete_from', deleteFrom) };
}

function tableOf(images: readonly Shown[], { uses, plan }: InfoArguments): Table {
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
      image.state,
      image.status,
      image.hidden ? `${image.visibility}, hidden` : image.visibility,
      image.owned_by_us ? 'us' : (image.owner_name ?? image.owner),
      image.bytes === undefined ? '' : `${(image.bytes / 2 ** 20).toFixed(1)} MiB`,
      image.age_days === null ? '' : `${image.age_days} d`,
      ...(uses ? [usersOf(image)] : []),
      ...(plan ? [image.plan ? `${image.plan.action}: ${image.plan.reason}` : ''] : []),
      image.id,
    ]),
  };
}

function usersOf({ used_by: users = [], used_by_count: count = 0 }: LookDescription): string {
  const shown = users.slice(0, 2);
  return `${shown.join(', ')}${count > shown.length ? ` and ${count - shown.length} more` : ''}`;
}

type Description = ReturnType<typeof describeImage>;

function withOwnerName<T extends Description>(
  image: T,
  projectNames: ReadonlyMap<string, string>,
): T & { readonly owner_name?: string } {
  const name = projectNames.get(image.owner);
  return name === undefined ? image : { ...image, owner_name: name };
}

function describeImage(image: Image, site: { owner: string; prefix: string; now: Date }) {
  const { state, productionName } = imageStateOf(image, site.owner, site.prefix);
  const release = image.properties[releaseProperty];
  const supersededAt = image.properties[markers.supersededAt];
  return {
    id: image.id,
    name: image.name,
    ...(productionName === undefined ? {} : { production_name: productionName }),
    ...(release === undefined ? {} : { release }),
    state,
    managed: state !== 'unmanaged',
    status: image.status,
    visibility: image.visibility,
    hidden: image.os_hidden,
    owner: image.owner,
    owned_by_us: image.owner === site.owner,
    ...(image.disk_format === undefined ? {} : { disk_format: image.disk_format }),
    ...(image.size === undefined ? {} : { bytes: image.size }),
    created_at: readableDate(image.created_at),
    age_days: ageInDays(image.created_at, site.now),
    ...(supersededAt === undefined ? {} : { superseded_at: readableDate(supersededAt) }),
  };
}

function readableDate(text: string): string | null {
  return Number.isNaN(Date.parse(text)) ? null : text;
}

function ageInDays(created: string, now: Date): number | null {
  const days = Math.floor((now.getTime() - Date.parse(created)) / 86_400_000);
  return Number.isNaN(days) ? null : Math.max(0, days);
}

function byNameThenNewest(one: Description, other: Description): number {
  const byName = (one.production_name ?? one.name).localeCompare(other.production_name ?? other.name, 'en');
  if (byName !== 0) return byName;
  return (one.created_at ?? '') < (other.created_at ?? '') ? 1 : -1;
}
