// Hides secrets in texts, in every form in which a service may return them: JSON, URL, HTML,
// base64, truncated.
import { isMapping } from './mapping.js';
import { isWrittenNumber } from './written-numbers.js';
import { hiddenText, secretRangesIn, type TextRange } from './urls.js';
import { decodingsOf } from './decodings.js';

/**
 * A shorter secret is replaced only where it is a word by itself: a secret `p` would destroy every
 * URL.
 */
const shortestAnywhere = 8;

/**
 * This many characters of the beginning or end of a secret are hidden anywhere; fewer only where a
 * text was truncated.
 */
const longPiece = 16;

/** The base64 of fewer bytes is too short to be distinguished from a word. */
const shortestEncoded = 6;

interface Needle {
  readonly text: string;
  readonly kind: 'word' | 'whole' | 'pieces';
}

/** The text with every secret replaced, and with the secret parts of its URLs replaced. */
export function redact(text: string, secrets: readonly string[]): string {
  const needles = needlesOf(secrets);
  const ranges = decodingsOf(text).flatMap((decoding) =>
    [...secretRangesIn(decoding.text), ...needles.flatMap((needle) => occurrences(decoding.text, needle))].map(
      ({ start, end }) => ({
        start: decoding.startOf(start),
        end: decoding.endOf(end - 1),
      }),
    ),
  );
  return withoutRanges(text, ranges);
}

/** A copy of any JSON value with every secret replaced in each of its texts. */
export function redactAll<T>(value: T, secrets: readonly string[]): T {
  if (typeof value === 'string' || isWrittenNumber(value)) return redact(String(value), secrets) as T;
  if (Array.isArray(value)) return value.map((element: unknown) => redactAll(element, secrets)) as T;
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactAll(inner, secrets)])) as T;
}

const needlesByList = new WeakMap<readonly string[], readonly Needle[]>();

function needlesOf(secrets: readonly string[]): readonly Needle[] {
  let needles = needlesByList.get(secrets);
  if (!needles) needlesByList.set(secrets, (needles = secrets.flatMap(needlesFor)));
  return needles;
}

/**
 * The forms in which a secret is searched for: itself, its bytes read as Latin-1, and its base64 at
 * each of the three possible offsets.
 */
function needlesFor(secret: string): Needle[] {
  if (secret === '') return [];
  const bytes = Buffer.from(secret, 'utf8');
  const mistaken = bytes.toString('latin1');
  const plain: Needle[] = [...new Set([secret, mistaken])].map((text) => ({
    text,
    kind: text.length < shortestAnywhere ? 'word' : 'pieces',
  }));
  if (bytes.length < shortestEncoded) return plain;
  const encoded = [0, 1, 2].flatMap((offset) => {
    const base64 = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // The characters at both ends also depend on what precedes and follows the secret.
    const inner = base64.slice(
      [0, 2, 3][offset],
      base64.replace(/=+$/, '').length - ((bytes.length + offset) % 3 === 0 ? 0 : 1),
    );
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [...plain, ...[...new Set(encoded)].map((text): Needle => ({ text, kind: 'whole' }))];
}

function occurrences(text: string, needle: Needle): TextRange[] {
  if (needle.kind !== 'pieces')
    return positions(text, needle.text).filter((range) => needle.kind === 'whole' || isWord(text, range));
  return [...beginnings(text, needle.text), ...endings(text, needle.text)];
}

function positions(text: string, searched: string): TextRange[] {
  const found: TextRange[] = [];
  for (let start = text.indexOf(searched); start !== -1; start = text.indexOf(searched, start + 1))
    found.push({ start, end: start + searched.length });
  return found;
}

function isWord(text: string, { start, end }: TextRange): boolean {
  return (
    !/[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, start - 2), start)) &&
    !/^[\p{L}\p{N}]/u.test(text.slice(end, end + 2))
  );
}

/** The secret, and what is left of it where its end was truncated. */
function beginnings(text: string, secret: string): TextRange[] {
  return positions(text, secret.slice(0, shortestAnywhere)).flatMap(({ start, end: least }) => {
    let end = least;
    while (end < text.length && end - start < secret.length && text[end] === secret[end - start]) end += 1;
    const isCut =
      end - start >= longPiece ||
      end - start === secret.length ||
      /^(?:$|…|\.{2,}|["'`<>)\]}])/.test(text.slice(end, end + 3));
    return isCut ? [{ start, end }] : [];
  });
}

/** What is left of the secret where its beginning was truncated. */
function endings(text: string, secret: string): TextRange[] {
  return positions(text, secret.slice(-shortestAnywhere)).flatMap(({ start: most, end }) => {
    let start = most;
    while (start > 0 && end - start < secret.length && text[start - 1] === secret[secret.length - (end - start) - 1])
      start -= 1;
    const isCut = end - start >= longPiece || /(?:^|…|\.{2,})$/.test(text.slice(Math.max(0, start - 3), start));
    return isCut ? [{ start, end }] : [];
  });
}

function withoutRanges(text: string, ranges: readonly TextRange[]): string {
  if (ranges.length === 0) return text;
  const sorted = [...ranges].sort((one, other) => one.start - other.start);
  let shown = '';
  let done = 0;
  let last: TextRange | undefined;
  for (const range of sorted) {
    if (last && range.start < done) {
      done = Math.max(done, range.end);
      continue;
    }
    shown += text.slice(done, range.start) + hiddenText;
    done = range.end;
    last = range;
  }
  return shown + text.slice(done);
}
