// Publishes into a folder that a web server shows, or that is a mounted S3 bucket.
import type { Stats } from 'node:fs';
import fs, { constants, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { assertSpace, draftOf, renameDurably, statOf } from '../../clients/files/durable.js';
import type { Folders } from '../../clients/files/folders.js';
import { openRegular } from '../../clients/files/own-files.js';
import { fileKind, shownPath, unsafePath } from '../../clients/files/paths.js';
import { readHandleChunks } from '../../clients/download/part-file.js';
import { InputError, isSystemError, messageOf, OperationError } from '../../core/errors.js';
import { optionText } from '../../core/option-text.js';
import type { StoredDocument } from '../policy/publication.js';
import { compareData, publishedMeanwhile, type PublicationTarget } from './target.js';

export interface FolderOptions {
  readonly folder: string;
  /** Writes files where they belong instead of renaming them there. */
  readonly inPlace: boolean;
  readonly folders: Folders;
  readonly signal: AbortSignal;
}

/** Throws INVALID_INPUT if there is no such folder: it may not be mounted. */
export async function openFolderTarget(options: FolderOptions): Promise<PublicationTarget> {
  const { folder, inPlace, signal } = options;
  const root = await options.folders.open(folder).catch((error: unknown) => {
    if (error instanceof OperationError) throw error;
    throw new InputError(`store_dir: ${folder} cannot be opened (${messageOf(error)})`, 'store_dir');
  });
  if (root === undefined)
    throw new InputError(
      `store_dir: there is no folder ${folder}; create it, or mount what it stands for`,
      'store_dir',
    );
  return {
    location: folder,
    warnings: [],
    readDocument: async (path) => {
      const place = await openPlace(path, options, { create: false });
      return place === undefined ? undefined : readStored(place, inPlace);
    },
    compareImage: async (path, image) => {
      const place = await openPlace(path, options, { create: false });
      const stats = place === undefined ? undefined : await statOf(place, { ofLink: true });
      if (place === undefined || stats === undefined) return 'absent';
      if (!stats.isFile()) throw unsafePath(place, `is ${fileKind(stats)} and not a file`, 'move it away');
      if (await statOf(markOf(place))) return 'unfinished';
      if (stats.size !== image.bytes) return 'other';
      return compareData(readHandleChunks(await openRegular(place)), image, signal);
    },
    writeImage: async (path, image, { onProgress }) => {
      const place = await openPlace(path, options, { create: true });
      if (!inPlace) await assertSpace(dirname(place), image.bytes, path);
      const write = async (handle: FileHandle): Promise<void> => {
        let doneBytes = 0;
        for await (const chunk of image.read(image.whole)) {
          await handle.writeFile(chunk);
          onProgress((doneBytes += chunk.length));
        }
      };
      await explained(place, () => (inPlace ? writeMarked(place, write) : writeRenamed(place, write)));
    },
    writeDocument: async (path, text) => {
      const place = await openPlace(path, options, { create: true });
      const write = (handle: FileHandle): Promise<void> => handle.writeFile(text);
      await explained(place, () => (inPlace ? writeTwice(place, write) : writeRenamed(place, write)));
    },
  };
}

/** A path by the descriptor of its folder; undefined if the folder is missing and not created. */
async function openPlace(path: string, options: FolderOptions, how: { readonly create: true }): Promise<string>;
async function openPlace(
  path: string,
  options: FolderOptions,
  how: { readonly create: boolean },
): Promise<string | undefined>;
async function openPlace(
  path: string,
  { folder, folders }: FolderOptions,
  { create }: { readonly create: boolean },
): Promise<string | undefined> {
  let above = folder;
  let opened: string | undefined;
  for (const name of dirname(path).split('/')) {
    above = join(above, name);
    opened = await folders.open(above);
    if (opened === undefined && create) opened = await createFolder(above, folders);
    if (opened === undefined) return undefined;
  }
  return opened === undefined ? undefined : join(opened, basename(path));
}

/** Everybody may read it, whatever the umask: the web server must. */
async function createFolder(path: string, folders: Folders): Promise<string | undefined> {
  return explained(path, async () => {
    const opened = await folders.open(path, { create: true });
    if (opened !== undefined) await openToAll((mode) => fs.chmod(opened, mode), 0o755);
    return opened;
  });
}

/** A bucket has no modes. */
async function openToAll(chmod: (mode: number) => Promise<void>, mode: number): Promise<void> {
  await chmod(mode).catch((error: unknown) => {
    if (!isSystemError(error, 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
  });
}

/** Written next to its place, and renamed over what is there. */
async function writeRenamed(place: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  const draft = draftOf(place);
  await fs.rm(draft, { force: true });
  const { size } = await writeNew(draft, 'wx', write);
  // The lock is one of this host: a run elsewhere that has this folder too may be writing its own draft there.
  if ((await statOf(draft, { ofLink: true }))?.size !== size) throw publishedMeanwhile(shownPath(place));
  try {
    await renameDurably(draft, place);
  } catch (error) {
    await fs.rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Marks what is not complete, so that the next run does not take it for another image. */
async function writeMarked(place: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  await writeNew(markOf(place), overwriting, (handle) => handle.writeFile('This file is being written.\n'));
  await writeNew(place, overwriting, write);
  await fs.rm(markOf(place));
}

/** A copy is written first: the document is lost if the run is killed in the middle. */
async function writeTwice(place: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  await writeNew(draftOf(place), overwriting, write);
  await writeNew(place, overwriting, write);
  await fs.rm(draftOf(place));
}

/** Never through a link, which somebody else may have put there. */
const overwriting = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

async function writeNew(
  path: string,
  flags: string | number,
  write: (handle: FileHandle) => Promise<void>,
): Promise<Stats> {
  const handle = await fs.open(path, flags, 0o644);
  try {
    await write(handle);
    await openToAll((mode) => handle.chmod(mode), 0o644);
    await handle.sync();
    return await handle.stat();
  } finally {
    await handle.close();
  }
}

function markOf(place: string): string {
  return `${place}.unfinished`;
}

async function readStored(place: string, inPlace: boolean): Promise<StoredDocument | undefined> {
  const text = await readIfPresent(place);
  const copy = inPlace ? await readIfPresent(draftOf(place)) : undefined;
  if (copy !== undefined && isJson(copy) && !isJson(text)) return { text: copy, isUnfinished: true };
  return text === undefined ? undefined : { text };
}

async function readIfPresent(path: string): Promise<string | undefined> {
  if ((await statOf(path, { ofLink: true })) === undefined) return undefined;
  const handle = await openRegular(path);
  return handle.readFile('utf8').finally(() => handle.close());
}

function isJson(text: string | undefined): boolean {
  try {
    JSON.parse(text ?? '');
    return true;
  } catch {
    return false;
  }
}

const withoutRename = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'EXDEV'] as const;

/** The error of a system call as one that says what to do. */
async function explained<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OperationError || !isSystemFault(error)) throw error;
    const path = shownPath(place);
    const cure =
      error.syscall === 'rename' && isSystemError(error, ...withoutRename)
        ? `; if this is a mounted bucket that cannot rename, give ${optionText('in_place', true)}`
        : error.syscall === 'unlink'
          ? '; if this is a mounted bucket, its mount must allow files to be deleted'
          : '';
    const message = `${path} cannot be written (${shownPath(messageOf(error))})${cure}`;
    throw new OperationError('STORE_UNWRITABLE', message, { path }, error);
  }
}

function isSystemFault(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}
