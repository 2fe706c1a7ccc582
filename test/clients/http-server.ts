// A server whose answers a test scripts, down to the bytes on the wire.
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import { createHttpClient, type HttpClient, type HttpSettings } from '../../modules/clients/http/client.js';

export type ScriptedAnswer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly server: http.Server;
  /** Such as `GET /path`, in the order in which they came. */
  readonly seen: string[];
  /** Answers the requests in turn, the last answer for all that follow. */
  answer(...answers: ScriptedAnswer[]): void;
  close(): void;
}

/** Its port, a free one. */
export async function listenOnLoopback(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const seen: string[] = [];
  let answers: ScriptedAnswer[] = [];
  const server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    request.socket.on('error', () => undefined);
    (answers.length > 1 ? answers.shift() : answers[0])?.(request, response);
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    seen,
    answer: (...scripted) => void (answers = scripted),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Sends these bytes as they are, then does what is asked with the connection. */
export function raw(bytes: string, end: 'reset' | 'close' | 'wait'): ScriptedAnswer {
  return ({ socket }) => {
    socket.write(bytes, () => {
      if (end === 'reset') setImmediate(() => socket.resetAndDestroy());
      if (end === 'close') socket.end();
    });
  };
}

/** A body that never ends. */
export function endless(status: number, chunk = Buffer.alloc(64 * 1024, ' ')): ScriptedAnswer {
  return (_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  };
}

export function testClient(settings: Partial<HttpSettings> = {}): HttpClient {
  return createHttpClient({
    validateCerts: true,
    timeoutSeconds: 5,
    firstPauseMs: 1,
    signal: new AbortController().signal,
    ...settings,
  });
}
