// How the end of a run is shown on standard output and standard error.
import { redactAll } from '../core/redaction.js';
import { InputError } from '../core/errors.js';
import type { Difference, Outcome, Table } from '../core/operation.js';
import { toYamlText, resultOfOutcome, resultOfError } from '../runtime/result.js';
import { UsageError } from './exit-codes.js';

export interface Shown {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A table and a sentence for people, or one JSON document; warnings and failures go to standard
 * error.
 */
export function showOutcome(
  outcome: Outcome,
  options: { json: boolean; secrets: readonly string[]; verbosity: number },
): Shown {
  const shown = redactAll(outcome, options.secrets);
  const differences = options.verbosity > 0 ? shown.differences.flatMap(differenceLines) : [];
  const stderr = lines([
    ...differences,
    ...shown.warnings.map((warning) => `warning: ${printable(warning)}`),
    ...shown.failures.map((failure) => `failed: ${printable(failure)}`),
  ]);
  if (options.json) return { stdout: jsonText({ ...resultOfOutcome(shown), differences: shown.differences }), stderr };
  const table = tableLines(shown.table);
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

/**
 * The table as lines with aligned columns; the last column is not padded. No lines at all if there
 * are no rows.
 */
export function tableLines({ columns, rows }: Table): string[] {
  if (rows.length === 0) return [];
  const lines = [columns.map((title) => title.toUpperCase()), ...rows].map((row) => row.map(printable));
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => widthOf(line[index] ?? ''))));
  return lines.map((line) =>
    line
      .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** The text without control characters: a name from the network must not control the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

function widthOf(text: string): number {
  return [...text].length;
}
