import type { Table } from '../core/operation.js';

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
