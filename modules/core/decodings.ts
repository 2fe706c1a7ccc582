// A text decoded as JSON, URLs, HTML or Python decode it, with positions mapped back to the
// original characters.

/**
 * A decoded text; its character i stems from `startOf(i)` up to, not including, `endOf(i)` of the
 * original.
 */
export interface Decoding {
  readonly text: string;
  startOf(index: number): number;
  endOf(index: number): number;
}

interface Decoder {
  /** A text without this character has nothing to decode. */
  readonly mark: string;
  /** One escape, or several that are decoded together. */
  readonly pattern: RegExp;
  decode(escape: string): readonly DecodedPiece[];
}

interface DecodedPiece {
  readonly text: string;
  /** How many characters of the escape this piece stands for. */
  readonly length: number;
}

const namedEntities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};
const controlEscapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

const decoders: readonly Decoder[] = [
  { mark: '\\', pattern: /(?:\\x[0-9a-f]{2})+|\\u[0-9a-f]{4}|\\["'\\/bfnrt]/gi, decode: decodeBackslash },
  { mark: '%', pattern: /(?:%[0-9a-f]{2})+/gi, decode: (escape) => decodeBytes(escape, 3, 1) },
  {
    mark: '+',
    pattern: /(?:%[0-9a-f]{2})+|\+/gi,
    decode: (escape) => (escape === '+' ? whole(escape, ' ') : decodeBytes(escape, 3, 1)),
  },
  { mark: '&', pattern: /&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9a-f]{1,6});/gi, decode: decodeEntity },
];

/** How many layers of escapes are decoded, such as JSON in JSON in a query. */
const deepest = 3;
const mostDecodings = 40;

/**
 * The text itself first, then each different way to decode it, including escapes within escapes.
 */
export function decodingsOf(original: string): Decoding[] {
  const found: Decoding[] = [identity(original)];
  const known = new Set([original]);
  let last: readonly Decoding[] = found;
  for (let depth = 1; depth <= deepest; depth += 1) {
    const next: Decoding[] = [];
    for (const decoding of last) {
      for (const decoder of decoders) {
        if (found.length + next.length >= mostDecodings || !decoding.text.includes(decoder.mark)) continue;
        const decoded = decodeWith(decoder, decoding);
        if (known.has(decoded.text)) continue;
        known.add(decoded.text);
        next.push(decoded);
      }
    }
    found.push(...next);
    last = next;
  }
  return found;
}

function identity(text: string): Decoding {
  return { text, startOf: (index) => index, endOf: (index) => index + 1 };
}

function decodeWith({ pattern, decode }: Decoder, from: Decoding): Decoding {
  const starts: number[] = [];
  const ends: number[] = [];
  const parts: string[] = [];
  const append = (text: string, first: number, last: number): void => {
    parts.push(text);
    for (let index = 0; index < text.length; index += 1) {
      starts.push(from.startOf(first));
      ends.push(from.endOf(last));
    }
  };
  const copy = (first: number, end: number): void => {
    parts.push(from.text.slice(first, end));
    for (let index = first; index < end; index += 1) {
      starts.push(from.startOf(index));
      ends.push(from.endOf(index));
    }
  };
  let done = 0;
  for (const match of from.text.matchAll(pattern)) {
    copy(done, match.index);
    let position = match.index;
    for (const { text, length } of decode(match[0])) {
      append(text, position, position + length - 1);
      position += length;
    }
    done = match.index + match[0].length;
  }
  copy(done, from.text.length);
  return { text: parts.join(''), startOf: (index) => starts[index] ?? 0, endOf: (index) => ends[index] ?? 0 };
}

function whole(escape: string, text: string): DecodedPiece[] {
  return [{ text, length: escape.length }];
}

function decodeBackslash(escape: string): readonly DecodedPiece[] {
  if (/^\\x/i.test(escape)) return decodeBytes(escape, 4, 2);
  if (/^\\u/i.test(escape)) return whole(escape, String.fromCharCode(Number.parseInt(escape.slice(2), 16)));
  const letter = escape.charAt(1);
  return whole(escape, controlEscapes[letter] ?? letter);
}

function decodeEntity(escape: string): readonly DecodedPiece[] {
  const name = escape.slice(1, -1);
  const code = name.startsWith('#')
    ? Number.parseInt(name.replace(/^#x?/i, ''), /^#x/i.test(name) ? 16 : 10)
    : Number.NaN;
  if (Number.isNaN(code)) return whole(escape, namedEntities[name.toLowerCase()] ?? escape);
  return whole(escape, code > 0x10ffff ? escape : String.fromCodePoint(code));
}

/** Escaped bytes as UTF-8; a byte that is not valid UTF-8 is decoded as Latin-1. */
function decodeBytes(escape: string, width: number, skip: number): readonly DecodedPiece[] {
  const bytes = Array.from({ length: escape.length / width }, (_, index) =>
    Number.parseInt(escape.slice(index * width + skip, (index + 1) * width), 16),
  );
  const pieces: DecodedPiece[] = [];
  for (let index = 0; index < bytes.length; ) {
    const count = sequenceLength(bytes, index);
    const text = count === 1 ? String.fromCharCode(bytes[index] ?? 0) : decodeUtf8(bytes.slice(index, index + count));
    pieces.push({ text, length: count * width });
    index += count;
  }
  return pieces;
}

function sequenceLength(bytes: readonly number[], index: number): number {
  const first = bytes[index] ?? 0;
  const count = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
  const rest = bytes.slice(index + 1, index + count);
  return rest.length === count - 1 && first < 0xf5 && rest.every((byte) => byte >= 0x80 && byte < 0xc0) ? count : 1;
}

function decodeUtf8(bytes: readonly number[]): string {
  const [first = 0, ...rest] = bytes;
  const code = rest.reduce((sum, byte) => (sum << 6) | (byte & 0x3f), first & (0x7f >> bytes.length));
  return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
}
