// Paths as people write and know them: the home directory, and the names of opened directories.
import { readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../core/errors.js';
import type { Environment } from '../../core/operation.js';

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
