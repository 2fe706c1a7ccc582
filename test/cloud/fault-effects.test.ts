import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';

import { content, proxy, seen, send, size, until, useTarget } from './fault-target.js';

useTarget();

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

  test('does not end', async () => {
    proxy.addFault({ status: 404, endless: true });
    const request = http.get(`${proxy.url}/x`, { agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('error', () => {});

    await until(() => bytes > 10 * size);

    expect(response.statusCode).toBe(404);
    request.destroy();
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

  test('is lost, although the target has acted', async () => {
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
    const request = http.request(`${proxy.url}/x`, {
      method: 'PUT',
      agent: false,
      headers: { 'Content-Length': size },
    });
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
    const request = http.request(`${proxy.url}/x`, {
      method: 'PUT',
      agent: false,
      headers: { 'Content-Length': size },
    });
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
  });
});
