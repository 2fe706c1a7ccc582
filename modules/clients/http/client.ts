// The only way to the network: one request, one answer, with time-outs, TLS, proxies and repetition of safe requests.
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import type fetch from 'node-fetch';
import type { Response } from 'node-fetch';
import pRetry from 'p-retry';
import { InputError, messageOf, OperationError } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import { ConnectionError, explainFailure, HttpError, reasonFromBody, withoutCredentials } from './errors.js';
import { isWorthRepeating, repetitions, retryAfterSeconds } from './retry.js';
import type { TlsSettings } from './transport.js';

export interface HttpSettings {
  /** A PEM file with CAs to trust beside the public ones: the cloud may have its own, and the image store a public one. */
  readonly caCert?: string | undefined;
  readonly validateCerts: boolean;
  /** The oldest version of TLS that is spoken; Node.js's own default unless given. */
  readonly tlsMinimumVersion?: TlsSettings['minVersion'];
  /** Longest wait for the head of an answer, in seconds. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** The first pause before a repetition, in milliseconds; each further one is twice as long. */
  readonly firstPauseMs?: number;
  /** Told of every request: method, URL without credentials, status or fault, milliseconds. */
  readonly trace?: (line: string) => void;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent once: such a request is never repeated here. */
  readonly body?: string | Readable;
  /** Statuses that are an answer rather than an error; any 2xx unless given. */
  readonly expect?: readonly number[];
  /** False for a request that must not be sent twice. GET, HEAD, PUT of text and DELETE may be by default; POST and PATCH may not. */
  readonly repeatable?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  /** Redirects are followed only where no token is sent along. */
  readonly followRedirects?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  /** The URL that answered, after redirects. */
  readonly url: string;
  header(name: string): string | undefined;
  /** All of them, names in lower case. */
  headers(): Iterable<[name: string, value: string]>;
  text(): Promise<string>;
  json(): Promise<unknown>;
  readonly body: Readable;
}

export type HttpClient = (request: HttpRequest) => Promise<HttpAnswer>;

/** Makes a client. Throws INVALID_INPUT when the CA file cannot be read. */
export function createHttpClient(settings: HttpSettings): HttpClient {
  const transport = createTransport(settings);
  // Each request under way listens to it, and there may be more than the ten after which Node.js suspects a leak.
  setMaxListeners(0, settings.signal);
  return (request) => {
    const repeatable = request.repeatable ?? (['GET', 'HEAD', 'DELETE'].includes(request.method) || (request.method === 'PUT' && typeof request.body === 'string'));
    return pRetry(async () => send(request, settings, await transport()), {
      ...repetitions(repeatable ? 3 : 0, settings.firstPauseMs),
      shouldRetry: isWorthRepeating,
      onFailedAttempt: (error) => (error.retriesLeft > 0 ? sleep(retryAfterSeconds(error) * 1000, request.signal ?? settings.signal) : undefined),
      signal: request.signal ?? settings.signal,
    });
  };
}

async function send(request: HttpRequest, settings: HttpSettings, { fetch, agentFor }: Transport): Promise<HttpAnswer> {
  const started = performance.now();
  const trace = (outcome: string): void =>
    settings.trace?.(`${request.method} ${withoutCredentials(request.url)} ${outcome} ${Math.round(performance.now() - started)} ms`);
  const outer = request.signal ?? settings.signal;
  const timeout = timeoutSignal(outer, request.timeoutSeconds ?? settings.timeoutSeconds);
  let answered = false;
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { 'User-Agent': 'chameleon-image-tools', ...request.headers },
      redirect: request.followRedirects ? 'follow' : 'manual',
      agent: agentFor,
      compress: false,
      signal: timeout.signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    timeout.disarm();
    answered = true;
    response.body?.once('close', timeout.release);
    trace(String(response.status));
    const expected = request.expect ? request.expect.includes(response.status) : response.ok;
    if (!expected) throw await errorFrom(response, request);
    return answerFrom(response, request);
  } catch (error) {
    timeout.disarm();
    if (!answered) timeout.release();
    outer.throwIfAborted();
    if (error instanceof OperationError) throw error;
    trace(messageOf(error));
    if (timeout.expired()) {
      const { origin } = new URL(request.url);
      const seconds = request.timeoutSeconds ?? settings.timeoutSeconds;
      throw new ConnectionError('TIMEOUT', `${origin} did not answer ${request.method} within ${seconds} s`, { url: withoutCredentials(request.url) }, error);
    }
    throw explainFailure(error, request);
  }
}

interface Timeout {
  readonly signal: AbortSignal;
  readonly disarm: () => void;
  /** Stops following the outer signal. */
  readonly release: () => void;
  readonly expired: () => boolean;
}

/** A signal that also fires when no head of an answer came in time; once disarmed it only follows the outer one. */
function timeoutSignal(outer: AbortSignal, seconds: number): Timeout {
  const controller = new AbortController();
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    controller.abort();
  }, seconds * 1000);
  const follow = (): void => controller.abort(outer.reason);
  if (outer.aborted) follow();
  outer.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    disarm: () => clearTimeout(timer),
    release: () => outer.removeEventListener('abort', follow),
    expired: () => expired,
  };
}

function answerFrom(response: Response, request: HttpRequest): HttpAnswer {
  const guarded = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      throw explainFailure(error, request);
    }
  };
  return {
    status: response.status,
    url: response.url,
    header: (name) => response.headers.get(name) ?? undefined,
    headers: () => response.headers.entries(),
    text: () => guarded(() => response.text()),
    json: async () => {
      const text = await guarded(() => response.text());
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        const shown = reasonFromBody(text).slice(0, 80);
        throw new OperationError('NOT_JSON', `${request.method} ${withoutCredentials(request.url)} answered something that is not JSON: "${shown}"`, {}, error);
      }
    },
    body: response.body as Readable,
  };
}

async function errorFrom(response: Response, request: HttpRequest): Promise<HttpError> {
  const text = await response.text().catch(() => '');
  const location = response.headers.get('location');
  const reason = location && response.status < 400 ? `it redirects to ${withoutCredentials(location)}` : reasonFromBody(text);
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new HttpError({
    method: request.method,
    url: request.url,
    status: response.status,
    reason,
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
  });
}

interface Transport {
  readonly fetch: typeof fetch;
  readonly agentFor: (url: URL) => Agent;
}

/** Loads node-fetch when it is first asked for. "eager" has ncc keep it in the one file. */
function createTransport({ validateCerts, caCert, tlsMinimumVersion }: HttpSettings): () => Promise<Transport> {
  const tls: TlsSettings = { rejectUnauthorized: validateCerts, ...(caCert ? { ca: readCa(caCert) } : {}), ...(tlsMinimumVersion ? { minVersion: tlsMinimumVersion } : {}) };
  let loaded: Promise<Transport> | undefined;
  const load = async (): Promise<Transport> => {
    const { fetch, createAgents } = await import(/* webpackMode: "eager" */ './transport.js');
    return { fetch, agentFor: createAgents(tls) };
  };
  return () => (loaded ??= load());
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new InputError(`ca_cert: ${path} cannot be read (${messageOf(error)})`, 'ca_cert');
  }
}
