import { setMaxListeners } from 'node:events';
import { OperationError } from './errors.js';

const caughtSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
export type CaughtSignal = (typeof caughtSignals)[number];

/** Where signals come from: the process, or in a test any event emitter. */
export interface SignalSource {
  on(signal: CaughtSignal, listener: () => void): unknown;
  off(signal: CaughtSignal, listener: () => void): unknown;
}

export interface InterruptionOptions {
  readonly source: SignalSource;
  /** The longest that a run may take. */
  readonly deadlineSeconds: number;
  /** What is left to put things in order once the run has been told to end. */
  readonly graceSeconds: number;
}

export interface Interruption {
  /** Aborted by a signal or the deadline, with the error to report as its reason. */
  readonly signal: AbortSignal;
  /** The work's own end; or, when it does not end in time after an interruption, the reason of the interruption. */
  readonly bound: <T>(work: Promise<T>) => Promise<T>;
  /** Stops listening. */
  readonly release: () => void;
}

/** What the work gives; or, as soon as the signal is aborted, its reason: for work that leaves nothing to put in order. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Turns SIGTERM, SIGINT, SIGHUP and the deadline into one AbortSignal. A second signal ends the grace at once. */
export function watchInterruptions(options: InterruptionOptions): Interruption {
  const { source, deadlineSeconds, graceSeconds } = options;
  const controller = new AbortController();
  // As many listen as there is work side by side; Node.js would warn of more than ten.
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
        `the run did not end within ${deadlineSeconds} s and was given up; see what is still under way, then run it again`,
      ),
    );
  }, deadlineSeconds * 1000);
  // The deadline itself keeps nothing alive: a run that waits for nothing any more must end, and say so.
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
  return new OperationError('INTERRUPTED', `interrupted by ${signal}; the next run takes up what this one left`, {
    signal,
  });
}
