// Reads the YAML and JSON files that people write: small, a mapping, and every fault told with its line.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Document, Tags } from 'yaml';
import { InputError, messageOf } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';

export interface YamlFile {
  readonly path: string;
  /** Scalars are texts as they were written (`0123`, `yes`) or null: what they mean is for the field they belong to. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Permission bits. */
  readonly mode: number;
}

const limitBytes = 1024 * 1024;
/** A description of thousands of nodes. */
const largestTyped = 16 * limitBytes;

/** Reads a file that must hold one mapping. Throws INVALID_INPUT; its message never quotes the content, which may be secret. */
export async function readYamlMapping(path: string): Promise<YamlFile> {
  const { text, mode } = await readSmallFile(path);
  const values = await parseYaml(text, path);
  if (!isMapping(values)) throw new InputError(`${path} must be a mapping of keys to values, but ${describe(values, text)}`);
  return { path, values, mode };
}

export interface TypedYaml {
  /** Numbers, switches and null are told from texts, as YAML 1.2 has it; but `0123` and `0x1f` stay texts. */
  readonly content: unknown;
  /** The line, from 1, of each element of the list, or of each key of the mapping, that the file holds. */
  readonly lines: readonly number[];
}

/** Reads a YAML or JSON file of values of any type. Throws INVALID_INPUT; its message never quotes the content, which may be secret. */
export async function readTypedYaml(path: string, wanted: 'mapping' | 'list'): Promise<TypedYaml> {
  const { text } = await readSmallFile(path, largestTyped);
  const typed = await parseTypedYaml(text, path);
  if (wanted === 'mapping' && !isMapping(typed.content)) throw new InputError(`${path} must be a mapping of keys to values, but ${describe(typed.content, text)}`);
  if (wanted === 'list' && !Array.isArray(typed.content)) throw new InputError(`${path} must be a list, but ${describe(typed.content, text)}`);
  return typed;
}

/** The same for a text that was read from there. */
export async function parseTypedYaml(text: string, path: string): Promise<TypedYaml> {
  const { document, lineAt } = await parseDocumentOf(text, path, 'typed');
  const { contents } = document;
  const items: readonly unknown[] = typeof contents === 'object' && contents !== null && 'items' in contents ? contents.items : [];
  const startOf = (item: unknown): number => ((item as { key?: { range?: number[] }; range?: number[] }).key?.range ?? (item as { range?: number[] }).range)?.[0] ?? 0;
  return { content: toValues(document, path), lines: items.map((item) => lineAt(startOf(item))) };
}

/** True when there is something at the path, readable or not. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}

/** The path with `~` at its beginning replaced by the home folder. */
export function withHome(path: string, environment: Readonly<Record<string, string | undefined>>): string {
  return path === '~' || path.startsWith('~/') ? join(environment.HOME || homedir(), path.slice(1)) : path;
}

const readFaults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
};

/** The text of a file of at most 1 MiB unless more is allowed, and its permission bits. Throws INVALID_INPUT. */
export async function readSmallFile(path: string, largest = limitBytes): Promise<{ text: string; mode: number }> {
  try {
    const { mode } = await stat(path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Not by the size that stat tells: a pipe has none.
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > largest) throw new InputError(`${path} is larger than ${largest / limitBytes} MiB: it cannot be the file that is meant`);
    }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)), mode };
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code = String((error as NodeJS.ErrnoException).code);
    const why = readFaults[code] ?? (code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : messageOf(error));
    throw new InputError(`${path} cannot be read: ${why}`);
  }
}

async function parseYaml(text: string, path: string): Promise<unknown> {
  return toValues((await parseDocumentOf(text, path, 'texts')).document, path);
}

interface ParsedYaml {
  readonly document: Document.Parsed;
  readonly lineAt: (offset: number) => number;
}

async function parseDocumentOf(text: string, path: string, scalars: 'texts' | 'typed'): Promise<ParsedYaml> {
  if (/^\uFEFF?\s*</.test(text)) throw new InputError(`${path} is HTML or XML, not YAML`);
  // Loaded when it is needed: it is a tenth of a module's start-up. "eager" has ncc keep it in the one file.
  const { LineCounter, parseDocument } = await import(/* webpackMode: "eager" */ 'yaml');
  const lines = new LineCounter();
  const reading = scalars === 'texts' ? { schema: 'failsafe', customTags: ['null', 'merge'] as ['null', 'merge'] } : { schema: 'core', customTags: decimalOnly };
  const document = parseDocument(text, { ...reading, prettyErrors: false, lineCounter: lines });
  // Warnings count too: an unknown tag such as !vault would hand on the encrypted text as the value.
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) throw new InputError(`${path} line ${lines.linePos(fault.pos[0]).line} is not valid YAML: ${explain(fault)}`);
  return { document, lineAt: (offset) => lines.linePos(offset).line };
}

/** Without octal and hexadecimal numbers, and with decimal ones that do not begin with 0: what looks like one may be a password or an id. */
function decimalOnly(tags: Tags): Tags {
  const own = tags.filter((tag) => typeof tag === 'string' || (tag as { format?: string }).format === undefined || (tag as { format?: string }).format === 'EXP');
  const decimal = own.map((tag) => (typeof tag !== 'string' && tag.tag === 'tag:yaml.org,2002:int' ? { ...tag, test: /^[-+]?(0|[1-9][0-9]*)$/ } : tag)) as Tags;
  return [...decimal, 'merge'];
}

function toValues(document: Document.Parsed, path: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new InputError(`${path} is not valid YAML: ${explain({ code: '', message: messageOf(error) })}`);
  }
}

/** The parser's words up to the place where it begins to quote the file. */
function explain(fault: { readonly code: string; readonly message: string }): string {
  if (fault.code === 'DUPLICATE_KEY') return 'a key is given twice';
  if (fault.code === 'MULTIPLE_DOCS') return 'it holds more than one document';
  return fault.message.split(/[:\\]/)[0]?.trim() ?? '';
}

function describe(value: unknown, text: string): string {
  if (value === null || value === undefined) return 'it is empty';
  if (Array.isArray(value)) return 'it is a list';
  if (isMapping(value)) return 'it is a mapping';
  return text.startsWith('$ANSIBLE_VAULT') ? 'it is encrypted by ansible-vault: decrypt it first' : 'it is plain text';
}
