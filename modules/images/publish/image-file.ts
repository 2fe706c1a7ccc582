// The file that is to be published: read once to learn its format and checksums, and again when it
// is written to the store, which must then be the same bytes.
import fs, { constants, type FileHandle } from 'node:fs/promises';
import { InputError, messageOf, OperationError } from '../../core/errors.js';
import { mebibyte } from '../../core/sizes.js';
import { canDigest, startDigests } from '../digests.js';
import { headBytes, tailBytes } from '../policy/disk-formats.js';
import { publishedFormat, segmentRanges, type ByteRange } from '../policy/publication-request.js';

/** A part of the file, with the checksums of its bytes; MD5 where this host has it. */
export interface FilePart extends ByteRange {
  readonly sha256: string;
  readonly md5?: string | undefined;
}

export interface ImageFile {
  readonly path: string;
  readonly bytes: number;
  readonly modified: Date;
  readonly diskFormat: 'qcow2' | 'raw';
  readonly whole: FilePart;
  /** One, or the segments of a large file. */
  readonly parts: readonly FilePart[];
  /** The bytes of a part. Throws SOURCE_CHANGED before the last of them if they have changed. */
  read(part: FilePart): AsyncGenerator<Buffer, void, void>;
  close(): Promise<void>;
}

export interface FileReading {
  readonly segmentBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Opens and reads the file. Throws INVALID_INPUT if it cannot be read, FORMAT_MISMATCH or
 * FORMAT_UNSAFE if no deployer would take it.
 */
export async function openImageFile(path: string, reading: FileReading): Promise<ImageFile> {
  // Never waits, as for the writer of a pipe.
  const handle = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw new InputError(`file: ${path} cannot be read (${messageOf(error)})`, 'file');
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new InputError(`file: ${path} is not a file; it is read twice`, 'file');
    const bytes = stats.size;
    const head = await readExactly(handle, { from: 0, to: Math.min(headBytes, bytes) }, path);
    const tail = await readExactly(handle, { from: Math.max(0, bytes - tailBytes), to: bytes }, path);
    const diskFormat = publishedFormat(path, { head, tail, bytes });
    const { whole, parts } = await digestParts(handle, path, { ...reading, bytes });
    return {
      ...{ path, bytes, modified: stats.mtime, diskFormat, whole, parts },
      read: (part) => readVerified(handle, part, { path, signal: reading.signal }),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const algorithms: readonly string[] = ['sha256', 'md5'];

async function digestParts(
  handle: FileHandle,
  path: string,
  { bytes, segmentBytes, signal, onProgress }: FileReading & { readonly bytes: number },
): Promise<Pick<ImageFile, 'whole' | 'parts'>> {
  const ranges = segmentRanges(bytes, segmentBytes);
  const available = algorithms.filter(canDigest);
  const all = startDigests(available);
  const parts: FilePart[] = [];
  let doneBytes = 0;
  for (const range of ranges) {
    const own = ranges.length > 1 ? startDigests(available) : undefined;
    for await (const chunk of readChunks(handle, range, path)) {
      signal.throwIfAborted();
      all.update(chunk);
      own?.update(chunk);
      onProgress((doneBytes += chunk.length), bytes);
    }
    if (own) parts.push(partOf(range, own.finish()));
  }
  const whole = partOf({ from: 0, to: bytes }, all.finish());
  return { whole, parts: parts.length > 0 ? parts : [whole] };
}

function partOf(range: ByteRange, digests: ReadonlyMap<string, string>): FilePart {
  return { ...range, sha256: digests.get('sha256') ?? '', md5: digests.get('md5') };
}

async function* readVerified(
  handle: FileHandle,
  part: FilePart,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): AsyncGenerator<Buffer, void, void> {
  const digests = startDigests(['sha256']);
  let at = part.from;
  for await (const chunk of readChunks(handle, part, path)) {
    signal.throwIfAborted();
    digests.update(chunk);
    at += chunk.length;
    if (at === part.to && digests.finish().get('sha256') !== part.sha256) throw changed(path);
    yield chunk;
  }
}

async function* readChunks(
  handle: FileHandle,
  { from, to }: ByteRange,
  path: string,
): AsyncGenerator<Buffer, void, void> {
  for (let at = from; at < to; ) {
    const length = Math.min(mebibyte, to - at);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw changed(path);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function readExactly(handle: FileHandle, range: ByteRange, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(handle, range, path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function changed(path: string): OperationError {
  return new OperationError('SOURCE_CHANGED', `${path} changed while it was being read`, { path });
}
