import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { startFaultProxy } from './fault-proxy.js';
import type { Fault, FaultProxy } from './fault-proxy.js';

const size = 300_000;
const content = Buffer.alloc(size, 'chameleon');

/** What the target has seen of one request. */
interface Seen {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  bytes: number;
  ended: boolean;
  broken: boolean;
}

let seen: Seen[];
let target: http.Server;
let targetUrl: string;
let proxy: FaultProxy;

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

/** GET gives the content, or the part of it that Range asks for; anything else is read and answered 201 with its length. */
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
    response.writeHead(headers.range === undefined ? 200 : 206, { ETag: '"abc"', 'Content-Length': size - from, ...extra });
    response.end(content.subarray(from));
  });
}

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  broken: boolean;
}

/** Sends one request; an answer that breaks off is given with what came of it, no answer at all is an error. */
async function send(method: string, path: string, options: { body?: Buffer; headers?: http.OutgoingHttpHeaders } = {}): Promise<Answer> {
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

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 4000;
  while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(condition()).toBe(true);
}

describe('without faults', () => {
  test('passes requests and answers through unchanged, with the host of the target', async () => {
    const got = await send('GET', '/a/b?c=d', { headers: { 'X-Auth-Token': 'secret', Range: 'bytes=10-' } });

    expect(got).toMatchObject({ status: 206, headers: { etag: '"abc"', 'content-length': String(size - 10) }, broken: false });
    expect(got.body.equals(content.subarray(10))).toBe(true);
    expect(seen[0]).toMatchObject({ url: '/a/b?c=d', headers: { 'x-auth-token': 'secret', host: new URL(targetUrl).host } });
  });

  test('puts the path of the target before the path of the request', async () => {
    const nested = await startFaultProxy(`${targetUrl}/v1/AUTH_x/`);

    await fetch(`${nested.url}/container`);
    await nested.close();

    expect(seen[0]!.url).toBe('/v1/AUTH_x/container');
  });

  test('passes uploads with and without a length', async () => {
    await send('PUT', '/sized', { body: content });
    await send('PUT', '/chunked', { body: content, headers: { 'Transfer-Encoding': 'chunked' } });

    expect(seen).toMatchObject([
      { bytes: size, headers: { 'content-length': String(size) } },
      { bytes: size, headers: { 'transfer-encoding': 'chunked' } },
    ]);
    expect(seen[1]!.headers).not.toHaveProperty('content-length');
  });

  test('records every request', async () => {
    await send('PUT', '/x', { body: content });
    await send('GET', '/y');

    expect(proxy.requests).toMatchObject([
      { method: 'PUT', path: '/x', bytesReceived: size, bytesSent: 6, status: 201, targetStatus: 201, error: undefined },
      { method: 'GET', path: '/y', bytesReceived: 0, bytesSent: size, status: 200, targetStatus: 200, error: undefined },
    ]);
  });

  test('lets the target know at once that the client went away', async () => {
    const request = http.request(`${proxy.url}/x`, { method: 'PUT', agent: false, headers: { 'Content-Length': size } });
    request.on('error', () => {});
    request.write(content.subarray(0, 1000));
    await until(() => seen[0]?.bytes === 1000);

    request.destroy();

    await until(() => seen[0]!.broken);
  });

  test('kills the connection of the client when the target cannot be reached', async () => {
    target.closeAllConnections();
    target.close();

    await expect(send('GET', '/x')).rejects.toThrow('socket hang up');
    expect(proxy.requests[0]).toMatchObject({ status: undefined, error: expect.stringContaining('ECONNREFUSED') });
  });

  test('passes an answer that comes before the end of the upload', async () => {
    const request = http.request(`${proxy.url}/refused`, { method: 'PUT', agent: false, headers: { 'Content-Length': size } });
    request.write(content.subarray(0, 1000));

    const [response] = (await once(request, 'response')) as [http.IncomingMessage];

    expect(response.statusCode).toBe(409);
    request.on('error', () => {}).destroy();
  });
});

describe('which requests', () => {
  test.each<[string, Fault, number[]]>([
    ['every match', {}, [503, 503, 503]],
    ['the second match only', { nth: 2 }, [200, 503, 200]],
    ['the second match and all after', { fromNth: 2 }, [200, 503, 503]],
    ['another method', { method: 'DELETE' }, [200, 200, 200]],
    ['another path', { path: /^\/other$/ }, [200, 200, 200]],
  ])('%s', async (_, match, statuses) => {
    proxy.addFault({ ...match, status: 503 });

    const answers = [await send('GET', '/x'), await send('GET', '/x'), await send('GET', '/x')];

    expect(answers.map(({ status }) => status)).toEqual(statuses);
  });

  test('a fault counts its own matches, and ends when it is removed or all are cleared', async () => {
    const first = proxy.addFault({ path: /x/g, status: 503 });
    proxy.addFault({ method: 'get', status: 500, nth: 1 });

    expect((await send('GET', '/x')).status).toBe(500);
    expect((await send('GET', '/x')).status).toBe(503);
    expect(first.matches).toBe(2);
    first.remove();
    expect((await send('GET', '/x')).status).toBe(200);
    proxy.addFault({ status: 503 });
    proxy.clearFaults();
    expect((await send('GET', '/x')).status).toBe(200);
  });
});

describe('an answer', () => {
  test.each([0, 1, 1000, 200_000])('is cut after %i bytes', async (bytes) => {
    proxy.addFault({ cutResponseAfter: bytes });

    const got = await send('GET', '/x');

    expect(got).toMatchObject({ status: 200, broken: true, headers: { 'content-length': String(size) } });
    expect(got.body.equals(content.subarray(0, bytes))).toBe(true);
    expect(proxy.requests[0]).toMatchObject({ bytesSent: bytes, error: 'cut' });
  });

  test('stalls after so many bytes, with the connection open', async () => {
    proxy.addFault({ stallResponseAfter: 1000 });
    const request = http.get(`${proxy.url}/x`, { agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('error', () => {});

    await until(() => bytes === 1000);
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(bytes).toBe(1000);
    expect(response.destroyed).toBe(false);
    request.destroy();
    await until(() => proxy.requests[0]!.error === 'stalled');
  });

  test('has wrong bytes at an offset and the right length', async () => {
    proxy.addFault({ wrongBytes: 65_535 });

    const got = await send('GET', '/x');

    const different = [...content.keys()].filter((at) => content[at] !== got.body[at]);
    expect(different).toEqual([65_535, 65_536, 65_537, 65_538]);
    expect(got.body).toHaveLength(size);
  });

  test('is whole when the range is ignored', async () => {
    proxy.addFault({ ignoreRange: true });

    const got = await send('GET', '/x', { headers: { Range: 'bytes=5-', 'If-Match': '"abc"' } });

    expect(got.status).toBe(200);
    expect(seen[0]!.headers).not.toHaveProperty('if-match');
  });

  test('loses and gains headers', async () => {
    proxy.addFault({ dropHeaders: ['ETag'], setHeaders: { 'X-New': 'yes', 'content-length': size + 1 } });

    const got = await send('GET', '/x');

    expect(got.headers).toMatchObject({ 'x-new': 'yes', 'content-length': String(size + 1) });
    expect(got.headers).not.toHaveProperty('etag');
  });

  test('is lost, though the target has acted', async () => {
    proxy.addFault({ passThenCut: true });

    await expect(send('PUT', '/x', { body: content })).rejects.toThrow('socket hang up');

    expect(seen[0]).toMatchObject({ ended: true, bytes: size });
    expect(proxy.requests[0]).toMatchObject({ targetStatus: 201, status: undefined, error: 'answer lost' });
  });

  test('comes from the proxy after the body, without the target', async () => {
    proxy.addFault({ status: 503, body: 'later', setHeaders: { 'Retry-After': '7' } });

    const got = await send('PUT', '/x', { body: content });

    expect(got).toMatchObject({ status: 503, headers: { 'retry-after': '7' } });
    expect(got.body.toString()).toBe('later');
    expect(proxy.requests[0]!.bytesReceived).toBe(size);
    expect(seen).toEqual([]);
  });

  test('comes from the proxy while the client still sends', async () => {
    proxy.addFault({ status: 401, answerWhen: 'at-once' });
    const request = http.request(`${proxy.url}/x`, { method: 'PUT', agent: false, headers: { 'Content-Length': size } });
    request.write(content.subarray(0, 1000));

    const [response] = (await once(request, 'response')) as [http.IncomingMessage];

    expect(response.statusCode).toBe(401);
    request.end(content.subarray(1000));
    await until(() => proxy.requests[0]!.bytesReceived === size);
  });
});

describe('an upload', () => {
  test.each([0, 1000, 200_000])('is cut on both sides after %i bytes', async (bytes) => {
    proxy.addFault({ cutRequestAfter: bytes });

    await expect(send('PUT', '/x', { body: content })).rejects.toThrow(/socket hang up|ECONNRESET|EPIPE/);

    await until(() => seen[0]?.broken === true);
    expect(seen[0]).toMatchObject({ bytes, ended: false });
    expect(proxy.requests[0]).toMatchObject({ bytesReceived: bytes, error: 'cut' });
  });

  test('stalls after so many bytes, with both connections open', async () => {
    proxy.addFault({ stallRequestAfter: 1000 });
    const request = http.request(`${proxy.url}/x`, { method: 'PUT', agent: false, headers: { 'Content-Length': size } });
    request.on('error', () => {});
    request.write(content.subarray(0, 2000));

    await until(() => seen[0]?.bytes === 1000);
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(seen[0]).toMatchObject({ bytes: 1000, broken: false });
    expect(request.destroyed).toBe(false);
    request.destroy();
    await until(() => seen[0]!.broken);
  });
});

describe('time', () => {
  test('a delay comes before the target is asked', async () => {
    proxy.addFault({ delaySeconds: 0.1 });
    const start = performance.now();

    const sent = send('GET', '/x');
    await new Promise((resolve) => setTimeout(resolve, 40));

    expect(seen).toEqual([]);
    expect((await sent).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThan(95);
  });

  test.each(['GET', 'PUT'])('%s is throttled', async (method) => {
    proxy.addFault({ throttleBytesPerSecond: size * 5 });
    const start = performance.now();

    await send(method, '/x', method === 'PUT' ? { body: content } : {});

    const seconds = (performance.now() - start) / 1000;
    expect(seconds).toBeGreaterThan(0.15);
    expect(seconds).toBeLessThan(0.4);
  });

  test('closing ends what stalls and what waits', async () => {
    proxy.addFault({ path: /stall/, stallResponseAfter: 10 });
    proxy.addFault({ path: /wait/, delaySeconds: 600 });
    const stalled = send('GET', '/stall');
    const waiting = send('GET', '/wait').catch((error: Error) => error.message);
    await until(() => proxy.requests.length === 2 && proxy.requests[0]!.bytesSent === 10);

    await proxy.close();

    expect((await stalled).broken).toBe(true);
    expect(await waiting).toBe('socket hang up');
    proxy = await startFaultProxy(targetUrl);
  });
});

describe('hooks', () => {
  test('run before the target is asked, after it answered, and after the client was answered', async () => {
    const events: string[] = [];
    function note(name: string): () => Promise<void> {
      return async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        events.push(`${name}: target asked ${seen.length}, client got ${proxy.requests[0]!.status ?? 'nothing'}`);
      };
    }
    proxy.addFault({ before: note('before'), answered: note('answered'), after: note('after') });

    await send('GET', '/x');
    await until(() => events.length === 3);

    expect(events).toEqual([
      'before: target asked 0, client got nothing',
      'answered: target asked 1, client got nothing',
      'after: target asked 1, client got 200',
    ]);
  });

  test('a hook that fails ends the connection and is recorded', async () => {
    proxy.addFault({ before: () => Promise.reject(new Error('the test is wrong')) });

    await expect(send('GET', '/x')).rejects.toThrow('socket hang up');

    expect(proxy.requests[0]!.error).toBe('the test is wrong');
  });
});
