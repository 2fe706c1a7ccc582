// Parses YAML and JSON in linear time, whatever its anchors, and with limited nesting. Numbers are
// those of PyYAML, which Ansible, bifrost and the OpenStack clients use, and keep their spelling.
import type { Document, LineCounter, Parser, Tags } from 'yaml';
import { InputError } from '../../core/errors.js';
import { deepestNesting } from '../../core/json-text.js';
import { isMapping } from '../../core/mapping.js';
import { jsonNumber, yamlNumber } from '../../core/written-numbers.js';

/**
 * `texts`: every scalar as it was written, or null. `typed`: numbers, booleans and null are
 * distinguished from texts.
 */
export type Scalars = 'texts' | 'typed';

export interface YamlDocument {
  readonly content: unknown;
  /**
   * The line, from 1, of the value at a path of keys and indexes, or of the nearest value around
   * it.
   */
  readonly lineOf: (path: readonly (string | number)[]) => number;
}

/** Throws INVALID_INPUT; its message never quotes the content, which may be secret. */
export async function parseYamlDocument(text: string, path: string, scalars: Scalars): Promise<YamlDocument> {
  // Loaded on demand, since it takes a tenth of a module's start-up time. "eager" makes ncc keep it
  // in the same file.
  const yaml = await import(/* webpackMode: "eager" */ 'yaml');
  const lines = new yaml.LineCounter();
  const refuse = (offset: number, why: string): never => {
    throw new InputError(`${path} line ${lines.linePos(offset).line} is not valid YAML: ${why}`);
  };
  const number = isJson(text) ? jsonNumber : yamlNumber;
  const schema =
    scalars === 'texts'
      ? { schema: 'failsafe' as const, customTags: ['null' as const] }
      : { schema: 'core' as const, customTags: numbersOf(number === jsonNumber) };
  // Duplicate keys are found below, where that does not take quadratic time.
  const composer = new yaml.Composer({ ...schema, prettyErrors: false, uniqueKeys: false });
  lines.addNewLine(0);
  const tokens = shallowTokens(text, new yaml.Parser(lines.addNewLine), yaml.Lexer, refuse);
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  // Warnings count too: with an unknown tag such as !vault, the encrypted text would become the
  // value.
  const fault = document?.errors[0] ?? document?.warnings[0];
  if (fault) refuse(fault.pos[0], fault.message.split(/[:\\]/)[0]?.trim() ?? '');
  if (second) refuse(second.range[0], 'it contains more than one document');
  const contents = document?.contents ?? null;
  const content = valuesOf(contents, { yaml, refuse, number });
  return { content, lineOf: (keys) => lineOf(contents, keys, lines) };
}

function isJson(text: string): boolean {
  if (!/^\uFEFF?\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
    return true;
  } catch {
    return false;
  }
}

const jsonDecimal = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/;
/**
 * What YAML 1.1, which PyYAML reads, and YAML 1.2 agree on: `12e4`, `0123`, `0x1f`, `1_000`, `1:30`
 * and `.inf` stay texts, since they may be passwords or ids.
 */
const yamlDecimal = /^([-+]?(0|[1-9][0-9]*)(\.[0-9]*([eE][-+][0-9]+)?)?|\.[0-9]+([eE][-+][0-9]+)?)$/;

function numbersOf(json: boolean): (tags: Tags) => Tags {
  const tag = {
    identify: (value: unknown): boolean => typeof value === 'number',
    default: true,
    resolve: Number,
  } as const;
  const test = json ? jsonDecimal : yamlDecimal;
  const own = [
    { ...tag, tag: 'tag:yaml.org,2002:int', test },
    { ...tag, tag: 'tag:yaml.org,2002:float', test },
  ];
  return (tags) => [
    ...tags.filter((known) => typeof known === 'string' || !own.some(({ tag: name }) => name === known.tag)),
    ...own,
  ];
}

/** Each level is one or two entries of the parser's stack. */
const deepestStack = 2 * deepestNesting + 10;

function* shallowTokens(
  text: string,
  parser: Parser,
  Lexer: typeof import('yaml').Lexer,
  refuse: Refuse,
): ReturnType<Parser['parse']> {
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > deepestStack) refuse(parser.offset, tooDeep);
  }
  yield* parser.end();
}

const tooDeep = `it is nested more than ${deepestNesting} levels deep`;

type Refuse = (offset: number, why: string) => never;

interface Reading {
  readonly yaml: typeof import('yaml');
  readonly refuse: Refuse;
  readonly number: (source: string) => unknown;
}

/** A value, its depth, and the number of values in it with each alias written out. */
interface Value {
  readonly value: unknown;
  readonly depth: number;
  readonly size: number;
}

/** How many values all aliases together may stand for. */
const mostAliased = 1_000_000;

function valuesOf(contents: Document.Parsed['contents'], { yaml, refuse, number }: Reading): unknown {
  const anchored = new Map<string, Value>();
  let aliased = 0;
  const read = (node: unknown, level: number): Value => {
    const offset = offsetOf(node) ?? 0;
    if (level > deepestNesting) refuse(offset, tooDeep);
    if (yaml.isAlias(node)) return readAlias(node.source, offset, level);
    const value = yaml.isMap(node)
      ? readMap(node.items, level)
      : yaml.isSeq(node)
        ? joined(node.items.map((item) => read(item, level + 1)))
        : readScalar(node);
    if (isMapping(node) && typeof node.anchor === 'string') anchored.set(node.anchor, value);
    return value;
  };
  const readAlias = (name: string, offset: number, level: number): Value => {
    const value = anchored.get(name) ?? refuse(offset, 'an alias is before or within its anchor');
    aliased += value.size;
    if (aliased > mostAliased) refuse(offset, `its aliases stand for more than ${mostAliased} values`);
    if (level + value.depth > deepestNesting) refuse(offset, tooDeep);
    return value;
  };
  const readScalar = (node: unknown): Value => {
    const scalar = yaml.isScalar(node) ? node : undefined;
    return {
      value:
        typeof scalar?.value === 'number' ? number(scalar.source ?? String(scalar.value)) : (scalar?.value ?? null),
      depth: 0,
      size: 1,
    };
  };
  const readMap = (items: readonly { readonly key: unknown; readonly value: unknown }[], level: number): Value => {
    const own = new Map<string, Value>();
    const merged = new Map<string, unknown>();
    for (const { key, value: inner } of items) {
      const offset = offsetOf(key) ?? 0;
      const value = read(inner, level + 1);
      if (yaml.isScalar(key) && key.source === '<<' && key.type === 'PLAIN') {
        merge(merged, value.value, () => refuse(offset, '<< must refer to a mapping, or to a list of them'));
        continue;
      }
      const name = keyOf(key, read, () => refuse(offset, 'a key must be a text'));
      if (own.has(name)) refuse(offset, 'a key is given twice');
      own.set(name, value);
    }
    const sizes = joined([...own.values()]);
    return {
      ...sizes,
      size: sizes.size + merged.size,
      value: Object.fromEntries([...merged, ...[...own].map(([key, { value }]) => [key, value] as const)]),
    };
  };
  return read(contents, 0).value;
}

/** A list of values. */
function joined(values: readonly Value[]): Value {
  const depth = values.reduce((deepest, value) => Math.max(deepest, value.depth), 0) + 1;
  return { value: values.map(({ value }) => value), depth, size: values.reduce((sum, { size }) => sum + size, 1) };
}

/** A key as it was written, including `0123`, `1.10` and `yes`. */
function keyOf(key: unknown, read: (node: unknown, level: number) => Value, refuse: () => never): string {
  if (isMapping(key) && typeof key.source === 'string' && 'value' in key) return key.source;
  const { value } = read(key, 0);
  return typeof value === 'object' && value !== null ? refuse() : String(value ?? '');
}

/**
 * Adds the keys of one mapping, or of several, the first of which takes precedence; the mapping's
 * own keys override them.
 */
function merge(into: Map<string, unknown>, source: unknown, refuse: () => never): void {
  for (const mapping of Array.isArray(source) ? source : [source]) {
    if (typeof mapping !== 'object' || mapping === null || Array.isArray(mapping)) return refuse();
    for (const [key, value] of Object.entries(mapping)) if (!into.has(key)) into.set(key, value);
  }
}

function lineOf(contents: unknown, path: readonly (string | number)[], lines: LineCounter): number {
  let node = contents;
  let offset = offsetOf(contents) ?? 0;
  for (const key of path) {
    const items: readonly unknown[] = isMapping(node) && Array.isArray(node.items) ? node.items : [];
    const item = typeof key === 'number' ? items[key] : items.find((pair) => isPairOf(pair, key));
    if (!isMapping(item)) break;
    offset = offsetOf(item.key ?? item) ?? offset;
    node = item.key === undefined ? item : item.value;
  }
  return lines.linePos(offset).line;
}

function isPairOf(pair: unknown, key: string): boolean {
  return isMapping(pair) && isMapping(pair.key) && pair.key.source === key;
}

/** Where a node of the document begins. */
function offsetOf(node: unknown): number | undefined {
  const range: unknown = isMapping(node) ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}
