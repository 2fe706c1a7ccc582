// Reads a table of nodes: what its columns mean, and everything that is wrong with its header and
// its rows, also what spreadsheets make of values.
import { parseJson, TooDeep } from '../../core/json-text.js';
import { isMapping } from '../../core/mapping.js';
import { isSecretKey } from '../../core/masking.js';
import type { SeparatedTable, TableRecord } from '../../core/separated-table.js';
import { misspelt, suggestion } from '../../core/validation.js';
import { isNodeKey, nodeKeys, propertySynonyms } from './desired-node.js';
import type { Fault } from './field-values.js';
import type { InventoryEntry } from './inventory.js';
import { nodeAttributes } from './node-fields.js';
import { spreadsheetFault, spreadsheetWarnings } from './spreadsheet-values.js';

/** A node for each row, and an entry with its fault for each line that is wrong as a whole. */
export function entriesOfTable(
  { separator, records, faults }: SeparatedTable,
  placeOf: (line: number) => string,
): readonly InventoryEntry[] {
  const [header, ...rows] = records;
  const damaged = faults.map(({ line, text }) => ({ line, entry: damagedEntry(placeOf(line), text) }));
  const line = header?.line ?? 1;
  // A damaged line before the first one that could be read was the header.
  if (faults.some((fault) => fault.line <= line)) return damaged.map(({ entry }) => entry);
  if (!header || !isHeader(header.cells))
    return [damagedEntry(placeOf(line), missingHeader), ...damaged.map(({ entry }) => entry)];
  const columns = columnsOf(header.cells);
  const layout = { separator, columns };
  const read = rows.map((row) => ({ line: row.line, entry: rowEntry(placeOf(row.line), row.cells, layout) }));
  return [
    ...headerFaults(columns, rows).map((text) => damagedEntry(placeOf(line), text)),
    ...[...damaged, ...read].sort((one, other) => one.line - other.line).map(({ entry }) => entry),
  ];
}

function damagedEntry(place: string, text: string, content: unknown = {}): InventoryEntry {
  return { place, content, faults: [{ field: '', text }], isDamaged: true };
}

const identifying = ['name', 'driver', 'uuid', 'mac'];
const missingHeader =
  'the first line must name the columns, such as name,driver,mac,ipmi_address, separated by commas, semicolons or tabs';

/** Its cells are not shown if it is none, since they may be values. */
function isHeader(cells: readonly string[]): boolean {
  return cells.map(plainName).some((name) => identifying.includes(name) || misspelt(name, identifying) !== undefined);
}

function plainName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
}

/** Where the values of a column belong. */
interface ColumnTarget {
  /** Undefined: a field of the node itself. */
  readonly mapping: string | undefined;
  readonly key: string;
  /** Whether a cell that begins like JSON is JSON. */
  readonly mayBeJson: boolean;
}

interface Column {
  readonly name: string;
  readonly isKnown: boolean;
  /** That of the name that is most likely meant, if it is not known. */
  readonly target: ColumnTarget | undefined;
}

function columnsOf(header: readonly string[]): readonly Column[] {
  const columns = header.map((cell) => ({ name: cell.trim(), target: targetOf(cell.trim()) }));
  return columns.map(({ name, target }) => {
    if (target !== undefined || name === '') return { name, target, isKnown: true };
    const meant = targetOf(misspelt(plainName(name), usualColumns) ?? plainName(name));
    const isTaken = meant !== undefined && columns.some((other) => isSameTarget(other.target, meant));
    return { name, target: isTaken ? undefined : meant, isKnown: false };
  });
}

/** Columns of a table that belong to `properties` without saying so. */
const propertyColumns = ['ram', 'memory_mb', 'cpus', 'cpu_arch', 'disk_size', 'local_gb', 'capabilities'];
const driverInfoColumn = /^(ipmi|redfish|irmc|ilo|idrac|drac|snmp|xclarity|deploy|rescue|agent)_(?!interface$)/;
const macColumns = ['mac', 'macs', 'address', 'nics', 'ports'];
const mappingColumn = /^(driver_info|properties|extra|instance_info)\.(.+)$/;

function targetOf(column: string): ColumnTarget | undefined {
  const [, mapping, key] = mappingColumn.exec(column) ?? [];
  if (mapping !== undefined && key !== undefined)
    return { mapping, key: mapping === 'properties' ? propertyName(key) : key, mayBeJson: !isSecretKey(key) };
  if (propertyColumns.includes(column)) return { mapping: 'properties', key: propertyName(column), mayBeJson: false };
  if (driverInfoColumn.test(column)) return { mapping: 'driver_info', key: column, mayBeJson: false };
  if (macColumns.includes(column)) return { mapping: undefined, key: 'ports', mayBeJson: true };
  if (!isNodeKey(column)) return undefined;
  return { mapping: undefined, key: column, mayBeJson: nodeAttributes[column]?.kind !== 'text' };
}

function propertyName(key: string): string {
  return propertySynonyms[key] ?? key;
}

/** Keys of the usual drivers, to suggest; any other key needs its mapping in front of it. */
const usualDriverKeys = [
  ...['ipmi_address', 'ipmi_username', 'ipmi_password', 'ipmi_port', 'ipmi_terminal_port'],
  ...['redfish_address', 'redfish_username', 'redfish_password', 'redfish_system_id', 'redfish_verify_ca'],
  ...['deploy_kernel', 'deploy_ramdisk', 'deploy_iso', 'rescue_kernel', 'rescue_ramdisk'],
];
const usualColumns = [...nodeKeys, ...propertyColumns, ...macColumns, ...usualDriverKeys];

function headerFaults(columns: readonly Column[], rows: readonly TableRecord[]): string[] {
  return columns.flatMap(({ name, target, isKnown }, index) => {
    if (name === '') {
      const used = rows.find(({ cells }) => (cells[index] ?? '') !== '');
      return used ? [`column ${index + 1} has no name, and a value in line ${used.line}`] : [];
    }
    if (name.includes(replacement)) return [`column ${index + 1}: ${notUtf8}`];
    if (!isKnown || target === undefined) return [unknownColumn(name)];
    const earlier = columns.slice(0, index).find((other) => isSameTarget(other.target, target));
    if (earlier === undefined) return [];
    return [
      earlier.name === name
        ? `the column ${JSON.stringify(name)} is there twice`
        : `the columns ${JSON.stringify(earlier.name)} and ${JSON.stringify(name)} mean the same`,
    ];
  });
}

function isSameTarget(one: ColumnTarget | undefined, other: ColumnTarget): boolean {
  return one !== undefined && one.mapping === other.mapping && one.key === other.key;
}

function unknownColumn(name: string): string {
  const shown = JSON.stringify(name.slice(0, 80));
  const hint = suggestion(plainName(name.slice(0, 80)), usualColumns);
  const others = 'other keys of a mapping need its name in front of them, such as driver_info.KEY';
  return `${shown} is not a column of a table of nodes${hint === '' ? `; ${others}` : hint}`;
}

/** What the decoder puts in place of bytes that are not UTF-8. */
const replacement = '\uFFFD';
const notUtf8 = 'it has characters that are not UTF-8; save the file as UTF-8 (in a spreadsheet: as "CSV UTF-8")';

interface Layout {
  readonly separator: string;
  readonly columns: readonly Column[];
}

function rowEntry(place: string, cells: readonly string[], layout: Layout): InventoryEntry {
  const length = lengthFault(cells, layout);
  if (length !== undefined) return damagedEntry(place, length, { name: safeName(cells, layout) });
  const { content, faults } = nodeOfRow(cells, layout.columns);
  if (cells.some((cell) => cell.includes(replacement))) return damagedEntry(place, notUtf8, content);
  return { place, content, faults, warnings: spreadsheetWarnings(content, hasNames(layout)) };
}

function hasNames({ columns }: Layout): boolean {
  return columns.some(({ name }) => name === 'name');
}

/**
 * The name in a row of another length, unless its cell may be that of a password: cells are missing,
 * or too many, before or behind it.
 */
function safeName(cells: readonly string[], { columns }: Layout): string | undefined {
  const index = columns.findIndex(({ name }) => name === 'name');
  const shift = Math.abs(columns.length - cells.length);
  const near = columns.slice(Math.max(0, index - shift), index + shift + 1);
  return index < 0 || near.some(mayBeSecret) ? undefined : cells[index];
}

function mayBeSecret({ target, isKnown }: Column): boolean {
  if (!isKnown || target === undefined || isSecretKey(target.key)) return true;
  return target.mapping === 'driver_info' && !usualDriverKeys.includes(target.key);
}

const separators: Readonly<Record<string, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'vertical bar',
};

/** Spreadsheets fill up rows and header with empty cells, which mean nothing. */
function lengthFault(cells: readonly string[], { separator, columns }: Layout): string | undefined {
  const needed = columns.findLastIndex(({ name }) => name !== '') + 1;
  const isLong = cells.slice(columns.length).some((cell) => cell !== '');
  if (cells.length >= needed && !isLong) return undefined;
  const own = cells.length === 1 ? '1 cell' : `${cells.length} cells`;
  const count = `the row has ${own}, and the header ${columns.length}`;
  const word = separators[separator] ?? 'separator';
  const other = Object.keys(separators).find(
    (candidate) => candidate !== separator && (cells[0] ?? '').split(candidate).length >= needed,
  );
  if (cells.length === 1 && other !== undefined)
    return `${count}: it seems to be separated by ${separators[other]}s, and the header by ${word}s`;
  return isLong ? `${count}: a value that contains a ${word} must be in quotes` : count;
}

/**
 * A row of a table as a node. An empty cell is ignored. `mac` has one or several addresses. A cell
 * that may be a mapping or a list, and begins like one, is JSON.
 */
function nodeOfRow(
  cells: readonly string[],
  columns: readonly Column[],
): { readonly content: Readonly<Record<string, unknown>>; readonly faults: readonly Fault[] } {
  const node: Record<string, unknown> = {};
  const faults: Fault[] = [];
  columns.forEach(({ name, target }, index) => {
    const cell = cells[index] ?? '';
    if (cell === '' || target === undefined) return;
    const { mapping, key } = target;
    const { value, fault } = cellValue(target, cell);
    if (fault !== undefined) faults.push({ field: name, text: fault });
    if (value === undefined) return;
    const present = mapping === undefined ? undefined : node[mapping];
    if (mapping === undefined) node[key] = value;
    else node[mapping] = { ...(isMapping(present) ? present : {}), [key]: value };
  });
  return { content: node, faults };
}

const wholeNumbers = ['memory_mb', 'cpus', 'local_gb'];

function cellValue(target: ColumnTarget, cell: string): { readonly value?: unknown; readonly fault?: string } {
  const { mapping, key, mayBeJson } = target;
  const fault = spreadsheetFault(cell);
  if (fault !== undefined) return { fault };
  if (mapping === 'properties' && wholeNumbers.includes(key))
    return /^(0|[1-9]\d{0,14})$/.test(cell)
      ? { value: Number(cell) }
      : { fault: 'it is not a whole number, written with digits only' };
  if (mayBeJson && (key === 'ports' ? cell.startsWith('[') : /^[[{]/.test(cell))) return jsonCell(cell);
  if (mapping === undefined && key === 'ports') return { value: cell.split(/[\s,;]+/).filter((mac) => mac !== '') };
  return { value: cell };
}

function jsonCell(cell: string): { readonly value?: unknown; readonly fault?: string } {
  try {
    return { value: parseJson(cell, { numbers: 'written' }) };
  } catch (error) {
    return {
      fault: error instanceof TooDeep ? error.message : 'the cell begins like JSON, but is not valid JSON',
    };
  }
}
