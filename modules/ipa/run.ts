// What the steps of a test share.
import { setMaxListeners } from 'node:events';
import type { Ironic } from '../clients/ironic/api.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { OperationError } from '../core/errors.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import type { declaration } from './declaration.js';
import type { Journal } from './journal.js';

export type IpaArguments = ArgumentsOf<(typeof declaration)['fields']>;

export interface Run {
  readonly args: IpaArguments;
  readonly context: Context;
  /** Its requests outlive an interruption by some seconds, in which things are put back. */
  readonly cloud: Cloud;
  readonly ironic: Ironic;
  readonly journal: Journal;
  /** Aborts later than the context's, when even the putting back must end. */
  readonly lastSignal: AbortSignal;
  readonly warnings: string[];
  readonly seconds: Record<string, number>;
}

/** Between two looks at a service: soon after a change, and then less and less often, as hardware takes its time. */
export const pace = { intervalSeconds: 0.1, longestPauseSeconds: 3 } as const;

/** Seconds that are left to put things back once a run was interrupted: less than what the front ends give it. */
const graceSeconds = 8;

/** A signal that follows another one, but some seconds later. `release` ends the wait. */
export function delayed(signal: AbortSignal): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  // Each node of a batch listens.
  setMaxListeners(0, controller.signal);
  let timer: NodeJS.Timeout | undefined;
  const follow = (): void => {
    timer = setTimeout(() => controller.abort(signal.reason), graceSeconds * 1000);
  };
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', follow);
    },
  };
}

/** Does a step, and notes how long it took, failed or not. */
export async function timed<T>(run: Run, step: string, work: () => Promise<T>): Promise<T> {
  const begun = run.context.now().getTime();
  try {
    return await work();
  } finally {
    run.seconds[step] = Math.round((run.context.now().getTime() - begun) / 100) / 10 + (run.seconds[step] ?? 0);
  }
}

/** The images are at fault, or the hardware: the test has failed, everything else is as it should be. */
export function testFailure(reason: string, lastError?: string | null): OperationError {
  return new OperationError('TEST_FAILED', reason, { last_error: lastError ?? undefined });
}
