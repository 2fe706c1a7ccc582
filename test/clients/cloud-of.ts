// A login to a sandbox's cloud or to the real one, as operations have it, for tests of clients.
import { createHttpClient } from '../../modules/clients/http/client.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';

/** Repetitions follow at once. */
export async function cloudOf({ auth }: { readonly auth: object }): Promise<Cloud> {
  const http = createHttpClient({
    validateCerts: true,
    timeoutSeconds: 60,
    firstPauseMs: 1,
    signal: new AbortController().signal,
  });
  return connect(await resolveLogin({ auth: { ...auth } }, {}), http);
}

/** All that a list gives. */
export async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const elements: T[] = [];
  for await (const element of list) elements.push(element);
  return elements;
}
