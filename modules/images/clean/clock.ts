// Nothing is retired by a clock that may be wrong: ages are counted by it.
import type { WatchedClock } from '../../clients/keystone/clock.js';
import { OperationError } from '../../core/errors.js';

const mostSeconds = 3600;

/** Throws CLOCK_DIFFERS where our clock and a service's are more than an hour apart, CLOCK_UNKNOWN where no service says the time. */
export function assertClock(clock: WatchedClock): void {
  const reading = clock.furthest();
  if (!reading) {
    throw new OperationError(
      'CLOCK_UNKNOWN',
      'no service says what time it is (there is no Date in any answer), so nothing is hidden or deleted: have the services, or the proxy before them, send Date',
    );
  }
  const { aheadSeconds, origin, theirs } = reading;
  if (Math.abs(aheadSeconds) <= mostSeconds) return;
  const difference = `${lengthOf(Math.abs(aheadSeconds))} ${aheadSeconds > 0 ? 'ahead of' : 'behind'}`;
  const message = `the clock of this host is ${difference} that of ${origin}, which says ${theirs.toISOString().slice(0, 19)}Z: ages cannot be told, so nothing is hidden or deleted; set the clock that is wrong`;
  throw new OperationError('CLOCK_DIFFERS', message, { url: origin, aheadSeconds: Math.round(aheadSeconds) });
}

function lengthOf(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min` : `${Math.floor(hours / 24)} days`;
}
