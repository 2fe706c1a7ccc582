// A lock on a folder that holds across processes, and that the kernel lets go of when its process ends, kill -9 included.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { messageOf, OperationError, RunInProgress } from '../../core/errors.js';

export interface FileLock {
  release(): Promise<void>;
}

/**
 * Waits for the lock. flock(1) locks the open file that it inherits from us, so that the lock is ours when it has ended. The file is open
 * for writing, without which NFS gives no exclusive lock. Throws RUN_IN_PROGRESS when another process holds it for longer than
 * `waitSeconds`, LOCK_FAILED where it cannot be locked at all, and the signal's reason.
 */
export async function lockFile(path: string, { waitSeconds, signal }: { waitSeconds: number; signal: AbortSignal }): Promise<FileLock> {
  const file = await open(path, 'a', 0o644).catch((error: unknown) => {
    throw new OperationError('LOCK_FAILED', `${path} cannot be opened: ${messageOf(error)}`, { lock: path }, error);
  });
  try {
    const { code, text } = await runFlock(file.fd, { waitSeconds, signal });
    if (code === conflictCode) throw new RunInProgress(`another run holds ${path}; gave up after ${waitSeconds} s`, { lock: path });
    if (code !== 0) throw new OperationError('LOCK_FAILED', `${path} cannot be locked: ${text}`, { lock: path });
  } catch (error) {
    await file.close();
    signal.throwIfAborted();
    throw error;
  }
  return { release: () => file.close() };
}

const conflictCode = 75;

async function runFlock(descriptor: number, { waitSeconds, signal }: { waitSeconds: number; signal: AbortSignal }): Promise<{ code: number | null; text: string }> {
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
    return { code: -1, text: `${messageOf(error)}; flock of util-linux is needed` };
  }
}
