import { isMapping } from './mapping.js';

/** What a failure is about, as data: shown next to the message, and free of secrets. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The only kind of error that is thrown on purpose. Its `code` is stable and listed in
 * modules/README.md; its message says what failed, on what, and what to do.
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

/**
 * Invalid input, which the user can correct. Nothing was changed, and the command line exits with
 * code 2.
 */
export class InputError extends OperationError {
  override readonly name = 'InputError';
  /** Dotted name of the invalid field, such as `auth.username`; undefined if there are several. */
  readonly field: string | undefined;

  constructor(message: string, field?: string, code = 'INVALID_INPUT') {
    super(code, message, { field });
    this.field = field;
  }
}

/** Another run holds the lock of this host and cloud. The command line exits with code 75. */
export class RunInProgress extends OperationError {
  override readonly name = 'RunInProgress';

  constructor(message: string, facts: Facts = {}) {
    super('RUN_IN_PROGRESS', message, facts);
  }
}

/** The stable code of an error; undefined for one that was not thrown on purpose. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof OperationError ? error.code : undefined;
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True if the error or one of its causes has this code. */
export function hasCode(error: unknown, code: string): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === code) return true;
  }
  return false;
}

/** True for the error of a system call with one of these codes. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return isMapping(error) && typeof error.code === 'string' && codes.includes(error.code);
}

/** What JavaScript itself throws when a program is wrong. */
const programFaults: ReadonlySet<string> = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
  'EvalError',
  'URIError',
  'AssertionError',
]);

/**
 * True for a bug in this program: an error that was not thrown on purpose and has no code of the
 * host or of a library.
 */
export function isProgramFault(error: unknown): boolean {
  if (error instanceof OperationError) return false;
  const { name, code } = isMapping(error) ? error : {};
  return (
    programFaults.has(String(name)) || (typeof code !== 'string' && name !== 'AbortError' && name !== 'TimeoutError')
  );
}

/**
 * For a catch clause that turns failures into results: rethrows a bug in this program, so that it
 * is reported as one, with its stack.
 */
export function rethrowProgramFault(error: unknown): void {
  if (isProgramFault(error)) throw error;
}

/**
 * Why one part of a run failed while the others continue: its code, and a sentence. A bug in this
 * program is reported as one, and its stack goes to `log`.
 */
export function failureOfPart(
  error: unknown,
  log: (level: 'debug', text: string) => void,
): { readonly code: string; readonly reason: string; readonly facts: Facts } {
  if (error instanceof OperationError) return { code: error.code, reason: error.message, facts: error.facts };
  if (!isProgramFault(error)) return { code: 'INTERNAL_ERROR', reason: messageOf(error), facts: {} };
  log('debug', (error instanceof Error && error.stack) || messageOf(error));
  return {
    code: 'INTERNAL_ERROR',
    reason: `this is a fault of the program, please report it: ${messageOf(error)}`,
    facts: {},
  };
}
