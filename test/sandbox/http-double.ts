// What all doubles share: a small HTTP server on a free port, its log of requests, and answers as
// values.

import { once } from 'node:events';
import http from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** One request that reached a double. */
export interface LoggedRequest {
  readonly method: string;
  /** Path without the query, as sent (still percent-encoded). */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The parsed body where it was JSON; undefined otherwise. */
  readonly body: unknown;
  /** What was answered; undefined while it was not. */
  readonly status: number | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  /** A plain object or an array is sent as JSON. */
  readonly body?: Buffer | string | Readable | object | undefined;
}

/** A request while it is handled. */
export interface Call {
  readonly method: string;
  /** Path without the query, percent-decoded by segment. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly message: IncomingMessage;
  /** The server's own address. */
  readonly url: string;
  /** Reads the body as JSON; undefined if it is not JSON. */
  json(): Promise<unknown>;
}

export interface HttpDouble {
  /** Without a slash at the end. */
  readonly url: string;
  readonly requests: readonly LoggedRequest[];
  /** Whether answers have a `Date`: one behind uwsgi sends none. */
  readonly clock: { isTold: boolean };
  close(): Promise<void>;
}

/** Thrown by a handler to answer something else than what it was about to. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`answered ${answer.status}`);
    this.answer = answer;
  }
}

type Log = { -readonly [key in keyof LoggedRequest]: LoggedRequest[key] };

/**
 * Starts a server on a free port of 127.0.0.1 that answers what `handle` returns; `now` is the
 * clock of its `Date`.
 */
export async function startHttpDouble(
  handle: (call: Call) => Answer | Promise<Answer>,
  now: () => number = Date.now,
): Promise<HttpDouble> {
  const requests: Log[] = [];
  const clock = { isTold: true };
  const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, (message, response) => {
    void serve(message, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = message;
    const { pathname: path, searchParams: query } = new URL(message.url ?? '/', url);
    const log: Log = { method, path, query, headers, body: undefined, status: undefined };
    requests.push(log);
    const call = { method, segments: segmentsOf(path), query, headers, message, url, json };
    async function json(): Promise<unknown> {
      log.body = parsed(await readAll(message));
      return log.body;
    }
    message.on('error', () => {});
    try {
      const answer = await answerOf(() => handle(call));
      log.status = answer.status;
      response.sendDate = false;
      const date = clock.isTold ? { Date: new Date(now()).toUTCString() } : {};
      await send({ ...answer, headers: { ...date, ...answer.headers } }, { method, message, response });
    } catch {
      response.destroy();
    }
  }

  async function close(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  return { url, requests, clock, close };
}

/** The header, if it was sent once. */
export function header(call: Pick<Call, 'headers'>, name: string): string | undefined {
  const value = call.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The whole of a body. */
export async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function answerOf(handle: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await handle();
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    // The double itself is wrong, or the client went away; the test has to see it either way.
    return { status: 500, body: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

async function send(
  { status, headers, body }: Answer,
  to: { method: string; message: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const { method, message, response } = to;
  const isStream = typeof body === 'object' && 'pipe' in body;
  const content = isStream || body === undefined ? Buffer.alloc(0) : bytes(body);
  const type =
    typeof body === 'object' && !isStream && !Buffer.isBuffer(body) ? 'application/json' : 'text/html; charset=UTF-8';
  const length = status === 204 || status === 304 || isStream ? {} : { 'Content-Length': content.length };
  // Closing on a client that still sends could lose the answer on its way.
  const linger = message.complete ? {} : { Connection: 'keep-alive' };
  response.writeHead(status, { 'Content-Type': type, ...length, ...linger, ...headers });
  if (isStream && method !== 'HEAD') return pipeline(body as Readable, response);
  response.end(method === 'HEAD' ? undefined : content);
  message.resume();
}

function bytes(body: Buffer | string | object): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function segmentsOf(path: string): string[] {
  return path.split('/').slice(1).map(decodeURIComponent);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}
