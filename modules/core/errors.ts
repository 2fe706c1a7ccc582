/** What a failure is about, as data: shown beside the message, never containing a secret. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The only kind of error that is thrown on purpose. `code` is stable and listed in modules/README.md;
 * the message says what failed, on what, and what to do.
 */
export class OperationError extends Error {
  override readonly name: string = 'OperationError';
  readonly code: string;
  readonly facts: Facts;

  constructor(code: string, message: string, facts: Facts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }
}

/** Bad input: the user can mend it, and nothing was changed. The command line ends with exit code 2. */
export class InputError extends OperationError {
  override readonly name = 'InputError';
  /** Dotted name of the field at fault, such as `auth.username`; undefined when several are. */
  readonly field: string | undefined;

  constructor(message: string, field?: string, code = 'INVALID_INPUT') {
    super(code, message, { field });
    this.field = field;
  }
}

/** Another run holds the lock of this host and cloud. The command line ends with exit code 75. */
export class RunInProgress extends OperationError {
  override readonly name = 'RunInProgress';

  constructor(message: string, facts: Facts = {}) {
    super('RUN_IN_PROGRESS', message, facts);
  }
}

/** The one place where an unknown thrown value becomes text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True when the error, or anything that caused it, has this code. */
export function hasCode(error: unknown, code: string): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as { code?: unknown }).code === code) return true;
  }
  return false;
}
