// One run at a time for a host and cloud: a file locked by the kernel, which lets go when the process ends, kill -9 included.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, messageOf, OperationError, RunInProgress } from '../core/errors.js';

export interface RunLock {
  /** Names this host and lock without telling anything of them: two runs with the same value can never be alive together. */
  readonly fingerprint: string;
  release(): void;
}

/**
 * Takes the lock of an operation on a cloud, at once or not at all. `cloud` tells clouds apart; it is only hashed.
 * flock(1) locks the open file that it inherits from us, so the lock is ours when it has ended.
 * Throws RUN_IN_PROGRESS when another process holds it, INVALID_INPUT when the file cannot be opened.
 */
export function takeRunLock(options: { directory: string; operation: string; cloud: string }): RunLock {
  const path = join(options.directory, `chameleon-image-tools-${options.operation}-${hash(options.cloud).slice(0, 12)}.lock`);
  const file = openLockFile(path);
  const result = spawnSync('flock', ['--nonblock', '--conflict-exit-code', '75', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] });
  if (result.status !== 0) {
    closeSync(file);
    if (result.status === 75) throw new RunInProgress(`another run of ${options.operation} for this cloud is in progress on this host (${path})`, { lock: path });
    const why = result.error ? messageOf(result.error) : result.stderr.toString().trim();
    throw new OperationError('LOCK_FAILED', `${path} cannot be locked: ${why}; flock of util-linux is needed`, { lock: path }, result.error);
  }
  return { fingerprint: hash(`${hostIdentity()}\n${path}`).slice(0, 16), release: () => closeSync(file) };
}

/**
 * The lock as a dry run needs it: not held, so that a real run is never turned away. While another run holds it the fingerprint is empty,
 * and what that run is at counts as in progress.
 */
export function peekRunLock(options: Parameters<typeof takeRunLock>[0]): RunLock {
  try {
    const lock = takeRunLock(options);
    lock.release();
    return { fingerprint: lock.fingerprint, release: () => undefined };
  } catch (error) {
    if (error instanceof RunInProgress) return { fingerprint: '', release: () => undefined };
    throw error;
  }
}

/** Read-only is enough for a lock, and lets runs of different users share the file. */
function openLockFile(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    try {
      return openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
    } catch (error) {
      throw new InputError(`lock_dir: ${path} cannot be opened (${messageOf(error)}); name a folder where this user may write`, 'lock_dir');
    }
  }
}

function hostIdentity(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
