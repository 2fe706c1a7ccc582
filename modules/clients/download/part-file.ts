// The part file of a download, and next to it a record of what its bytes are of, so that the next
// run can resume.
import { constants, type FileHandle } from 'node:fs/promises';
import { messageOf, OperationError, isSystemError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { mebibyte } from '../../core/sizes.js';
import { draftOf, statOf, writeDurably } from '../files/durable.js';
import { openOwn, openRegular, readOwnJson, removeName } from '../files/own-files.js';
import { shownPath } from '../files/paths.js';

/** What a part is of: bytes of anything else must never be appended to it. */
export interface PartOrigin {
  /** Identifies the source: a URL, or `glance:<id>`. */
  readonly source: string;
  readonly etag?: string | undefined;
  /** As the server spells it. */
  readonly lastModified?: string | undefined;
  readonly bytes?: number | undefined;
  /** The source never changes, so that nothing else is needed to resume. */
  readonly isImmutable?: boolean | undefined;
}

/**
 * The request header by which a server refuses to resume with another file; undefined if there is
 * none, so that a part is useless.
 */
export function continuationHeader({
  etag,
  lastModified,
  isImmutable,
}: PartOrigin): Readonly<Record<string, string>> | undefined {
  if (etag !== undefined && !etag.startsWith('W/')) return { 'If-Match': etag };
  if (lastModified !== undefined) return { 'If-Unmodified-Since': lastModified };
  return isImmutable ? {} : undefined;
}

/** The path of a part's record. */
function originPath(part: string): string {
  return `${part}.json`;
}

/** What an earlier run received of this source, if it can be resumed. */
export async function findPart(
  part: string,
  source: string,
): Promise<{ readonly origin: PartOrigin; readonly bytes: number } | undefined> {
  const stats = await statOf(part, { ofLink: true });
  const origin = await readOrigin(part);
  if (!stats?.isFile() || stats.size === 0 || origin?.source !== source || continuationHeader(origin) === undefined)
    return undefined;
  return origin.bytes !== undefined && stats.size > origin.bytes ? undefined : { origin, bytes: stats.size };
}

async function readOrigin(part: string): Promise<PartOrigin | undefined> {
  const record = await readOwnJson(originPath(part));
  if (!isMapping(record) || typeof record.source !== 'string') return undefined;
  const { source, etag, lastModified, bytes, isImmutable } = record;
  return {
    source,
    ...(typeof etag === 'string' ? { etag } : {}),
    ...(typeof lastModified === 'string' ? { lastModified } : {}),
    ...(typeof bytes === 'number' ? { bytes } : {}),
    ...(isImmutable === true ? { isImmutable } : {}),
  };
}

/** Removes the part and its record. */
export async function removePart(part: string): Promise<void> {
  for (const path of [part, originPath(part), draftOf(originPath(part))]) await removeName(path);
}

export interface PartWriter {
  /**
   * Appends, at the latest with `flush` or `sync`. Await the promise before the next call: it waits
   * while too much is in memory. The chunk must not change afterwards. Throws NO_SPACE, also for
   * chunks of earlier calls.
   */
  write(chunk: Buffer): Promise<void>;
  /** Waits until all that was appended is in the file. */
  flush(): Promise<void>;
  /** Empties the part and records what it is of now. */
  restart(origin: PartOrigin): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Chunks of a connection have 64 KiB; each write takes a thread of Node.js and back. */
const batchBytes = mebibyte;

/**
 * Opens a part for appending. Only its owner may read it until it is verified. Throws UNSAFE_PATH
 * for a file that is not ours.
 */
export async function openPart(part: string): Promise<PartWriter> {
  const handle = await openOwn(part, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
  let batch: Buffer[] = [];
  let gathered = 0;
  let written: Promise<void> = Promise.resolve();
  /** One batch is gathered while the one before it is written. */
  const writeBatch = async (): Promise<void> => {
    await written;
    const chunks = batch;
    batch = [];
    gathered = 0;
    written = writeAll(handle, chunks, part);
    // The next call throws it.
    written.catch(() => undefined);
  };
  const flush = async (): Promise<void> => {
    await writeBatch();
    await written;
  };
  return {
    flush,
    write: async (chunk) => {
      batch.push(chunk);
      gathered += chunk.length;
      if (gathered >= batchBytes) await writeBatch();
    },
    restart: async (origin) => {
      await flush();
      await removeName(originPath(part));
      await handle.truncate(0);
      if (continuationHeader(origin) !== undefined) await writeDurably(originPath(part), `${JSON.stringify(origin)}\n`);
    },
    sync: async () => {
      await flush();
      await handle.sync();
    },
    close: () => handle.close(),
  };
}

async function writeAll(handle: FileHandle, chunks: readonly Buffer[], part: string): Promise<void> {
  try {
    for (let rest = chunks; rest.length > 0; ) rest = after((await handle.writev(rest)).bytesWritten, rest);
  } catch (error) {
    if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) throw error;
    const shown = shownPath(part);
    throw new OperationError('NO_SPACE', `cannot write to ${shown}: ${messageOf(error)}`, { part: shown }, error);
  }
}

/** What is left of the chunks after this many bytes. */
function after(bytes: number, chunks: readonly Buffer[]): readonly Buffer[] {
  let skipped = 0;
  let passed = 0;
  for (const chunk of chunks) {
    if (passed + chunk.length > bytes) break;
    passed += chunk.length;
    skipped++;
  }
  const [first, ...others] = chunks.slice(skipped);
  return first === undefined ? [] : [first.subarray(bytes - passed), ...others];
}

/** The bytes of a file in large chunks. Throws UNSAFE_PATH for anything but a regular file. */
export async function* readFileChunks(path: string): AsyncGenerator<Buffer> {
  yield* readHandleChunks(await openRegular(path));
}

/** The bytes of an open file in large chunks; closes it. */
export async function* readHandleChunks(handle: FileHandle): AsyncGenerator<Buffer> {
  yield* handle.createReadStream({ highWaterMark: mebibyte });
}
