// The only access to the network: one request, one answer, with timeouts, TLS, proxies, and retries
// of safe requests.
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import pRetry from 'p-retry';
import { InputError, messageOf } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import { answerFrom, type AnswerReading } from './answer.js';
import type { OnCertificate } from './certificate-watch.js';
import { certificatesIn, isReadable } from './certificates.js';
import { HttpError } from './errors.js';
import { followRedirects } from './redirects.js';
import { isWorthRepeating, repetitions, retryAfterSeconds } from './retry.js';
import { send, type Transport } from './send.js';
import type { Environment } from '../../core/operation.js';
import type { RouteSettings } from './transport.js';

export interface HttpSettings {
  /**
   * A PEM file with CAs to trust in addition to those of Node.js and the system: the cloud may have
   * its own, and the image store a public one.
   */
  readonly caCert?: string | undefined;
  readonly validateCerts: boolean;
  /**
   * A PEM file with the client certificate for services that ask for one, and the file of its key
   * if that is another one.
   */
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
  /** The oldest version of TLS to use; by default that of Node.js. */
  readonly tlsMinimumVersion?: RouteSettings['minVersion'];
  /**
   * The variables that name proxies (`https_proxy`, `no_proxy` …) and CAs (`SSL_CERT_FILE` …);
   * without it no proxies are used.
   */
  readonly environment?: Environment | undefined;
  /**
   * How long to wait for the head of an answer, in seconds. Its body may take longer in all, but
   * may not pause that long.
   */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Called with the certificate of each server that speaks TLS. */
  readonly onCertificate?: OnCertificate | undefined;
  /** The first pause before a retry, in milliseconds; each further one is twice as long. */
  readonly firstPauseMs?: number;
  /** Called for every request: method, URL without credentials, status or error, milliseconds. */
  readonly trace?: (line: string) => void;
  /**
   * Called with every token that is sent or issued, since a service may quote it in its messages.
   */
  readonly learnSecrets?: (secrets: readonly string[]) => void;
  /**
   * Hides secrets. Messages of a service pass through it before they are shortened, which could cut
   * a secret in two.
   */
  readonly redact?: (text: string) => string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream can only be sent once, so such a request is never repeated here. */
  readonly body?: string | Readable;
  /** Statuses that are not an error; by default any 2xx. */
  readonly expect?: readonly number[];
  /**
   * False for a request that must not be sent twice. By default GET, HEAD, DELETE, and PUT of a
   * text are repeated, POST and PATCH are not. `when-busy`: only if the server answers that it is
   * busy, not if it does not answer.
   */
  readonly repeatable?: boolean | 'when-busy';
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  /**
   * Redirects are followed only if no token is sent, at most ten of them, and never from https to
   * http.
   */
  readonly followRedirects?: boolean;
  /**
   * Whether another such request may use the same connection: for a series of requests that may be
   * repeated. By default each has a connection of its own.
   */
  readonly keepAlive?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  /** The URL of the answer, after redirects. */
  readonly url: string;
  header(name: string): string | undefined;
  /** All headers, with names in lower case. */
  headers(): Iterable<[name: string, value: string]>;
  /**
   * The body. A repeatable request is repeated if the connection breaks meanwhile. Throws
   * ANSWER_TOO_LARGE beyond `maxBytes` (by default 64 MiB), TIMEOUT if the body does not end in
   * time, SOURCE_ENCODED if it is compressed.
   */
  bytes(limits?: { readonly maxBytes?: number }): Promise<Buffer>;
  /** The same, decoded. */
  text(limits?: { readonly maxBytes?: number }): Promise<string>;
  /** The same, parsed. Throws NOT_JSON. */
  json(): Promise<unknown>;
  /** At most the first `maxBytes` of the body; the rest is discarded. */
  beginning(maxBytes: number): Promise<Buffer>;
  /** To be read with `readBody`, which closes it, or else to be destroyed. */
  readonly body: Readable;
}

export type HttpClient = (request: HttpRequest) => Promise<HttpAnswer>;

/** Creates a client. Throws INVALID_INPUT if the CA file cannot be read. */
export function createHttpClient(settings: HttpSettings): HttpClient {
  const transport = createTransport(settings);
  // Each request in progress adds a listener; Node.js would warn about more than ten.
  setMaxListeners(0, settings.signal);
  const once: HttpClient = (request) => sendRepeatedly(request, settings, transport);
  const following = followRedirects(once, () => ({}));
  return (request) => (request.followRedirects ? following(request) : once(request));
}

const mostRepetitions = 3;

async function sendRepeatedly(
  request: HttpRequest,
  settings: HttpSettings,
  transport: () => Promise<Transport>,
): Promise<HttpAnswer> {
  const repeatable =
    request.repeatable ??
    (['GET', 'HEAD', 'DELETE'].includes(request.method) ||
      (request.method === 'PUT' && typeof request.body === 'string'));
  const mayRepeat = (error: unknown): boolean =>
    isWorthRepeating(error) && (repeatable !== 'when-busy' || error instanceof HttpError);
  const signal = request.signal ?? settings.signal;
  const response = await pRetry(async () => send(request, settings, await transport()), {
    ...repetitions(repeatable ? mostRepetitions : 0, settings.firstPauseMs),
    shouldRetry: mayRepeat,
    // p-retry also calls this if it does not retry.
    onFailedAttempt: (error) =>
      error.retriesLeft > 0 && mayRepeat(error) ? sleep(retryAfterSeconds(error) * 1000, signal) : undefined,
    signal,
  });
  const reading: AnswerReading = {
    timeoutSeconds: request.timeoutSeconds ?? settings.timeoutSeconds,
    signal,
    firstPauseMs: settings.firstPauseMs ?? 500,
    redact: settings.redact ?? ((text) => text),
    // The deletion was already done when the answer began.
    repetitions: repeatable && request.method !== 'DELETE' ? mostRepetitions : 0,
    resend: async (timeoutSeconds) => send({ ...request, timeoutSeconds }, settings, await transport()),
  };
  return answerFrom(response, request, reading);
}

/** Loads node-fetch on first use. "eager" makes ncc keep it in the same file. */
function createTransport({
  validateCerts,
  caCert,
  clientCert,
  clientKey,
  tlsMinimumVersion,
  environment = {},
  timeoutSeconds,
  onCertificate,
}: HttpSettings): () => Promise<Transport> {
  const routes: RouteSettings = {
    rejectUnauthorized: validateCerts,
    environment,
    timeoutSeconds,
    ...(caCert ? { ca: readAuthorities(caCert) } : {}),
    ...(clientCert ? { cert: readCertificates(clientCert, 'cert'), key: textOf(clientKey || clientCert, 'key') } : {}),
    ...(tlsMinimumVersion ? { minVersion: tlsMinimumVersion } : {}),
    ...(onCertificate ? { onCertificate } : {}),
  };
  let loaded: Promise<Transport> | undefined;
  const load = async (): Promise<Transport> => {
    const { fetch, createRoutes, askForTls } = await import(/* webpackMode: "eager" */ './transport.js');
    return { fetch, routeFor: createRoutes(routes), speaksTls: askForTls() };
  };
  return () => (loaded ??= load());
}

/** What Node.js cannot read it would leave out without a word. */
function readAuthorities(path: string): string {
  const text = readCertificates(path, 'ca_cert');
  if (certificatesIn(text).some(isReadable)) return text;
  throw new InputError(`ca_cert: ${path} contains no certificate that can be read; it may be cut off`, 'ca_cert');
}

function readCertificates(path: string, field: string): string {
  const text = textOf(path, field);
  if (/-----BEGIN (TRUSTED )?CERTIFICATE-----/.test(text)) return text;
  throw new InputError(`${field}: ${path} contains no certificate; it must be a PEM file`, field);
}

function textOf(path: string, field: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    throw new InputError(`${field}: ${path} cannot be read (${messageOf(error)})`, field);
  }
}
