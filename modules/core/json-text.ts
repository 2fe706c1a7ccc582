// Reads JSON from outside: refuses nesting so deep that walking it would crash the program, and
// changes no number.
import { isMapping } from './mapping.js';
import { jsonNumber } from './written-numbers.js';

/** Far more than any document of a service, a tool or a site has. */
export const deepestNesting = 100;

/** Thrown by `parseJson`; other errors in a text are SyntaxErrors. */
export class TooDeep extends Error {
  override readonly name = 'TooDeep';

  constructor() {
    super(`it is nested more than ${deepestNesting} levels deep`);
  }
}

/**
 * Throws SyntaxError or TooDeep. With `numbers: 'written'`, a number that JavaScript would change
 * becomes a WrittenNumber.
 */
export function parseJson(text: string, { numbers = 'any' }: { readonly numbers?: 'any' | 'written' } = {}): unknown {
  const value: unknown = JSON.parse(text);
  if (isTooDeep(value)) throw new TooDeep();
  if (numbers === 'any') return value;
  const quoted = withOddNumbersQuoted(text);
  return quoted === undefined ? value : withWrittenNumbers(value, JSON.parse(quoted));
}

/** A value that is a number in the first document and a text in the second was quoted. */
function withWrittenNumbers(value: unknown, quoted: unknown): unknown {
  if (typeof value === 'number' && typeof quoted === 'string') return jsonNumber(quoted);
  if (Array.isArray(value))
    return value.map((element: unknown, index) =>
      withWrittenNumbers(element, Array.isArray(quoted) ? quoted[index] : undefined),
    );
  if (!isMapping(value) || !isMapping(quoted)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withWrittenNumbers(inner, quoted[key])]));
}

/**
 * Whether a value is nested too deeply to be read here. Not recursive, since the value may be too
 * deep for that.
 */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepestNesting) return true;
    level = level.flatMap((element) =>
      typeof element === 'object' && element !== null
        ? Object.values(element).filter((inner) => typeof inner === 'object' && inner !== null)
        : [],
    );
  }
  return false;
}

/**
 * The text, which is valid JSON, with quotes around each number that JavaScript spells differently;
 * undefined if there is none.
 */
function withOddNumbersQuoted(text: string): string | undefined {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) at = endOfText(text, at);
    if (unit !== minus && !isDigit(unit)) continue;
    const end = endOfNumber(text, at);
    const number = text.slice(at, end);
    if (String(Number(number)) !== number) {
      parts.push(text.slice(copied, at), JSON.stringify(number));
      copied = end;
    }
    at = end - 1;
  }
  return parts.length === 0 ? undefined : parts.join('') + text.slice(copied);
}

const [quote, backslash, minus] = [0x22, 0x5c, 0x2d];

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** The position of the closing quote of the text that begins here. */
function endOfText(text: string, begin: number): number {
  let at = begin + 1;
  while (text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}

/** The position after the number that begins here. */
function endOfNumber(text: string, begin: number): number {
  let at = begin + 1;
  while (isDigit(text.charCodeAt(at)) || '.eE+-'.includes(text.charAt(at) || ' ')) at += 1;
  return at;
}
