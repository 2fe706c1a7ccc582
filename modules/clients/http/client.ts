// The only way to the network: one request, one answer, with time-outs, TLS, proxies and repetition of safe requests.
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import pRetry from 'p-retry';
import { InputError, messageOf } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import { answerFrom, type AnswerReading } from './answer.js';
import { HttpError } from './errors.js';
import { followRedirects } from './redirects.js';
import { isWorthRepeating, repetitions, retryAfterSeconds } from './retry.js';
import { send, type Transport } from './send.js';
import type { Environment } from '../../core/operation.js';
import type { RouteSettings } from './transport.js';

export interface HttpSettings {
  /** A PEM file with CAs to trust beside those of Node.js and the system: the cloud may have its own, and the image store a public one. */
  readonly caCert?: string | undefined;
  readonly validateCerts: boolean;
  /** A PEM file with the certificate that is shown to a service which asks for one, and its key where that is another file. */
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
  /** The oldest version of TLS that is spoken; Node.js's own default unless given. */
  readonly tlsMinimumVersion?: RouteSettings['minVersion'];
  /** Names proxies (`https_proxy`, `no_proxy` …) and CAs (`SSL_CERT_FILE` …); without it there are no proxies. */
  readonly environment?: Environment | undefined;
  /** Longest wait for the head of an answer, in seconds. Its body may take longer in all, but not pause for as long. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** The first pause before a repetition, in milliseconds; each further one is twice as long. */
  readonly firstPauseMs?: number;
  /** Told of every request: method, URL without credentials, status or fault, milliseconds. */
  readonly trace?: (line: string) => void;
  /** Told of every token that is sent or issued: a service may give it back in its words. */
  readonly learnSecrets?: (secrets: readonly string[]) => void;
  /** Hides secrets. What a service says goes through it before it is shortened, which could cut a secret in two. */
  readonly redact?: (text: string) => string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent once: such a request is never repeated here. */
  readonly body?: string | Readable;
  /** Statuses that are an answer rather than an error; any 2xx unless given. */
  readonly expect?: readonly number[];
  /**
   * False for a request that must not be sent twice. GET, HEAD, PUT of text and DELETE may be by default; POST and PATCH may not. `when-busy`:
   * only where the server answers that it is, and not where it does not answer.
   */
  readonly repeatable?: boolean | 'when-busy';
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  /** Redirects are followed only where no token is sent along, at most ten, and never from https to http. */
  readonly followRedirects?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  /** The URL that answered, after redirects. */
  readonly url: string;
  header(name: string): string | undefined;
  /** All of them, names in lower case. */
  headers(): Iterable<[name: string, value: string]>;
  /**
   * The body, decoded. Where the connection breaks meanwhile, a repeatable request is sent again. Throws ANSWER_TOO_LARGE beyond `maxBytes`
   * (64 MiB unless given), TIMEOUT where it does not come to an end, SOURCE_ENCODED where it is compressed.
   */
  text(limits?: { readonly maxBytes?: number }): Promise<string>;
  /** As `text`, and parsed. Throws NOT_JSON. */
  json(): Promise<unknown>;
  /** At most the first `maxBytes` of the body, which is then closed. */
  beginning(maxBytes: number): Promise<Buffer>;
  /** For `readBody`, which closes it; whoever wants nothing of it must. */
  readonly body: Readable;
}

export type HttpClient = (request: HttpRequest) => Promise<HttpAnswer>;

/** Makes a client. Throws INVALID_INPUT when the CA file cannot be read. */
export function createHttpClient(settings: HttpSettings): HttpClient {
  const transport = createTransport(settings);
  // Each request under way listens to it, and there may be more than the ten after which Node.js suspects a leak.
  setMaxListeners(0, settings.signal);
  const request: HttpClient = (wanted) => sendRepeatedly(wanted, settings, transport);
  const following = followRedirects(request, () => ({}));
  return (wanted) => (wanted.followRedirects ? following(wanted) : request(wanted));
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
    // Called for what is not repeated too.
    onFailedAttempt: (error) =>
      error.retriesLeft > 0 && mayRepeat(error) ? sleep(retryAfterSeconds(error) * 1000, signal) : undefined,
    signal,
  });
  const reading: AnswerReading = {
    timeoutSeconds: request.timeoutSeconds ?? settings.timeoutSeconds,
    signal,
    firstPauseMs: settings.firstPauseMs ?? 500,
    redact: settings.redact ?? ((text) => text),
    // A deletion was done when its answer began.
    repetitions: repeatable && request.method !== 'DELETE' ? mostRepetitions : 0,
    resend: async (timeoutSeconds) => send({ ...request, timeoutSeconds }, settings, await transport()),
  };
  return answerFrom(response, request, reading);
}

/** Loads node-fetch when it is first asked for. "eager" has ncc keep it in the one file. */
function createTransport({
  validateCerts,
  caCert,
  clientCert,
  clientKey,
  tlsMinimumVersion,
  environment = {},
  timeoutSeconds,
}: HttpSettings): () => Promise<Transport> {
  const routes: RouteSettings = {
    rejectUnauthorized: validateCerts,
    environment,
    timeoutSeconds,
    ...(caCert ? { ca: readCertificates(caCert, 'ca_cert') } : {}),
    ...(clientCert ? { cert: readCertificates(clientCert, 'cert'), key: textOf(clientKey || clientCert, 'key') } : {}),
    ...(tlsMinimumVersion ? { minVersion: tlsMinimumVersion } : {}),
  };
  let loaded: Promise<Transport> | undefined;
  const load = async (): Promise<Transport> => {
    const { fetch, createRoutes } = await import(/* webpackMode: "eager" */ './transport.js');
    return { fetch, routeFor: createRoutes(routes) };
  };
  return () => (loaded ??= load());
}

function readCertificates(path: string, field: string): string {
  const text = textOf(path, field);
  if (/-----BEGIN (TRUSTED )?CERTIFICATE-----/.test(text)) return text;
  throw new InputError(`${field}: ${path} has no certificate in it; it must be a file in PEM`, field);
}

function textOf(path: string, field: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    throw new InputError(`${field}: ${path} cannot be read (${messageOf(error)})`, field);
  }
}
