// How one speaks with the Bare Metal service: which version of its API, and what its refusals mean.
import { OperationError } from '../../core/errors.js';
import { waitFor } from '../../core/waiting.js';
import type { HttpAnswer } from '../http/client.js';
import { HttpError } from '../http/errors.js';
import type { Cloud, ServiceRequest } from '../keystone/cloud.js';
import { adviceOnRole } from './visibility.js';

/** The newest minor version whose fields and states are known here (ironic 37, 2026). */
const newestMinor = 112;

export interface Ironic {
  /** The minor version that is spoken: 1.`minor`. */
  readonly minor: number;
  readonly cloud: Cloud;
  /** The header of the version, for requests that go past `request`. */
  readonly headers: Readonly<Record<string, string>>;
  request(request: ServiceRequest): Promise<HttpAnswer>;
}

/** Agrees with the service on a version: the newest that both know. Throws UNEXPECTED_ANSWER where something else answers. */
export async function openIronic(cloud: Cloud): Promise<Ironic> {
  const answer = await cloud.request('baremetal', { method: 'GET', path: '/v1/' });
  await answer.text();
  const newest = /^1\.(\d+)$/.exec(answer.header('x-openstack-ironic-api-maximum-version') ?? '')?.[1];
  if (newest === undefined)
    throw new OperationError(
      'UNEXPECTED_ANSWER',
      `${answer.url} does not tell its API version: is it the Bare Metal service?`,
      { service: 'baremetal' },
    );
  const minor = Math.min(Number(newest), newestMinor);
  const headers = { 'X-OpenStack-Ironic-API-Version': `1.${minor}` };
  return {
    minor,
    cloud,
    headers,
    request: async (request) => {
      const content = typeof request.body === 'string' ? { 'Content-Type': 'application/json' } : {};
      try {
        return await cloud.request('baremetal', {
          ...request,
          headers: { ...headers, ...content, ...request.headers },
        });
      } catch (error) {
        throw isDenied(error)
          ? new HttpError({ ...error.answer, reason: `${error.answer.reason}; ${await adviceOnRole(cloud)}` })
          : error;
      }
    },
  };
}

/** Refused by a policy, and not because the node is protected. */
function isDenied(error: unknown): error is HttpError {
  return (
    error instanceof HttpError &&
    error.status === 403 &&
    /access was denied to the following resource/i.test(error.message)
  );
}

/** `lock`: another operation holds the node for a moment. `transition`: it is on its way to another state. Undefined: no waiting helps. */
export function conflictOf(error: unknown): 'lock' | 'transition' | undefined {
  if (!(error instanceof HttpError) || error.status !== 409) return undefined;
  if (/is locked by host/i.test(error.message)) return 'lock';
  return /state transition is in progress/i.test(error.message) ? 'transition' : undefined;
}

export interface LockPatience {
  /** What is being done, as it stands in "gave up waiting for …". */
  readonly subject: string;
  /** How long a locked node is waited for. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/** Repeats work that Ironic refuses only because another operation holds the node. Throws NODE_LOCKED when it holds it for too long. */
export async function whileLocked<T>(
  work: () => Promise<T>,
  { subject, timeoutSeconds, signal }: LockPatience,
): Promise<T> {
  let refused: unknown;
  const look = async (): Promise<{ done: T } | undefined> => {
    try {
      return { done: await work() };
    } catch (error) {
      if (conflictOf(error) !== 'lock') throw error;
      refused = error;
      return undefined;
    }
  };
  try {
    return (await waitFor(look, { subject, timeoutSeconds, intervalSeconds: 0.5, signal })).done;
  } catch (error) {
    if (error instanceof OperationError && error.code === 'WAIT_TIMEOUT' && refused instanceof HttpError) {
      throw new OperationError(
        'NODE_LOCKED',
        `${subject}: the node stayed locked for ${timeoutSeconds} s: ${refused.message}`,
        {},
        refused,
      );
    }
    throw error;
  }
}
