// Requests to the Bare Metal service: the version of its API, what its refusals mean, and its
// locks.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { waitFor } from '../../core/waiting.js';
import type { HttpAnswer } from '../http/client.js';
import { HttpError, isNotFound } from '../http/errors.js';
import type { Cloud, ServiceRequest } from '../keystone/cloud.js';
import { adviceOnRole } from './visibility.js';

/** The newest API version whose fields and states this program knows (Ironic 37, 2026). */
const newestMinor = 112;

export interface Ironic {
  /** The API version in use is 1.`minor`. */
  readonly minor: number;
  readonly cloud: Cloud;
  /** The version header, for requests that are not sent by `request`. */
  readonly headers: Readonly<Record<string, string>>;
  request(request: ServiceRequest): Promise<HttpAnswer>;
}

/**
 * Negotiates the newest API version that both sides know. Throws UNEXPECTED_ANSWER if another
 * service answers.
 */
export async function openIronic(cloud: Cloud): Promise<Ironic> {
  const answer = await cloud.request('baremetal', { method: 'GET', path: '/v1/' });
  await answer.text();
  const newest = /^1\.(\d+)$/.exec(answer.header('x-openstack-ironic-api-maximum-version') ?? '')?.[1];
  if (newest === undefined)
    throw new OperationError(
      'UNEXPECTED_ANSWER',
      `${answer.url} does not return its API version: is it the Bare Metal service?`,
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

/**
 * Sends a request and returns the JSON object of the answer. Throws UNEXPECTED_ANSWER if the answer
 * is not an object.
 */
export async function requestRecord(
  ironic: Ironic,
  request: ServiceRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await (await ironic.request(request)).json();
  if (!isMapping(answer))
    throw new OperationError(
      'UNEXPECTED_ANSWER',
      `the Bare Metal service answered ${request.method} ${request.path} without a JSON object`,
      { service: 'baremetal' },
    );
  return answer;
}

/** The JSON object at a path; undefined if the service has none. */
export async function findRecord(ironic: Ironic, path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return await requestRecord(ironic, { method: 'GET', path });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether a policy refused the request, rather than the protection of the node. */
export function isDenied(error: unknown): error is HttpError {
  return (
    error instanceof HttpError &&
    error.status === 403 &&
    /access was denied to the following resource/i.test(error.message)
  );
}

/**
 * `lock`: another operation holds the node for a moment. `transition`: its state is changing.
 * Undefined: waiting does not help.
 */
export function conflictOf(error: unknown): 'lock' | 'transition' | undefined {
  if (!(error instanceof HttpError) || error.status !== 409) return undefined;
  if (/is locked by host/i.test(error.message)) return 'lock';
  return /state transition is in progress/i.test(error.message) ? 'transition' : undefined;
}

export interface LockWait {
  /** What is being done, as in "gave up waiting for …". */
  readonly subject: string;
  /** How long to wait for a locked node. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/**
 * Repeats work that Ironic refuses only because another operation holds the node. Throws
 * NODE_LOCKED after the timeout.
 */
export async function whileLocked<T>(
  work: () => Promise<T>,
  { subject, timeoutSeconds, signal }: LockWait,
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
