// Folders and files where other users may write too: opened one name at a time without following links, and from then on known by their
// descriptor, so that what is checked is what is changed. Node.js has no openat(2); a name below /proc/self/fd/N means the same to Linux.
import type { Stats } from 'node:fs';
import fs, { constants, type FileHandle } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { InputError, isSystemError, OperationError } from '../../core/errors.js';
import { isClosed, isTrustedUser } from './accounts.js';
import { shownPath } from './paths.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** Node.js does not name it. It opens neither pipe nor device, and needs no permission to read. The same number on all of its architectures. */
const O_PATH = 0o10000000;
/** Whom the kernel shows where it may not say whose a file is: an NFS server that takes root for nobody, a user namespace. */
const nobody = 65534;
const mostLinks = 40;

export interface OpenOptions {
  /** Makes what is missing. */
  readonly create?: boolean;
  /** Permissions of what is made; 0755 unless given. */
  readonly mode?: number;
}

export interface Folders {
  /**
   * Opens a folder that an operator names, and gives the path by which the kernel knows it from now on; undefined where there is none.
   * Only links that root or this user made, where nobody else may replace them, are followed. Throws UNSAFE_PATH.
   */
  open(path: string, options?: OpenOptions): Promise<string | undefined>;
  /** Opens a folder of our own in an opened one; undefined where there is none. Throws UNSAFE_PATH for one of somebody else, and for a link. */
  own(parent: string, name: string, options?: { readonly create?: boolean }): Promise<string | undefined>;
  /** Their paths mean nothing afterwards. */
  close(): Promise<void>;
}

/** Lends folders until `use` has ended. */
export async function withFolders<T>(use: (folders: Folders) => Promise<T>): Promise<T> {
  const folders = openFolders();
  try {
    return await use(folders);
  } finally {
    await folders.close();
  }
}

/** What is opened stays open until `close`. */
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
        if (++links > mostLinks) throw unsafe(path, 'has too many symbolic links');
        names.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
        if (!target.startsWith('/')) continue;
        await folder.close();
        folder = await fs.open('/', O_PATH | O_DIRECTORY);
      } else {
        await folder.close();
        folder = next;
      }
    }
    if (!(await folder.stat()).isDirectory()) throw new InputError(`${path} is not a folder`);
    return folder;
  } catch (error) {
    await folder.close();
    throw isSystemError(error, 'EACCES', 'ENOTDIR', 'EROFS', 'ENOSPC') ? named(error) : error;
  }
}

/** The entry itself, link or not. `create` makes a folder where there is nothing. */
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

/** As for sshd's files: a link counts where only root or this user can have made it, and nobody else can put another in its place. */
async function readTrustedLink(folder: FileHandle, name: string): Promise<string> {
  const path = `${pathOf(folder)}/${name}`;
  const [link, above] = [await fs.lstat(path), await folder.stat()];
  if (!isTrustedUser(link.uid)) throw unsafe(path, `is a symbolic link of user ${link.uid}`, 'give the real path');
  if (!isClosed(above))
    throw unsafe(path, 'is a symbolic link in a folder where others may write', 'give the real path');
  return fs.readlink(path);
}

async function openOwnFolder(
  parent: string,
  name: string,
  { create = false }: { create?: boolean },
): Promise<FileHandle | undefined> {
  const path = join(parent, name);
  // Whatever the umask, the conductor must be able to go through it.
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
    if (!stats.isDirectory()) throw unsafe(path, `is ${kindOf(stats)} and not a folder`);
    if (!isTrustedUser(stats.uid) && !(await isMadeOurs(parent, stats.uid, create)))
      throw unsafe(path, `belongs to user ${stats.uid}`);
    if (create && (stats.mode & 0o777) !== 0o755 && stats.uid === process.geteuid?.())
      await fs.chmod(pathOf(handle), 0o755);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Removes a folder of our own with all that it holds, or what else bears its name. Throws UNSAFE_PATH for a folder of somebody else. */
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

/** True where what this user makes in the folder belongs to that user: an NFS server may have it so. A run that only reads believes it. */
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
 * Opens a file of our own in an opened folder, and nothing else: no link, no pipe, no file with another name, none of somebody else. What is
 * opened is what was looked at. Throws UNSAFE_PATH, and the error of the system where there is none and O_CREAT is not among the flags.
 */
export async function openOwn(path: string, flags: number, mode = 0o600): Promise<FileHandle> {
  return openLooked(path, flags, { mode, check: async (stats) => assertOwn(stats, path) });
}

/** Takes a name away: of a file, a link, a pipe. Does nothing where there is none. Throws UNSAFE_PATH for a folder. */
export async function removeName(path: string): Promise<void> {
  await fs.unlink(path).catch((error: unknown) => {
    // Linux says EISDIR, POSIX EPERM.
    if (isSystemError(error, 'EISDIR', 'EPERM')) throw unsafe(path, 'is a folder and not a file');
    if (!isSystemError(error, 'ENOENT')) throw named(error);
  });
}

/** Opens what must be a file, whoever owns it, for reading. Throws UNSAFE_PATH. */
export async function openRegular(path: string): Promise<FileHandle> {
  return openLooked(path, constants.O_RDONLY, { mode: 0, check: async (stats) => assertFile(stats, path) });
}

/** What a small file of our own holds; undefined where there is none, or no JSON. Throws UNSAFE_PATH for what is not our file. */
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

interface Looking {
  readonly mode: number;
  readonly check: (stats: Stats) => Promise<void>;
}

async function openLooked(path: string, flags: number, { mode, check }: Looking): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    const found = await fs.open(path, O_PATH | O_NOFOLLOW).catch((error: unknown) => {
      if (!isSystemError(error, 'ENOENT') || (flags & O_CREAT) === 0) throw named(error);
      return undefined;
    });
    try {
      if (!found) return await fs.open(path, flags | O_EXCL | O_NOFOLLOW, mode);
      await check(await found.stat());
      return await fs.open(pathOf(found), flags & ~(O_CREAT | O_EXCL));
    } catch (error) {
      // Another run has made it just now.
      if (!isSystemError(error, 'EEXIST') || tries === 3) throw named(error);
    } finally {
      await found?.close();
    }
  }
}

async function assertOwn(stats: Stats, path: string): Promise<void> {
  assertFile(stats, path);
  if (stats.nlink > 1) throw unsafe(path, 'has another name (a hard link)');
  if (isTrustedUser(stats.uid)) return;
  // In a folder of our own that an NFS server shows as somebody's the files are that user's as well.
  const folder = await fs.stat(dirname(path));
  if (stats.uid !== folder.uid || (folder.mode & 0o022) !== 0) throw unsafe(path, `belongs to user ${stats.uid}`);
}

function assertFile(stats: Stats, path: string): void {
  if (!stats.isFile()) throw unsafe(path, `is ${kindOf(stats)} and not a file`);
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isFile() ? 'a file' : 'a device';
}

/** Something that other users may have put in our way. */
export function unsafe(
  path: string,
  what: string,
  remedy = 'remove it, or name a folder where only this user may write',
): OperationError {
  const shown = shownPath(path);
  return new OperationError('UNSAFE_PATH', `${shown} ${what}: it was left alone; ${remedy}`, { path: shown });
}

function named(error: unknown): unknown {
  if (error instanceof Error && !(error instanceof OperationError)) error.message = shownPath(error.message);
  return error;
}

function ignoreCode(code: string): (error: unknown) => false {
  return (error) => {
    if (isSystemError(error, code)) return false;
    throw error;
  };
}
