// Files that survive a crash intact: written next to their place, synced, and renamed over the
// previous file.
import { randomUUID } from 'node:crypto';
import fs, { type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { OperationError, isSystemError } from '../../core/errors.js';
import { mebibyte } from '../../core/sizes.js';
import { removeName } from './own-files.js';
import { shownPath } from './paths.js';

/**
 * The metadata of a file or directory; undefined if there is none. Follows a symbolic link unless
 * `ofLink`.
 */
export async function statOf(path: string, { ofLink = false } = {}): Promise<import('node:fs').Stats | undefined> {
  try {
    return await (ofLink ? fs.lstat(path) : fs.stat(path));
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/**
 * mtime in whole milliseconds, as it can be set: a date that was set is read back a fraction of a
 * microsecond off, since the time is passed as a floating-point number.
 */
export function modifiedMsOf({ mtimeMs }: { readonly mtimeMs: number }): number {
  return Math.floor(mtimeMs + 0.001);
}

/** Renames, and waits until the rename has reached the disk. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await fs.rename(from, to);
  await syncPath(dirname(to));
}

/** Waits until the content of the file, or the names in the directory, have reached the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await fs.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Where a small file is written before it replaces another. A killed run may leave it. */
export function draftOf(path: string): string {
  return `${path}.draft`;
}

/** Replaces a small file atomically. Not to be called concurrently for the same file. */
export async function writeDurably(path: string, text: string, mode = 0o644): Promise<void> {
  const draft = draftOf(path);
  // Removed first, so that nothing that exists there is followed or written to.
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

/**
 * Replaces a small file atomically in an opened directory where others may write: the draft has a
 * name that nobody can foretell, and no link is followed. `complete` sets owner and mode of the new
 * file, which is private until then. A run that is killed may leave the draft.
 */
export async function replaceAmongOthers(
  path: string,
  text: string,
  complete: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    const handle = await fs.open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await complete(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(draft, path);
  } catch (error) {
    await fs.rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Changes a symbolic link atomically: a new link is renamed over the old one. */
export async function linkDurably(target: string, path: string, draft: string): Promise<void> {
  await removeName(draft);
  await fs.symlink(target, draft);
  await renameDurably(draft, path);
}

/** Throws NO_SPACE unless the file system of the directory has that many bytes for this user. */
export async function assertSpace(folder: string, bytes: number, what: string): Promise<void> {
  // Missing in Node.js 18.0 to 18.14, where writing fails later instead.
  const { bavail, bsize } = (await (fs.statfs as typeof fs.statfs | undefined)?.(folder)) ?? {
    bavail: Number.MAX_SAFE_INTEGER,
    bsize: 1,
  };
  const free = bavail * bsize;
  if (free >= bytes) return;
  const shown = shownPath(folder);
  const [needed, left] = [Math.ceil(bytes / mebibyte), Math.floor(free / mebibyte)];
  const message = `${what} needs ${needed} MiB, and ${shown} has only ${left} MiB left`;
  throw new OperationError('NO_SPACE', message, { folder: shown, needed_bytes: bytes, free_bytes: free });
}

/**
 * The target of a symbolic link; undefined if there is nothing. Throws if there is something else.
 */
export async function readLink(path: string): Promise<string | undefined> {
  try {
    return await fs.readlink(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** The names in a directory; none if there is no such directory. */
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
