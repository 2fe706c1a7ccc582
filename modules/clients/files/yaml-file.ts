// Reads the small YAML and JSON files that people write, and reports every error with its line.
import { InputError, messageOf } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { mebibyte } from '../../core/sizes.js';
import { openInput } from './input.js';
import { parseYamlDocument, type YamlDocument } from './yaml-document.js';

export interface YamlFile {
  readonly path: string;
  /**
   * Scalars are texts as they were written (`0123`, `yes`) or null; the field that they belong to
   * interprets them.
   */
  readonly values: Readonly<Record<string, unknown>>;
  /** Permission bits. */
  readonly mode: number;
}

const limitBytes = mebibyte;
/** Enough for a description of thousands of nodes. */
const largestTyped = 16 * limitBytes;

/**
 * Reads a file that must hold one mapping. Throws INVALID_INPUT; its message never quotes the
 * content, which may be secret.
 */
export async function readYamlMapping(path: string, signal?: AbortSignal): Promise<YamlFile> {
  const { text, mode } = await readSmallFile(path, { signal });
  const { content: values } = await parseYaml(text, path, 'texts');
  if (!isMapping(values))
    throw new InputError(`${path} must be a mapping of keys to values, but ${describe(values, text)}`);
  return { path, values, mode };
}

/**
 * Reads a YAML or JSON file of values of any type. Throws INVALID_INPUT; its message never quotes
 * the content, which may be secret.
 */
export async function readTypedYaml(path: string, expected: 'mapping' | 'list'): Promise<YamlDocument> {
  const { text } = await readSmallFile(path, { largest: largestTyped });
  const typed = await parseTypedYaml(text, path);
  if (expected === 'mapping' && !isMapping(typed.content))
    throw new InputError(`${path} must be a mapping of keys to values, but ${describe(typed.content, text)}`);
  if (expected === 'list' && !Array.isArray(typed.content))
    throw new InputError(`${path} must be a list, but ${describe(typed.content, text)}`);
  return typed;
}

/** Parses a text that was read from such a file. */
export async function parseTypedYaml(text: string, path: string): Promise<YamlDocument> {
  return parseYaml(text, path, 'typed');
}

/** The same for a text whose scalars stay as they were written, as in `readYamlMapping`. */
export async function parseWrittenYaml(text: string, path: string): Promise<YamlDocument> {
  return parseYaml(text, path, 'texts');
}

const readFaults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
};

export interface ReadOptions {
  /** The maximum size in bytes; by default 1 MiB. */
  readonly largest?: number;
  /** Ends the wait for a pipe. */
  readonly signal?: AbortSignal | undefined;
}

/** The text of a small file, and its permission bits. Throws INVALID_INPUT. */
export async function readSmallFile(
  path: string,
  options: ReadOptions = {},
): Promise<{ text: string; mode: number; mtimeMs: number }> {
  const { bytes, ...stats } = await readSmallBytes(path, options);
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), ...stats };
  } catch {
    throw new InputError(`${path} cannot be read: it is not UTF-8 text`);
  }
}

/** The bytes of a small file, its permission bits, and when it was changed. Throws INVALID_INPUT. */
export async function readSmallBytes(
  path: string,
  { largest = limitBytes, signal }: ReadOptions = {},
): Promise<{ bytes: Buffer; mode: number; mtimeMs: number }> {
  try {
    const { stats, chunks } = await openInput(path, signal);
    const parts: Buffer[] = [];
    let bytes = 0;
    // Counted here, since the file system reports no size for a pipe.
    for await (const chunk of chunks) {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes > largest)
        throw new InputError(`${path} is larger than ${largest / mebibyte} MiB: this cannot be the right file`);
    }
    return { bytes: Buffer.concat(parts), mode: stats.mode, mtimeMs: stats.mtimeMs };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof InputError) throw error;
    const code = isMapping(error) ? String(error.code) : '';
    throw new InputError(`${path} cannot be read: ${readFaults[code] ?? messageOf(error)}`);
  }
}

async function parseYaml(text: string, path: string, scalars: 'texts' | 'typed'): Promise<YamlDocument> {
  if (/^\uFEFF?\s*</.test(text)) throw new InputError(`${path} is HTML or XML, not YAML`);
  return parseYamlDocument(text, path, scalars);
}

function describe(value: unknown, text: string): string {
  if (value === null || value === undefined) return 'it is empty';
  if (Array.isArray(value)) return 'it is a list';
  if (isMapping(value)) return 'it is a mapping';
  return text.startsWith('$ANSIBLE_VAULT') ? 'it is encrypted by ansible-vault: decrypt it first' : 'it is plain text';
}
