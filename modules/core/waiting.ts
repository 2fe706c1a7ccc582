import { setTimeout as delay } from 'node:timers/promises';
import { OperationError } from './errors.js';

/** Sleeps; throws the signal's reason as soon as that is aborted. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await delay(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

export interface WaitOptions {
  /** What is waited for, to complete "gave up waiting for …". */
  readonly subject: string;
  readonly timeoutSeconds: number;
  readonly intervalSeconds: number;
  /** The longest pause; by default eight intervals. */
  readonly longestPauseSeconds?: number | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Calls `look` with growing pauses until it returns a value other than undefined. Throws
 * WAIT_TIMEOUT, naming what was waited for.
 */
export async function waitFor<T>(look: () => Promise<T | undefined>, options: WaitOptions): Promise<T> {
  const deadline = performance.now() + options.timeoutSeconds * 1000;
  for (
    let pause = options.intervalSeconds;
    ;
    pause = Math.min(pause * 1.5, options.longestPauseSeconds ?? options.intervalSeconds * 8)
  ) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() >= deadline) {
      throw new OperationError(
        'WAIT_TIMEOUT',
        `gave up waiting for ${options.subject} after ${options.timeoutSeconds} s`,
      );
    }
    await sleep(Math.min(pause * 1000, Math.max(deadline - performance.now(), 1)), options.signal);
  }
}

/**
 * Both results. Waits for both even if one fails, so that no request is in progress when the run
 * has ended.
 */
export async function settleBoth<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}
