// What the cache knows of a copy, kept in a file beside it: where it came from, and its digests as long as nobody touched it.
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeDurably } from '../clients/files/durable.js';
import { readOwnJson, type Folders } from '../clients/files/folders.js';

/** One file that was verified. Size, mtime and inode tell whether the file at hand is still that one. */
export interface RecordEntry {
  readonly source: string;
  readonly etag?: string | undefined;
  readonly inode: string;
  readonly bytes: number;
  /** Nanoseconds since 1970, as text: JSON has no numbers of that size. */
  readonly mtime: string;
  /** Lower-case hex by hashlib's names; SHA-256 is always there. */
  readonly digests: Readonly<Record<string, string>>;
}

/** The folder of the cache's own files below a folder that has copies. */
export const ownFolder = '.image_cache';

/** Stands for a folder that is not there: nothing is in it, and nothing can be made in it. */
export const nowhere = '/proc/self/fd/none';

/** A folder of the cache's own below an opened one, `nowhere` where there is none. `names`: below `.image_cache`. Throws UNSAFE_PATH. */
export async function openOwnPlace(
  folders: Folders,
  folder: string,
  names: readonly string[],
  create: boolean,
): Promise<string> {
  let place: string | undefined = folder;
  for (const name of [ownFolder, ...names])
    place = place === undefined || place === nowhere ? undefined : await folders.own(place, name, { create });
  return place ?? nowhere;
}

export interface FilePlaces {
  readonly folder: string;
  readonly record: string;
  readonly part: string;
}

/** Where the cache keeps its own things for a file in an opened folder. */
export async function openFilePlaces(
  folders: Folders,
  path: string,
  { create }: { create: boolean },
): Promise<FilePlaces> {
  const folder = await openOwnPlace(folders, dirname(path), ['files'], create);
  const name = basename(path);
  return { folder, record: join(folder, `${name}.json`), part: join(folder, `${name}.part`) };
}

/** The entries of a record; none where there is no record, or none that can be read. While a copy is replaced there are two. */
export async function readRecord(path: string): Promise<readonly RecordEntry[]> {
  const record = (await readOwnJson(path)) as { entries?: unknown } | null | undefined;
  return Array.isArray(record?.entries) ? record.entries.filter(isEntry) : [];
}

function isEntry(value: unknown): value is RecordEntry {
  const entry = value as Partial<RecordEntry> | null;
  return (
    typeof entry?.source === 'string' &&
    typeof entry.inode === 'string' &&
    typeof entry.bytes === 'number' &&
    typeof entry.digests?.sha256 === 'string'
  );
}

export async function writeRecord(path: string, entries: readonly RecordEntry[]): Promise<void> {
  await writeDurably(path, `${JSON.stringify({ entries }, null, 1)}\n`);
}

/** Marks the copy as used now. */
export async function touchRecord(path: string, now: Date): Promise<void> {
  await fs.lutimes(path, now, now);
}

/** What of an entry the file itself tells. */
export async function identityOf(path: string): Promise<Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>> {
  const { ino, size, mtimeNs } = await fs.lstat(path, { bigint: true });
  return { inode: String(ino), bytes: Number(size), mtime: String(mtimeNs) };
}

export function isSameIdentity(
  one: Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>,
  other: Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>,
): boolean {
  return one.inode === other.inode && one.bytes === other.bytes && one.mtime === other.mtime;
}
