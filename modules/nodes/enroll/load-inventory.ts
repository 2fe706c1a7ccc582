// Reads the nodes from the file or the list that the arguments name.
import { readInventoryFile } from '../../clients/files/inventory-file.js';
import { withHome } from '../../clients/files/paths.js';
import { InputError } from '../../core/errors.js';
import { collectSecretKeys } from '../../core/masking.js';
import type { Context } from '../../core/operation.js';
import { entriesOf, readInventory, type InventoryEntry, type Inventory } from '../policy/inventory.js';
import { entriesOfTable } from '../policy/inventory-table.js';

interface InventoryArguments {
  readonly inventory?: string;
  readonly nodes?: readonly Readonly<Record<string, unknown>>[];
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** For nodes that do not say it themselves. */
  readonly inspect?: boolean;
}

/**
 * Throws INVALID_INPUT if there is no list of nodes; faults of single nodes are part of the result.
 */
export async function loadInventory(args: InventoryArguments, context: Context): Promise<Inventory> {
  const { inventory: path, nodes, defaults, inspect } = args;
  if ((path === undefined) === (nodes === undefined))
    throw new InputError('give either inventory (a file) or nodes (a list)');
  const entries =
    path === undefined
      ? (entriesOf(nodes, ([index]) => `nodes[${index}]`) ?? [])
      : await entriesIn(withHome(path, context.environment), context.signal);
  const secrets: string[] = [];
  collectSecretKeys(
    entries.map(({ content }) => content),
    (secret) => secrets.push(secret),
  );
  context.learnSecrets?.(secrets);
  const inventory = readInventory(entries, { ...defaults, ...(inspect === undefined ? {} : { inspect }) });
  // Most likely another file is meant, which a run that does nothing would hide.
  if (entries.length === 0)
    throw new InputError(
      path === undefined ? 'nodes: the list is empty' : `inventory: ${path} contains no nodes`,
      path === undefined ? 'nodes' : 'inventory',
    );
  return inventory;
}

async function entriesIn(path: string, signal: AbortSignal): Promise<readonly InventoryEntry[]> {
  const file = await readInventoryFile(path, signal).catch((error: unknown) => {
    throw error instanceof InputError ? new InputError(`inventory: ${error.message}`, 'inventory') : error;
  });
  if (file.kind === 'table') return entriesOfTable(file.table, (line) => `${path} line ${line}`);
  const entries = entriesOf(file.content, (keys) => `${path} line ${file.lineOf(keys)}`);
  if (!entries)
    throw new InputError(
      `inventory: ${path} must contain a list of nodes, or a mapping of names to nodes` +
        (typeof file.content === 'string' ? '; the name of a table ends in .csv or .tsv' : ''),
      'inventory',
    );
  return entries;
}
