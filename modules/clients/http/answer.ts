// What a caller gets: the head of an answer, and ways to read its body within limits.
import type { Response } from 'node-fetch';
import { OperationError } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import { longestBodySeconds, longestPauseSeconds, readWhole, streamOf } from './body.js';
import type { HttpAnswer, HttpRequest } from './client.js';
import { compressionIn } from './encodings.js';
import { ConnectionError, hasStalled, reasonFromBody } from './errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { mebibyte } from '../../core/sizes.js';
import { isWorthRepeating, retryAfterSeconds } from './retry.js';

/** More than a page of 1,000 nodes with all details has. */
const largestDocumentBytes = 64 * mebibyte;

export interface AnswerReading {
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly firstPauseMs: number;
  /** Hides secrets in quotations from a body. */
  readonly redact: (text: string) => string;
  /**
   * How often a request may be repeated if its answer breaks off; 0 for one that must not be
   * repeated.
   */
  readonly repetitions: number;
  /** Repeats the request, with this many seconds for the head of the answer. */
  readonly resend: (timeoutSeconds: number) => Promise<Response>;
}

export function answerFrom(response: Response, request: HttpRequest, reading: AnswerReading): HttpAnswer {
  const read = <T>(size: Size, parse: (bytes: Buffer, from: Response) => T): Promise<T> =>
    readRepeatedly({ response, request, reading, size, parse });
  return {
    status: response.status,
    url: response.url,
    header: (name) => response.headers.get(name) ?? undefined,
    headers: () => response.headers.entries(),
    bytes: ({ maxBytes = largestDocumentBytes } = {}) =>
      read({ maxBytes, beyond: 'refuse' }, (bytes, from) => unencoded(bytes, from, request)),
    text: ({ maxBytes = largestDocumentBytes } = {}) =>
      read({ maxBytes, beyond: 'refuse' }, (bytes, from) => textOf(bytes, from, request)),
    json: () =>
      read({ maxBytes: largestDocumentBytes, beyond: 'refuse' }, (bytes, from) =>
        parseJson(textOf(bytes, from, request), { response: from, request, redact: reading.redact }),
      ),
    beginning: (maxBytes) => read({ maxBytes, beyond: 'cut' }, (bytes) => bytes),
    body: streamOf(response),
  };
}

interface Size {
  readonly maxBytes: number;
  readonly beyond: 'refuse' | 'cut';
}

interface Work<T> {
  readonly response: Response;
  readonly request: HttpRequest;
  readonly reading: AnswerReading;
  readonly size: Size;
  readonly parse: (bytes: Buffer, from: Response) => T;
}

/**
 * Reads the body. Repeats the request if the connection breaks meanwhile, and once if it stalls,
 * all within the time that one body may take.
 */
async function readRepeatedly<T>({ response, request, reading, size, parse }: Work<T>): Promise<T> {
  const deadline = performance.now() + longestBodySeconds(reading.timeoutSeconds) * 1000;
  let next: Response | undefined = response;
  for (let failures = 1; ; failures++) {
    try {
      next ??= await reading.resend(
        Math.min(reading.timeoutSeconds, Math.max((deadline - performance.now()) / 1000, 1)),
      );
      if (next.status !== response.status)
        throw new OperationError(
          'CONNECTION_BROKEN',
          `${request.method} ${withoutCredentials(request.url)} broke off, and when repeated was answered with ` +
            `${next.status} instead of ${response.status}`,
        );
      const limits = { ...size, url: request.url, stallSeconds: longestPauseSeconds(reading.timeoutSeconds), deadline };
      const bytes = await readWhole(streamOf(next), limits);
      return parse(bytes, next);
    } catch (error) {
      reading.signal.throwIfAborted();
      const most = hasStalled(error) ? Math.min(1, reading.repetitions) : reading.repetitions;
      if (failures > most || !isWorthRepeating(error) || performance.now() > deadline) throw error;
      next = undefined;
      await sleep(
        Math.max(reading.firstPauseMs * 2 ** (failures - 1), retryAfterSeconds(error) * 1000),
        reading.signal,
      );
    }
  }
}

function textOf(bytes: Buffer, response: Response, request: HttpRequest): string {
  return new TextDecoder().decode(unencoded(bytes, response, request));
}

function unencoded(bytes: Buffer, { headers }: Response, request: HttpRequest): Buffer {
  const compression = compressionIn(headers.get('content-encoding'));
  if (compression === undefined) return bytes;
  const url = withoutCredentials(request.url);
  throw new OperationError(
    'SOURCE_ENCODED',
    `${url} is sent compressed with ${compression}, which was not requested; ` +
      'configure the server to send it uncompressed',
    { url, encoding: compression },
  );
}

function parseJson(
  text: string,
  {
    response: { headers },
    request,
    redact,
  }: { response: Response; request: HttpRequest; redact: AnswerReading['redact'] },
): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const url = withoutCredentials(request.url);
    const isDelimited = headers.has('content-length') || headers.has('transfer-encoding');
    // If only the end of the connection marks the end of the body, a break looks like this.
    if (!isDelimited && /^\s*[[{]/.test(text))
      throw new ConnectionError(
        'CONNECTION_BROKEN',
        `${request.method} ${url} broke off in the middle of its JSON`,
        { url },
        error,
      );
    throw new OperationError(
      'NOT_JSON',
      `${request.method} ${url} answered something that is not JSON: ` +
        `"${reasonFromBody(redact(text.slice(0, 4096))).slice(0, 80)}"`,
      { url },
      error,
    );
  }
}
