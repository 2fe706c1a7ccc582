// Splits a table of separated values into records, and collects everything that is wrong with its
// form. What the columns mean is left to policy.
import { isMapping } from '../../core/mapping.js';
import type { SeparatedTable, TableRecord } from '../../core/separated-table.js';

/** More would not be shown, and could take long to find. */
const mostFaults = 100;
/** How many lines a cell in quotes may have in a file with damaged lines. */
const longestCellLines = 20;

/**
 * Reads UTF-8 text; bytes that are something else become U+FFFD, so that the rest can be checked
 * too.
 */
export async function parseTable(bytes: Uint8Array): Promise<SeparatedTable> {
  if (bytes.includes(0))
    return { separator: ',', records: [], faults: [{ line: 1, text: `it is UTF-16 or binary; ${adviceOnEncoding}` }] };
  const text = new TextDecoder().decode(bytes);
  const { separator, lines } = linesOf(text);
  const read = await recordReader(separator);
  const hidden = lines.flatMap((line, index) =>
    spreadsheetError.test(line) ? [{ line: index + 1, text: 'the row begins with an error of a spreadsheet' }] : [],
  );
  try {
    return { separator, records: read(lines.join('\n'), 0), faults: hidden };
  } catch (error) {
    if (parserCode(error) === undefined) throw error;
    const { records, faults } = readDamaged(lines, read);
    return { separator, records, faults: [...hidden, ...faults] };
  }
}

/** Such a row would be left out as a comment. */
const spreadsheetError = /^#(REF!|N\/A|NAME\?|VALUE!|DIV\/0!|NUM!|NULL!)/;

const adviceOnEncoding = 'save it as UTF-8 (in a spreadsheet: as "CSV UTF-8")';

/**
 * The lines, and the separator in the header: spreadsheets write semicolons or tabs if a comma is
 * part of a number. Excel's `sep=;` in the first line is understood.
 */
function linesOf(text: string): { readonly separator: string; readonly lines: readonly string[] } {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const given = /^"?sep=([,;\t|])"?$/i.exec(lines[0] ?? '')?.[1];
  if (given !== undefined) return { separator: given, lines: ['', ...lines.slice(1)] };
  const header = lines.find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  const found = [',', ';', '\t'].map((separator) => ({ separator, count: header.split(separator).length }));
  return { separator: found.reduce((most, each) => (each.count > most.count ? each : most)).separator, lines };
}

/** Reads the records of a text whose first line follows this number of lines. */
type ReadRecords = (text: string, linesBefore: number) => TableRecord[];

async function recordReader(separator: string): Promise<ReadRecords> {
  // Loaded on demand. "eager" makes ncc keep it in the same file.
  const { parse } = await import(/* webpackMode: "eager" */ 'csv-parse/sync');
  return (text, linesBefore) =>
    parse(text, {
      delimiter: separator,
      record_delimiter: '\n',
      comment: '#',
      comment_no_infix: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
    }).map((value) => tableRecord(value, linesBefore));
}

/** A record with its line, as csv-parse returns it with `info`, which counts to the record's end. */
function tableRecord(value: unknown, linesBefore: number): TableRecord {
  const { info, record } = isMapping(value) ? value : {};
  const lines = isMapping(info) ? info.lines : undefined;
  if (typeof lines !== 'number' || !Array.isArray(record)) throw new TypeError('csv-parse returned no record');
  const cells = record.map(String);
  return { line: linesBefore + lines - (cells.join('').split('\n').length - 1), cells };
}

function parserCode(error: unknown): string | undefined {
  const code = isMapping(error) ? error.code : undefined;
  return typeof code === 'string' && code in explanations ? code : undefined;
}

const middleQuote =
  'there is a quote in the middle of a cell: put the whole cell in quotes, and write each quote in it twice';
const explanations: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  CSV_INVALID_CLOSING_QUOTE: middleQuote,
  INVALID_OPENING_QUOTE: middleQuote,
};

/**
 * One quote too many damages everything behind it, so each line is read by itself, or with the
 * following ones if a cell in quotes goes on there.
 */
function readDamaged(lines: readonly string[], read: ReadRecords): Pick<SeparatedTable, 'records' | 'faults'> {
  const records: TableRecord[] = [];
  const faults: { line: number; text: string }[] = [];
  for (let first = 0; first < lines.length && faults.length < mostFaults; first++) {
    const found = readFrom(lines, first, read);
    if ('code' in found) faults.push({ line: first + 1, text: explanations[found.code] ?? found.code });
    else {
      records.push(...found.records);
      first = found.last;
    }
  }
  return { records, faults };
}

function readFrom(
  lines: readonly string[],
  first: number,
  read: ReadRecords,
): { readonly records: TableRecord[]; readonly last: number } | { readonly code: string } {
  for (let last = first; ; last++) {
    try {
      return { records: read(lines.slice(first, last + 1).join('\n'), first), last };
    } catch (error) {
      const code = parserCode(error);
      if (code === undefined) throw error;
      const mayGoOn = code === 'CSV_QUOTE_NOT_CLOSED' && last - first < longestCellLines && last + 1 < lines.length;
      if (!mayGoOn) return { code: last > first ? 'CSV_QUOTE_NOT_CLOSED' : code };
    }
  }
}
