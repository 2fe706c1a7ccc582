// Reads an inventory of nodes: YAML, JSON or a table of comma-separated values. What it means is for policy.
import { InputError, messageOf } from '../../core/errors.js';
import { parseTypedYaml, readSmallFile } from './yaml-file.js';

const largestBytes = 16 * 1024 * 1024;

/** A table has `rows`, each with the line where it begins; anything else `content`, with the line of each element. */
export type InventoryFile =
  | { readonly kind: 'table'; readonly rows: readonly { readonly line: number; readonly cells: Readonly<Record<string, string>> }[] }
  | { readonly kind: 'document'; readonly content: unknown; readonly lines: readonly number[] };

/** Throws INVALID_INPUT for a file that cannot be read as what it is. Its name says what it is: `.csv` is a table, anything else YAML or JSON. */
export async function readInventoryFile(path: string): Promise<InventoryFile> {
  const { text } = await readSmallFile(path, largestBytes);
  if (/\.csv$/i.test(path)) return { kind: 'table', rows: await readTable(text, path) };
  return { kind: 'document', ...(await parseTypedYaml(text, path)) };
}

interface CsvRecord {
  readonly info: { readonly lines: number };
  readonly record: Readonly<Record<string, string>>;
}

async function readTable(text: string, path: string): Promise<{ line: number; cells: Readonly<Record<string, string>> }[]> {
  // Loaded when it is needed. "eager" has ncc keep it in the one file.
  const { parse } = await import(/* webpackMode: "eager" */ 'csv-parse/sync');
  let header: readonly string[] = [];
  const columns = (names: readonly string[]): string[] => [...(header = names.map((name) => name.trim()))];
  try {
    const records = parse(text, { bom: true, columns, comment: '#', comment_no_infix: true, info: true, skip_empty_lines: true, trim: true }) as unknown as CsvRecord[];
    assertHeader(header, path);
    return records.map(({ info, record }) => ({ line: info.lines, cells: record }));
  } catch (error) {
    if (error instanceof InputError) throw error;
    // The parser's own words quote the file, which may hold passwords.
    const { lines, code } = error as { lines?: number; code?: string };
    throw new InputError(`${path}${lines === undefined ? '' : ` line ${lines}`} is not a table of comma-separated values: ${explanations[code ?? ''] ?? code ?? messageOf(error)}`);
  }
}

const explanations: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_COLUMNS: 'the row has more or fewer cells than the header',
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'a quote stands in the middle of a cell',
};

function assertHeader(header: readonly string[], path: string): void {
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) throw new InputError(`${path} line 1: the column ${JSON.stringify(twice)} stands there twice`);
  if (header.includes('driver') || header.includes('name') || header.includes('uuid') || header.includes('mac')) return;
  throw new InputError(`${path} line 1 must name the columns, such as name,driver,mac,ipmi_address`);
}
