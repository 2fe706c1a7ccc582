// The body of an answer, chunk by chunk or complete, with limits in time and size.
import type { Readable } from 'node:stream';
import { OperationError } from '../../core/errors.js';
import type { HttpAnswer } from './client.js';
import { ConnectionError, explainBreak } from './errors.js';
import { withoutCredentials } from '../../core/urls.js';

/** Ends with STALLED when no byte comes for `stallSeconds`; the time that the reader takes does not count. The body is closed in the end. */
export async function* readBody(
  { body }: Pick<HttpAnswer, 'body'>,
  { url, stallSeconds }: { url: string; stallSeconds: number },
): AsyncGenerator<Buffer, void, void> {
  const stalled = (): void => {
    body.destroy(new ConnectionError('STALLED', `${withoutCredentials(url)} sent nothing for ${stallSeconds} s`));
  };
  let timer = setTimeout(stalled, stallSeconds * 1000);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      yield chunk;
      timer = setTimeout(stalled, stallSeconds * 1000);
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
  /** Of what is beyond, nothing is kept. */
  readonly maxBytes: number;
  /** Whether a larger body is a fault, or only its beginning is of interest. */
  readonly beyond: 'refuse' | 'cut';
  readonly stallSeconds: number;
  /** When the whole must have come, on the clock of `performance.now()`. */
  readonly deadline: number;
}

/** All of a body. Throws ANSWER_TOO_LARGE, TIMEOUT, STALLED, and CONNECTION_BROKEN. */
export async function readWhole(body: Readable, limits: ReadLimits): Promise<Buffer> {
  const { url, maxBytes, beyond, deadline } = limits;
  const shown = withoutCredentials(url);
  const tooLate = (): void =>
    void body.destroy(
      new OperationError('TIMEOUT', `${shown} did not come to the end of its answer in time`, { url: shown }),
    );
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
          `${shown} answered with more than ${maxBytes} bytes, which is not read`,
          { url: shown, maxBytes },
        );
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

/** How long a body may take in all, for documents that are read into memory; a file has no such limit. */
export function longestBodySeconds(timeoutSeconds: number): number {
  return Math.max(50, timeoutSeconds * 0.8);
}

/** How long the body of a document may pause. */
export function longestPauseSeconds(timeoutSeconds: number): number {
  return Math.min(timeoutSeconds, Math.max(10, timeoutSeconds / 3));
}
