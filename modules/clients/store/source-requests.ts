// One request for the data of an object: the answer must be of the same object, at the right place.
import { readBody } from '../http/body.js';
import type { HttpAnswer, HttpClient } from '../http/client.js';
import { compressionIn, isEncodingOfFile } from '../http/encodings.js';
import { isNotFound, statusOf } from '../http/errors.js';
import { OperationError } from '../../core/errors.js';
import { isFileUrl, withoutCredentials } from '../../core/urls.js';
import { readFileFrom } from './file-object.js';
import { parseObject, type StoreObject } from './object.js';

export interface RequestOptions {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  /** Seconds without data after which the connection counts as broken. */
  readonly stallSeconds: number;
}

/**
 * The data from `offset` to the end. Throws SOURCE_CHANGED if the object is a different one.
 */
export async function* openAt(
  object: StoreObject,
  offset: number,
  options: RequestOptions,
): AsyncGenerator<Buffer, void, void> {
  if (isFileUrl(object.url)) {
    yield* readFileFrom(object, offset);
    return;
  }
  const answer = await request(object, { offset }, options);
  const isPart = answer.status === 206;
  closeUnless(answer, () => (isPart ? assertContinues(object, offset, answer) : assertSame(object, offset, answer)));
  let skip = isPart ? 0 : offset;
  for await (const chunk of readBody(answer, { url: object.url, stallSeconds: options.stallSeconds })) {
    if (skip >= chunk.length) {
      skip -= chunk.length;
    } else {
      yield skip > 0 ? chunk.subarray(skip) : chunk;
      skip = 0;
    }
  }
}

/**
 * The data from `offset` to the byte before `end`, or the first of them. Throws SOURCE_CHANGED
 * if the object is a different one, or cannot be read in parts.
 */
export async function* openRange(
  object: StoreObject,
  range: { readonly offset: number; readonly end: number },
  options: RequestOptions,
): AsyncGenerator<Buffer, void, void> {
  const answer = await request(object, range, { ...options, keepAlive: true });
  if (answer.status !== 206) {
    answer.body.destroy();
    throw changed(object, 'it is sent as a whole instead of the part that was requested');
  }
  closeUnless(answer, () => assertContinues(object, range.offset, answer));
  let left = range.end - range.offset;
  for await (const chunk of readBody(answer, { url: object.url, stallSeconds: options.stallSeconds })) {
    if (chunk.length > left) throw changed(object, 'it sends more than was asked for');
    left -= chunk.length;
    yield chunk;
  }
}

/** Whether a checksum decides which content is the object's. */
export function isChecked({ sha256, md5, published = [] }: StoreObject): boolean {
  return sha256 !== undefined || md5 !== undefined || published.length > 0;
}

/**
 * The condition on which the store refuses to send a different object; none if a checksum decides,
 * because some stores return a different ETag each time.
 */
export function sourceCondition(object: StoreObject): Record<string, string> {
  if (isChecked(object)) return {};
  if (object.etag && !object.etag.startsWith('W/')) return { 'If-Match': object.etag };
  return object.lastModified ? { 'If-Unmodified-Since': object.lastModified } : {};
}

/**
 * Whether anything tells that two answers are of the same object, so that the second can go on where
 * the first ended.
 */
export function canBeContinued(object: StoreObject): boolean {
  return isChecked(object) || Object.keys(sourceCondition(object)).length > 0;
}

/** From `offset` on; `end`: to the byte before it, by Range in any case. */
async function request(
  object: StoreObject,
  { offset, end }: { readonly offset: number; readonly end?: number },
  options: RequestOptions & { readonly keepAlive?: boolean },
): Promise<HttpAnswer> {
  const isPart = offset > 0 || end !== undefined;
  const range: Record<string, string> = isPart ? { Range: `bytes=${offset}-${end === undefined ? '' : end - 1}` } : {};
  try {
    return await options.http({
      method: 'GET',
      url: object.url,
      headers: { 'Accept-Encoding': 'identity', ...sourceCondition(object), ...range },
      expect: isPart ? [200, 206] : [200],
      signal: options.signal,
      followRedirects: true,
      repeatable: false,
      keepAlive: options.keepAlive ?? false,
      timeoutSeconds: options.stallSeconds,
    });
  } catch (error) {
    if (statusOf(error) === 412 || statusOf(error) === 416)
      throw changed(object, 'the store reports a different object now', error);
    if (isNotFound(error)) throw changed(object, 'it has been deleted', error);
    throw error;
  }
}

/** Nobody reads an answer that is refused. */
function closeUnless({ body }: HttpAnswer, assertUsable: () => void): void {
  try {
    assertUsable();
  } catch (error) {
    body.destroy();
    throw error;
  }
}

function assertContinues(object: StoreObject, offset: number, answer: HttpAnswer): void {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.header('content-range') ?? '');
  if (!range || Number(range[1]) !== offset)
    throw changed(
      object,
      `for the data from byte ${offset} the store returned "${answer.header('content-range') ?? 'no Content-Range'}"`,
    );
  if (range[3] !== '*' && Number(range[3]) !== object.bytes)
    throw changed(object, `it now has ${range[3]} bytes, not ${object.bytes}`);
  assertSameContent(object, answer);
  assertIdentified(object, answer);
}

function assertSame(object: StoreObject, offset: number, answer: HttpAnswer): void {
  const length = answer.header('content-length');
  if (length !== undefined && Number(length) !== object.bytes)
    throw changed(object, `it now has ${length} bytes, not ${object.bytes}`);
  assertSameContent(object, answer);
  if (offset > 0) assertIdentified(object, answer);
}

/** Not every server heeds a condition, so without a checksum a continuation has to be marked as the same. */
function assertIdentified(object: StoreObject, { header }: HttpAnswer): void {
  if (isChecked(object)) return;
  const isSame = (value: string | undefined, name: string): boolean => value !== undefined && header(name) === value;
  if (!isSame(object.etag, 'etag') && !isSame(object.lastModified, 'last-modified'))
    throw changed(object, 'neither an ETag nor a Last-Modified tells that the data that follow belong to it');
}

function assertSameContent(object: StoreObject, { header, headers }: HttpAnswer): void {
  const compression = compressionIn(header('content-encoding'));
  if (compression && !isEncodingOfFile(object.url, compression))
    throw changed(object, `it is now sent with the encoding ${compression}`);
  const whole = {
    header: (name: string) => (name === 'content-length' ? String(object.bytes) : header(name)),
    headers,
  };
  const found = parseObject(object.url, whole);
  const differs = (key: 'sha256' | 'md5' | 'etag' | 'lastModified'): boolean =>
    object[key] !== undefined && found[key] !== undefined && found[key] !== object[key];
  if (object.sha256) {
    if (differs('sha256')) throw changed(object, `its sha256 is now ${found.sha256}, not ${object.sha256}`);
  } else if (object.md5) {
    if (differs('md5')) throw changed(object, `its md5 is now ${found.md5}, not ${object.md5}`);
  } else if (isChecked(object)) {
    // What is published elsewhere decides when everything has been read.
    return;
  } else if (differs('etag')) {
    throw changed(object, `its ETag is now ${found.etag}, not ${object.etag}`);
  } else if (object.etag === undefined && differs('lastModified')) {
    throw changed(object, `it was last modified at ${found.lastModified}, not at ${object.lastModified}`);
  }
}

export function changed(object: StoreObject, how: string, cause?: unknown): OperationError {
  const url = withoutCredentials(object.url);
  return new OperationError('SOURCE_CHANGED', `${url} changed during the transfer: ${how}`, { url }, cause);
}
