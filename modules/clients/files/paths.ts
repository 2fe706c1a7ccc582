// Paths as people write and know them: the home directory, and the names of opened directories.
import { readlinkSync, type Stats } from 'node:fs';
import { stat, type FileHandle } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InputError, OperationError } from '../../core/errors.js';
import type { Environment } from '../../core/operation.js';

/**
 * Not in the constants of Node.js. Opens no pipe or device, and needs no permission to read. The
 * same number on all architectures of Node.js.
 */
export const O_PATH = 0o10000000;

/** The path by which Linux knows what a descriptor has open. */
export function descriptorPath({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

/**
 * Replaces the descriptors of opened directories in a path, or in a text with paths, by their
 * names.
 */
export function shownPath(text: string): string {
  return text.replace(/\/proc\/self\/fd\/\d+/g, (path) => {
    try {
      return readlinkSync(path);
    } catch {
      return path;
    }
  });
}

/** True if there is something at the path, readable or not. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}

/**
 * The path with a leading `~` replaced by the home directory. Throws INVALID_INPUT if this user has
 * none.
 */
export function withHome(path: string, environment: Environment): string {
  if (path !== '~' && !path.startsWith('~/')) return path;
  const home = homeFolder(environment);
  if (home === undefined)
    throw new InputError(`${path}: this user has no home directory; set HOME, or give an absolute path`);
  return join(home, path.slice(1));
}

/**
 * The home directory, if any: systemd gives a dynamic user neither HOME nor an entry that the name
 * service always finds.
 */
export function homeFolder(environment: Environment): string | undefined {
  if (environment.HOME) return environment.HOME;
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/** What is at a path, as a message names it. */
export function fileKind(stats: Stats): string {
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

/** The error of a system call, with the names of opened directories in its message. */
export function withShownPath(error: unknown): unknown {
  if (error instanceof Error && !(error instanceof OperationError)) error.message = shownPath(error.message);
  return error;
}
