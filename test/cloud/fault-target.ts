// A target that answers and notes what it saw, with a proxy before it, anew for each test.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, expect } from '@jest/globals';

import { startFaultProxy } from './fault-proxy.js';
import type { FaultProxy } from './fault-proxy.js';

export const size = 300_000;
export const content = Buffer.alloc(size, 'chameleon');

/** What the target has seen of one request. */
export interface Seen {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  bytes: number;
  ended: boolean;
  broken: boolean;
}

export let seen: Seen[];
export let target: http.Server;
export let targetUrl: string;
export let proxy: FaultProxy;

/** Registers the hooks; the bindings of this module then hold what the present test has. */
export function useTarget(): void {
  beforeEach(async () => {
    seen = [];
    target = http.createServer(answer);
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    targetUrl = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
    proxy = await startFaultProxy(targetUrl);
  });

  afterEach(async () => {
    await proxy.close();
    target.closeAllConnections();
    target.close();
  });
}

/**
 * GET gives the content, or the part of it that Range asks for; anything else is read and answered
 * 201 with its length.
 */
function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { method = '', url = '', headers } = request;
  const entry: Seen = { method, url, headers, bytes: 0, ended: false, broken: false };
  seen.push(entry);
  request.on('data', (chunk: Buffer) => (entry.bytes += chunk.length));
  request.on('error', () => (entry.broken = true));
  if (url === '/refused') {
    response.writeHead(409).end('refused');
    return;
  }
  request.on('end', () => {
    entry.ended = true;
    if (method !== 'GET') return void response.writeHead(201).end(String(entry.bytes));
    const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
    const extra = headers.range === undefined ? {} : { 'Content-Range': `bytes ${from}-${size - 1}/${size}` };
    response.writeHead(headers.range === undefined ? 200 : 206, {
      ETag: '"abc"',
      'Content-Length': size - from,
      ...extra,
    });
    response.end(content.subarray(from));
  });
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  broken: boolean;
}

/**
 * Sends one request; an answer that breaks off is given with what came of it, no answer at all is
 * an error.
 */
export async function send(
  method: string,
  path: string,
  options: { body?: Buffer; headers?: http.OutgoingHttpHeaders } = {},
): Promise<Answer> {
  const request = http.request(proxy.url + path, { method, agent: false, headers: options.headers ?? {} });
  request.end(options.body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  // After an early answer the rest of the upload may fail.
  request.on('error', () => {});
  const chunks: Buffer[] = [];
  let broken = false;
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    broken = true;
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks), broken };
}

/** Waits for a condition, four seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 4000;
  while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(condition()).toBe(true);
}
