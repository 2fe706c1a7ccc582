// A table of separated values, split into records.

export interface TableRecord {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface SeparatedTable {
  readonly separator: string;
  /** Those that could be read; the header is the first. Blank lines and comments are left out. */
  readonly records: readonly TableRecord[];
  /** Lines that could not be read. Their content is never quoted, since it may be secret. */
  readonly faults: readonly { readonly line: number; readonly text: string }[];
}
