// The body of an answer, chunk by chunk, given up where it stalls.
import type { HttpAnswer } from './client.js';
import { ConnectionError, explainFailure, withoutCredentials } from './errors.js';

/** Breaks off with STALLED when no byte comes for `stallSeconds`; the time that the reader takes does not count. The body is closed in the end. */
export async function* readBody({ body }: HttpAnswer, { url, stallSeconds }: { url: string; stallSeconds: number }): AsyncGenerator<Buffer, void, void> {
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
    throw explainFailure(error, { method: 'GET', url });
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}
