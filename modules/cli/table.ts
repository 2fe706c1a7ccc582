// Tables as text: columns are aligned, and at a terminal long sentences are wrapped within their
// column.
import type { Table } from '../core/operation.js';
import { paintCell, plainPaint, type Paint } from './colours.js';
import { printable } from './printable.js';

const gap = '  ';
/** No column of sentences becomes narrower. */
const narrowestSentence = 24;

/**
 * The table as lines; no lines at all if there are no rows. With `columns`, the width of a
 * terminal, the cells that are sentences are wrapped so that the lines fit if they can. Nothing is
 * ever cut, and no name and no ID is broken, since they are there to be copied.
 */
export function tableLines({ columns: titles, rows }: Table, columns?: number, paint: Paint = plainPaint): string[] {
  if (rows.length === 0) return [];
  const cells = [titles.map((title) => title.toUpperCase()), ...rows].map((row) => row.map(printable));
  const natural = titles.map((_, index) => Math.max(...cells.map((row) => widthOf(row[index] ?? ''))));
  const widths = columns === undefined ? natural : narrowed(natural, rows, columns);
  return cells.flatMap((row, index) =>
    rowLines(row, widths, (cell) => (index === 0 ? paint('bold', cell) : paintCell(paint, cell))),
  );
}

/** Takes width from the columns of sentences, the widest first, until the line fits. */
function narrowed(natural: readonly number[], rows: Table['rows'], columns: number): number[] {
  const widths = [...natural];
  const sentences = natural.flatMap((_, index) => (isOfSentences(rows, index) ? [index] : []));
  let excess = widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1)) - columns;
  for (; excess > 0; excess--) {
    const widest = sentences.reduce<number | undefined>(
      (best, index) => (best === undefined || (widths[index] ?? 0) > (widths[best] ?? 0) ? index : best),
      undefined,
    );
    const width = widest === undefined ? 0 : (widths[widest] ?? 0);
    if (widest === undefined || width <= narrowestSentence) break;
    widths[widest] = width - 1;
  }
  return widths;
}

/** Names may contain a space or two; a sentence has several. */
function isOfSentences(rows: Table['rows'], index: number): boolean {
  return rows.some((row) => (row[index] ?? '').split(' ').length > 3);
}

function rowLines(row: readonly string[], widths: readonly number[], paint: (cell: string) => string): string[] {
  const wrapped = row.map((cell, index) => wrapCell(cell, widths[index] ?? 0));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    wrapped
      .map((lines, index) => paint(lines[line] ?? '') + padding(lines[line] ?? '', widths[index] ?? 0))
      .join(gap)
      .trimEnd(),
  );
}

/** A word that is longer than the column has a line of its own. */
function wrapCell(cell: string, width: number): string[] {
  if (widthOf(cell) <= width) return [cell];
  const lines: string[] = [];
  for (const word of cell.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function padding(text: string, width: number): string {
  return ' '.repeat(Math.max(width - widthOf(text), 0));
}

function widthOf(text: string): number {
  return [...text].length;
}
