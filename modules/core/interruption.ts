import { setMaxListeners } from 'node:events';
import { OperationError } from './errors.js';

export const caughtSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
export type CaughtSignal = (typeof caughtSignals)[number];

/** What emits signals: the process, or any event emitter in a test. */
export interface SignalSource {
  on(signal: CaughtSignal, listener: () => void): unknown;
  off(signal: CaughtSignal, listener: () => void): unknown;
}

export interface InterruptionOptions {
  readonly source: SignalSource;
  /** How long a run may take. */
  readonly deadlineSeconds: number;
  /** How long the run may take to clean up once it has been interrupted. */
  readonly graceSeconds: number;
}

export interface Interruption {
  /** Aborted by a signal or the deadline; its reason is the error to report. */
  readonly signal: AbortSignal;
  /**
   * The outcome of the work, or the reason of the interruption if the work does not end in time
   * after it.
   */
  readonly bound: <T>(work: Promise<T>) => Promise<T>;
  /** Stops listening. */
  readonly release: () => void;
}

/**
 * The result of the work, or the signal's reason as soon as that is aborted: for work that needs no
 * cleaning up.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/**
 * Turns SIGTERM, SIGINT, SIGHUP and the deadline into one AbortSignal. A second signal ends the
 * grace period immediately.
 */
export function watchInterruptions(options: InterruptionOptions): Interruption {
  const { source, deadlineSeconds, graceSeconds } = options;
  const controller = new AbortController();
  // Each concurrent piece of work adds a listener; Node.js would warn about more than ten.
  setMaxListeners(0, controller.signal);
  let giveUp: (reason: unknown) => void = () => undefined;
  const givenUp = new Promise<never>((_, reject) => (giveUp = reject));
  givenUp.catch(() => undefined);
  let graceTimer: NodeJS.Timeout | undefined;
  const interrupt = (reason: OperationError): void => {
    if (controller.signal.aborted) return giveUp(controller.signal.reason);
    graceTimer = setTimeout(() => giveUp(reason), graceSeconds * 1000);
    controller.abort(reason);
  };
  const deadline = setTimeout(() => {
    interrupt(
      new OperationError(
        'DEADLINE',
        `the run did not end within ${deadlineSeconds} s and was stopped; ` +
          'check what is still in progress, then run it again',
      ),
    );
  }, deadlineSeconds * 1000);
  // The timer must not keep the process alive: a run that waits for nothing has to end, and to
  // report that.
  deadline.unref();
  const listeners = caughtSignals.map((name) => ({ name, listener: () => interrupt(interruptedBy(name)) }));
  for (const { name, listener } of listeners) source.on(name, listener);
  return {
    signal: controller.signal,
    bound: (work) => Promise.race([work, givenUp]),
    release: () => {
      clearTimeout(deadline);
      clearTimeout(graceTimer);
      for (const { name, listener } of listeners) source.off(name, listener);
    },
  };
}

function interruptedBy(signal: CaughtSignal): OperationError {
  return new OperationError('INTERRUPTED', `interrupted by ${signal}; the next run finishes what this one left`, {
    signal,
  });
}

/** Seconds for putting things back after an interruption: less than the front ends allow. */
const restoringSeconds = 8;

/** A signal that follows another one some seconds later. `release` cancels that. */
export function withGrace(signal: AbortSignal): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  // Each piece of concurrent work listens.
  setMaxListeners(0, controller.signal);
  let timer: NodeJS.Timeout | undefined;
  const follow = (): void => {
    timer = setTimeout(() => controller.abort(signal.reason), restoringSeconds * 1000);
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
