// The folders of a set: its versions, each with both files and their record, and the link to the current one.
import fs from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isSystemError, namesIn, readLink, statOf, writeDurably } from '../../clients/files/durable.js';
import { OperationError } from '../../core/errors.js';
import { ownFolder, type RecordEntry } from './record.js';
import { partNames, type PartName, type SetJob } from './run.js';

export interface Version {
  readonly name: string;
  readonly folder: string;
  readonly entries: Readonly<Partial<Record<PartName, RecordEntry>>>;
}

type SetPlace = Pick<SetJob, 'name' | 'folder'>;

/** Named by the time they were made, so that the newest comes last. */
const versionName = /^\d{8}T\d{6}Z(-\d+)?$/;

export function setPlaces({ name, folder }: SetPlace): { readonly link: string; readonly versions: string; readonly incoming: string; readonly building: string; readonly draft: string } {
  const versions = join(folder, ownFolder, 'sets', name);
  return { link: join(folder, name), versions, incoming: join(versions, 'incoming'), building: join(versions, 'building'), draft: join(versions, 'link') };
}

/** Relative, so that it holds where the folder is mounted elsewhere too. */
export function linkTarget({ name }: SetPlace, version: string): string {
  return join(ownFolder, 'sets', name, version);
}

/** The version that the link leads to; undefined where there is no link. Throws CACHE_PATH_TAKEN where something else is in its place. */
export async function linkedVersion(set: SetPlace): Promise<string | undefined> {
  const { link } = setPlaces(set);
  const taken = (): OperationError => new OperationError('CACHE_PATH_TAKEN', `${link} is not a set of this cache: move it away, or name another`, { path: link });
  try {
    const target = await readLink(link);
    if (target === undefined) return undefined;
    const version = basename(target);
    if (target !== linkTarget(set, version) || !versionName.test(version)) throw taken();
    return (await statOf(link)) === undefined ? undefined : version;
  } catch (error) {
    throw isSystemError(error, 'EINVAL') ? taken() : error;
  }
}

/** The versions that are whole, oldest first. */
export async function versionsOf(set: SetPlace): Promise<string[]> {
  const names = (await namesIn(setPlaces(set).versions)).filter((name) => versionName.test(name));
  const key = (name: string): string => name.replace(/Z(?:-(\d+))?$/, (_, count: string | undefined) => `Z${(count ?? '1').padStart(6, '0')}`);
  return names.sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

export async function newestVersion(set: SetPlace): Promise<string | undefined> {
  return (await versionsOf(set)).at(-1);
}

export async function readVersion(set: SetPlace, name: string): Promise<Version> {
  const folder = join(setPlaces(set).versions, name);
  try {
    const record = JSON.parse(await fs.readFile(join(folder, 'record.json'), 'utf8')) as Partial<Record<PartName, RecordEntry>> | null;
    return { name, folder, entries: record ?? {} };
  } catch {
    return { name, folder, entries: {} };
  }
}

/** Writes the record of a version's files. */
export async function writeVersion(folder: string, entries: Readonly<Record<PartName, RecordEntry>>): Promise<void> {
  const ordered = Object.fromEntries(partNames.map((name) => [name, entries[name]]));
  await writeDurably(join(folder, 'record.json'), `${JSON.stringify(ordered, null, 1)}\n`);
}
