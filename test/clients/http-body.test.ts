import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { OperationError } from '../../modules/core/errors.js';
import { longestBodySeconds, longestPauseSeconds, readBody, readWhole } from '../../modules/clients/http/body.js';
import {
  endless,
  raw,
  startScriptedServer,
  testClient,
  type ScriptedAnswer,
  type ScriptedServer,
} from './http-server.js';

let site: ScriptedServer;

beforeEach(async () => void (site = await startScriptedServer()));
afterEach(() => site.close());

const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n';
const good: ScriptedAnswer = (_, response) => void response.end('{"images": []}');

const breaks: readonly (readonly [string, ScriptedAnswer])[] = [
  ['a reset after a byte', raw(`${head}Content-Length: 14\r\n\r\n{`, 'reset')],
  ['a reset before any byte of the body', raw(`${head}Content-Length: 14\r\n\r\n`, 'reset')],
  ['an end before Content-Length', raw(`${head}Content-Length: 14\r\n\r\n{"ima`, 'close')],
  ['an end between chunks', raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"ima\r\n`, 'close')],
  ['a reset within a chunk', raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"i`, 'reset')],
  ['a chunk without a length', raw(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{"i`, 'close')],
  ['an end that only the JSON tells', raw(`${head}\r\n{"ima`, 'close')],
];

describe('a connection that breaks within a body', () => {
  test.each(breaks)('%s: the request is sent again', async (_, broken) => {
    site.answer(broken, broken, good);

    const answer = await testClient()({ method: 'GET', url: site.url });

    expect(await answer.json()).toEqual({ images: [] });
    expect(site.seen).toHaveLength(3);
  });

  test.each(breaks)('%s, each time: reported with the URL', async (_, broken) => {
    site.answer(broken);

    const answer = await testClient()({ method: 'GET', url: `${site.url}/v2/images` });

    await expect(answer.json()).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringContaining(`${site.url}/v2/images`),
    });
    expect(site.seen).toHaveLength(4);
  });

  test('of a request that must not be repeated is reported immediately', async () => {
    site.answer(raw(`${head}Content-Length: 14\r\n\r\n{`, 'reset'));

    const answer = await testClient()({ method: 'POST', url: site.url, body: '' });

    await expect(answer.json()).rejects.toMatchObject({ code: 'CONNECTION_BROKEN' });
    expect(site.seen).toHaveLength(1);
  });

  test('and then has another status is reported as broken', async () => {
    site.answer(
      raw(`${head}Content-Length: 14\r\n\r\n{`, 'reset'),
      (_, response) => void response.writeHead(202).end('{}'),
    );

    const answer = await testClient()({ method: 'GET', url: site.url });

    await expect(answer.json()).rejects.toMatchObject({
      code: 'CONNECTION_BROKEN',
      message: expect.stringContaining('202 instead of 200'),
    });
  });

  test('while the first bytes are read is repeated too', async () => {
    site.answer(raw(`${head}Content-Length: 14\r\n\r\n{`, 'reset'), good);

    const answer = await testClient()({ method: 'GET', url: site.url });

    expect((await answer.beginning(4)).toString()).toBe('{"im');
  });

  test('that nobody reads does no harm', async () => {
    site.answer(raw(`${head}Content-Length: 14\r\n\r\n{`, 'reset'));

    const answer = await testClient()({ method: 'GET', url: site.url });
    await new Promise((resolve) => answer.body.once('close', resolve));

    expect(answer.status).toBe(200);
  });
});

describe('an answer that does not end', () => {
  test('with 200 is refused by its size, and not asked for again', async () => {
    site.answer(endless(200));

    const answer = await testClient()({ method: 'GET', url: site.url });

    await expect(answer.text({ maxBytes: 1024 * 1024 })).rejects.toMatchObject({
      code: 'ANSWER_TOO_LARGE',
      message: expect.stringContaining(site.url),
    });
    expect(site.seen).toHaveLength(1);
  });

  test.each([404, 403, 400])('with %i is reported by its status', async (status) => {
    site.answer(endless(status));

    await expect(testClient()({ method: 'GET', url: site.url })).rejects.toMatchObject({ status });
  });

  test.each([
    ['stalls', raw('HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nno such', 'wait')],
    ['is reset', raw('HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nno such', 'reset')],
  ] as const)('with 404 that %s is told by its status', async (_, answer) => {
    site.answer(answer);

    await expect(testClient({ timeoutSeconds: 0.2 })({ method: 'GET', url: site.url })).rejects.toMatchObject({
      status: 404,
    });
  });

  test('but stalls is requested once more, and then reported', async () => {
    site.answer(raw(`${head}Content-Length: 14\r\n\r\n{`, 'wait'));

    const answer = await testClient({ timeoutSeconds: 0.2 })({ method: 'GET', url: site.url });

    await expect(answer.json()).rejects.toMatchObject({ code: 'STALLED', message: expect.stringContaining(site.url) });
    expect(site.seen).toHaveLength(2);
  });

  test('but arrives byte by byte has a time limit', async () => {
    const body = new PassThrough();
    const drip = setInterval(() => body.write(' '), 5);

    const whole = readWhole(body, {
      url: site.url,
      maxBytes: 1000,
      beyond: 'refuse',
      stallSeconds: 1,
      deadline: performance.now() + 100,
    });

    await expect(whole).rejects.toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining(site.url) });
    clearInterval(drip);
  });

  test.each([
    [1, 50, 1],
    [60, 50, 20],
    [3600, 2880, 1200],
  ])('a timeout of %i s lets a document take %i s, and pause for %i s', (timeout, whole, pause) => {
    expect(longestBodySeconds(timeout)).toBe(whole);
    expect(longestPauseSeconds(timeout)).toBe(pause);
  });
});

describe('an interruption while a body stalls', () => {
  test.each([
    ['text', async (url: string, signal: AbortSignal) => (await testClient({ signal })({ method: 'GET', url })).text()],
    [
      'beginning',
      async (url: string, signal: AbortSignal) => (await testClient({ signal })({ method: 'GET', url })).beginning(100),
    ],
    [
      'readBody',
      async (url: string, signal: AbortSignal) => {
        const answer = await testClient({ signal })({ method: 'GET', url });
        for await (const chunk of readBody(answer, { url, stallSeconds: 5 })) chunk.toString();
      },
    ],
  ] as const)('ends %s with the reason of the interruption', async (_, read) => {
    site.answer((_request, response) => void response.writeHead(200, { 'Content-Length': '100' }).write('{'));
    const controller = new AbortController();
    const reason = new OperationError('INTERRUPTED', 'interrupted by SIGTERM');

    const reading = read(site.url, controller.signal);
    reading.catch(() => undefined);
    await once(site.server, 'request');
    setTimeout(() => controller.abort(reason), 50);

    await expect(reading).rejects.toBe(reason);
  });
});

test('a body that is compressed without a request is refused, naming the encoding', async () => {
  site.answer((_, response) => void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('{}')));

  const answer = await testClient()({ method: 'GET', url: site.url });

  await expect(answer.json()).rejects.toMatchObject({
    code: 'SOURCE_ENCODED',
    message: expect.stringContaining('gzip'),
  });
});

test.each(['aws-chunked', 'UTF-8', 'identity', ''])('Content-Encoding %j changes no byte', async (encoding) => {
  site.answer((_, response) => void response.writeHead(200, { 'Content-Encoding': encoding }).end('\ufeff{"a": 1}'));

  const answer = await testClient()({ method: 'GET', url: site.url });

  expect(await answer.json()).toEqual({ a: 1 });
});

test('an answer that is not HTTP is reported', async () => {
  site.answer(raw('SSH-2.0-OpenSSH_9.2\r\n', 'close'));

  await expect(testClient()({ method: 'GET', url: site.url, repeatable: false })).rejects.toMatchObject({
    code: 'NOT_HTTP',
  });
});
