// From the bytes of a source to the data of a disk: decompressed, and taken out of an archive.
import { OperationError } from '../../core/errors.js';
import { formatBytes, mebibyte } from '../../core/sizes.js';
import { withoutCredentials } from '../../core/urls.js';
import type { HttpClient } from '../http/client.js';
import { compressionOf, decompress, fileCompressions, type FileCompression } from './decompression.js';
import type { Compression, StoreObject } from './object.js';
import { readHead } from './reading.js';
import { readFileInTar, type TarMember } from './tar.js';

/** What an option says about the compression of a source. */
export type CompressionChoice = 'auto' | 'none' | FileCompression;

/** How many times as large as the source its data may be. */
const largestRatio = 1000;

export interface Unpacking {
  readonly compression: Compression;
  readonly url: string;
  /** Of the source. */
  readonly bytes: number;
  /** The most that the data may have. */
  readonly maxBytes: number;
  readonly onMember?: (member: TarMember) => void;
}

/**
 * The data of the disk. Throws SOURCE_DAMAGED, PROGRAM_MISSING, TAR_UNUSABLE, and SOURCE_TOO_LARGE
 * beyond `maxBytes` or a thousand times the source.
 */
export function unpack(chunks: AsyncIterable<Buffer>, unpacking: Unpacking): AsyncGenerator<Buffer, void, void> {
  const { compression, url, onMember } = unpacking;
  const [first, second] = compression.split('.');
  const file = fileCompressions.find((each) => each === (second ?? first));
  const plain = file ? bounded(decompress(chunks, file, url), unpacking) : bounded(chunks, unpacking);
  return first === 'tar' ? readFileInTar(plain, url, onMember) : plain;
}

async function* bounded(
  chunks: AsyncIterable<Buffer>,
  { url, bytes, maxBytes }: Unpacking,
): AsyncGenerator<Buffer, void, void> {
  const shown = withoutCredentials(url);
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > maxBytes)
      throw new OperationError(
        'SOURCE_TOO_LARGE',
        `the data of ${shown} have more than ${formatBytes(maxBytes)} when decompressed, which max_size does not allow`,
        { url: shown, maxBytes },
      );
    if (total > bytes * largestRatio)
      throw new OperationError(
        'SOURCE_TOO_LARGE',
        `the data of ${shown} have more than ${largestRatio} times its ${bytes} bytes when decompressed, ` +
          'as no disk has that is meant to be used',
        { url: shown, bytes },
      );
    yield chunk;
  }
}

export interface UnpackedHead {
  /** The object according to the response. */
  readonly object: StoreObject;
  /** The first bytes of the disk. */
  readonly head: Buffer;
  /** Absent if the object is the disk. */
  readonly compression?: Compression;
  /** Size of the disk if it is known before it is read: that of the object, or of the file in a tar. */
  readonly bytes?: number;
}

/** Enough for the first block of bzip2, and for the headers of an archive. */
const sampleBytes = 4 * mebibyte;

/**
 * The first `bytes` bytes of the disk that an object is, or contains. `compression`: what the site
 * says; by default the content decides. Throws FORMAT_MISMATCH if the content is not compressed as
 * it says, and what `unpack` throws.
 */
export async function readDecompressedHead(
  http: HttpClient,
  source: StoreObject,
  options: { readonly bytes: number; readonly compression?: CompressionChoice },
): Promise<UnpackedHead> {
  const { bytes, compression: choice = 'auto' } = options;
  const { object, head } = await readHead(http, source, bytes);
  const found = compressionOf(head);
  if (choice !== 'auto' && choice !== 'none' && found !== choice) throw otherwiseCompressed(object, choice, found);
  const isPacked = choice !== 'none' && (found !== undefined || isTar(head));
  if (!isPacked) return { object, head, bytes: object.bytes };
  const { head: sample } = await readHead(http, object, sampleBytes);
  const inside = found ? await beginningOf(sample, object, found, bytes) : head;
  if (found && !isTar(inside)) return { object, head: inside, compression: found };
  const compression: Compression = found ? `tar.${found}` : 'tar';
  let member: TarMember | undefined;
  const disk = await beginningOf(sample, object, compression, bytes, (each) => (member = each));
  return { object, head: disk, compression, ...(member ? { bytes: member.bytes } : {}) };
}

function isTar(head: Buffer): boolean {
  return head.toString('latin1', 257, 262) === 'ustar';
}

/** The first bytes of what a sample unpacks to. That the sample ends in the middle is no error. */
async function beginningOf(
  sample: Buffer,
  object: StoreObject,
  compression: Compression,
  bytes: number,
  onMember: (member: TarMember) => void = () => undefined,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const unpacking = { compression, url: object.url, bytes: object.bytes, maxBytes: Number.MAX_SAFE_INTEGER, onMember };
  try {
    for await (const chunk of unpack(whole(sample), unpacking)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= bytes) break;
    }
  } catch (error) {
    if (length === 0 || sample.length >= object.bytes) throw error;
  }
  return Buffer.concat(chunks).subarray(0, bytes);
}

async function* whole(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
  yield bytes;
}

function otherwiseCompressed(
  { url }: StoreObject,
  choice: FileCompression,
  found: FileCompression | undefined,
): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError(
    'FORMAT_MISMATCH',
    `${shown} is ${found === undefined ? 'not compressed' : `compressed with ${found}`}, not with ${choice} as ` +
      'its compression says; allowed is also auto',
    { url: shown, compression: choice },
  );
}
