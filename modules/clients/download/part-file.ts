// A download under way: the bytes that have come, and beside them what they are of, so that the next run can go on.
import { constants, type FileHandle } from 'node:fs/promises';
import { messageOf, OperationError } from '../../core/errors.js';
import { draftOf, statOf, writeDurably } from '../files/durable.js';
import { openOwn, openRegular, readOwnJson, removeName } from '../files/folders.js';
import { shownPath } from '../files/shown-path.js';
import { isSystemError } from '../files/system-error.js';

/** What a part is of: bytes of another thing must never be appended to it. */
export interface PartOrigin {
  /** Names the source: a URL, or `glance:<id>`. */
  readonly source: string;
  readonly etag?: string | undefined;
  /** As the server spells it. */
  readonly lastModified?: string | undefined;
  readonly bytes?: number | undefined;
  /** What bears this name never changes, so that nothing else is needed to go on. */
  readonly isImmutable?: boolean | undefined;
}

/** The request header by which a server refuses to go on with another file; undefined where there is none, and a part is of no use. */
export function continuationHeader({
  etag,
  lastModified,
  isImmutable,
}: PartOrigin): Readonly<Record<string, string>> | undefined {
  if (etag !== undefined && !etag.startsWith('W/')) return { 'If-Match': etag };
  if (lastModified !== undefined) return { 'If-Unmodified-Since': lastModified };
  return isImmutable ? {} : undefined;
}

/** Where the record of a part stands. */
export function originPath(part: string): string {
  return `${part}.json`;
}

/** What an earlier run left of this source and can be gone on with; undefined where there is nothing. */
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
  const origin = (await readOwnJson(originPath(part))) as Partial<PartOrigin> | null | undefined;
  return typeof origin?.source === 'string' ? (origin as PartOrigin) : undefined;
}

/** Takes part and record away. */
export async function removePart(part: string): Promise<void> {
  for (const path of [part, originPath(part), draftOf(originPath(part))]) await removeName(path);
}

export interface PartWriter {
  /** Writes at the end. The promise is to be awaited before the next one. */
  write(chunk: Buffer): Promise<void>;
  /** Empties the part and says what it is of now. */
  restart(origin: PartOrigin): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a part for appending. Nobody but its owner may read it before it is verified. Throws UNSAFE_PATH for what is no part of ours. */
export async function openPart(part: string): Promise<PartWriter> {
  const handle = await openOwn(part, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
  return {
    write: (chunk) => writeAll(handle, chunk, part),
    restart: async (origin) => {
      await removeName(originPath(part));
      await handle.truncate(0);
      if (continuationHeader(origin) !== undefined) await writeDurably(originPath(part), `${JSON.stringify(origin)}\n`);
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

async function writeAll(handle: FileHandle, chunk: Buffer, part: string): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) done += (await handle.write(chunk, done)).bytesWritten;
  } catch (error) {
    if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) throw error;
    const shown = shownPath(part);
    throw new OperationError(
      'NO_SPACE',
      `${shown} could not be written further: ${messageOf(error)}`,
      { part: shown },
      error,
    );
  }
}

/** The bytes of a file in large pieces. Throws UNSAFE_PATH for what is no file. */
export async function* readFileChunks(path: string): AsyncGenerator<Buffer> {
  yield* readHandleChunks(await openRegular(path));
}

/** The bytes of an opened file in large pieces; closes it. */
export async function* readHandleChunks(handle: FileHandle): AsyncGenerator<Buffer> {
  yield* handle.createReadStream({ highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
}
