// The bytes of an object as one unbroken stream, though the connection may break: it is continued where it stopped.
import { readBody } from '../http/body.js';
import { ConnectionError, isNotFound, statusOf, withoutCredentials } from '../http/errors.js';
import { isWorthRepeating } from '../http/retry.js';
import { OperationError } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import type { HttpAnswer, HttpClient } from '../http/client.js';
import type { StoreObject } from './object.js';

export interface SourceOptions {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  /** Seconds without a byte after which the connection counts as broken. */
  readonly stallSeconds: number;
  /** Seconds without any progress after which the stream is given up. The upload waits meanwhile, and its server has a time-out of its own. */
  readonly budgetSeconds: number;
  /** The pause before the first continuation; without progress each further one is twice as long, up to 5 s. 250 unless given. */
  readonly firstPauseMs?: number;
  readonly onInterruption: (reason: string, offset: number) => void;
}

/**
 * Yields exactly `object.bytes` bytes. A break is continued with Range and If-Match (never If-Range, which Swift ignores), each continuation
 * being checked to be of the same object. Throws SOURCE_CHANGED when it is not, SOURCE_BROKEN when it stays broken.
 */
export async function* readSource(object: StoreObject, options: SourceOptions): AsyncGenerator<Buffer, void, void> {
  let offset = 0;
  let lastProgress = performance.now();
  for (let failures = 0; offset < object.bytes; ) {
    try {
      for await (const chunk of openAt(object, offset, options)) {
        if (offset + chunk.length > object.bytes) throw changed(object, `it is longer than the ${object.bytes} bytes it had`);
        offset += chunk.length;
        failures = 0;
        yield chunk;
        lastProgress = performance.now();
      }
      if (offset < object.bytes) throw new ConnectionError('CONNECTION_BROKEN', `it ended after ${offset} of ${object.bytes} bytes`);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!isWorthRepeating(error)) throw error;
      const idleSeconds = (performance.now() - lastProgress) / 1000;
      if (idleSeconds > options.budgetSeconds) throw broken(object, offset, error);
      options.onInterruption((error as Error).message, offset);
      await sleep(Math.min((options.firstPauseMs ?? 250) * 2 ** failures++, 5000), options.signal);
    }
  }
}

async function* openAt(object: StoreObject, offset: number, options: SourceOptions): AsyncGenerator<Buffer, void, void> {
  const answer = await request(object, offset, options);
  let skip = offset;
  if (answer.status === 206) {
    assertContinues(object, offset, answer);
    skip = 0;
  } else {
    assertSame(object, answer);
  }
  for await (const chunk of readBody(answer, { url: object.url, stallSeconds: options.stallSeconds })) {
    if (skip >= chunk.length) {
      skip -= chunk.length;
    } else {
      yield skip > 0 ? chunk.subarray(skip) : chunk;
      skip = 0;
    }
  }
}

async function request(object: StoreObject, offset: number, options: SourceOptions): Promise<HttpAnswer> {
  const validator: Record<string, string> = object.etag && !object.etag.startsWith('W/') ? { 'If-Match': object.etag } : object.lastModified ? { 'If-Unmodified-Since': object.lastModified } : {};
  const range: Record<string, string> = offset > 0 ? { Range: `bytes=${offset}-` } : {};
  try {
    return await options.http({
      method: 'GET',
      url: object.url,
      headers: { 'Accept-Encoding': 'identity', ...validator, ...range },
      expect: offset > 0 ? [200, 206] : [200],
      followRedirects: true,
      repeatable: false,
      timeoutSeconds: options.stallSeconds,
    });
  } catch (error) {
    if (statusOf(error) === 412 || statusOf(error) === 416) throw changed(object, 'the store says that it is another one now', error);
    if (isNotFound(error)) throw changed(object, 'it is gone', error);
    throw error;
  }
}

function assertContinues(object: StoreObject, offset: number, answer: HttpAnswer): void {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.header('content-range') ?? '');
  if (!range || Number(range[1]) !== offset) throw changed(object, `asked from byte ${offset}, the store answered "${answer.header('content-range') ?? 'no Content-Range'}"`);
  if (range[3] !== '*' && Number(range[3]) !== object.bytes) throw changed(object, `it has ${range[3]} bytes now, not ${object.bytes}`);
  assertSameValidators(object, answer);
}

function assertSame(object: StoreObject, answer: HttpAnswer): void {
  const length = answer.header('content-length');
  if (length !== undefined && Number(length) !== object.bytes) throw changed(object, `it has ${length} bytes now, not ${object.bytes}`);
  assertSameValidators(object, answer);
}

function assertSameValidators(object: StoreObject, answer: HttpAnswer): void {
  const etag = answer.header('etag');
  const lastModified = answer.header('last-modified');
  if (object.etag && etag && etag !== object.etag) throw changed(object, `its ETag is ${etag} now, not ${object.etag}`);
  if (!object.etag && object.lastModified && lastModified && lastModified !== object.lastModified) {
    throw changed(object, `it was modified at ${lastModified}, not at ${object.lastModified}`);
  }
}

function changed(object: StoreObject, how: string, cause?: unknown): OperationError {
  const url = withoutCredentials(object.url);
  return new OperationError('SOURCE_CHANGED', `${url} changed during the transfer: ${how}`, { url }, cause);
}

function broken(object: StoreObject, offset: number, cause: unknown): OperationError {
  const url = withoutCredentials(object.url);
  return new OperationError('SOURCE_BROKEN', `${url} broke off at byte ${offset} of ${object.bytes} and could not be continued: ${(cause as Error).message}`, { url, offset }, cause);
}
