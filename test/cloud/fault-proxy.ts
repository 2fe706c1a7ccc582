// A reverse proxy that tests put in front of a real service or a double, to break what passes
// through it: see fault.ts. Links and catalogues in bodies are left alone, so clients are given the
// proxy's URL as their endpoint override.

import { once } from 'node:events';
import http from 'node:http';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { CutError, relay } from './fault-relay.js';
import { faultList } from './fault.js';
import type { ActiveFault, Fault, RecordedRequest } from './fault.js';

export type { ActiveFault, Fault, Hook, RecordedRequest } from './fault.js';

export interface FaultProxy {
  /** The address to use in place of the target's, without a slash at the end. */
  readonly url: string;
  /** All requests since the start, in the order of their arrival. */
  readonly requests: readonly RecordedRequest[];
  addFault(fault: Fault): ActiveFault;
  clearFaults(): void;
  /** Stops listening and kills what is still open. */
  close(): Promise<void>;
}

type Record = { -readonly [key in keyof RecordedRequest]: RecordedRequest[key] };

/** One request on its way: what came, where it goes, what is to happen to it. */
interface Exchange {
  readonly target: URL;
  readonly effect: Fault;
  readonly record: Record;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the client's connection is gone. */
  readonly over: AbortSignal;
}

/**
 * Starts a proxy on a free port of 127.0.0.1; the path of `targetUrl`, if any, is put before each
 * request's path.
 */
export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  const faults = faultList();
  const requests: Record[] = [];
  const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
    const record = recordOf(request);
    requests.push(record);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    void carryOut({ target, effect: faults.effectOn(record), record, request, response, over: gone.signal });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function close(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, addFault: faults.add, clearFaults: faults.clear, close };
}

function recordOf(request: IncomingMessage): Record {
  const { method = 'GET', url: path = '/', headers } = request;
  return {
    method,
    path,
    headers,
    bytesReceived: 0,
    bytesSent: 0,
    status: undefined,
    targetStatus: undefined,
    error: undefined,
  };
}

/**
 * Takes one request through its whole life; whatever fails on the way ends the client's connection.
 */
async function carryOut(exchange: Exchange): Promise<void> {
  const { effect, record, request, response, over } = exchange;
  const { socket } = request;
  // An upload's socket may fail after its fate was decided here; without a listener that would end
  // the test process.
  request.on('error', () => {});
  response.on('error', () => {});
  try {
    await effect.before?.(record);
    if (effect.delaySeconds !== undefined) await sleep(effect.delaySeconds * 1000, undefined, { signal: over });
    if (effect.status === undefined) await forward(exchange);
    else await answerInstead(exchange, effect.status);
    await effect.after?.(record);
  } catch (error) {
    record.error = error instanceof Error ? error.message : String(error);
    socket.destroy();
  }
}

async function answerInstead({ effect, record, request, response }: Exchange, status: number): Promise<void> {
  request.on('data', (chunk: Buffer) => (record.bytesReceived += chunk.length));
  if (effect.answerWhen !== 'at-once') await finished(request, { writable: false });
  const body = Buffer.from(effect.body ?? '');
  record.status = status;
  if (effect.endless === true) return answerEndlessly({ effect, record, response }, status, body);
  record.bytesSent = body.length;
  response.writeHead(status, {
    'Content-Type': 'text/plain',
    'Content-Length': body.length,
    ...linger(request),
    ...effect.setHeaders,
  });
  response.end(body);
  await finished(response);
}

/** Sends until the client has gone. */
async function answerEndlessly(
  { effect, record, response }: Pick<Exchange, 'effect' | 'record' | 'response'>,
  status: number,
  body: Buffer,
): Promise<void> {
  response.writeHead(status, { 'Content-Type': 'application/json', ...effect.setHeaders });
  const chunk = body.length > 0 ? body : Buffer.alloc(64 * 1024, ' ');
  while (!response.destroyed) {
    record.bytesSent += chunk.length;
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
}

async function forward(exchange: Exchange): Promise<void> {
  const { effect, record, request, response, over } = exchange;
  const upstream = openUpstream(exchange);
  over.addEventListener('abort', () => upstream.destroy(), { once: true });
  try {
    const answer = await exchangeBodies(exchange, upstream);
    record.targetStatus = answer.statusCode;
    if (effect.passThenCut === true) {
      await finished(answer.resume());
      throw new CutError('answer lost');
    }
    await effect.answered?.(record);
    await sendAnswer(exchange, answer);
    await finished(response);
  } catch (error) {
    upstream.destroy();
    throw error;
  }
  // The target answered before the end of the upload: what still comes is read and dropped.
  if (!request.complete) upstream.destroy();
}

function openUpstream({ target, effect, request }: Exchange): ClientRequest {
  const hidden = ['host', 'connection', 'keep-alive', 'expect'];
  if (effect.ignoreRange === true) hidden.push('range', 'if-range', 'if-match');
  return http.request({
    host: target.hostname,
    port: target.port,
    method: request.method,
    path: target.pathname.replace(/\/$/, '') + (request.url ?? '/'),
    headers: ['Host', target.host, 'Connection', 'close', ...without(request.rawHeaders, hidden)],
    agent: false,
  });
}

/**
 * Sends the client's body to the target until the target answers, which may be before the whole
 * body was sent.
 */
async function exchangeBodies(
  { effect, record, request, over }: Exchange,
  upstream: ClientRequest,
): Promise<IncomingMessage> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once('response', resolve).on('error', reject);
    upstream.once('close', () => reject(new Error('the target closed the connection without an answer')));
  });
  const shape = {
    cutAfter: effect.cutRequestAfter,
    stallAfter: effect.stallRequestAfter,
    bytesPerSecond: effect.throttleBytesPerSecond,
  };
  const sent = relay(request, upstream, { shape, over, count: (bytes) => (record.bytesReceived += bytes) });
  const whole = sent.then(() => void upstream.end());
  // After an early answer nobody waits for the rest of the body.
  whole.catch(() => upstream.destroy());
  return Promise.race([answered, whole.then(() => answered)]);
}

async function sendAnswer(
  { effect, record, request, response, over }: Exchange,
  answer: IncomingMessage,
): Promise<void> {
  const set = effect.setHeaders ?? {};
  const hidden = ['connection', 'keep-alive', ...(effect.dropHeaders ?? []), ...Object.keys(set)];
  record.status = answer.statusCode;
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', [
    ...without(answer.rawHeaders, hidden),
    ...listed({ ...linger(request), ...set }),
  ] as unknown as OutgoingHttpHeaders);
  const shape = {
    cutAfter: effect.cutResponseAfter,
    stallAfter: effect.stallResponseAfter,
    wrongBytes: effect.wrongBytes,
    bytesPerSecond: effect.throttleBytesPerSecond,
  };
  await relay(answer, response, { shape, over, count: (bytes) => (record.bytesSent += bytes) });
  response.end();
}

/**
 * Keeps the connection open where the client still sends: closing it now could lose the answer on
 * its way.
 */
function linger(request: IncomingMessage): OutgoingHttpHeaders {
  return request.complete ? {} : { Connection: 'keep-alive' };
}

/** The headers, as the flat list that node gives and takes, without the hidden ones. */
function without(rawHeaders: readonly string[], hidden: readonly string[]): string[] {
  const names = new Set(hidden.map((name) => name.toLowerCase()));
  return rawHeaders.filter((_, at) => !names.has(rawHeaders[at - (at % 2)]!.toLowerCase()));
}

function listed(headers: OutgoingHttpHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
}
