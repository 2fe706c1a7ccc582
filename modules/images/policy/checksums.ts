// Checksums as people and files write them: the algorithm's name, the hex digits, and which line of
// a checksum file is meant.

/**
 * The algorithms of Python's hashlib by their names there: digits of a digest, and the name that
 * Node.js has for it.
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

/** hashlib's names, for messages and for choices. */
export const algorithmNames: readonly string[] = [...algorithms.keys()];

/** What a bare digest of so many digits is taken for: md5sum, sha1sum and the sha2 family. */
const algorithmByDigits: ReadonlyMap<number, string> = new Map([
  [32, 'md5'],
  [40, 'sha1'],
  [56, 'sha224'],
  [64, 'sha256'],
  [96, 'sha384'],
  [128, 'sha512'],
]);

/** The stronger first: which of several digests of one file is used. */
const strength: readonly string[] = [
  ...['sha512', 'sha3_512', 'blake2b', 'sha384', 'sha3_384', 'sha256', 'sha3_256', 'blake2s', 'sha512_256', 'sm3'],
  ...['sha224', 'sha3_224', 'sha512_224', 'ripemd160', 'md5-sha1', 'sha1', 'md5'],
];

export interface Checksum {
  /** hashlib's name. */
  readonly algorithm: string;
  /** Lower-case hex. */
  readonly digest: string;
}

/** A checksum, the URL of a file that has it, or why the text is neither. */
export type ChecksumField =
  | { readonly kind: 'checksum'; readonly checksum: Checksum }
  | { readonly kind: 'url'; readonly url: string; readonly algorithm?: string }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * The name that Node.js has for one of hashlib's algorithms; the same name where there is no other.
 */
export function nodeHashName(algorithm: string): string {
  return algorithms.get(algorithm)?.nodeName ?? algorithm;
}

/**
 * hashlib's name for what a person, OpenSSL or BSD's tools call `SHA3-256`, `SHA2-256`, `RMD160`;
 * undefined where there is none.
 */
export function algorithmByName(name: string): string | undefined {
  const lower = name.toLowerCase();
  const tidy = lower
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
  const found = others[tidy] ?? tidy;
  return algorithms.has(found) ? found : undefined;
}

/** Reads an option: hex digits, `algo:hex`, a URL, or `algo:URL`. */
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
    return refused(`what stands behind ${algorithm}: must be hex digits, or the URL of a checksum file`);
  if (value.length !== digits) return refused(`a ${algorithm} has ${digits} hex digits, not ${value.length}`);
  return { kind: 'checksum', checksum: { algorithm, digest: value.toLowerCase() } };
}

/** Why an algorithm cannot be used, for a message. */
export function algorithmRefusal(name: string): string {
  if (/^shake/i.test(name))
    return `${name} has no fixed length, and so makes no checksum; use one of ${algorithmNames.join(', ')}`;
  return `${JSON.stringify(name)} is not an algorithm of hashlib; there are ${algorithmNames.join(', ')}`;
}

function bareChecksum(hex: string): ChecksumField {
  const algorithm = algorithmByDigits.get(hex.length);
  if (algorithm) return { kind: 'checksum', checksum: { algorithm, digest: hex.toLowerCase() } };
  const known = [...algorithmByDigits].map(([digits, name]) => `${digits} (${name})`).join(', ');
  return refused(`it has ${hex.length} hex digits; known by their number are ${known}; write others as algo:hex`);
}

function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

function refused(why: string): ChecksumField {
  return { kind: 'refused', why };
}

interface Line extends Checksum {
  /** Undefined where the line is nothing but a digest. */
  readonly name: string | undefined;
}

export interface ChecksumQuestion {
  /** The file whose checksum is looked for. */
  readonly name: string;
  /** hashlib's name, where only this one will do. */
  readonly algorithm?: string | undefined;
  /** Name of the checksum file itself, such as `a.img.sha256` or `b2sums.txt`. */
  readonly fileName?: string | undefined;
}

/**
 * Finds a file's checksum in a checksum file, by its name: lines of coreutils (`hex  name`, `hex
 * *name`, escaped by a backslash before), of BSD and OpenSSL (`SHA256 (name) = hex`), or a bare
 * digest that stands alone. `./name` and `folder/name` count where no line has just the name, and
 * `\` counts as `/`. A line that does not name its algorithm is of the one that was asked for, else
 * of that in the comment above it (`# BLAKE2B HASH`) or in the name of the checksum file, as far as
 * its length fits. A file NAME.sha256 with one line is about NAME, which may be a link with another
 * name. Of several algorithms the strongest is taken. Gives a sentence where there is none, or
 * where lines contradict each other.
 */
export function findChecksum(
  written: string,
  { name, algorithm, fileName = '' }: ChecksumQuestion,
): Checksum | { readonly fault: string } {
  const text = withoutEncodingMarks(written);
  const lines = linesOf(text, algorithm ?? algorithmInName(fileName));
  if (lines.length === 0) return { fault: text.trim() === '' ? 'it is empty' : 'it has no checksum in it' };
  const wanted = algorithm === undefined ? lines : lines.filter((line) => line.algorithm === algorithm);
  const candidates = linesAbout(wanted, name, fileName);
  if (candidates.length === 0)
    return { fault: `it has no ${algorithm ?? 'checksum'} for ${JSON.stringify(name)}${othersIn(wanted)}` };
  const [best] = [...candidates].sort(
    (one, other) => strength.indexOf(one.algorithm) - strength.indexOf(other.algorithm),
  );
  if (!best) return { fault: 'it has no checksum in it' };
  const rivals = candidates.filter((line) => line.algorithm === best.algorithm && line.digest !== best.digest);
  if (rivals.length > 0) return { fault: `it has several ${best.algorithm} for ${JSON.stringify(name)} that differ` };
  return { algorithm: best.algorithm, digest: best.digest };
}

/**
 * Windows writes a byte order mark, and with `>` in PowerShell two bytes a character, which read as
 * UTF-8 has a NUL in every second place.
 */
function withoutEncodingMarks(text: string): string {
  const plain = text.replace(/^[\ufeff\ufffd]+/, '');
  return plain.includes('\u0000') ? plain.replaceAll('\u0000', '') : plain;
}

/**
 * `b2sums.txt`, `SHA3-512SUMS`, `a.img.blake2b`: what the name of a checksum file says of lines
 * that may be of two algorithms.
 */
function algorithmInName(fileName: string): string | undefined {
  if (/^b2sums?\b|\.b2(sum)?$/i.test(fileName)) return 'blake2b';
  const word = /^(.+?)[-_.]?sums?(?:[-_.].*)?$/i.exec(fileName)?.[1] ?? /\.([\w-]+)$/.exec(fileName)?.[1];
  return word === undefined ? undefined : algorithmByName(word);
}

const mostNamesShown = 3;

function othersIn(lines: readonly Line[]): string {
  const names = [...new Set(lines.flatMap((line) => line.name ?? []))];
  if (names.length === 0) return '';
  const more = names.length - mostNamesShown;
  return `; it has ${names
    .slice(0, mostNamesShown)
    .map((other) => JSON.stringify(other))
    .join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
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

/** `hint`: the algorithm of lines that do not name one, where no comment says otherwise. */
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
 * coreutils writes a backslash before a line in whose name it escaped newlines, returns and
 * backslashes.
 */
function unescape(name: string): string {
  const meanings: Readonly<Record<string, string>> = { n: '\n', r: '\r', '\\': '\\' };
  return name.replace(/\\(.)/g, (whole, letter: string) => meanings[letter] ?? whole);
}

/** The hex digits of one of hashlib's algorithms; undefined where it is not known. */
export function digestDigits(algorithm: string): number | undefined {
  return algorithms.get(algorithm)?.digits;
}

/** What a bare digest of so many hex digits is taken for. */
export function algorithmByLength(digits: number): string | undefined {
  return algorithmByDigits.get(digits);
}

/** Why this host cannot compute a digest, and what to do. */
export function digestUnavailable(algorithm: string): string {
  return `this host cannot compute ${algorithm}${algorithm === 'md5' ? ' (FIPS forbids it)' : ''}; a SHA-2 checksum is needed instead`;
}
