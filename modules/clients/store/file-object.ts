// A file of this host as an object: its size, its validators and its data.
import fs, { constants, type FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isSystemError, messageOf, OperationError } from '../../core/errors.js';
import { mebibyte } from '../../core/sizes.js';
import type { StoreObject } from './object.js';

/**
 * The ETag is that of the file and its modification. Throws STORE_OBJECT_MISSING, and FILE_REFUSED
 * if it cannot be read or is not a regular file.
 */
export async function probeFile(url: string): Promise<StoreObject> {
  const file = await openFile(url);
  try {
    return objectOf(url, await file.stat());
  } finally {
    await file.close();
  }
}

/** At most the first `bytes` bytes, and the object that they are of. */
export async function readFileHead(url: string, bytes: number): Promise<{ object: StoreObject; head: Buffer }> {
  const file = await openFile(url);
  try {
    const object = objectOf(url, await file.stat());
    const head = Buffer.alloc(Math.min(bytes, object.bytes));
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return { object, head: head.subarray(0, bytesRead) };
  } finally {
    await file.close();
  }
}

const chunkBytes = mebibyte / 4;

/** The data from `offset` on. Throws SOURCE_CHANGED before the last chunk if the file was changed. */
export async function* readFileFrom(object: StoreObject, offset: number): AsyncGenerator<Buffer, void, void> {
  const file = await openFile(object.url);
  try {
    assertUnchanged(object, await file.stat());
    for (let position = offset; position < object.bytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, object.bytes - position));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
      position += bytesRead;
      if (bytesRead === 0 || position >= object.bytes) assertUnchanged(object, await file.stat());
      if (bytesRead === 0) throw unreadable(object.url, 'it ended too early');
      yield chunk.subarray(0, bytesRead);
    }
  } catch (error) {
    throw isSystemError(error, 'EIO', 'ESTALE') ? unreadable(object.url, messageOf(error), error) : error;
  } finally {
    await file.close();
  }
}

/** Without waiting for the other end of a named pipe. */
async function openFile(url: string): Promise<FileHandle> {
  const path = pathOf(url);
  const file = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR'))
      throw new OperationError('STORE_OBJECT_MISSING', `there is no file ${path}`, { url }, error);
    throw unreadable(url, messageOf(error), error);
  });
  try {
    if ((await file.stat()).isFile()) return file;
    throw unreadable(url, 'it is not a regular file');
  } catch (error) {
    await file.close();
    throw error;
  }
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw unreadable(url, 'it must be file:///, then the path on this host', error);
  }
}

function objectOf(url: string, { size, ino, mtime, mtimeMs }: Stats): StoreObject {
  return { url, bytes: size, etag: `"${ino}-${size}-${mtimeMs}"`, lastModified: mtime.toUTCString() };
}

function assertUnchanged(object: StoreObject, stats: Stats): void {
  const { url, etag, bytes } = object;
  const found = objectOf(url, stats);
  if (found.bytes === bytes && (etag === undefined || found.etag === etag)) return;
  throw new OperationError('SOURCE_CHANGED', `${url} changed during the transfer`, { url });
}

function unreadable(url: string, why: string, cause?: unknown): OperationError {
  return new OperationError('FILE_REFUSED', `${url} cannot be read: ${why}`, { url }, cause);
}
