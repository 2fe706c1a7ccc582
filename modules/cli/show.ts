// How the end of a run is shown on standard output and standard error.
import { redactAll } from '../core/redaction.js';
import { InputError, RunInProgress } from '../core/errors.js';
import type { Difference, Outcome, Table } from '../core/operation.js';
import { toYamlText, resultOfOutcome, resultOfError } from '../runtime/result.js';
import { UsageError } from './exit-codes.js';
import type { Paint } from './colours.js';
import type { LineFormat } from './log-lines.js';
import { tableLines } from './table.js';
import { printable } from './printable.js';

export interface Shown {
  readonly stdout: string;
  readonly stderr: string;
}

/** How lines begin on standard output and standard error, and in which colours they are. */
export interface ShownFormats {
  readonly stdout: LineFormat;
  readonly stderr: LineFormat;
  readonly paints: { readonly stdout: Paint; readonly stderr: Paint };
}

/**
 * A table and a sentence for people, or one JSON document; warnings and failures go to standard
 * error. `columns`: the width of the terminal, if standard output is one.
 */
export function showOutcome(
  outcome: Outcome,
  options: {
    json: boolean;
    secrets: readonly string[];
    verbosity: number;
    /** Of what was done, the sentence alone is shown. */
    isTableHidden: boolean;
    columns?: number | undefined;
    formats: ShownFormats;
  },
): Shown {
  const { formats } = options;
  const { stdout: paint, stderr: paintError } = formats.paints;
  const shown = redactAll(outcome, options.secrets);
  const differences =
    options.verbosity > 0 ? shown.differences.flatMap((difference) => differenceLines(difference, paintError)) : [];
  const [warningMark, failureMark] = [paintError('yellow', 'warning:'), paintError('red', 'failed:')];
  const isNews = (text: string): boolean => options.json || !isInTable(text, shown);
  const stderr = lines([
    ...differences.map((line) => formats.stderr(line, 'info')),
    ...shown.warnings
      .filter(isNews)
      .map((warning) => formats.stderr(`${warningMark} ${printable(warning)}`, 'warning')),
    ...shown.failures
      .filter(isNews)
      .map((failure) => formats.stderr(`${failureMark} ${printable(failure)}`, 'failure')),
  ]);
  const onStdout = (text: string): Shown => ({ stdout: formats.stdout(text, 'info'), stderr });
  if (options.json) return onStdout(jsonText({ ...resultOfOutcome(shown), differences: shown.differences }));
  const shownTable = shown.reportsInTable ? shown.table : withoutFailures(shown);
  const table = options.isTableHidden ? [] : tableLines(shownTable, options.columns, paint);
  const sentence = paint(shown.failures.length > 0 ? 'red' : 'green', printable(shown.summary ?? shown.message));
  return onStdout(lines([...table, ...(table.length > 0 ? [''] : []), sentence]));
}

/** One line that says what is wrong, and where to read more; a stack only if -vvv asks for it. */
export function showFailure(
  error: unknown,
  options: { json: boolean; secrets: readonly string[]; withStack: boolean; formats: ShownFormats },
): Shown {
  const result = redactAll(resultOfError(error), options.secrets);
  const command = error instanceof UsageError && error.command ? ` ${error.command}` : '';
  const stack =
    options.withStack && error instanceof Error && error.stack
      ? redactAll(error.stack, options.secrets).split('\n')
      : [];
  const hint = error instanceof UsageError ? [`See: chameleon-image-tools${command} --help`] : [];
  const code = error instanceof InputError ? '' : `${result.code}: `;
  const { formats } = options;
  const name = formats.paints.stderr('red', 'chameleon-image-tools:');
  const stderr = lines([`${name} ${code}${printable(result.msg)}`, ...hint, ...stack]);
  return {
    stdout: options.json ? formats.stdout(jsonText(result), 'info') : '',
    stderr: formats.stderr(stderr, error instanceof RunInProgress ? 'notice' : 'failure'),
  };
}

/** Whether a row of a table that reports failures and warnings has this one. */
function isInTable(text: string, { reportsInTable, table }: Outcome): boolean {
  return (
    reportsInTable === true && table.rows.some((row) => row.some((cell) => cell.includes(' ') && text.endsWith(cell)))
  );
}

/** The table without the reasons that `failures` report, since nobody wants to read them twice. */
function withoutFailures({ table, failures }: Pick<Outcome, 'table' | 'failures'>): Table {
  // Sentences alone: a name may be the end of some failure by chance.
  const isReported = (cell: string): boolean =>
    cell.includes(' ') && failures.some((failure) => failure === cell || failure.endsWith(`: ${cell}`));
  return { ...table, rows: table.rows.map((row) => row.map((cell) => (isReported(cell) ? '' : cell))) };
}

function differenceLines({ header, before, after }: Difference, paint: Paint): string[] {
  const marked = (mark: '-' | '+', values: Readonly<Record<string, unknown>>): string[] =>
    toYamlText(values)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => paint(mark === '-' ? 'red' : 'green', `  ${mark} ${printable(line)}`));
  return [paint('bold', printable(header)), ...marked('-', before), ...marked('+', after)];
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
