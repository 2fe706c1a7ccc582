// The meaning of Content-Encoding: servers and gateways also write words there that do not change
// the bytes.

/** From the registry of HTTP content codings, and others that servers use. */
const compressions: ReadonlySet<string> = new Set([
  ...[
    'gzip',
    'x-gzip',
    'deflate',
    'x-deflate',
    'compress',
    'x-compress',
    'br',
    'zstd',
    'dcb',
    'dcz',
    'exi',
    'pack200-gzip',
  ],
  ...['bzip2', 'x-bzip2', 'bz2', 'xz', 'x-xz', 'lzma', 'x-lzma', 'lz4', 'zip', 'snappy', 'zlib'],
]);

/**
 * `aws-chunked` is how an upload to S3 was signed, and several gateways keep it; the others are not
 * codings at all.
 */
const emptyWords: ReadonlySet<string> = new Set([
  '',
  'identity',
  'none',
  'null',
  'aws-chunked',
  'utf-8',
  'utf8',
  'us-ascii',
  'ascii',
  'iso-8859-1',
  'binary',
  '8bit',
  '7bit',
  'chunked',
]);

/** The compression that a Content-Encoding names, if any. */
export function compressionIn(header: string | null | undefined): string | undefined {
  return wordsOf(header).find((word) => compressions.has(word));
}

/**
 * The first word of a Content-Encoding that may mean that the bytes differ from the file's: a
 * compression, or an unknown word.
 */
export function encodingIn(header: string | null | undefined): string | undefined {
  return compressionIn(header) ?? wordsOf(header).find((word) => !emptyWords.has(word));
}

const encodingsOfFiles: Readonly<Record<string, readonly string[]>> = {
  gz: ['gzip', 'x-gzip'],
  tgz: ['gzip', 'x-gzip'],
  xz: ['xz', 'x-xz'],
  bz2: ['bzip2', 'x-bzip2', 'bz2'],
  zst: ['zstd'],
};

/**
 * Whether a Content-Encoding is that of the file itself: Apache's AddEncoding has it for `a.img.gz`,
 * although the bytes are sent unchanged.
 */
export function isEncodingOfFile(url: string, encoding: string): boolean {
  const extension = /\.(\w+)$/.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? '';
  return encodingsOfFiles[extension]?.includes(encoding) ?? false;
}

function wordsOf(header: string | null | undefined): string[] {
  return (header ?? '').split(',').map((word) => word.trim().toLowerCase());
}
