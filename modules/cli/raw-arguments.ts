// From parsed options to an operation's raw arguments, which core/ then spells and checks as it does Ansible's.
import { readYamlList, readYamlMapping } from '../clients/files/yaml-file.js';
import { messageOf } from '../core/errors.js';
import type { Flag } from './flags.js';
import { UsageError } from './usage-error.js';

type Parsed = Readonly<Record<string, unknown>>;

/** The fields that were given. Throws UsageError for an option without its value, or given twice where once is meant. */
export async function argumentsFrom(parsed: Parsed, flags: readonly Flag[], command: string): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  for (const flag of flags) {
    const value = parsed[flag.name];
    if (flag.field !== undefined && value !== undefined) given[flag.field] = await valueOf(flag, value, command);
  }
  return given;
}

async function valueOf(flag: Flag, value: unknown, command: string): Promise<unknown> {
  if (flag.kind === 'list') return listOf(flag, value as readonly unknown[], command);
  if (Array.isArray(value)) throw new UsageError(`--${flag.name} was given ${value.length} times: give it once`, command);
  if (value === '') throw new UsageError(`--${flag.name} needs a value`, command);
  if (flag.kind === 'list-file') return readOrExplain(readYamlList, flag, { path: String(value), command });
  return flag.kind === 'file' ? (await readOrExplain(readYamlMapping, flag, { path: String(value), command })).values : value;
}

function listOf(flag: Flag, values: readonly unknown[], command: string): string[] {
  const words = values.flatMap((value) => String(value).split(',')).map((word) => word.trim());
  if (words.length === 0 || words.includes('')) throw new UsageError(`--${flag.name} needs a value`, command);
  return words;
}

async function readOrExplain<T>(read: (path: string) => Promise<T>, flag: Flag, { path, command }: { path: string; command: string }): Promise<T> {
  try {
    return await read(path);
  } catch (error) {
    throw new UsageError(`--${flag.name}: ${messageOf(error)}`, command);
  }
}
