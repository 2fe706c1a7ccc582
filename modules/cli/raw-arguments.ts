// From parsed options to an operation's raw arguments, which core/ then converts and validates like
// Ansible's.
import { readTypedYaml, readYamlMapping } from '../clients/files/yaml-file.js';
import { messageOf } from '../core/errors.js';
import { parseJson } from '../core/json-text.js';
import { isSecretKey } from '../core/masking.js';
import type { Flag } from './flags.js';
import { UsageError } from './exit-codes.js';

type Parsed = Readonly<Record<string, unknown>>;

/**
 * The fields that were given. Throws UsageError for an option without a value, or given twice where
 * only one value is allowed.
 */
export async function argumentsFrom(
  parsed: Parsed,
  flags: readonly Flag[],
  command: string,
): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  for (const flag of flags) {
    const value = parsed[flag.name];
    if (flag.field !== undefined && value !== undefined) given[flag.field] = await valueOf(flag, value, command);
  }
  return given;
}

async function valueOf(flag: Flag, value: unknown, command: string): Promise<unknown> {
  if (flag.kind === 'list') return listOf(flag, valuesOf(value), command);
  if (flag.kind === 'object' || flag.kind === 'texts') return objectOf(flag, valuesOf(value).map(String), command);
  if (Array.isArray(value))
    throw new UsageError(`--${flag.name} was given ${value.length} times: give it once`, command);
  if (value === '') throw new UsageError(`--${flag.name} needs a value`, command);
  if (flag.kind === 'records')
    return readFrom(flag, command, async () => (await readTypedYaml(String(value), 'list')).content);
  return flag.kind === 'file'
    ? readFrom(flag, command, async () => (await readYamlMapping(String(value))).values)
    : value;
}

function valuesOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function listOf(flag: Flag, values: readonly unknown[], command: string): string[] {
  const words = values.flatMap((value) => String(value).split(',')).map((word) => word.trim());
  if (words.length === 0 || words.includes('')) throw new UsageError(`--${flag.name} needs a value`, command);
  return words;
}

/**
 * Files, JSON and KEY=VALUE; later ones override earlier ones. As with `openstack baremetal node
 * set`, a value of an object that is valid JSON is read as JSON, but a secret is text. In a mapping
 * of texts every value is text.
 */
async function objectOf(flag: Flag, words: readonly string[], command: string): Promise<unknown> {
  if (words.length === 0 || words.includes('')) throw new UsageError(`--${flag.name} needs a value`, command);
  const merged: Record<string, unknown> = {};
  for (const word of words) {
    if (word.trimStart().startsWith('{')) {
      Object.assign(merged, readJson(flag, word, command));
      continue;
    }
    const [, key, text = ''] = /^([^/=]+)=(.*)$/s.exec(word) ?? [];
    if (key !== undefined)
      Object.defineProperty(merged, key, {
        value: flag.kind === 'texts' || (isSecretKey(key) && text !== 'null') ? text : jsonOr(text),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else Object.assign(merged, await readFrom(flag, command, () => contentOf(flag, word)));
  }
  return merged;
}

async function contentOf(flag: Flag, path: string): Promise<object> {
  return flag.kind === 'texts'
    ? (await readYamlMapping(path)).values
    : ((await readTypedYaml(path, 'mapping')).content as object);
}

function readJson(flag: Flag, text: string, command: string): object {
  const value = jsonOr(text);
  if (typeof value !== 'object' || value === null)
    throw new UsageError(`--${flag.name}: the text is not valid JSON`, command);
  return value;
}

function jsonOr(text: string): unknown {
  try {
    return parseJson(text, { numbers: 'written' });
  } catch {
    return text;
  }
}

async function readFrom(flag: Flag, command: string, read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    throw new UsageError(`--${flag.name}: ${messageOf(error)}`, command);
  }
}
