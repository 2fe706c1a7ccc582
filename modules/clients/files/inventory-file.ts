// Reads an inventory of nodes: YAML, JSON or a table of separated values. Policy interprets it.
import type { SeparatedTable } from '../../core/separated-table.js';
import { mebibyte } from '../../core/sizes.js';
import { parseTable } from './separated-table.js';
import { parseTypedYaml, readSmallBytes, readSmallFile } from './yaml-file.js';

const largestBytes = 16 * mebibyte;

/** Anything but a table has `content`, with the line of each part. */
export type InventoryFile =
  | { readonly kind: 'table'; readonly table: SeparatedTable }
  | {
      readonly kind: 'document';
      readonly content: unknown;
      readonly lineOf: (path: readonly (string | number)[]) => number;
    };

/**
 * Reads a `.csv` or `.tsv` file as a table, and any other as YAML or JSON. Throws INVALID_INPUT if
 * it cannot be parsed.
 */
export async function readInventoryFile(path: string, signal?: AbortSignal): Promise<InventoryFile> {
  const options = { largest: largestBytes, signal };
  if (/\.[ct]sv$/i.test(path)) {
    const { bytes } = await readSmallBytes(path, options);
    return { kind: 'table', table: await parseTable(bytes) };
  }
  const { text } = await readSmallFile(path, options);
  return { kind: 'document', ...(await parseTypedYaml(text, path)) };
}
