// Files of our own where other users may also write: checked and opened by the same descriptor,
// without following links.
import type { Stats } from 'node:fs';
import fs, { constants, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError, OperationError } from '../../core/errors.js';
import { isTrustedUser } from './accounts.js';
import { descriptorPath, fileKind, O_PATH, unsafePath, withShownPath } from './paths.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/**
 * Opens a file of our own in an opened directory, and nothing else: no link, no pipe, no file with
 * a second hard link, no file of somebody else. What was checked is what is opened. Throws
 * UNSAFE_PATH, and the system's error if there is no file and the flags do not include O_CREAT.
 */
export async function openOwn(path: string, flags: number, mode = 0o600): Promise<FileHandle> {
  return openChecked(path, flags, { mode, check: async (stats) => assertOwn(stats, path) });
}

/** Throws UNSAFE_PATH if there is anything but a file of our own. Opens and creates nothing. */
export async function assertOwnOrAbsent(path: string): Promise<void> {
  const stats = await fs.lstat(path).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw withShownPath(error);
  });
  if (stats) await assertOwn(stats, path);
}

/** Removes a file, a link or a pipe, if there is one. Throws UNSAFE_PATH for a directory. */
export async function removeName(path: string): Promise<void> {
  await fs.unlink(path).catch((error: unknown) => {
    // Linux says EISDIR, POSIX EPERM.
    if (isSystemError(error, 'EISDIR', 'EPERM')) throw unsafePath(path, 'is a directory and not a file');
    if (!isSystemError(error, 'ENOENT')) throw withShownPath(error);
  });
}

/** Opens a regular file of any owner for reading. Throws UNSAFE_PATH for anything else. */
export async function openRegular(path: string): Promise<FileHandle> {
  return openChecked(path, constants.O_RDONLY, { mode: 0, check: async (stats) => assertFile(stats, path) });
}

/**
 * The content of a small JSON file of our own; undefined if there is none, or if it is not JSON.
 * Throws UNSAFE_PATH for anything but our own file.
 */
export async function readOwnJson(path: string): Promise<unknown> {
  let text: string;
  try {
    const handle = await openOwn(path, constants.O_RDONLY);
    text = await handle.readFile('utf8').finally(() => handle.close());
  } catch (error) {
    if (error instanceof OperationError) throw error;
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface OpenCheck {
  readonly mode: number;
  readonly check: (stats: Stats) => Promise<void>;
}

async function openChecked(path: string, flags: number, { mode, check }: OpenCheck): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    const found = await fs.open(path, O_PATH | O_NOFOLLOW).catch((error: unknown) => {
      if (!isSystemError(error, 'ENOENT') || (flags & O_CREAT) === 0) throw withShownPath(error);
      return undefined;
    });
    try {
      if (!found) return await fs.open(path, flags | O_EXCL | O_NOFOLLOW, mode);
      await check(await found.stat());
      return await fs.open(descriptorPath(found), flags & ~(O_CREAT | O_EXCL));
    } catch (error) {
      // Another run has just created it.
      if (!isSystemError(error, 'EEXIST') || tries === 3) throw withShownPath(error);
    } finally {
      await found?.close();
    }
  }
}

async function assertOwn(stats: Stats, path: string): Promise<void> {
  assertFile(stats, path);
  if (stats.nlink > 1) throw unsafePath(path, 'has another name (a hard link)');
  if (isTrustedUser(stats.uid)) return;
  // In a directory of our own that an NFS server shows as another user's, the files are shown as
  // that user's too.
  const folder = await fs.stat(dirname(path));
  if (stats.uid !== folder.uid || (folder.mode & 0o022) !== 0) throw unsafePath(path, `belongs to user ${stats.uid}`);
}

function assertFile(stats: Stats, path: string): void {
  if (!stats.isFile()) throw unsafePath(path, `is ${fileKind(stats)} and not a file`);
}
