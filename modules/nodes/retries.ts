// Repeats requests about a node that is locked, or whose answer was lost.
import { isUndecided } from '../clients/http/errors.js';
import { whileLocked } from '../clients/ironic/api.js';
import { sleep } from '../core/waiting.js';
import type { PortRun } from './run.js';

/** How often a request is sent while its outcome stays unknown. */
export const maxAttempts = 4;
export const retryPauseMs = 500;

/** For work that may be done twice: it is repeated while it is unknown whether it was done. */
export async function retryUndecided(run: PortRun, subject: string, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await waitForLock(run, subject, work);
    } catch (error) {
      if (attempt === maxAttempts || !isUndecided(error)) throw error;
      await sleep(retryPauseMs * attempt, run.context.signal);
    }
  }
}

/** Waits for the lock of the node as long as the settings allow. */
export function waitForLock<T>({ context, settings }: PortRun, subject: string, work: () => Promise<T>): Promise<T> {
  return whileLocked(work, { subject, timeoutSeconds: settings.lockTimeoutSeconds, signal: context.signal });
}
