// The body of an answer, chunk by chunk or complete, with limits for time and size.
import { Readable } from 'node:stream';
import type { Response } from 'node-fetch';
import { OperationError } from '../../core/errors.js';
import type { HttpAnswer } from './client.js';
import { ConnectionError, explainBreak } from './errors.js';
import { withoutCredentials } from '../../core/urls.js';

/**
 * Throws STALLED if no byte arrives for `stallSeconds`, not counting the time that the reader
 * takes. Closes the body in the end.
 */
export async function* readBody(
  { body }: Pick<HttpAnswer, 'body'>,
  { url, stallSeconds }: { url: string; stallSeconds: number },
): AsyncGenerator<Buffer, void, void> {
  let isWaiting = true;
  const timer = setTimeout(() => {
    if (!isWaiting) return;
    body.destroy(new ConnectionError('STALLED', `${withoutCredentials(url)} sent nothing for ${stallSeconds} s`));
  }, stallSeconds * 1000);
  try {
    for await (const chunk of body) {
      isWaiting = false;
      yield chunk;
      isWaiting = true;
      timer.refresh();
    }
  } catch (error) {
    throw explainBreak(error, { method: 'GET', url });
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

export interface ReadLimits {
  readonly url: string;
  /** Nothing beyond this is kept. */
  readonly maxBytes: number;
  /** Whether a larger body is an error, or only its beginning is of interest. */
  readonly beyond: 'refuse' | 'cut';
  readonly stallSeconds: number;
  /** When the complete body must have arrived, on the clock of `performance.now()`. */
  readonly deadline: number;
}

/** The body of a response of node-fetch, whose types do not say that it is a Readable. */
export function streamOf({ body }: Response): Readable {
  return body instanceof Readable ? body : Readable.from([]);
}

/** All of a body. Throws ANSWER_TOO_LARGE, TIMEOUT, STALLED, and CONNECTION_BROKEN. */
export async function readWhole(body: Readable, limits: ReadLimits): Promise<Buffer> {
  const { url, maxBytes, beyond, deadline } = limits;
  const shown = withoutCredentials(url);
  const tooLate = (): void =>
    void body.destroy(new OperationError('TIMEOUT', `${shown} did not finish its answer in time`, { url: shown }));
  const timer = setTimeout(tooLate, Math.max(deadline - performance.now(), 0));
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of readBody({ body }, limits)) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (beyond === 'cut' && bytes >= maxBytes) break;
      if (bytes > maxBytes)
        throw new OperationError(
          'ANSWER_TOO_LARGE',
          `${shown} answered with more than ${maxBytes} bytes, which is too much to read`,
          { url: shown, maxBytes },
        );
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

/**
 * How long the body of a document that is read into memory may take in all; a file has no such
 * limit.
 */
export function longestBodySeconds(timeoutSeconds: number): number {
  return Math.max(50, timeoutSeconds * 0.8);
}

/** How long the body of a document may pause. */
export function longestPauseSeconds(timeoutSeconds: number): number {
  return Math.min(timeoutSeconds, Math.max(10, timeoutSeconds / 3));
}
