// Parsing checksums in options and checksum files: the name of the algorithm, the hex digits, and
// the line for a file.
import { listSome } from '../../core/counts.js';

/**
 * The algorithms of Python's hashlib by name: number of hex digits, and the name in Node.js.
 */
const algorithms: ReadonlyMap<string, { readonly digits: number; readonly nodeName: string }> = new Map(
  Object.entries({
    md5: [32, 'md5'],
    sha1: [40, 'sha1'],
    sha224: [56, 'sha224'],
    sha256: [64, 'sha256'],
    sha384: [96, 'sha384'],
    sha512: [128, 'sha512'],
    sha512_224: [56, 'sha512-224'],
    sha512_256: [64, 'sha512-256'],
    sha3_224: [56, 'sha3-224'],
    sha3_256: [64, 'sha3-256'],
    sha3_384: [96, 'sha3-384'],
    sha3_512: [128, 'sha3-512'],
    blake2b: [128, 'blake2b512'],
    blake2s: [64, 'blake2s256'],
    ripemd160: [40, 'ripemd160'],
    sm3: [64, 'sm3'],
    'md5-sha1': [72, 'md5-sha1'],
  } as const).map(([name, [digits, nodeName]]) => [name, { digits, nodeName }]),
);

/** The names of hashlib, for messages and choices. */
export const algorithmNames: readonly string[] = [...algorithms.keys()];

/** The algorithm of a bare digest by its length: md5sum, sha1sum and the sha2 family. */
const algorithmByDigits: ReadonlyMap<number, string> = new Map([
  [32, 'md5'],
  [40, 'sha1'],
  [56, 'sha224'],
  [64, 'sha256'],
  [96, 'sha384'],
  [128, 'sha512'],
]);

/** Strongest first: which of several digests of one file is used. */
const strength: readonly string[] = [
  ...['sha512', 'sha3_512', 'blake2b', 'sha384', 'sha3_384', 'sha256', 'sha3_256', 'blake2s', 'sha512_256', 'sm3'],
  ...['sha224', 'sha3_224', 'sha512_224', 'ripemd160', 'md5-sha1', 'sha1', 'md5'],
];

/** True if the first algorithm proves less than the other one. */
export function isWeaker(algorithm: string, than: string): boolean {
  return strength.indexOf(algorithm) > strength.indexOf(than);
}

export interface Checksum {
  /** hashlib's name. */
  readonly algorithm: string;
  /** Lower-case hex. */
  readonly digest: string;
}

/** A checksum, the URL of a file that contains it, or why the text is neither. */
export type ChecksumField =
  | { readonly kind: 'checksum'; readonly checksum: Checksum }
  | { readonly kind: 'url'; readonly url: string; readonly algorithm?: string }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * The name in Node.js of an algorithm of hashlib; the same name if it is not known.
 */
export function nodeHashName(algorithm: string): string {
  return algorithms.get(algorithm)?.nodeName ?? algorithm;
}

/**
 * The name in hashlib of what people, OpenSSL or BSD tools call `SHA3-256`, `SHA2-256` or `RMD160`;
 * undefined if there is none.
 */
export function algorithmByName(name: string): string | undefined {
  const lower = name.toLowerCase();
  const normalized = lower
    .replace(/^sha-?(1|224|256|384|512)$/, 'sha$1')
    .replace(/^sha2[-_]/, 'sha')
    .replace(/^sha512[-/t_]+(224|256)$/, 'sha512_$1')
    .replace(/^sha3[-_]/, 'sha3_');
  const others: Readonly<Record<string, string>> = {
    rmd160: 'ripemd160',
    'blake2b-512': 'blake2b',
    blake2b512: 'blake2b',
    'blake2s-256': 'blake2s',
    blake2s256: 'blake2s',
  };
  const found = others[normalized] ?? normalized;
  return algorithms.has(found) ? found : undefined;
}

/** Parses an option: hex digits, `algo:hex`, a URL, or `algo:URL`. */
export function parseChecksumField(text: string): ChecksumField {
  const trimmed = text.trim();
  if (/^[0-9a-f]+$/i.test(trimmed)) return bareChecksum(trimmed);
  if (isUrl(trimmed)) return { kind: 'url', url: trimmed };
  const [, name = '', rest = ''] = /^([^:]+):(.*)$/s.exec(trimmed) ?? [];
  if (name === '') return refused('it must be hex digits, `algo:hex` such as sha256:…, or the URL of a checksum file');
  const algorithm = algorithmByName(name.trim());
  if (algorithm === undefined) return refused(algorithmRefusal(name.trim()));
  const value = rest.trim();
  if (isUrl(value)) return { kind: 'url', url: value, algorithm };
  const digits = algorithms.get(algorithm)?.digits ?? 0;
  if (!/^[0-9a-f]+$/i.test(value))
    return refused(`the value after ${algorithm}: must be hex digits or the URL of a checksum file`);
  if (value.length !== digits) return refused(`${algorithm} has ${digits} hex digits, not ${value.length}`);
  return { kind: 'checksum', checksum: { algorithm, digest: value.toLowerCase() } };
}

/** Why an algorithm cannot be used, for a message. */
export function algorithmRefusal(name: string): string {
  if (/^shake/i.test(name))
    return `${name} has no fixed length and cannot be used as a checksum; use one of ${algorithmNames.join(', ')}`;
  return `${JSON.stringify(name)} is not an algorithm of hashlib; use one of ${algorithmNames.join(', ')}`;
}

function bareChecksum(hex: string): ChecksumField {
  const algorithm = algorithmByDigits.get(hex.length);
  if (algorithm) return { kind: 'checksum', checksum: { algorithm, digest: hex.toLowerCase() } };
  const known = [...algorithmByDigits].map(([digits, name]) => `${digits} (${name})`).join(', ');
  return refused(
    `it has ${hex.length} hex digits; the algorithm can be derived only from ${known}; write others as algo:hex`,
  );
}

function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

function refused(why: string): ChecksumField {
  return { kind: 'refused', why };
}

interface Line extends Checksum {
  /** Undefined if the line consists only of a digest. */
  readonly name: string | undefined;
}

export interface ChecksumQuestion {
  /** The file whose checksum is needed. */
  readonly name: string;
  /** Name in hashlib, if only this algorithm is accepted. */
  readonly algorithm?: string | undefined;
  /** Name of the checksum file itself, such as `a.img.sha256` or `b2sums.txt`. */
  readonly fileName?: string | undefined;
}

/**
 * Finds the checksum of a file in a checksum file by name: lines of coreutils (`hex  name`, `hex
 * *name`, escaped with a leading backslash), of BSD and OpenSSL (`SHA256 (name) = hex`), or a
 * single bare digest. `./name` and `folder/name` count if no line has exactly the name, and `\`
 * counts as `/`. A line without an algorithm has the requested one, else that of the comment above
 * it (`# BLAKE2B HASH`) or of the name of the checksum file, if its length fits. A file NAME.sha256
 * with a single line is for NAME, even if the line has another name (NAME may be a link). Of
 * several algorithms the strongest is used. Returns a fault if there is no checksum, or if lines
 * contradict each other.
 */
export function findChecksum(
  written: string,
  { name, algorithm, fileName = '' }: ChecksumQuestion,
): Checksum | { readonly fault: string } {
  const text = withoutEncodingMarks(written);
  const lines = linesOf(text, algorithm ?? algorithmInName(fileName));
  if (lines.length === 0) return { fault: text.trim() === '' ? 'it is empty' : 'it contains no checksum' };
  const eligible = algorithm === undefined ? lines : lines.filter((line) => line.algorithm === algorithm);
  const candidates = linesAbout(eligible, name, fileName);
  if (candidates.length === 0)
    return { fault: `it has no ${algorithm ?? 'checksum'} for ${JSON.stringify(name)}${othersIn(eligible)}` };
  const [best] = [...candidates].sort(
    (one, other) => strength.indexOf(one.algorithm) - strength.indexOf(other.algorithm),
  );
  if (!best) return { fault: 'it contains no checksum' };
  const rivals = candidates.filter((line) => line.algorithm === best.algorithm && line.digest !== best.digest);
  if (rivals.length > 0) return { fault: `it has several ${best.algorithm} for ${JSON.stringify(name)} that differ` };
  return { algorithm: best.algorithm, digest: best.digest };
}

/**
 * Windows writes a byte order mark, and `>` in PowerShell two bytes per character, which read as
 * UTF-8 have a NUL as every second character.
 */
function withoutEncodingMarks(text: string): string {
  const plain = text.replace(/^[\ufeff\ufffd]+/, '');
  return plain.includes('\u0000') ? plain.replaceAll('\u0000', '') : plain;
}

/**
 * The algorithm in the name of a checksum file, such as `b2sums.txt`, `SHA3-512SUMS` or
 * `a.img.blake2b`, for lines that may be of two algorithms.
 */
function algorithmInName(fileName: string): string | undefined {
  if (/^b2sums?\b|\.b2(sum)?$/i.test(fileName)) return 'blake2b';
  const word = /^(.+?)[-_.]?sums?(?:[-_.].*)?$/i.exec(fileName)?.[1] ?? /\.([\w-]+)$/.exec(fileName)?.[1];
  return word === undefined ? undefined : algorithmByName(word);
}

const maxNamesShown = 3;

function othersIn(lines: readonly Line[]): string {
  const names = [...new Set(lines.flatMap((line) => line.name ?? []))];
  if (names.length === 0) return '';
  const quotedNames = names.map((other) => JSON.stringify(other));
  return `; it has ${listSome(quotedNames, maxNamesShown)}`;
}

function linesAbout(lines: readonly Line[], name: string, fileName: string): readonly Line[] {
  const named = linesNamed(lines, name);
  if (named.length > 0) return named;
  const [only] = lines;
  const isAlone = lines.length === 1 && (only?.name === undefined || isSidecar(fileName, name));
  return isAlone ? lines : [];
}

function isSidecar(fileName: string, name: string): boolean {
  return fileName.startsWith(`${name}.`) && /^[\w-]+$/.test(fileName.slice(name.length + 1));
}

function linesNamed(lines: readonly Line[], name: string): readonly Line[] {
  const exact = lines.filter((line) => line.name === name || line.name === `./${name}`);
  if (exact.length > 0) return exact;
  const below = lines.filter((line) => line.name?.endsWith(`/${name}`));
  return below.length > 0 ? below : lines.filter((line) => line.name?.replaceAll('\\', '/').endsWith(`/${name}`));
}

/** `hint`: the algorithm of lines without one, unless a comment says otherwise. */
function linesOf(text: string, hint: string | undefined): Line[] {
  let heading: string | undefined;
  return text.split(/\r\n|\r|\n/).flatMap((written) => {
    const line = written.trim();
    if (!line.startsWith('#')) return line === '' ? [] : parseLine(line, heading ?? hint);
    heading = algorithmByName(/^#+\s*([\w/-]+)/.exec(line)?.[1] ?? '') ?? heading;
    return [];
  });
}

function parseLine(line: string, hint: string | undefined): Line[] {
  const isEscaped = line.startsWith('\\');
  const content = isEscaped ? line.slice(1) : line;
  const named = (written: string): string => (isEscaped ? unescape(written) : written);
  const bsd = /^([\w/-]+) ?\((.*)\) ?= ?([0-9a-f]+)$/i.exec(content);
  if (bsd) return checksumLine(bsd[3] ?? '', { name: named(bsd[2] ?? ''), algorithm: algorithmByName(bsd[1] ?? '') });
  const coreutils = /^([0-9a-f]+)(?: [ *]?|\t+|\s+)(\S.*)$/i.exec(content);
  if (coreutils) return hintedLine(coreutils[1] ?? '', named(coreutils[2] ?? ''), hint);
  return /^[0-9a-f]+$/i.test(content) ? hintedLine(content, undefined, hint) : [];
}

function hintedLine(hex: string, name: string | undefined, hint: string | undefined): Line[] {
  const hinted = hint === undefined ? [] : checksumLine(hex, { name, algorithm: hint });
  return hinted.length > 0 ? hinted : checksumLine(hex, { name, algorithm: algorithmByDigits.get(hex.length) });
}

function checksumLine(
  hex: string,
  { name, algorithm }: { name: string | undefined; algorithm: string | undefined },
): Line[] {
  return algorithm !== undefined && algorithms.get(algorithm)?.digits === hex.length
    ? [{ algorithm, digest: hex.toLowerCase(), name }]
    : [];
}

/**
 * coreutils begins a line with a backslash if it has escaped newlines, carriage returns and
 * backslashes in the name.
 */
function unescape(name: string): string {
  const meanings: Readonly<Record<string, string>> = { n: '\n', r: '\r', '\\': '\\' };
  return name.replace(/\\(.)/g, (whole, letter: string) => meanings[letter] ?? whole);
}

/** The number of hex digits of an algorithm of hashlib; undefined if it is not known. */
export function digestDigits(algorithm: string): number | undefined {
  return algorithms.get(algorithm)?.digits;
}

/** The algorithm of a bare digest with this number of hex digits. */
export function algorithmByLength(digits: number): string | undefined {
  return algorithmByDigits.get(digits);
}

/** Why this host cannot compute a digest, and what to do. */
export function digestUnavailable(algorithm: string): string {
  return (
    `this host cannot compute ${algorithm}${algorithm === 'md5' ? ' (FIPS forbids it)' : ''}; ` +
    'a SHA-2 checksum is needed instead'
  );
}
