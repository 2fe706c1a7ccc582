// The exit codes of the command: stable, and documented in its help.
import { InputError, OperationError, RunInProgress } from '../core/errors.js';
import type { CaughtSignal } from '../core/interruption.js';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** EX_TEMPFAIL, which the systemd units count as success. */
  runInProgress: 75,
} as const;

/** 128 plus the number of the signal, as in a shell. */
const codesOfSignals: ReadonlyMap<string, number> = new Map<CaughtSignal, number>([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
]);

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof InputError) return exitCodes.usage;
  if (error instanceof RunInProgress) return exitCodes.runInProgress;
  if (error instanceof OperationError && error.code === 'INTERRUPTED') {
    return codesOfSignals.get(String(error.facts.signal)) ?? exitCodes.failed;
  }
  return exitCodes.failed;
}

export const exitCodesHelp = [
  'Exit codes:',
  '  0    done, also when there was nothing to do',
  '  1    failed, entirely or in part: standard error says what, --json lists it',
  '  2    usage: an option or a given file is wrong; nothing was changed',
  '  75   another run on this host is at the same cloud; nothing was changed',
  '  129, 130, 143   ended by SIGHUP, SIGINT, SIGTERM; the next run finishes the job',
].join('\n');

/** The command line itself is invalid. */
export class UsageError extends InputError {
  /** The subcommand whose help to refer to. */
  readonly command: string | undefined;

  constructor(message: string, command?: string) {
    super(message, undefined, 'USAGE');
    this.command = command;
  }
}
