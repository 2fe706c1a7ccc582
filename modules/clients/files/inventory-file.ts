// Reads an inventory of nodes: YAML, JSON or a table of comma-separated values. Policy interprets
// it.
import { InputError, messageOf } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { mebibyte } from '../../core/sizes.js';
import { parseTypedYaml, readSmallFile } from './yaml-file.js';

const largestBytes = 16 * mebibyte;

export interface TableRow {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
  /** The error in the row itself, if any. */
  readonly fault?: string;
}

/**
 * A table has `rows`, each with the line where it begins; anything else has `content`, with the
 * line of each part.
 */
export type InventoryFile =
  | { readonly kind: 'table'; readonly rows: readonly TableRow[] }
  | {
      readonly kind: 'document';
      readonly content: unknown;
      readonly lineOf: (path: readonly (string | number)[]) => number;
    };

/**
 * Reads a `.csv` file as a table, and any other as YAML or JSON. Throws INVALID_INPUT if it cannot
 * be parsed.
 */
export async function readInventoryFile(path: string, signal?: AbortSignal): Promise<InventoryFile> {
  const { text } = await readSmallFile(path, { largest: largestBytes, signal });
  if (/\.csv$/i.test(path)) return { kind: 'table', rows: await readTable(text, path) };
  return { kind: 'document', ...(await parseTypedYaml(text, path)) };
}

interface CsvRecord {
  readonly info: { readonly lines: number };
  readonly record: readonly string[];
}

async function readTable(text: string, path: string): Promise<TableRow[]> {
  // Loaded on demand. "eager" makes ncc keep it in the same file.
  const { parse } = await import(/* webpackMode: "eager" */ 'csv-parse/sync');
  const [header, ...rows] = readRecords(
    () =>
      parse(text, {
        bom: true,
        delimiter: delimiterOf(text),
        comment: '#',
        comment_no_infix: true,
        info: true,
        relax_column_count: true,
        skip_empty_lines: true,
        trim: true,
      }).map(csvRecord),
    path,
  );
  const columns = (header?.record ?? []).map((name) => name.trim());
  assertHeader(columns, path);
  return rows.map(({ info: { lines: line }, record }) => {
    const cells = Object.fromEntries(columns.map((column, index) => [column, record[index] ?? '']));
    return record.length === columns.length
      ? { line, cells }
      : { line, cells, fault: `the row has ${record.length} cells, and the header ${columns.length}` };
  });
}

/**
 * The delimiter in the header: spreadsheets write semicolons or tabs if a comma is part of a
 * number.
 */
function delimiterOf(text: string): string {
  const header =
    text
      .replace(/^\uFEFF/, '')
      .split(/\r?\n/)
      .find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  const found = [',', ';', '\t'].map((delimiter) => ({ delimiter, count: header.split(delimiter).length }));
  return found.reduce((most, each) => (each.count > most.count ? each : most)).delimiter;
}

function readRecords(read: () => CsvRecord[], path: string): CsvRecord[] {
  try {
    return read();
  } catch (error) {
    // The parser's own messages quote the file, which may contain passwords.
    const { lines, code } = isMapping(error) ? error : {};
    throw new InputError(
      `${path}${lines === undefined ? '' : ` line ${lines}`} is not a table of comma-separated values: ` +
        `${explanations[String(code)] ?? code ?? messageOf(error)}`,
    );
  }
}

const explanations: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'there is a quote in the middle of a cell',
};

/** A record with its line, as csv-parse returns it with `info`. */
function csvRecord(value: unknown): CsvRecord {
  const { info, record } = isMapping(value) ? value : {};
  const lines = isMapping(info) ? info.lines : undefined;
  if (typeof lines !== 'number' || !Array.isArray(record)) throw new TypeError('csv-parse returned no record');
  return { info: { lines }, record: record.map(String) };
}

function assertHeader(header: readonly string[], path: string): void {
  const isNamed = ['driver', 'name', 'uuid', 'mac'].some((column) => header.includes(column));
  if (!isNamed) throw new InputError(`${path} line 1 must name the columns, such as name,driver,mac,ipmi_address`);
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) throw new InputError(`${path} line 1: the column ${JSON.stringify(twice)} is there twice`);
}
