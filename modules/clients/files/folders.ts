// Directories and files where other users may also write: opened one name at a time without
// following links, and then used by their descriptor, so that what is checked is what is changed.
// Node.js has no openat(2); on Linux, a name below /proc/self/fd/N means the same.
import type { Stats } from 'node:fs';
import fs, { constants, type FileHandle } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { InputError, isSystemError, OperationError } from '../../core/errors.js';
import { isClosed, isTrustedUser } from './accounts.js';
import { shownPath } from './paths.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/**
 * Not in the constants of Node.js. Opens no pipe or device, and needs no permission to read. The
 * same number on all architectures of Node.js.
 */
const O_PATH = 0o10000000;
/**
 * The owner that the kernel shows if it cannot show the real one: an NFS server that maps root to
 * nobody, a user namespace.
 */
const nobody = 65534;
const mostLinks = 40;

export interface OpenOptions {
  /** Creates what is missing. */
  readonly create?: boolean;
  /** Permissions of what is created; by default 0755. */
  readonly mode?: number;
}

export interface Folders {
  /**
   * Opens a directory that an operator names, and returns a path by its descriptor; undefined if
   * there is none. Follows only links that root or this user created, where nobody else can replace
   * them. Throws UNSAFE_PATH.
   */
  open(path: string, options?: OpenOptions): Promise<string | undefined>;
  /**
   * Opens a directory of our own in an opened one; undefined if there is none. Throws UNSAFE_PATH
   * for one of somebody else, and for a link.
   */
  own(parent: string, name: string, options?: { readonly create?: boolean }): Promise<string | undefined>;
  /** Closes all; the paths become invalid. */
  close(): Promise<void>;
}

/** Provides directories until `use` has ended. */
export async function withFolders<T>(use: (folders: Folders) => Promise<T>): Promise<T> {
  const folders = openFolders();
  try {
    return await use(folders);
  } finally {
    await folders.close();
  }
}

/** Everything that is opened stays open until `close`. */
export function openFolders(): Folders {
  const handles: FileHandle[] = [];
  const keep = (handle: FileHandle | undefined): string | undefined => {
    if (handle) handles.push(handle);
    return handle && pathOf(handle);
  };
  return {
    open: async (path, options = {}) => keep(await walk(path, options)),
    own: async (parent, name, options = {}) => keep(await openOwnFolder(parent, name, options)),
    close: async () => {
      for (const handle of handles.splice(0)) await handle.close();
    },
  };
}

function pathOf({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

async function walk(path: string, options: OpenOptions): Promise<FileHandle | undefined> {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  let folder = await fs.open('/', O_PATH | O_DIRECTORY);
  try {
    for (let links = 0; names.length > 0; ) {
      const name = names.shift()!;
      const next = await openEntry(folder, name, options);
      if (!next) return void (await folder.close());
      if ((await next.stat()).isSymbolicLink()) {
        await next.close();
        const target = await readTrustedLink(folder, name);
        if (++links > mostLinks) throw unsafePath(path, 'has too many symbolic links');
        names.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
        if (!target.startsWith('/')) continue;
        await folder.close();
        folder = await fs.open('/', O_PATH | O_DIRECTORY);
      } else {
        await folder.close();
        folder = next;
      }
    }
    if (!(await folder.stat()).isDirectory()) throw new InputError(`${path} is not a directory`);
    return folder;
  } catch (error) {
    await folder.close();
    throw isSystemError(error, 'EACCES', 'ENOTDIR', 'EROFS', 'ENOSPC') ? withShownPath(error) : error;
  }
}

/** The entry itself, link or not. `create` creates a directory if there is nothing. */
async function openEntry(
  folder: FileHandle,
  name: string,
  { create = false, mode = 0o755 }: OpenOptions,
): Promise<FileHandle | undefined> {
  const path = `${pathOf(folder)}/${name}`;
  for (let isMade = false; ; isMade = true) {
    try {
      return await fs.open(path, O_PATH | O_NOFOLLOW);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      if (!create || isMade) return undefined;
      await fs.mkdir(path, mode).catch((fault: unknown) => {
        if (!isSystemError(fault, 'EEXIST')) throw fault;
      });
    }
  }
}

/**
 * As for sshd's files, a link is trusted only if root or this user created it, and nobody else can
 * replace it.
 */
async function readTrustedLink(folder: FileHandle, name: string): Promise<string> {
  const path = `${pathOf(folder)}/${name}`;
  const [link, above] = [await fs.lstat(path), await folder.stat()];
  if (!isTrustedUser(link.uid)) throw unsafePath(path, `is a symbolic link of user ${link.uid}`, 'give the real path');
  if (!isClosed(above))
    throw unsafePath(path, 'is a symbolic link in a directory where others may write', 'give the real path');
  return fs.readlink(path);
}

async function openOwnFolder(
  parent: string,
  name: string,
  { create = false }: { create?: boolean },
): Promise<FileHandle | undefined> {
  const path = join(parent, name);
  // Regardless of the umask, the conductor must be able to traverse it.
  if (create && (await fs.mkdir(path).then(() => true, ignoreCode('EEXIST')))) await fs.chmod(path, 0o755);
  let handle: FileHandle;
  try {
    handle = await fs.open(path, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const stats = await handle.stat();
    if (!stats.isDirectory()) throw unsafePath(path, `is ${kindOf(stats)} and not a directory`);
    if (!isTrustedUser(stats.uid) && !(await isMadeOurs(parent, stats.uid, create)))
      throw unsafePath(path, `belongs to user ${stats.uid}`);
    if (create && (stats.mode & 0o777) !== 0o755 && stats.uid === process.geteuid?.())
      await fs.chmod(pathOf(handle), 0o755);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Removes a directory of our own with everything in it, or anything else of that name. Throws
 * UNSAFE_PATH for a directory of somebody else.
 */
export async function removeOwnTree(parent: string, name: string): Promise<void> {
  const path = join(parent, name);
  const isFolder = await fs.lstat(path).then((stats) => stats.isDirectory(), ignoreCode('ENOENT'));
  if (!isFolder) return fs.rm(path, { force: true });
  await withFolders(async (folders) => {
    const folder = await folders.own(parent, name);
    if (folder !== undefined) for (const entry of await fs.readdir(folder)) await removeOwnTree(folder, entry);
  });
  await fs.rmdir(path);
}

/**
 * True if what this user creates in the directory belongs to that user, as with some NFS servers. A
 * run that only reads assumes it.
 */
async function isMadeOurs(folder: string, uid: number, mayWrite: boolean): Promise<boolean> {
  if (!mayWrite) return uid === nobody;
  const path = join(folder, `.${randomUUID()}`);
  const probe = await fs.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    return (await probe.stat()).uid === uid;
  } finally {
    await probe.close();
    await fs.rm(path, { force: true });
  }
}

/**
 * Opens a file of our own in an opened directory, and nothing else: no link, no pipe, no file with
 * a second hard link, no file of somebody else. What was checked is what is opened. Throws
 * UNSAFE_PATH, and the system's error if there is no file and the flags do not include O_CREAT.
 */
export async function openOwn(path: string, flags: number, mode = 0o600): Promise<FileHandle> {
  return openChecked(path, flags, { mode, check: async (stats) => assertOwn(stats, path) });
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
      return await fs.open(pathOf(found), flags & ~(O_CREAT | O_EXCL));
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
  if (!stats.isFile()) throw unsafePath(path, `is ${kindOf(stats)} and not a file`);
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isFile() ? 'a file' : 'a device';
}

/** The error for something that other users may have put there. */
export function unsafePath(
  path: string,
  what: string,
  remedy = 'remove it, or name a directory where only this user may write',
): OperationError {
  const shown = shownPath(path);
  return new OperationError('UNSAFE_PATH', `${shown} ${what}: it was left alone; ${remedy}`, { path: shown });
}

function withShownPath(error: unknown): unknown {
  if (error instanceof Error && !(error instanceof OperationError)) error.message = shownPath(error.message);
  return error;
}

function ignoreCode(code: string): (error: unknown) => false {
  return (error) => {
    if (isSystemError(error, code)) return false;
    throw error;
  };
}
