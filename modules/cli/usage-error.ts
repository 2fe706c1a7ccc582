import { InputError } from '../core/errors.js';

/** The command line itself is wrong. */
export class UsageError extends InputError {
  /** The subcommand whose help tells more. */
  readonly command: string | undefined;

  constructor(message: string, command?: string) {
    super(message, undefined, 'USAGE');
    this.command = command;
  }
}
