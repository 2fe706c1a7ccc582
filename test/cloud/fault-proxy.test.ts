import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';

import { startFaultProxy } from './fault-proxy.js';
import type { Fault } from './fault-proxy.js';
import { content, proxy, seen, send, size, targetUrl, target, until, useTarget } from './fault-target.js';

useTarget();

describe('without faults', () => {
  test('passes requests and answers through unchanged, with the host of the target', async () => {
    const got = await send('GET', '/a/b?c=d', { headers: { 'X-Auth-Token': 'secret', Range: 'bytes=10-' } });

    expect(got).toMatchObject({
      status: 206,
      headers: { etag: '"abc"', 'content-length': String(size - 10) },
      broken: false,
    });
    expect(got.body.equals(content.subarray(10))).toBe(true);
    expect(seen[0]).toMatchObject({
      url: '/a/b?c=d',
      headers: { 'x-auth-token': 'secret', host: new URL(targetUrl).host },
    });
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
      {
        method: 'PUT',
        path: '/x',
        bytesReceived: size,
        bytesSent: 6,
        status: 201,
        targetStatus: 201,
        error: undefined,
      },
      {
        method: 'GET',
        path: '/y',
        bytesReceived: 0,
        bytesSent: size,
        status: 200,
        targetStatus: 200,
        error: undefined,
      },
    ]);
  });

  test('notifies the target immediately when the client disconnects', async () => {
    const request = http.request(`${proxy.url}/x`, {
      method: 'PUT',
      agent: false,
      headers: { 'Content-Length': size },
    });
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
    const request = http.request(`${proxy.url}/refused`, {
      method: 'PUT',
      agent: false,
      headers: { 'Content-Length': size },
    });
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
