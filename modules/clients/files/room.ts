// Where files could be created, and how much room there is, without creating any.
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError, messageOf, OperationError } from '../../core/errors.js';
import { withFolders } from './folders.js';
import { shownPath } from './paths.js';

export interface WritableFolder {
  /** The folder, or if it does not exist the nearest one, in which it would be created. */
  readonly path: string;
  readonly exists: boolean;
  readonly uid: number;
  readonly freeBytes: number | undefined;
}

/** `path`: absolute. Throws INVALID_INPUT if this user may not write there, UNSAFE_PATH. */
export async function findWritable(path: string): Promise<WritableFolder> {
  return withFolders(async (folders) => {
    for (let place = path; ; place = dirname(place)) {
      const what = place === path ? `${path} cannot be written to` : `${path} does not exist and cannot be created`;
      const refuse = (error: unknown): never => {
        if (error instanceof OperationError && !(error instanceof InputError)) throw error;
        throw new InputError(`${what} (${shownPath(messageOf(error))}); choose a folder that this user may write to`);
      };
      const opened = await folders.open(place).catch(refuse);
      if (opened === undefined) continue;
      await fs.access(opened, fs.constants.W_OK | fs.constants.X_OK).catch(refuse);
      const { uid } = await fs.stat(opened);
      return { path: place, exists: place === path, uid, freeBytes: await freeBytes(opened) };
    }
  });
}

/** For this user; undefined if the system does not tell. */
export async function freeBytes(path: string): Promise<number | undefined> {
  // Since Node.js 18.15.
  if (typeof fs.statfs !== 'function') return undefined;
  return fs.statfs(path).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  );
}
