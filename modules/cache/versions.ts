// The folders of a set: its versions, each with both files and their record, and the link to the
// current one.
import { basename, join } from 'node:path';
import { namesIn, readLink, statOf, writeDurably } from '../clients/files/durable.js';
import type { Folders } from '../clients/files/folders.js';
import { readOwnJson } from '../clients/files/own-files.js';
import { shownPath } from '../clients/files/paths.js';
import { isSystemError, OperationError } from '../core/errors.js';
import { isMapping } from '../core/mapping.js';
import { cacheFolderName, isRecordEntry, missingFolder, openCacheFolder, type RecordEntry } from './record.js';
import { isVersionName, sortVersions } from './policy/set-versions.js';
import { partNames, type OpenedJob, type PartName, type SetJob, type SetParts } from './run.js';

export interface SetVersion {
  readonly name: string;
  readonly folder: string;
  readonly entries: Readonly<Partial<Record<PartName, RecordEntry>>>;
}

type SetLocation = Pick<OpenedJob<SetJob>, 'name' | 'openFolder'>;

export interface SetPaths {
  readonly link: string;
  /** The folder of the versions, and of those that are being created. */
  readonly versions: string;
  /** Where the link is created before it is renamed. */
  readonly draft: string;
}

/**
 * Folders in that of the versions, for what is being fetched and for the version that is being
 * created.
 */
export const workFolders = { incoming: 'incoming', building: 'building' } as const;

/** The link and the cache's own folders of a set. Throws UNSAFE_PATH. */
export async function openSetPaths(
  folders: Folders,
  { name, openFolder }: SetLocation,
  { create }: { create: boolean },
): Promise<SetPaths> {
  const versions = await openCacheFolder(folders, openFolder, ['sets', name], create);
  return { link: join(openFolder, name), versions, draft: join(versions, 'link') };
}

/** Relative, so that it is also valid where the folder is mounted elsewhere. */
export function linkTarget({ name }: Pick<SetLocation, 'name'>, version: string): string {
  return join(cacheFolderName, 'sets', name, version);
}

/**
 * The version that the link leads to; undefined if there is no link. Throws CACHE_PATH_TAKEN if
 * something else is in its place.
 */
export async function linkedVersion(set: SetLocation, { link, versions }: SetPaths): Promise<string | undefined> {
  const shown = shownPath(link);
  const taken = (): OperationError =>
    new OperationError(
      'CACHE_PATH_TAKEN',
      `${shown} is not a set of this cache: move it away, or choose another dest or name`,
      {
        path: shown,
      },
    );
  try {
    const target = await readLink(link);
    if (target === undefined) return undefined;
    const version = basename(target);
    if (target !== linkTarget(set, version) || !isVersionName(version)) throw taken();
    return (await statOf(join(versions, version), { ofLink: true }))?.isDirectory() ? version : undefined;
  } catch (error) {
    throw isSystemError(error, 'EINVAL') ? taken() : error;
  }
}

/** The complete versions, oldest first. */
export async function versionsOf({ versions }: Pick<SetPaths, 'versions'>): Promise<string[]> {
  return sortVersions(await namesIn(versions));
}

export async function newestVersion(paths: SetPaths): Promise<string | undefined> {
  return (await versionsOf(paths)).at(-1);
}

/** Opens a version. Throws UNSAFE_PATH. */
export async function readVersion(
  folders: Folders,
  { versions }: Pick<SetPaths, 'versions'>,
  name: string,
): Promise<SetVersion> {
  const folder = (await folders.own(versions, name)) ?? missingFolder;
  const record = await readOwnJson(join(folder, 'record.json'));
  const entries: Partial<Record<PartName, RecordEntry>> = {};
  for (const part of partNames) {
    const entry = isMapping(record) ? record[part] : undefined;
    if (isRecordEntry(entry)) entries[part] = entry;
  }
  return { name, folder, entries };
}

/** Writes the record of a version's files. */
export async function writeVersion(folder: string, entries: SetParts<RecordEntry>): Promise<void> {
  const ordered = Object.fromEntries(partNames.map((name) => [name, entries[name]]));
  await writeDurably(join(folder, 'record.json'), `${JSON.stringify(ordered, null, 1)}\n`);
}
