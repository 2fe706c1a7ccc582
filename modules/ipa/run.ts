// What the steps of a run share.
import type { Ironic } from '../clients/ironic/api.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { OperationError } from '../core/errors.js';
import type { ArgumentsOf } from '../core/fields.js';
import type { Context } from '../core/operation.js';
import type { ipaTestDeclaration } from './declaration.js';
import type { Journal } from './journal.js';

export type IpaArguments = ArgumentsOf<(typeof ipaTestDeclaration)['fields']>;

export interface IpaRun {
  readonly args: IpaArguments;
  readonly context: Context;
  /** Its requests outlive an interruption by some seconds, for restoring. */
  readonly cloud: Cloud;
  readonly ironic: Ironic;
  readonly journal: Journal;
  /** Aborted some seconds after the context's signal, when restoring must end too. */
  readonly graceSignal: AbortSignal;
}

/**
 * Between two reads of a service: short after a change, then longer, since hardware takes its time.
 */
export const pollInterval = { intervalSeconds: 0.1, longestPauseSeconds: 3 } as const;

/** Whether `waitFor` itself gave up, and not something within it. */
export function isTimeout(error: unknown): error is OperationError {
  return error instanceof OperationError && error.code === 'WAIT_TIMEOUT';
}
