// The file of the page: what it is now, and its replacement in one step.
import fs from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { replaceAmongOthers, statOf, syncPath } from '../../clients/files/durable.js';
import { withFolders } from '../../clients/files/folders.js';
import { openRegular } from '../../clients/files/own-files.js';
import { shownPath, withHome } from '../../clients/files/paths.js';
import { InputError, isSystemError, messageOf } from '../../core/errors.js';
import type { Environment } from '../../core/operation.js';
import { timeOfPage } from './page.js';

/** No page of a site is larger; a file that is was made by something else. */
const mostBytes = 256 * 2 ** 20;

export interface PageFile {
  readonly path: string;
  /** The previous page; undefined if there is no file, or an empty one. */
  readonly previous?: { readonly text: string; readonly time: Date };
}

/** Throws INVALID_INPUT if the file cannot be written, or is anything but a page of this operation. */
export async function readPageFile(given: string, environment: Environment): Promise<PageFile> {
  const path = resolve(withHome(given, environment));
  return inFolder(path, async (file, folder) => {
    await fs.access(folder, fs.constants.W_OK | fs.constants.X_OK);
    const stats = await statOf(file, { ofLink: true });
    if (!stats) return { path };
    const handle = await openRegular(file);
    try {
      if (stats.size > mostBytes) throw notOurs(path);
      const text = await handle.readFile('utf8');
      if (text === '') return { path };
      const time = timeOfPage(text);
      if (!time) throw notOurs(path);
      return { path, previous: { text, time } };
    } finally {
      await handle.close();
    }
  });
}

function notOurs(path: string): InputError {
  return new InputError(
    `html: ${path} is not a page of this command, and was left alone; remove it, or give another path`,
    'html',
  );
}

/** Readers see the previous page or the new one, and never a part. */
export async function writePageFile(path: string, text: string): Promise<void> {
  await inFolder(path, async (file, folder) => {
    const [previous, above] = [await statOf(file, { ofLink: true }), await fs.stat(folder)];
    await replaceAmongOthers(file, text, async (handle) => {
      const { uid, gid } = previous ?? { uid: -1, gid: above.gid };
      // Only root may give a file away, and not to everybody on every mount; the page is then the writer's.
      await handle.chown(uid, gid).catch((error: unknown) => {
        if (!isSystemError(error, 'EPERM', 'EINVAL')) throw error;
      });
      await handle.chmod(previous ? previous.mode & 0o777 : 0o640);
    });
    await syncPath(folder);
  });
}

/** `use` gets paths that cannot be made to lead elsewhere in the meantime. */
async function inFolder<T>(path: string, use: (file: string, folder: string) => Promise<T>): Promise<T> {
  return withFolders(async (folders) => {
    try {
      const folder = await folders.open(dirname(path));
      if (folder === undefined) throw new InputError(`html: there is no directory ${dirname(path)}`, 'html');
      return await use(join(folder, basename(path)), folder);
    } catch (error) {
      if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EISDIR')) throw error;
      throw new InputError(`html: ${path} cannot be written (${shownPath(messageOf(error))})`, 'html');
    }
  });
}
