// The folders of a set: its versions, each with both files and their record, and the link to the current one.
import { basename, join } from 'node:path';
import { namesIn, readLink, statOf, writeDurably } from '../clients/files/durable.js';
import { readOwnJson, type Folders } from '../clients/files/folders.js';
import { shownPath } from '../clients/files/paths.js';
import { isSystemError, OperationError } from '../core/errors.js';
import { nowhere, openOwnPlace, ownFolder, type RecordEntry } from './record.js';
import { partNames, type PartName, type Placed, type SetJob } from './run.js';

export interface Version {
  readonly name: string;
  readonly folder: string;
  readonly entries: Readonly<Partial<Record<PartName, RecordEntry>>>;
}

type SetPlace = Pick<Placed<SetJob>, 'name' | 'place'>;

/** Named by the time they were made, so that the newest comes last. */
const versionName = /^\d{8}T\d{6}Z(-\d+)?$/;

export interface SetPlaces {
  readonly link: string;
  /** The folder of the versions, and of what is on its way to be one. */
  readonly versions: string;
  readonly draft: string;
}

/** Names below the folder of the versions. */
export const onTheWay = { incoming: 'incoming', building: 'building' } as const;

/** Where the cache keeps a set. Throws UNSAFE_PATH. */
export async function openSetPlaces(
  folders: Folders,
  { name, place }: SetPlace,
  { create }: { create: boolean },
): Promise<SetPlaces> {
  const versions = await openOwnPlace(folders, place, ['sets', name], create);
  return { link: join(place, name), versions, draft: join(versions, 'link') };
}

/** Relative, so that it holds where the folder is mounted elsewhere too. */
export function linkTarget({ name }: Pick<SetPlace, 'name'>, version: string): string {
  return join(ownFolder, 'sets', name, version);
}

/** The version that the link leads to; undefined where there is no link. Throws CACHE_PATH_TAKEN where something else is in its place. */
export async function linkedVersion(set: SetPlace, { link, versions }: SetPlaces): Promise<string | undefined> {
  const shown = shownPath(link);
  const taken = (): OperationError =>
    new OperationError('CACHE_PATH_TAKEN', `${shown} is not a set of this cache: move it away, or name another`, {
      path: shown,
    });
  try {
    const target = await readLink(link);
    if (target === undefined) return undefined;
    const version = basename(target);
    if (target !== linkTarget(set, version) || !versionName.test(version)) throw taken();
    return (await statOf(join(versions, version), { ofLink: true }))?.isDirectory() ? version : undefined;
  } catch (error) {
    throw isSystemError(error, 'EINVAL') ? taken() : error;
  }
}

/** The versions that are whole, oldest first. */
export async function versionsOf({ versions }: Pick<SetPlaces, 'versions'>): Promise<string[]> {
  const names = (await namesIn(versions)).filter((name) => versionName.test(name));
  const key = (name: string): string =>
    name.replace(/Z(?:-(\d+))?$/, (_, count: string | undefined) => `Z${(count ?? '1').padStart(6, '0')}`);
  return names.sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

export async function newestVersion(places: SetPlaces): Promise<string | undefined> {
  return (await versionsOf(places)).at(-1);
}

/** Opens a version. Throws UNSAFE_PATH. */
export async function readVersion(
  folders: Folders,
  { versions }: Pick<SetPlaces, 'versions'>,
  name: string,
): Promise<Version> {
  const folder = (await folders.own(versions, name)) ?? nowhere;
  const record = (await readOwnJson(join(folder, 'record.json'))) as
    | Partial<Record<PartName, RecordEntry>>
    | null
    | undefined;
  return { name, folder, entries: record ?? {} };
}

/** Writes the record of a version's files. */
export async function writeVersion(folder: string, entries: Readonly<Record<PartName, RecordEntry>>): Promise<void> {
  const ordered = Object.fromEntries(partNames.map((name) => [name, entries[name]]));
  await writeDurably(join(folder, 'record.json'), `${JSON.stringify(ordered, null, 1)}\n`);
}
