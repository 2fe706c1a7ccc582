// One run at a time for each host and cloud: where the lock of an operation is, and who shares it.
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { withFolders, type Folders } from '../clients/files/folders.js';
import { isClosed, isPrivate } from '../clients/files/accounts.js';
import { unsafePath, shownPath, homeFolder } from '../clients/files/paths.js';
import { lockFile, lockSharedFile, type FileLock } from '../clients/files/lock.js';
import { isSystemError, hasCode, InputError, messageOf, OperationError, RunInProgress } from '../core/errors.js';
import type { Context } from '../core/operation.js';

export interface RunLock {
  /**
   * Identifies this host and lock without revealing them: two runs with the same value can never be
   * alive at the same time.
   */
  readonly fingerprint: string;
  release(): Promise<void>;
}

export interface RunLockOptions {
  /**
   * The directory that the operator chose; by default one that only root and this user can reach.
   */
  readonly directory: string | undefined;
  readonly operation: string;
  /** Identifies the cloud; it is only hashed. */
  readonly cloud: string;
  readonly context: Pick<Context, 'environment' | 'signal' | 'log'>;
}

/** Where earlier versions had it: everybody may create files there, and lock those of others. */
const formerFolder = '/run/lock';
const ownFolder = 'chameleon_image_tools';

/**
 * Takes the lock of an operation on a cloud, without waiting. Throws RUN_IN_PROGRESS if another
 * process holds it, UNSAFE_PATH if something else is in its place, INVALID_INPUT if the file cannot
 * be opened.
 */
export async function takeRunLock(options: RunLockOptions): Promise<RunLock> {
  const name = `chameleon-image-tools-${options.operation}-${hash(options.cloud).slice(0, 12)}.lock`;
  const { lock, path } = await withFolders(async (folders) => {
    const folder = await openLockFolder(folders, options);
    return { path: shownPath(join(folder, name)), lock: await lockIn(folder, name, options) };
  });
  if (options.directory !== undefined) return { fingerprint: await fingerprintOf(path), release: () => lock.release() };
  try {
    const former = await takeFormerLock(name, options);
    return {
      fingerprint: await fingerprintOf(former ? join(formerFolder, name) : path),
      release: async () => {
        await former?.release();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * The lock for a dry run, which does not hold it, so that a real run is never refused. While
 * another run holds the lock, the fingerprint is empty, and what that run works on counts as in
 * progress.
 */
export async function peekRunLock(options: RunLockOptions): Promise<RunLock> {
  const release = async (): Promise<void> => undefined;
  try {
    const lock = await takeRunLock(options);
    await lock.release();
    return { fingerprint: lock.fingerprint, release };
  } catch (error) {
    if (error instanceof RunInProgress) return { fingerprint: '', release };
    throw error;
  }
}

async function lockIn(folder: string, name: string, { operation, context }: RunLockOptions): Promise<FileLock> {
  try {
    return await lockFile(join(folder, name), { waitSeconds: 0, signal: context.signal });
  } catch (error) {
    throw translated(error, operation);
  }
}

/**
 * Keeps a run of an earlier version and one of this version from running at the same time. Ignores
 * what other users have put there or hold.
 */
async function takeFormerLock(name: string, { operation, context }: RunLockOptions): Promise<FileLock | undefined> {
  return withFolders(async (folders) => {
    const folder = await folders.open(formerFolder).catch(() => undefined);
    if (folder === undefined) return undefined;
    const lock = await lockSharedFile(join(folder, name), context.signal).catch((error: unknown) => {
      if (hasCode(error, 'LOCK_FAILED')) return undefined;
      throw translated(error, operation);
    });
    if (!lock) context.log('info', `${join(formerFolder, name)} is not taken: another user created it, or holds it`);
    return lock;
  });
}

function translated(error: unknown, operation: string): unknown {
  if (error instanceof RunInProgress)
    return new RunInProgress(
      `another run of ${operation} for this cloud is in progress on this host (${error.facts.lock})`,
      error.facts,
    );
  if (
    !(error instanceof OperationError) ||
    error.code !== 'LOCK_FAILED' ||
    !isSystemError(error.cause, 'EACCES', 'EROFS', 'ENOENT', 'ENOTDIR')
  )
    return error;
  return new InputError(`lock_dir: ${error.message}; name a directory where this user may write`, 'lock_dir');
}

async function openLockFolder(folders: Folders, { directory, context }: RunLockOptions): Promise<string> {
  if (directory !== undefined) {
    const folder = await folders.open(directory).catch((error: unknown) => refuse(directory, error));
    return folder ?? refuse(directory, new Error('there is no such directory'));
  }
  const faults: string[] = [];
  for (const candidate of ownPlaces(context.environment)) {
    try {
      return await openPrivate(folders, candidate);
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

/** Directories of root, or of this user alone, the best first. */
function ownPlaces(environment: Context['environment']): readonly Place[] {
  const user = process.geteuid?.() ?? 0;
  if (user === 0) return [{ within: '/run', name: ownFolder }];
  const [runtime, home] = [environment.XDG_RUNTIME_DIR, homeFolder(environment)];
  return [
    ...(runtime && isAbsolute(runtime) ? [{ within: runtime, name: ownFolder }] : []),
    ...(home && isAbsolute(home) ? [{ within: home, name: join('.local/state', ownFolder) }] : []),
    { within: '/tmp', name: `${ownFolder}-${user}` },
  ];
}

interface Place {
  /** A directory that must exist. */
  readonly within: string;
  /** What is created below it. */
  readonly name: string;
}

async function openPrivate(folders: Folders, { within, name }: Place): Promise<string> {
  const base = await folders.open(within);
  const folder =
    base && isClosed(await fs.stat(base)) ? await folders.open(join(within, name), { create: true }) : undefined;
  if (folder === undefined) throw new Error(`there is no ${within} that only this user can change`);
  if (!isPrivate(await fs.stat(folder))) throw unsafePath(folder, 'belongs to another user, or others may write to it');
  return folder;
}

async function fingerprintOf(path: string): Promise<string> {
  const host = await fs
    .readFile('/etc/machine-id', 'utf8')
    .catch(() => fs.readFile('/proc/sys/kernel/hostname', 'utf8'));
  return hash(`${host.trim()}\n${path}`).slice(0, 16);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
