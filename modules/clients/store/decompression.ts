// Decompresses data while they pass, in constant memory: gzip with Node.js, the others with the
// program of the host.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { isSystemError, messageOf, OperationError } from '../../core/errors.js';
import { mebibyte } from '../../core/sizes.js';
import { withoutCredentials } from '../../core/urls.js';

/** The compressions of a single file. */
export type FileCompression = 'gz' | 'xz' | 'zst' | 'bz2';

export const fileCompressions: readonly FileCompression[] = ['gz', 'xz', 'zst', 'bz2'];

const signatures: readonly (readonly [FileCompression, RegExp])[] = [
  ['gz', /^\x1f\x8b\x08/],
  ['xz', /^\xfd7zXZ\0/],
  // A frame, or a frame to be skipped, as parallel compressors begin with.
  ['zst', /^(\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)/],
  ['bz2', /^BZh[1-9]/],
];

/** The compression that a file begins with; undefined if none. */
export function compressionOf(head: Buffer): FileCompression | undefined {
  const beginning = head.subarray(0, 8).toString('latin1');
  return signatures.find(([, signature]) => signature.test(beginning))?.[0];
}

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  /** The packages that have it, in Debian and in Red Hat's distributions. */
  readonly packages: string;
}

/**
 * A single thread, so that the memory has a limit: xz needs 65 MiB for what `xz -9` has compressed.
 * zstd has a limit of its own, 128 MiB.
 */
const programs: Readonly<Record<Exclude<FileCompression, 'gz'>, Program>> = {
  xz: {
    name: 'xz',
    args: ['--decompress', '--stdout', '--format=xz', '--threads=1', '--memlimit-decompress=256MiB'],
    packages: 'xz-utils, or xz',
  },
  zst: { name: 'zstd', args: ['--decompress', '--stdout', '--quiet'], packages: 'zstd' },
  bz2: { name: 'bzip2', args: ['--decompress', '--stdout'], packages: 'bzip2' },
};

const outputChunkBytes = mebibyte / 4;

/**
 * The decompressed data. Several compressed streams, one after the other, are one file. Throws
 * SOURCE_DAMAGED if the data are damaged or cut off, or if something else follows them,
 * PROGRAM_MISSING if this host cannot decompress them, and what reading them throws.
 */
export async function* decompress(
  chunks: AsyncIterable<Buffer>,
  compression: FileCompression,
  url: string,
): AsyncGenerator<Buffer, void, void> {
  if (compression === 'gz') {
    yield* throughStream(chunks, zlib.createGunzip({ chunkSize: outputChunkBytes }), { compression, url });
    return;
  }
  const program = programs[compression];
  const child = await start(program);
  if (child) {
    yield* throughProgram(chunks, child, { program, compression, url });
    return;
  }
  const own = compression === 'zst' ? ownZstd() : undefined;
  if (!own) throw missing(program, compression, url);
  yield* throughStream(chunks, own, { compression, url });
}

interface What {
  readonly compression: FileCompression;
  readonly url: string;
}

type Decoder = Duplex & { readonly bytesWritten: number };

/** Node.js 22.15 and newer know Zstandard. */
function ownZstd(): Decoder | undefined {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  return typeof create === 'function' ? (create({ chunkSize: outputChunkBytes }) as Decoder) : undefined;
}

async function* throughStream(
  chunks: AsyncIterable<Buffer>,
  decoder: Decoder,
  what: What,
): AsyncGenerator<Buffer, void, void> {
  const source = watched(chunks);
  const fed = pipeline(Readable.from(source.chunks, { objectMode: false }), decoder);
  fed.catch(() => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
    await fed;
  } catch (error) {
    throw source.failure() ?? damaged(what, messageOf(error), error);
  } finally {
    decoder.destroy();
  }
  if (decoder.bytesWritten !== source.bytes()) throw damaged(what, 'something else follows the compressed data');
}

async function* throughProgram(
  chunks: AsyncIterable<Buffer>,
  child: ChildProcess,
  { program, ...what }: What & { readonly program: Program },
): AsyncGenerator<Buffer, void, void> {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error(`${program.name} was started without pipes`);
  const ended = once(child, 'close') as Promise<[code: number | null, signal: string | null]>;
  const complaint = keepText(stderr);
  const source = watched(chunks);
  // If the program ends early, its exit code says why.
  const fed = pipeline(Readable.from(source.chunks, { objectMode: false }), stdin).catch(() => undefined);
  try {
    for await (const chunk of stdout) yield chunk as Buffer;
    await fed;
    const failure = source.failure();
    if (failure !== undefined) throw failure;
    const [code, signal] = await ended;
    // bzip2 reports what follows the data, and succeeds.
    if (code !== 0 || complaint().includes('trailing garbage'))
      throw damaged(what, complaint() || `${program.name} ended with ${code ?? signal}`);
  } finally {
    child.kill('SIGKILL');
    stdin.destroy();
    stdout.destroy();
  }
}

/** Undefined if the host does not have the program. */
async function start({ name, args }: Program): Promise<ChildProcess | undefined> {
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.on('error', () => undefined);
  try {
    await once(child, 'spawn');
    return child;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES')) return undefined;
    throw error;
  }
}

/** Remembers how many bytes were read, and the error of the source as opposed to that of the decoder. */
function watched(chunks: AsyncIterable<Buffer>): {
  readonly chunks: AsyncGenerator<Buffer, void, void>;
  readonly failure: () => unknown;
  readonly bytes: () => number;
} {
  let failure: unknown;
  let bytes = 0;
  async function* pass(): AsyncGenerator<Buffer, void, void> {
    // An error at a `yield` is that of the decoder, with which a pipeline ends its source.
    let isHandedOver = false;
    try {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        isHandedOver = true;
        yield chunk;
        isHandedOver = false;
      }
    } catch (error) {
      if (!isHandedOver) failure = error;
      throw error;
    }
  }
  return { chunks: pass(), failure: () => failure, bytes: () => bytes };
}

const longestComplaint = 2000;

function keepText(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (text.length < longestComplaint) text += chunk.toString('utf8');
  });
  return () => text.slice(0, longestComplaint).replace(/\s+/g, ' ').trim().slice(0, 300);
}

function damaged({ compression, url }: What, why: string, cause?: unknown): OperationError {
  const shown = withoutCredentials(url);
  const message = `${shown} cannot be decompressed as ${compression}: ${why}`;
  return new OperationError('SOURCE_DAMAGED', message, { url: shown, compression }, cause);
}

function missing({ name, packages }: Program, compression: FileCompression, url: string): OperationError {
  const message =
    `${withoutCredentials(url)} is compressed with ${compression}, and this host has no program ${name} in PATH ` +
    `to decompress it; install its package (${packages})`;
  return new OperationError('PROGRAM_MISSING', message, { program: name });
}
