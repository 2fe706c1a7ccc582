// Files that survive a crash whole: written beside their place, synced, and renamed over what was there.
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { OperationError, isSystemError } from '../../core/errors.js';
import { removeName } from './folders.js';
import { shownPath } from './paths.js';

/** The file's or folder's facts; undefined where there is nothing. A symbolic link is followed unless `ofLink`. */
export async function statOf(path: string, { ofLink = false } = {}): Promise<import('node:fs').Stats | undefined> {
  try {
    return await (ofLink ? fs.lstat(path) : fs.stat(path));
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/**
 * mtime in whole milliseconds, as it can be set: a date that was set comes back a fraction of a microsecond off, since the time is handed over
 * as a floating-point number.
 */
export function modifiedMsOf({ mtimeMs }: { readonly mtimeMs: number }): number {
  return Math.floor(mtimeMs + 0.001);
}

/** Renames and makes the rename last. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await fs.rename(from, to);
  await syncPath(dirname(to));
}

/** Waits until what is in the file, or which names are in the folder, has reached the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await fs.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Where a small file is written before it replaces another. A run that is killed may leave it. */
export function draftOf(path: string): string {
  return `${path}.draft`;
}

/** Replaces a small file at once. Whoever writes one file from several places writes one after the other. */
export async function writeDurably(path: string, text: string, mode = 0o644): Promise<void> {
  const draft = draftOf(path);
  // Anew, so that nothing that lies there is followed or written to.
  await removeName(draft);
  const handle = await fs.open(draft, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await renameDurably(draft, path);
}

/** Points a symbolic link elsewhere at once: a new link is renamed over the old one. */
export async function linkDurably(target: string, path: string, draft: string): Promise<void> {
  await removeName(draft);
  await fs.symlink(target, draft);
  await renameDurably(draft, path);
}

/** Throws NO_SPACE unless the file system of the folder has so many bytes for this user. */
export async function assertSpace(folder: string, bytes: number, what: string): Promise<void> {
  // Node.js 18.0 to 18.14 cannot tell; there the disk itself says so later.
  const { bavail, bsize } = (await (fs.statfs as typeof fs.statfs | undefined)?.(folder)) ?? {
    bavail: Number.MAX_SAFE_INTEGER,
    bsize: 1,
  };
  const free = bavail * bsize;
  if (free >= bytes) return;
  const shown = shownPath(folder);
  const message = `${what} needs ${Math.ceil(bytes / 2 ** 20)} MiB, and ${shown} has only ${Math.floor(free / 2 ** 20)} MiB left`;
  throw new OperationError('NO_SPACE', message, { folder: shown, needed_bytes: bytes, free_bytes: free });
}

/** The target of a symbolic link; undefined where there is nothing. Throws where there is something else. */
export async function readLink(path: string): Promise<string | undefined> {
  try {
    return await fs.readlink(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** The names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await fs.readdir(folder)).sort();
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  return isSystemError(error, 'ENOENT', 'ENOTDIR');
}
