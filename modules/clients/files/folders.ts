// Directories and files where other users may also write: opened one name at a time without
// following links, and then used by their descriptor, so that what is checked is what is changed.
// Node.js has no openat(2); on Linux, a name below /proc/self/fd/N means the same.
import fs, { constants, type FileHandle } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { InputError, isSystemError } from '../../core/errors.js';
import { isClosed, isTrustedUser } from './accounts.js';
import { descriptorPath, fileKind, O_PATH, unsafePath, withShownPath } from './paths.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
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
    return handle && descriptorPath(handle);
  };
  return {
    open: async (path, options = {}) => keep(await walk(path, options)),
    own: async (parent, name, options = {}) => keep(await openOwnFolder(parent, name, options)),
    close: async () => {
      for (const handle of handles.splice(0)) await handle.close();
    },
  };
}

async function walk(path: string, options: OpenOptions): Promise<FileHandle | undefined> {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  let folder = await fs.open('/', O_PATH | O_DIRECTORY);
  try {
    for (let links = 0; ; ) {
      const name = names.shift();
      if (name === undefined) break;
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
  const path = `${descriptorPath(folder)}/${name}`;
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
  const path = `${descriptorPath(folder)}/${name}`;
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
    if (!stats.isDirectory()) throw unsafePath(path, `is ${fileKind(stats)} and not a directory`);
    if (!isTrustedUser(stats.uid) && !(await isMadeOurs(parent, stats.uid, create)))
      throw unsafePath(path, `belongs to user ${stats.uid}`);
    if (create && (stats.mode & 0o777) !== 0o755 && stats.uid === process.geteuid?.())
      await fs.chmod(descriptorPath(handle), 0o755);
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

function ignoreCode(code: string): (error: unknown) => false {
  return (error) => {
    if (isSystemError(error, code)) return false;
    throw error;
  };
}
