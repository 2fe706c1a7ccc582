// What the cache knows of a copy, kept in a file beside it: where it came from, and its digests as long as nobody touched it.
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeDurably } from '../../clients/files/durable.js';

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

/**
 * Makes a folder of the cache's own, and those above it that are. Whatever the umask, the conductor must be able to go through them.
 */
export async function makeFolder(path: string): Promise<void> {
  await fs.mkdir(path, { recursive: true });
  for (let folder = path; folder.includes(`/${ownFolder}`); folder = dirname(folder)) {
    if (((await fs.stat(folder)).mode & 0o777) !== 0o755) await fs.chmod(folder, 0o755);
  }
}

/** Where the cache keeps its own things for a file. */
export function placesOf(dest: string): { readonly folder: string; readonly record: string; readonly part: string } {
  const folder = join(dirname(dest), ownFolder, 'files');
  const name = basename(dest);
  return { folder, record: join(folder, `${name}.json`), part: join(folder, `${name}.part`) };
}

/** The entries of a record; none where there is no record, or none that can be read. While a copy is replaced there are two. */
export async function readRecord(path: string): Promise<readonly RecordEntry[]> {
  try {
    const { entries } = JSON.parse(await fs.readFile(path, 'utf8')) as { entries?: unknown };
    return Array.isArray(entries) ? entries.filter(isEntry) : [];
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is RecordEntry {
  const entry = value as Partial<RecordEntry> | null;
  return typeof entry?.source === 'string' && typeof entry.inode === 'string' && typeof entry.bytes === 'number' && typeof entry.digests?.sha256 === 'string';
}

export async function writeRecord(path: string, entries: readonly RecordEntry[]): Promise<void> {
  await writeDurably(path, `${JSON.stringify({ entries }, null, 1)}\n`);
}

/** Marks the copy as used now. */
export async function touchRecord(path: string, now: Date): Promise<void> {
  await fs.utimes(path, now, now);
}

/** What of an entry the file itself tells. */
export async function identityOf(path: string): Promise<Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>> {
  const { ino, size, mtimeNs } = await fs.stat(path, { bigint: true });
  return { inode: String(ino), bytes: Number(size), mtime: String(mtimeNs) };
}

export function isSameIdentity(one: Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>, other: Pick<RecordEntry, 'inode' | 'bytes' | 'mtime'>): boolean {
  return one.inode === other.inode && one.bytes === other.bytes && one.mtime === other.mtime;
}
