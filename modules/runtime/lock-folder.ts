// The directory of a run's lock: the one that the operator chose, or one of this user alone.
import fs from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { isClosed, isPrivate } from '../clients/files/accounts.js';
import type { Folders } from '../clients/files/folders.js';
import { homeFolder, unsafePath } from '../clients/files/paths.js';
import { InputError, messageOf, OperationError } from '../core/errors.js';
import type { Context } from '../core/operation.js';

export interface LockPlace {
  /**
   * The directory that the operator chose; by default one that only root and this user can reach.
   */
  readonly directory: string | undefined;
  readonly context: Pick<Context, 'environment' | 'signal'>;
}

export interface LockFolder {
  /** By its descriptor: the directory itself, or the nearest one in which it will be created. */
  readonly path: string;
  /** What will be created in `path`; empty if the directory exists. */
  readonly missing: string;
}

/** Opens it, and creates a default one. Throws INVALID_INPUT, UNSAFE_PATH. */
export function openLockFolder(folders: Folders, place: LockPlace): Promise<LockFolder> {
  return chooseFolder(folders, place, openPrivate);
}

/** The one that `openLockFolder` would open, as far as that can be told without creating anything. */
export function findLockFolder(folders: Folders, place: LockPlace): Promise<LockFolder> {
  return chooseFolder(folders, place, findPrivate);
}

type OpenPlace = (folders: Folders, place: OwnPlace) => Promise<LockFolder>;

async function chooseFolder(
  folders: Folders,
  { directory, context }: LockPlace,
  openPlace: OpenPlace,
): Promise<LockFolder> {
  if (directory !== undefined) {
    const path = await folders.open(directory).catch((error: unknown) => refuse(directory, error));
    return { path: path ?? refuse(directory, new Error('there is no such directory')), missing: '' };
  }
  const faults: string[] = [];
  for (const candidate of ownPlaces(context.environment)) {
    try {
      return await openPlace(folders, candidate);
    } catch (error) {
      context.signal.throwIfAborted();
      faults.push(messageOf(error));
    }
  }
  throw new InputError(
    `lock_dir: there is no directory for the lock (${faults.join('; ')}); name one where only this user may write`,
    'lock_dir',
  );
}

function refuse(directory: string, error: unknown): never {
  if (error instanceof OperationError && error.code === 'UNSAFE_PATH') throw error;
  throw new InputError(
    `lock_dir: ${directory} cannot be opened (${messageOf(error)}); name a directory where this user may write`,
    'lock_dir',
  );
}

const ownFolder = 'chameleon_image_tools';

interface OwnPlace {
  /** A directory that must exist. */
  readonly within: string;
  /** What is created below it. */
  readonly name: string;
}

/** Directories of root, or of this user alone, the best first. */
function ownPlaces(environment: Context['environment']): readonly OwnPlace[] {
  const user = process.geteuid?.() ?? 0;
  if (user === 0) return [{ within: '/run', name: ownFolder }];
  const [runtime, home] = [environment.XDG_RUNTIME_DIR, homeFolder(environment)];
  return [
    ...(runtime && isAbsolute(runtime) ? [{ within: runtime, name: ownFolder }] : []),
    ...(home && isAbsolute(home) ? [{ within: home, name: join('.local/state', ownFolder) }] : []),
    { within: '/tmp', name: `${ownFolder}-${user}` },
  ];
}

async function openPrivate(folders: Folders, { within, name }: OwnPlace): Promise<LockFolder> {
  await openBase(folders, within);
  const path = await folders.open(join(within, name), { create: true });
  if (path === undefined) throw noBase(within);
  return { path: await assertPrivate(path), missing: '' };
}

async function findPrivate(folders: Folders, { within, name }: OwnPlace): Promise<LockFolder> {
  await openBase(folders, within);
  const path = await folders.open(join(within, name));
  if (path !== undefined) return { path: await assertPrivate(path), missing: '' };
  for (let parent = dirname(join(within, name)); ; parent = dirname(parent)) {
    const found = await folders.open(parent);
    if (found === undefined) continue;
    await fs.access(found, fs.constants.W_OK | fs.constants.X_OK);
    return { path: found, missing: relative(parent, join(within, name)) };
  }
}

/** Throws unless only this user and root can change what is in it. */
async function openBase(folders: Folders, within: string): Promise<void> {
  const base = await folders.open(within);
  if (base === undefined || !isClosed(await fs.stat(base))) throw noBase(within);
}

function noBase(within: string): Error {
  return new Error(`there is no ${within} that only this user can change`);
}

async function assertPrivate(path: string): Promise<string> {
  if (!isPrivate(await fs.stat(path))) throw unsafePath(path, 'belongs to another user, or others may write to it');
  return path;
}
