// A lock between processes, which the kernel releases when its process ends, even by kill -9.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { constants, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, OperationError, RunInProgress, isSystemError } from '../../core/errors.js';
import { openOwn } from './own-files.js';
import { shownPath } from './paths.js';
import { isTrustedUser } from './accounts.js';

export interface FileLock {
  release(): Promise<void>;
}

export interface LockOptions {
  /** 0 for not waiting at all. */
  readonly waitSeconds: number;
  readonly signal: AbortSignal;
}

/**
 * Waits for the lock of a file of our own, in an opened directory. Nobody else may be able to open
 * it, since who can open it can lock it. Throws RUN_IN_PROGRESS if another process holds it for
 * longer than `waitSeconds`, UNSAFE_PATH for anything but our own file, LOCK_FAILED if it cannot be
 * locked at all, and the signal's reason.
 */
export async function lockFile(path: string, options: LockOptions): Promise<FileLock> {
  const shown = shownPath(path);
  const file = await openLockFile(path).catch((error: unknown) => {
    if (error instanceof OperationError) throw error;
    throw new OperationError('LOCK_FAILED', `${shown} cannot be opened: ${messageOf(error)}`, { lock: shown }, error);
  });
  return holdLock(file, shown, options);
}

/**
 * Takes a lock that other users may be able to open, as earlier versions created it. Undefined if
 * only they hold it, or if it is not ours. Otherwise like `lockFile` without waiting.
 */
export async function lockSharedFile(path: string, signal: AbortSignal): Promise<FileLock | undefined> {
  const file = await openLockFile(path).catch(() => undefined);
  if (!file) return undefined;
  try {
    return await holdLock(file, shownPath(path), { waitSeconds: 0, signal });
  } catch (error) {
    if (error instanceof RunInProgress && (await isHeldByOthers(path))) return undefined;
    throw error;
  }
}

/**
 * Opened for writing, without which NFS grants no exclusive lock; for reading if that alone is
 * allowed.
 */
async function openLockFile(path: string): Promise<FileHandle> {
  const { O_CREAT, O_RDONLY, O_RDWR } = constants;
  const file = await openOwn(path, O_RDWR | O_CREAT, 0o600).catch((error: unknown) => {
    if (isSystemError(error, 'EACCES', 'EROFS')) return openOwn(path, O_RDONLY);
    throw error;
  });
  const { mode, uid } = await file.stat();
  if (uid !== process.geteuid?.()) return file;
  // Earlier versions made it readable for everybody.
  if ((mode & 0o077) !== 0) await file.chmod(0o600);
  // Root ran it by hand in the directory of a service's user, who needs the file too.
  const folder = await fs.stat(dirname(path));
  if (uid === 0 && folder.uid !== 0) await file.chown(folder.uid, folder.gid);
  return file;
}

/**
 * flock(1) locks the open file that it inherits, so that this process keeps the lock when flock has
 * ended.
 */
async function holdLock(file: FileHandle, shown: string, { waitSeconds, signal }: LockOptions): Promise<FileLock> {
  try {
    signal.throwIfAborted();
    const { code, text } = await runFlock(file.fd, { waitSeconds, signal });
    if (code === conflictCode)
      throw new RunInProgress(
        `another run holds ${shown}${waitSeconds > 0 ? `; gave up after ${waitSeconds} s` : ''}`,
        { lock: shown },
      );
    if (code !== 0) throw new OperationError('LOCK_FAILED', `${shown} cannot be locked: ${text}`, { lock: shown });
  } catch (error) {
    await file.close();
    signal.throwIfAborted();
    throw error;
  }
  return { release: () => file.close() };
}

/**
 * Whether a process of this host holds the lock of a file, or is about to take it; false if there is
 * no file. Opens and locks nothing, so that nobody else is kept from the lock meanwhile.
 */
export async function isLockHeld(path: string): Promise<boolean> {
  const file = await fs.lstat(path, { bigint: true }).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (!file) return false;
  const locks = await fs.readFile('/proc/locks', 'utf8').catch(() => undefined);
  const place = ` ${asInLocks(file)} `;
  if (locks?.split('\n').some((line) => line.includes(' FLOCK ') && line.includes(place))) return true;
  // In a container the kernel does not list a lock whose taker, flock(1), has ended.
  const isComplete = locks !== undefined && (await fs.readlink('/proc/self/ns/pid')) === firstPidNamespace;
  return !isComplete && (await isOpen(file));
}

const firstPidNamespace = 'pid:[4026531836]';

/** The device and the number of a file as /proc/locks writes them. */
function asInLocks({ dev, ino }: FileIdentity): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  const hex = (number: bigint): string => number.toString(16).padStart(2, '0');
  return `${hex(major)}:${hex(minor)}:${ino}`;
}

async function isOpen(file: FileIdentity): Promise<boolean> {
  for (const pid of await processIds()) if (await hasOpen(pid, file)) return true;
  return false;
}

/** Throws LOCK_FAILED if this host has no flock. */
export async function assertFlock(signal: AbortSignal): Promise<void> {
  try {
    await once(spawn('flock', ['--version'], { stdio: 'ignore', signal }), 'close');
  } catch (error) {
    signal.throwIfAborted();
    throw new OperationError('LOCK_FAILED', `${messageOf(error)}; ${flockNeeded}`, {}, error);
  }
}

const flockNeeded = 'flock of util-linux is required';
const conflictCode = 75;

async function runFlock(
  descriptor: number,
  { waitSeconds, signal }: LockOptions,
): Promise<{ code: number | null; text: string }> {
  const child = spawn('flock', ['--timeout', String(waitSeconds), '--conflict-exit-code', String(conflictCode), '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    signal,
  });
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, text: text.trim() };
  } catch (error) {
    return { code: -1, text: `${messageOf(error)}; ${flockNeeded}` };
  }
}

/**
 * True if only other users have the file open, as far as can be seen. Root sees all processes.
 * Others cannot look into the processes of other users; for them, a file that none of their own
 * processes holds counts as held by others.
 */
export async function isHeldByOthers(path: string): Promise<boolean> {
  const file = await fs.stat(path, { bigint: true });
  const holders: number[] = [];
  for (const pid of (await processIds()).filter((each) => Number(each) !== process.pid)) {
    if (await hasOpen(pid, file)) holders.push(await realUserOf(pid));
  }
  if (holders.some((uid) => isTrustedUser(uid))) return false;
  return holders.length > 0 || process.geteuid?.() !== 0;
}

interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

async function processIds(): Promise<string[]> {
  return (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name));
}

async function hasOpen(pid: string, { dev, ino }: FileIdentity): Promise<boolean> {
  const folder = join('/proc', pid, 'fd');
  for (const name of await fs.readdir(folder).catch(() => [])) {
    const stats = await fs.stat(join(folder, name), { bigint: true }).catch(() => undefined);
    if (stats?.dev === dev && stats.ino === ino) return true;
  }
  return false;
}

/**
 * Not the effective user: a setuid program that another user starts inherits what that user had
 * open.
 */
async function realUserOf(pid: string): Promise<number> {
  const status = await fs.readFile(join('/proc', pid, 'status'), 'utf8').catch(() => '');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}
