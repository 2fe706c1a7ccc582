// How the end of a run is shown on standard output and standard error.
import { redactAll } from '../core/redaction.js';
import { InputError } from '../core/errors.js';
import type { Difference, Outcome, Table } from '../core/operation.js';
import { toYamlText, resultOfOutcome, resultOfError } from '../runtime/result.js';
import { UsageError } from './exit-codes.js';
import { tableLines } from './table.js';
import { printable } from './printable.js';

export interface Shown {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A table and a sentence for people, or one JSON document; warnings and failures go to standard
 * error. `columns`: the width of the terminal, if standard output is one.
 */
export function showOutcome(
  outcome: Outcome,
  options: { json: boolean; secrets: readonly string[]; verbosity: number; columns?: number | undefined },
): Shown {
  const shown = redactAll(outcome, options.secrets);
  const differences = options.verbosity > 0 ? shown.differences.flatMap(differenceLines) : [];
  const stderr = lines([
    ...differences,
    ...shown.warnings.map((warning) => `warning: ${printable(warning)}`),
    ...shown.failures.map((failure) => `failed: ${printable(failure)}`),
  ]);
  if (options.json) return { stdout: jsonText({ ...resultOfOutcome(shown), differences: shown.differences }), stderr };
  const table = tableLines(withoutFailures(shown), options.columns);
  return { stdout: lines([...table, ...(table.length > 0 ? [''] : []), printable(shown.message)]), stderr };
}

/** One line that says what is wrong, and where to read more; a stack only if -vvv asks for it. */
export function showFailure(
  error: unknown,
  options: { json: boolean; secrets: readonly string[]; withStack: boolean },
): Shown {
  const result = redactAll(resultOfError(error), options.secrets);
  const command = error instanceof UsageError && error.command ? ` ${error.command}` : '';
  const stack =
    options.withStack && error instanceof Error && error.stack
      ? redactAll(error.stack, options.secrets).split('\n')
      : [];
  const hint = error instanceof UsageError ? [`See: chameleon-image-tools${command} --help`] : [];
  const code = error instanceof InputError ? '' : `${result.code}: `;
  const stderr = lines([`chameleon-image-tools: ${code}${printable(result.msg)}`, ...hint, ...stack]);
  return { stdout: options.json ? jsonText(result) : '', stderr };
}

/** The table without the reasons that `failures` report, since nobody wants to read them twice. */
function withoutFailures({ table, failures }: Pick<Outcome, 'table' | 'failures'>): Table {
  // Sentences alone: a name may be the end of some failure by chance.
  const isReported = (cell: string): boolean =>
    cell.includes(' ') && failures.some((failure) => failure === cell || failure.endsWith(`: ${cell}`));
  return { ...table, rows: table.rows.map((row) => row.map((cell) => (isReported(cell) ? '' : cell))) };
}

function differenceLines({ header, before, after }: Difference): string[] {
  const marked = (mark: string, values: Readonly<Record<string, unknown>>): string[] =>
    toYamlText(values)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `  ${mark} ${printable(line)}`);
  return [printable(header), ...marked('-', before), ...marked('+', after)];
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
