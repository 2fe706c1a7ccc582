import type { ValidateFunction } from 'ajv';
import type { ArgumentsOf, Fields } from './fields.js';

/** One value of a result, as `ansible-doc` shows it. */
export interface ReturnField {
  readonly description: string;
  readonly type: 'str' | 'int' | 'float' | 'bool' | 'list' | 'dict';
  /** When the value is returned, such as `always`. */
  readonly returned: string;
  readonly sample?: unknown;
  /** The keys of a mapping, or of each element of a list. */
  readonly contains?: Readonly<Record<string, ReturnField>>;
}

/** An everyday use, shown as a task and as a command. */
export interface Example {
  readonly title: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Shown with `check_mode: true` and `--dry-run`. */
  readonly dryRun?: true;
}

/** A page to read next. */
export interface Page {
  readonly title: string;
  readonly url: string;
  /** One sentence. */
  readonly description: string;
}

/**
 * Everything that people and machines need to know about an operation before it runs. It is the
 * single source of the arguments' type, the JSON Schema, the coercion, the options of the command
 * line, the module's documentation and the masking.
 */
export interface Declaration<F extends Fields = Fields> {
  /** The module's name, snake_case. */
  readonly name: string;
  /** The subcommand's name. */
  readonly command: string;
  /** Names of older tools that the subcommand is also known by. */
  readonly commandAliases?: readonly string[];
  /** The release of this project that introduced the operation, such as `0.1.0`. */
  readonly versionAdded: string;
  /**
   * Fields whose values the subcommand also takes as words, in this order: `publish NAME FILE`.
   */
  readonly positional?: readonly string[];
  readonly summary: string;
  /** Paragraphs. */
  readonly description: readonly string[];
  /** False for an operation that only reads. */
  readonly writes: boolean;
  /** The command line offers its result as that of a monitoring plugin. */
  readonly monitors?: true;
  /** When a second run changes something or does its work again; usually it does neither. */
  readonly repeats?: string;
  /** Other operations, by name, and pages. */
  readonly seeAlso: readonly (string | Page)[];
  readonly fields: F;
  readonly returns: Readonly<Record<string, ReturnField>>;
  readonly examples: readonly Example[];
}

/** One change that was made, or that would be made in check mode. */
export interface Difference {
  readonly header: string;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

/**
 * What an operation returns. Failed parts are in `failures`; the front end then fails the task or
 * the command.
 */
export interface Outcome {
  readonly changed: boolean;
  /** One sentence for people. */
  readonly message: string;
  /**
   * One sentence to forward: what was done, at which site, and what failed. A command ends with it,
   * or else with the message.
   */
  readonly summary?: string;
  /** The values that `returns` declares. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
  readonly differences: readonly Difference[];
  /** The same result for people at a terminal. */
  readonly table: Table;
  /** The same result for monitoring, as far as it differs from that of other operations. */
  readonly measurements?: Measurements;
  /** The table has each failure and warning with its reason, so that they are not shown next to it. */
  readonly reportsInTable?: true;
}

/** What monitoring learns of a run besides whether it succeeded. Times are seconds since 1970. */
export interface Measurements {
  /** The error code of each of the outcome's failures, in the same order, as far as there is one. */
  readonly failureCodes: readonly (string | undefined)[];
  /** What was done with each image. */
  readonly actions: readonly string[];
  /** Size of the images that were transferred. */
  readonly transferredBytes?: number;
  /** How many deletions a safety limit refused. */
  readonly refusedDeletions?: number;
  /** The images behind the production names after the run, as far as the run has looked at them. */
  readonly production?: readonly MeasuredImage[];
}

export interface MeasuredImage {
  readonly name: string;
  readonly release: string;
  /** When the release was built. */
  readonly builtAt?: number;
  /** When the catalogue that the image comes from last changed. */
  readonly catalogueChangedAt?: number;
  readonly bytes?: number;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How far a long piece of work has got. */
export interface Progress {
  /** What is being worked on, such as the name of an image. */
  readonly subject: string;
  /** What is being done, such as `transfer`. */
  readonly stage: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  /** Items instead of bytes, such as nodes. */
  readonly doneCount?: number;
  readonly totalCount?: number;
  /** Announces work that has not begun, so that totals include it. */
  readonly isAnnounced?: true;
}

export type LogLevel = 'info' | 'debug';

/** The variables of a process, such as those that name a login or a proxy. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * All that an operation may know about its surroundings: time, randomness, environment, and where
 * to report.
 */
export interface Context {
  /** Plan and report, but change nothing. */
  readonly checkMode: boolean;
  readonly environment: Environment;
  /** Aborted by SIGTERM, SIGINT or the deadline of the run; its reason is the error to report. */
  readonly signal: AbortSignal;
  now(): Date;
  /** A number from 0 up to, not including, 1. */
  random(): number;
  log(level: LogLevel, text: string): void;
  progress(event: Progress): void;
  /** Registers texts that must never be shown, such as those of a file that the operation reads. */
  learnSecrets?(secrets: readonly string[]): void;
  /** Hides known secrets. Text from other programs passes through it before it is shortened. */
  redact?(text: string): string;
}

export interface Operation<F extends Fields = Fields> extends Declaration<F> {
  /** Compiled from the declaration when the project is built. */
  readonly validate: ValidateFunction;
  run(args: ArgumentsOf<F>, context: Context): Promise<Outcome>;
}

/** An operation of any fields, for code that treats all alike. */
export type AnyOperation = Omit<Operation, 'run'> & { run(args: never, context: Context): Promise<Outcome> };

/** Keeps the literal types of a declaration and checks its shape. */
export function defineDeclaration<const F extends Fields>(declaration: Declaration<F>): Declaration<F> {
  return declaration;
}
