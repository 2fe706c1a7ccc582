// Reads the same from the first of several URLs that has it.
import { OperationError } from '../../core/errors.js';
import type { HttpClient } from '../http/client.js';
import { mirrorPatienceSeconds, switchBetween, type SourceSwitch } from './source.js';

export interface MirrorAccess {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  readonly onSwitch?: ((switched: SourceSwitch) => void) | undefined;
}

/**
 * What `read` returns for the first URL for which it does not fail. If there are others, each is
 * asked once and has little time. If none can be read, throws the failure of the first.
 */
export async function fromFirst<T>(
  urls: readonly string[],
  { http, signal, onSwitch }: MirrorAccess,
  read: (url: string, http: HttpClient) => Promise<T>,
): Promise<{ readonly value: T; readonly url: string }> {
  const failures: unknown[] = [];
  for (const [index, url] of urls.entries()) {
    const next = urls[index + 1];
    try {
      return { value: await read(url, urls.length === 1 ? http : impatient(http)), url };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof OperationError)) throw error;
      failures.push(error);
      if (next === undefined) break;
      onSwitch?.(switchBetween(url, next, error, 0));
    }
  }
  throw failures[0];
}

function impatient(http: HttpClient): HttpClient {
  return (request) =>
    http({
      ...request,
      repeatable: false,
      timeoutSeconds: Math.min(request.timeoutSeconds ?? mirrorPatienceSeconds, mirrorPatienceSeconds),
    });
}
