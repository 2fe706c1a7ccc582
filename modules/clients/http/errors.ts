import { optionText } from '../../core/option-text.js';
import { messageOf, OperationError, type Facts } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { withoutCredentials } from '../../core/urls.js';

interface RefusedRequest {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds?: number | undefined;
  readonly proxy?: string | undefined;
}

/** The server answered, with a status that the caller did not expect. */
export class HttpError extends OperationError {
  override readonly name = 'HttpError';
  /** The request and its answer, for errors that add to it. */
  readonly answer: RefusedRequest;
  readonly status: number;
  /** Seconds from the answer's Retry-After, if any. */
  readonly retryAfterSeconds: number | undefined;

  constructor(answer: RefusedRequest) {
    const { method, status, reason } = answer;
    const url = withoutCredentials(answer.url);
    super('HTTP_ERROR', `${method} ${url} answered ${status}${viaProxy(answer)}${reason ? `: ${reason}` : ''}`, {
      method,
      url,
      status,
    });
    this.answer = { ...answer, url };
    this.status = status;
    this.retryAfterSeconds = answer.retryAfterSeconds;
  }
}

/** There was no usable answer: name resolution, connection, timeout, TLS, or a broken stream. */
export class ConnectionError extends OperationError {
  override readonly name = 'ConnectionError';
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof HttpError ? error.status : undefined;
}

export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 404;
}

/**
 * Whether it is unknown if the service has done what the request asked for, so that its state has
 * to be read again. Ironic answers 500 to an image reference that it rejects, which is decided.
 */
export function isUndecided(error: unknown): boolean {
  if (error instanceof HttpError)
    return [500, 502, 503, 504].includes(error.status) && !/Validation of image href/i.test(error.message);
  return error instanceof ConnectionError && error.code !== 'CERTIFICATE_REJECTED';
}

/** Whether an answer began and then paused for too long. */
export function hasStalled(error: unknown): boolean {
  return error instanceof ConnectionError && error.code === 'STALLED';
}

/** Prefix of the code of an error between this host and a proxy. */
export const proxyFaultPrefix = 'PROXY_';
/** Prefix of the code of a proxy's refusal to connect; its status follows. */
export const refusedConnectPrefix = 'CONNECT_';

const certificateFaults: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its chain ends in a self-signed certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not known on this host',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not known on this host',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not known on this host',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_SIGNATURE_FAILURE: 'its signature does not match the CA that was given',
  CERT_UNTRUSTED: 'its CA is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it was issued for another host name',
};

const connectionFaults: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'there was no answer in time',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was closed too early',
  EPROTO: 'the TLS handshake failed; is this plain HTTP, or another version of TLS?',
};

/** A failed handshake. Newer releases of Node.js have a code for each fault of OpenSSL. */
export function isTlsFault(code: unknown): boolean {
  return code === 'EPROTO' || String(code).startsWith('ERR_SSL_');
}

/** Errors after the connection was established. */
const brokenConnections: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

/** What a failure is about. `proxy` is the proxy of the request, as in `Proxy.shown`. */
interface Failed {
  readonly method: string;
  readonly url: string;
  readonly proxy?: string | undefined;
}

/**
 * Converts an error of the transport: CERTIFICATE_REJECTED, NOT_HTTP, PROXY_REFUSED, UNREACHABLE,
 * or CONNECTION_BROKEN once bytes were transferred.
 */
export function explainFailure(error: unknown, request: Failed): OperationError {
  if (error instanceof OperationError) return error;
  const whole = codeOf(error);
  const isProxyFault = whole.startsWith(proxyFaultPrefix);
  const code = isProxyFault ? whole.slice(proxyFaultPrefix.length) : whole;
  const url = withoutCredentials(request.url);
  const origin = URL.canParse(request.url) ? new URL(request.url).origin : url;
  const facts = { method: request.method, url, cause: code };
  const peer = isProxyFault ? `the proxy ${request.proxy}` : origin;
  const certificateFault = certificateFaults[code];
  if (certificateFault) {
    const message =
      `the certificate of ${peer} was rejected: ${certificateFault} (${code}); ` +
      `name its CA with ${optionText('ca_cert')}`;
    return new ConnectionError('CERTIFICATE_REJECTED', message, facts, error);
  }
  if (code.startsWith(refusedConnectPrefix))
    return refusedByProxy(Number(code.slice(refusedConnectPrefix.length)), {
      origin,
      proxy: request.proxy,
      facts,
      error,
    });
  if (code.startsWith('HPE_'))
    return new ConnectionError(
      'NOT_HTTP',
      `${request.method} ${url} was answered with something that is not valid HTTP${viaProxy(request)}: ` +
        `${messageOf(error)}`,
      facts,
      error,
    );
  if (brokenConnections.has(code) && !isProxyFault) return explainBreak(error, request);
  const why = `${connectionFaults[isTlsFault(code) ? 'EPROTO' : code] ?? messageOf(error)}${code ? ` (${code})` : ''}`;
  return new ConnectionError(
    'UNREACHABLE',
    isProxyFault
      ? `${origin} cannot be reached: ${peer} failed: ${why}`
      : `${origin} cannot be reached${viaProxy(request)}: ${why}`,
    facts,
    error,
  );
}

/** The code of an error between plain HTTP and a port that speaks TLS. */
export const tlsPortCause = 'TLS_PORT';

/** Converts the error of a request in plain HTTP to a port that speaks TLS. */
export function explainTlsPort(error: unknown, { method, url: given }: Failed): OperationError {
  const url = withoutCredentials(given);
  const { host } = new URL(given);
  return new ConnectionError(
    'NOT_HTTP',
    `http://${host} speaks TLS and does not answer plain HTTP: the URL must begin with https://`,
    { method, url, cause: tlsPortCause },
    error,
  );
}

function refusedByProxy(
  status: number,
  { origin, proxy, facts, error }: { origin: string; proxy: string | undefined; facts: Facts; error: unknown },
): OperationError {
  const cure = status === 407 ? ': it requires a login, which must be part of its URL' : '';
  return new ConnectionError(
    'PROXY_REFUSED',
    `the proxy ${proxy} does not connect to ${origin} and answers ${status}${cure}`,
    facts,
    error,
  );
}

/** Names the proxy, within a sentence or at its end. */
export function viaProxy({ proxy }: Pick<Failed, 'proxy'>): string {
  return proxy === undefined ? '' : ` through the proxy ${proxy}`;
}

/** Converts an error that ended a body which had begun. */
export function explainBreak(error: unknown, request: Failed): OperationError {
  if (error instanceof OperationError) return error;
  const code = codeOf(error);
  const url = withoutCredentials(request.url);
  return new ConnectionError(
    'CONNECTION_BROKEN',
    `${request.method} ${url} broke off${viaProxy(request)}: ${connectionFaults[code] ?? messageOf(error)}`,
    { method: request.method, url, cause: code },
    error,
  );
}

function codeOf(error: unknown): string {
  for (let cause = error; isMapping(cause); cause = cause.cause) {
    if (typeof cause.code === 'string') return cause.code;
  }
  return '';
}

/**
 * The sentence in a service's error body, which Keystone, Nova, Ironic and Glance each wrap
 * differently.
 */
export function reasonFromBody(text: string): string {
  const sentence =
    sentenceIn(parseJson(text)) ?? text.replace(/<(title|head|style)>[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ');
  const tidy = sentence
    .replace(
      /&(quot|#x27|#39|lt|gt|amp);/g,
      (_, name: string) => ({ quot: '"', '#x27': "'", '#39': "'", lt: '<', gt: '>', amp: '&' })[name] ?? '',
    )
    .replace(/[\s\u0000-\u001f]+/g, ' ')
    .trim();
  return tidy.length > 400 ? `${tidy.slice(0, 399)}…` : tidy;
}

function sentenceIn(body: unknown): string | undefined {
  if (typeof body === 'string') return sentenceIn(parseJson(body)) ?? body;
  if (typeof body !== 'object' || body === null) return undefined;
  const record: Readonly<Record<string, unknown>> = { ...body };
  for (const key of ['message', 'faultstring', 'error_message', 'error', 'detail', 'description', 'title']) {
    const found = sentenceIn(record[key]);
    if (found) return found;
  }
  const inner = Object.values(body);
  return inner.length === 1 ? sentenceIn(inner[0]) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
