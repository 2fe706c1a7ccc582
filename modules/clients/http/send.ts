// One request, sent once: timeouts, interruption, the login in a URL, and clear errors.
import type fetch from 'node-fetch';
import type { Response } from 'node-fetch';
import { InputError, messageOf, OperationError } from '../../core/errors.js';
import { parseHttpDate } from '../../core/http-dates.js';
import { percentDecoded, withoutCredentials } from '../../core/urls.js';
import { longestPauseSeconds, readWhole, streamOf } from './body.js';
import type { HttpRequest, HttpSettings } from './client.js';
import { ConnectionError, explainFailure, explainTlsPort, HttpError, reasonFromBody, viaProxy } from './errors.js';
import type { Route } from './transport.js';

/** Only the beginning of an error's body is of interest. */
const largestErrorBytes = 64 * 1024;
const longestErrorSeconds = 10;

export interface Transport {
  readonly fetch: typeof fetch;
  readonly routeFor: (url: URL, keepAlive: boolean) => Route;
  /** Whether a port that plain HTTP failed with speaks TLS; asked once for each origin. */
  readonly speaksTls: (url: URL) => Promise<boolean>;
}

/**
 * The answer as soon as its head has arrived. Until its body has been read, an interruption of the
 * run ends it with the reason of the interruption.
 */
export async function send(
  request: HttpRequest,
  settings: HttpSettings,
  { fetch, routeFor, speaksTls }: Transport,
): Promise<Response> {
  const started = performance.now();
  const trace = (outcome: string): void =>
    settings.trace?.(
      `${request.method} ${withoutCredentials(request.url)} ${outcome} ${Math.round(performance.now() - started)} ms`,
    );
  const outer = request.signal ?? settings.signal;
  const seconds = request.timeoutSeconds ?? settings.timeoutSeconds;
  const { url, login } = splitLogin(request.url);
  const { agent, proxy } = routeFor(new URL(url), request.keepAlive ?? false);
  learnTokens(
    Object.entries({
      ...login,
      ...request.headers,
      ...(proxy?.authorization ? { 'Proxy-Authorization': proxy.authorization } : {}),
    }),
    settings,
  );
  const timeout = timeoutSignal(outer, seconds);
  try {
    const response = await fetch(url, {
      method: request.method,
      headers: { 'User-Agent': 'chameleon-image-tools', ...login, ...request.headers },
      redirect: 'manual',
      agent,
      compress: false,
      signal: timeout.signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    timeout.release();
    trace(String(response.status));
    learnTokens(response.headers, settings);
    followInterruption(response, outer);
    const expected = request.expect ? request.expect.includes(response.status) : response.ok;
    if (!expected)
      throw await errorFrom(
        response,
        { ...request, proxy: proxy?.shown },
        { seconds, redact: settings.redact ?? ((text) => text) },
      );
    return response;
  } catch (error) {
    timeout.release();
    outer.throwIfAborted();
    if (error instanceof OperationError) throw error;
    trace(messageOf(error));
    if (timeout.expired()) {
      const { origin } = new URL(request.url);
      throw new ConnectionError(
        'TIMEOUT',
        `${origin} did not answer ${request.method} within ${seconds} s${viaProxy({ proxy: proxy?.shown })}`,
        { url: withoutCredentials(request.url) },
        error,
      );
    }
    const failure = explainFailure(error, { ...request, proxy: proxy?.shown });
    const isTlsPort = !proxy && isPlainFailure(failure, url) && (await speaksTls(new URL(url)));
    outer.throwIfAborted();
    throw isTlsPort ? explainTlsPort(error, request) : failure;
  }
}

/** What a server of TLS looks like to plain HTTP: it hangs up, or answers something else. */
function isPlainFailure({ code }: OperationError, url: string): boolean {
  return url.startsWith('http:') && (code === 'CONNECTION_BROKEN' || code === 'NOT_HTTP');
}

const tokenHeaders =
  /^(?:x-(?:auth|subject|service)-token|authorization|proxy-authorization|x-openstack-ironic-api-token|set-cookie)$/i;

function learnTokens(headers: Iterable<readonly [string, string]>, { learnSecrets }: HttpSettings): void {
  const tokens = [...headers]
    .filter(([name]) => tokenHeaders.test(name))
    .map(([, value]) => value.replace(/^(?:basic|bearer)\s+/i, ''));
  if (tokens.length > 0) learnSecrets?.(tokens);
}

/** node-fetch refuses a URL with a login; curl and requests send the login as a header. */
function splitLogin(text: string): { url: string; login: Record<string, string> } {
  if (!URL.canParse(text)) throw new InputError(`${JSON.stringify(withoutCredentials(text))} is not a URL`);
  const url = new URL(text);
  if (url.username === '' && url.password === '') return { url: url.href, login: {} };
  const pair = [url.username, url.password].map(percentDecoded).join(':');
  url.username = '';
  url.password = '';
  return { url: url.href, login: { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

interface Timeout {
  readonly signal: AbortSignal;
  /** Ends the timeout, and stops following the outer signal. */
  readonly release: () => void;
  readonly expired: () => boolean;
}

/**
 * A signal that is aborted if the head of an answer does not arrive in time, and with the outer
 * signal.
 */
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
    release: () => {
      clearTimeout(timer);
      outer.removeEventListener('abort', follow);
    },
    expired: () => expired,
  };
}

/** node-fetch would only say "aborted"; the reader of the body should learn the reason. */
function followInterruption(response: Response, outer: AbortSignal): void {
  const stream = streamOf(response);
  const follow = (): void => void stream.destroy(outer.reason);
  // The connection may break while nobody is reading.
  stream.on('error', () => undefined);
  stream.once('close', () => outer.removeEventListener('abort', follow));
  if (outer.aborted) follow();
  else outer.addEventListener('abort', follow, { once: true });
}

async function errorFrom(
  response: Response,
  request: HttpRequest & { readonly proxy: string | undefined },
  { seconds, redact }: { seconds: number; redact: (text: string) => string },
): Promise<HttpError> {
  const text = redact(await errorText(response, request, seconds));
  const location = response.headers.get('location');
  const { method, url, proxy } = request;
  const reason =
    location && response.status < 400 ? `it redirects to ${withoutCredentials(location)}` : reasonFromBody(text);
  return new HttpError({
    method,
    url,
    proxy,
    status: response.status,
    reason,
    retryAfterSeconds: retryAfterOf(response),
  });
}

/**
 * The text of an error's body, or an empty one: a body that is too long, stalls or breaks off must
 * not hide the status.
 */
async function errorText(response: Response, { url }: HttpRequest, timeoutSeconds: number): Promise<string> {
  const limits = {
    url,
    maxBytes: largestErrorBytes,
    beyond: 'cut',
    stallSeconds: longestPauseSeconds(timeoutSeconds),
    deadline: performance.now() + longestErrorSeconds * 1000,
  } as const;
  const bytes = await readWhole(streamOf(response), limits).catch(() => Buffer.alloc(0));
  return bytes.toString('utf8');
}

/**
 * Retry-After is a number of seconds, or a date, which is compared with the server's own clock if
 * known.
 */
function retryAfterOf({ headers }: Response): number | undefined {
  const text = headers.get('retry-after')?.trim();
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const then = parseHttpDate(text);
  return then === undefined
    ? undefined
    : Math.max((then - (parseHttpDate(headers.get('date') ?? undefined) ?? Date.now())) / 1000, 0);
}
