// The data of an object as one continuous stream: a broken connection is resumed where it stopped.
import { readBody } from '../http/body.js';
import { ConnectionError, isNotFound, statusOf } from '../http/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { isWorthRepeating, retryAfterSeconds } from '../http/retry.js';
import { compressionIn } from '../http/encodings.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import type { HttpAnswer, HttpClient } from '../http/client.js';
import { parseObject, type StoreObject } from './object.js';
import { probeObject } from './reading.js';

export interface SourceOptions {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  /** Seconds without data after which the connection counts as broken. */
  readonly stallSeconds: number;
  /**
   * Seconds without progress after which the stream is given up. The upload waits in the meantime,
   * and its server has its own timeout.
   */
  readonly budgetSeconds: number;
  /**
   * The pause before the first continuation, 250 by default; without progress each further one is
   * twice as long, up to 5 s.
   */
  readonly firstPauseMs?: number;
  readonly onInterruption: (reason: string, offset: number) => void;
}

/**
 * Yields exactly `object.bytes` bytes. A broken connection is continued with Range. If the store
 * publishes a checksum, that verifies that it was the same object throughout, whatever the
 * validators say; otherwise If-Match does (never If-Range, which Swift ignores), and without a
 * validator nothing is continued. Throws SOURCE_CHANGED if the object is a different one,
 * SOURCE_BROKEN if the connection stays broken or cannot be continued.
 */
export async function* readSource(object: StoreObject, options: SourceOptions): AsyncGenerator<Buffer, void, void> {
  let offset = 0;
  let lastProgress = performance.now();
  for (let failures = 0; offset < object.bytes; ) {
    try {
      for await (const chunk of openAt(object, offset, options)) {
        if (offset + chunk.length > object.bytes)
          throw changed(object, `it is longer than the previous ${object.bytes} bytes`);
        offset += chunk.length;
        failures = 0;
        yield chunk;
        lastProgress = performance.now();
      }
      if (offset < object.bytes)
        throw new ConnectionError('CONNECTION_BROKEN', `it ended after ${offset} of ${object.bytes} bytes`);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!isWorthRepeating(error)) throw error;
      const idleSeconds = (performance.now() - lastProgress) / 1000;
      if (idleSeconds > options.budgetSeconds) throw broken(object, offset, error);
      if (offset > 0 && !isChecked(object) && Object.keys(conditionFor(object)).length === 0)
        throw broken(object, offset, error);
      options.onInterruption(messageOf(error), offset);
      const pause = Math.min((options.firstPauseMs ?? 250) * 2 ** failures++, 5000);
      await sleep(Math.max(pause, retryAfterSeconds(error) * 1000), options.signal);
    }
  }
}

/** The complete content of a URL, by the same rules. */
export async function* readUrl(
  url: string,
  { http, signal }: Pick<SourceOptions, 'http' | 'signal'>,
): AsyncGenerator<Buffer, void, void> {
  const { object } = await probeObject(http, url);
  yield* readSource(object, { http, signal, stallSeconds: 60, budgetSeconds: 120, onInterruption: () => undefined });
}

async function* openAt(
  object: StoreObject,
  offset: number,
  options: SourceOptions,
): AsyncGenerator<Buffer, void, void> {
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

function isChecked({ sha256, md5 }: StoreObject): boolean {
  return sha256 !== undefined || md5 !== undefined;
}

/**
 * The condition on which the store refuses to send a different object; none if a checksum decides,
 * because some stores return a different ETag each time.
 */
function conditionFor(object: StoreObject): Record<string, string> {
  if (isChecked(object)) return {};
  if (object.etag && !object.etag.startsWith('W/')) return { 'If-Match': object.etag };
  return object.lastModified ? { 'If-Unmodified-Since': object.lastModified } : {};
}

async function request(object: StoreObject, offset: number, options: SourceOptions): Promise<HttpAnswer> {
  const range: Record<string, string> = offset > 0 ? { Range: `bytes=${offset}-` } : {};
  try {
    return await options.http({
      method: 'GET',
      url: object.url,
      headers: { 'Accept-Encoding': 'identity', ...conditionFor(object), ...range },
      expect: offset > 0 ? [200, 206] : [200],
      followRedirects: true,
      repeatable: false,
      timeoutSeconds: options.stallSeconds,
    });
  } catch (error) {
    if (statusOf(error) === 412 || statusOf(error) === 416)
      throw changed(object, 'the store reports a different object now', error);
    if (isNotFound(error)) throw changed(object, 'it has been deleted', error);
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
}

function assertSame(object: StoreObject, answer: HttpAnswer): void {
  const length = answer.header('content-length');
  if (length !== undefined && Number(length) !== object.bytes)
    throw changed(object, `it now has ${length} bytes, not ${object.bytes}`);
  assertSameContent(object, answer);
}

function assertSameContent(object: StoreObject, { header, headers }: HttpAnswer): void {
  const compression = compressionIn(header('content-encoding'));
  if (compression) throw changed(object, `it is now sent with the encoding ${compression}`);
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
  } else if (differs('etag')) {
    throw changed(object, `its ETag is now ${found.etag}, not ${object.etag}`);
  } else if (object.etag === undefined && differs('lastModified')) {
    throw changed(object, `it was last modified at ${found.lastModified}, not at ${object.lastModified}`);
  }
}

function changed(object: StoreObject, how: string, cause?: unknown): OperationError {
  const url = withoutCredentials(object.url);
  return new OperationError('SOURCE_CHANGED', `${url} changed during the transfer: ${how}`, { url }, cause);
}

function broken(object: StoreObject, offset: number, cause: unknown): OperationError {
  const url = withoutCredentials(object.url);
  return new OperationError(
    'SOURCE_BROKEN',
    `the download of ${url} stopped at byte ${offset} of ${object.bytes} and could not be continued: ` +
      `${messageOf(cause)}`,
    { url, offset },
    cause,
  );
}
