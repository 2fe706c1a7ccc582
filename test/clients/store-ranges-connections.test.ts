// The connections that the parts of an object are read by.
import { afterEach, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import http, { type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { probeObject } from '../../modules/clients/store/reading.js';
import { readSource } from '../../modules/clients/store/source.js';
import { listenOnLoopback } from './http-server.js';

const content = randomBytes(6_000_000);
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
let server: http.Server;

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A store of one object that is slow for each connection, and what it saw. */
async function openStore(onSent: (response: ServerResponse) => void) {
  const seen = { connections: 0, parts: 0 };
  server = http.createServer((request, response) => {
    const [, from = '0', to = String(content.length - 1)] =
      /^bytes=(\d+)-(\d+)?$/.exec(request.headers.range ?? '') ?? [];
    const part = content.subarray(Number(from), Number(to) + 1);
    const isPart = request.headers.range !== undefined;
    if (isPart) seen.parts += 1;
    response.writeHead(isPart ? 206 : 200, {
      etag: '"1"',
      'content-length': part.length,
      ...(isPart ? { 'content-range': `bytes ${from}-${to}/${content.length}` } : {}),
    });
    void (async () => {
      for (let at = 0; request.method === 'GET' && at < part.length && !response.destroyed; at += 50_000) {
        response.write(part.subarray(at, at + 50_000));
        await delay(10);
      }
      response.end(() => onSent(response));
    })();
  });
  server.on('connection', () => (seen.connections += 1));
  return { url: `http://127.0.0.1:${await listenOnLoopback(server)}/disk`, seen };
}

async function read(url: string): Promise<string> {
  const { signal } = new AbortController();
  const client = createHttpClient({ validateCerts: true, timeoutSeconds: 5, firstPauseMs: 1, signal });
  const { object } = await probeObject(client, url);
  const chunks: Buffer[] = [];
  const options = { http: client, signal, stallSeconds: 2, budgetSeconds: 5, firstPauseMs: 1 };
  const parts = { connections: 4, segmentBytes: 250_000, onInterruption: () => undefined };
  for await (const chunk of readSource(object, { ...options, ...parts })) chunks.push(chunk);
  return sha256(Buffer.concat(chunks));
}

test('one connection serves many parts', async () => {
  const { url, seen } = await openStore(() => undefined);
  expect(await read(url)).toBe(sha256(content));

  expect(seen.parts).toBeGreaterThan(10);
  // One for each question before, the first of the data, and four for the parts.
  expect(seen.connections).toBeLessThan(10);
});

test('a store may close each connection after a part without saying so', async () => {
  const { url, seen } = await openStore((response) => response.socket?.destroy());
  expect(await read(url)).toBe(sha256(content));

  expect(seen.parts).toBeGreaterThan(10);
});
