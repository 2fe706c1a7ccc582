// What a lock needs to know of its run.
import type { RunLockOptions } from '../../modules/runtime/run-lock.js';

export function lockContext(more: Partial<RunLockOptions['context']> = {}): RunLockOptions['context'] {
  return { environment: {}, signal: new AbortController().signal, log: () => undefined, ...more };
}
