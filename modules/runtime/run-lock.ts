// One run at a time for each host and cloud: where the lock of an operation is, and who shares it.
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { withFolders } from '../clients/files/folders.js';
import { assertOwnOrAbsent } from '../clients/files/own-files.js';
import { shownPath } from '../clients/files/paths.js';
import {
  assertFlock,
  isHeldByOthers,
  isLockHeld,
  lockFile,
  lockSharedFile,
  type FileLock,
} from '../clients/files/lock.js';
import { freeBytes } from '../clients/files/room.js';
import { isSystemError, hasCode, InputError, messageOf, OperationError, RunInProgress } from '../core/errors.js';
import type { Context } from '../core/operation.js';
import { findLockFolder, openLockFolder, type LockPlace } from './lock-folder.js';

export interface RunLock {
  /**
   * Identifies this host and lock without revealing them: two runs with the same value can never be
   * alive at the same time.
   */
  readonly fingerprint: string;
  release(): Promise<void>;
}

export interface RunLockOptions extends LockPlace {
  readonly operation: string;
  /** Identifies the cloud; it is only hashed. */
  readonly cloud: string;
  readonly context: Pick<Context, 'environment' | 'signal' | 'log'>;
}

/** Where earlier versions had it: everybody may create files there, and lock those of others. */
const formerFolder = '/run/lock';

/**
 * Takes the lock of an operation on a cloud, without waiting. Throws RUN_IN_PROGRESS if another
 * process holds it, UNSAFE_PATH if something else is in its place, INVALID_INPUT if the file cannot
 * be opened.
 */
export async function takeRunLock(options: RunLockOptions): Promise<RunLock> {
  const name = lockName(options);
  const { lock, path } = await withFolders(async (folders) => {
    const { path: folder } = await openLockFolder(folders, options);
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
 * The lock for a run that only plans. It neither creates, opens nor takes anything, so that a real
 * run is never refused. While another run holds the lock, the fingerprint is empty, and what that
 * run works on counts as in progress. Throws INVALID_INPUT, UNSAFE_PATH if there is no place for the
 * lock; whether this user may write there does not matter.
 */
export async function peekRunLock(options: RunLockOptions): Promise<RunLock> {
  const name = lockName(options);
  const found = await withFolders(async (folders) => {
    const { path: folder, missing } = await findLockFolder(folders, options);
    const path = join(folder, missing, name);
    return { path: shownPath(path), isHeld: await mayBeLocked(path) };
  });
  const former = options.directory === undefined ? await peekFormerLock(name) : undefined;
  const isHeld = found.isHeld || former?.isHeld === true;
  const path = former ? join(formerFolder, name) : found.path;
  return { fingerprint: isHeld ? '' : await fingerprintOf(path), release: async () => undefined };
}

/** True also where this user may not look. */
async function mayBeLocked(path: string): Promise<boolean> {
  return isLockHeld(path).catch((error: unknown) => {
    if (isSystemError(error, 'EACCES')) return true;
    throw error;
  });
}

/** Undefined if `takeFormerLock` would not take it. */
async function peekFormerLock(name: string): Promise<{ readonly isHeld: boolean } | undefined> {
  return withFolders(async (folders) => {
    try {
      const folder = await folders.open(formerFolder);
      if (folder === undefined) return undefined;
      const path = join(folder, name);
      await assertOwnOrAbsent(path);
      await fs.access(path, fs.constants.R_OK).catch((error: unknown) => {
        if (!isSystemError(error, 'ENOENT')) throw error;
        return fs.access(folder, fs.constants.W_OK);
      });
      const isHeld = await isLockHeld(path);
      return isHeld && (await isHeldByOthers(path)) ? undefined : { isHeld };
    } catch {
      return undefined;
    }
  });
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
  if (!(error instanceof OperationError) || error.code !== 'LOCK_FAILED' || !isSystemError(error.cause, ...unwritable))
    return error;
  return cannotWrite(error.message);
}

const unwritable = ['EACCES', 'EROFS', 'ENOENT', 'ENOTDIR'];

function cannotWrite(what: string): InputError {
  return new InputError(`lock_dir: ${what}; name a directory where this user may write`, 'lock_dir');
}

async function fingerprintOf(path: string): Promise<string> {
  const host = await fs
    .readFile('/etc/machine-id', 'utf8')
    .catch(() => fs.readFile('/proc/sys/kernel/hostname', 'utf8'));
  return hash(`${host.trim()}\n${path}`).slice(0, 16);
}

/** Where the lock of an operation would be. */
export interface ExpectedLock {
  readonly folder: string;
  readonly freeBytes: number | undefined;
}

/**
 * Makes sure that a run could take its lock, without creating or locking anything. `cloud`: if it is
 * not known, the file itself is not looked at. Throws what `takeRunLock` would throw, except that
 * another run may hold the lock.
 */
export async function assertLockable({
  operation,
  cloud,
  ...place
}: LockPlace & { readonly operation: string; readonly cloud: string | undefined }): Promise<ExpectedLock> {
  await assertFlock(place.context.signal);
  return withFolders(async (folders) => {
    const { path } = await findLockFolder(folders, place);
    const folder = shownPath(path);
    try {
      await fs.access(path, fs.constants.W_OK | fs.constants.X_OK);
      if (cloud !== undefined) await assertOwnOrAbsent(join(path, lockName({ operation, cloud })));
    } catch (error) {
      if (!isSystemError(error, ...unwritable)) throw error;
      throw cannotWrite(`no lock can be created in ${folder}: ${shownPath(messageOf(error))}`);
    }
    return { folder, freeBytes: await freeBytes(path) };
  });
}

function lockName({ operation, cloud }: Pick<RunLockOptions, 'operation' | 'cloud'>): string {
  return `chameleon-image-tools-${operation}-${hash(cloud).slice(0, 12)}.lock`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
