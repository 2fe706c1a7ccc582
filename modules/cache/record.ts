// The cache's record of a copy, in a file near it: its source, and its digests, which are valid as
// long as nobody has touched the copy.
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeDurably } from '../clients/files/durable.js';
import type { Folders } from '../clients/files/folders.js';
import { readOwnJson } from '../clients/files/own-files.js';
import { isMapping } from '../core/mapping.js';

/**
 * A file that was verified. Size, mtime and inode show whether the present file is still the same.
 */
export interface RecordEntry {
  readonly source: string;
  readonly etag?: string | undefined;
  readonly inode: string;
  readonly bytes: number;
  /** Nanoseconds since 1970, as text: JSON has no numbers of that size. */
  readonly mtime: string;
  /** In lower-case hex, by hashlib's names; always includes SHA-256. */
  readonly digests: Readonly<Record<string, string>>;
}

/** The folder of the cache's own files in a folder with copies. */
export const cacheFolderName = '.image_cache';

/** Stands for a folder that does not exist: nothing is in it, and nothing can be created in it. */
export const missingFolder = '/proc/self/fd/none';

/**
 * Opens one of the cache's own folders in an open one; `missingFolder` if it does not exist.
 * `names`: the path below `.image_cache`.
 * Throws UNSAFE_PATH.
 */
export async function openCacheFolder(
  folders: Folders,
  folder: string,
  names: readonly string[],
  create: boolean,
): Promise<string> {
  let opened: string | undefined = folder;
  for (const name of [cacheFolderName, ...names])
    opened = opened === undefined || opened === missingFolder ? undefined : await folders.own(opened, name, { create });
  return opened ?? missingFolder;
}

export interface FilePaths {
  readonly folder: string;
  readonly record: string;
  readonly part: string;
}

/** The cache's own files for a copy in an open folder. */
export async function openFilePaths(
  folders: Folders,
  path: string,
  { create }: { create: boolean },
): Promise<FilePaths> {
  const folder = await openCacheFolder(folders, dirname(path), ['files'], create);
  const name = basename(path);
  return { folder, record: join(folder, `${name}.json`), part: join(folder, `${name}.part`) };
}

/**
 * The entries of a record; none if it does not exist or cannot be read. While a copy is replaced
 * there are two.
 */
export async function readRecord(path: string): Promise<readonly RecordEntry[]> {
  const record = await readOwnJson(path);
  return isMapping(record) && Array.isArray(record.entries) ? record.entries.filter(isRecordEntry) : [];
}

/** Checks an entry that was read. */
export function isRecordEntry(value: unknown): value is RecordEntry {
  return (
    isMapping(value) &&
    typeof value.source === 'string' &&
    typeof value.inode === 'string' &&
    typeof value.bytes === 'number' &&
    isMapping(value.digests) &&
    typeof value.digests.sha256 === 'string'
  );
}

export async function writeRecord(path: string, entries: readonly RecordEntry[]): Promise<void> {
  await writeDurably(path, `${JSON.stringify({ entries }, null, 1)}\n`);
}

/** Marks the copy as used now. */
export async function touchRecord(path: string, now: Date): Promise<void> {
  await fs.lutimes(path, now, now);
}

/** The part of an entry that the file itself determines. */
export async function identityOf(path: string): Promise<Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>> {
  const { ino, size, mtimeNs } = await fs.lstat(path, { bigint: true });
  return { inode: String(ino), bytes: Number(size), mtime: String(mtimeNs) };
}

export function isSameFileIdentity(
  one: Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>,
  other: Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>,
): boolean {
  return one.inode === other.inode && one.bytes === other.bytes && one.mtime === other.mtime;
}
