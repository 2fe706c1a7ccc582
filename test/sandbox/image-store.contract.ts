// What we rely on in an image store, asked of Swift, of a plain web server, and of their doubles
// alike.

import { createHash } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import type { Reply } from './contract-requests.js';
import type { PutOptions } from './image-store.js';

export interface ImageStoreTarget {
  readonly containerUrl: string;
  put(name: string, content: string, options?: Pick<PutOptions, 'metadata' | 'large'>): Promise<void>;
  close(): Promise<void>;
}

type Ask = (method: string, path: string, headers?: Readonly<Record<string, string>>) => Promise<Reply>;

const md5 = (content: string): string => createHash('md5').update(content).digest('hex');

/**
 * Runs the contract of a Swift container against what `connect` gives; nothing else may be in the
 * container.
 */
export function describeSwift(name: string, connect: () => Promise<ImageStoreTarget>): void {
  describe(`image store: ${name}`, () => {
    const ask = connected(connect, async ({ put }) => {
      await put('prod/current', '{"a":"b"}');
      await put('prod/versions/20250422-v1/a b.raw', 'chameleon', {
        metadata: { 'x-sdk-md5': 'abc', 'build-distro': 'ubuntu' },
      });
      await put('prod/versions/20250422-v1-amd/c.raw', 'chameleon', { large: { kind: 'static', segmentBytes: 4 } });
      await put('prod/versions/20250422-v1-amd/d.raw', 'chameleon', {
        metadata: { 'build-timestamp': '2025-04-22 15:30:45.123456' },
        large: { kind: 'dynamic', segmentBytes: 4 },
      });
    });
    describeRanges(ask, 'prod/versions/20250422-v1/a%20b.raw');
    describeRanges(ask, 'prod/versions/20250422-v1-amd/c.raw');
    describeObjects(ask);
    describeListing(ask);
  });
}

/** Runs the contract of a plain web server. */
export function describeStaticStore(name: string, connect: () => Promise<ImageStoreTarget>): void {
  describe(`image store: ${name}`, () => {
    const ask = connected(connect, ({ put }) => put('prod/a b.raw', 'chameleon'));
    describeRanges(ask, 'prod/a%20b.raw');

    test('has a quoted ETag that is not an MD5, and no listing', async () => {
      expect((await ask('HEAD', 'prod/a%20b.raw')).headers.get('etag')).toMatch(/^"[0-9a-f]+-[0-9a-f]+"$/);
      expect((await ask('GET', '?prefix=prod')).status).toBeGreaterThanOrEqual(400);
    });

    test('respects If-Range', async () => {
      const reply = await ask('GET', 'prod/a%20b.raw', { Range: 'bytes=5-', 'If-Range': '"other"' });

      expect(reply).toMatchObject({ status: 200, text: 'chameleon' });
    });
  });
}

function connected(connect: () => Promise<ImageStoreTarget>, fill: (target: ImageStoreTarget) => Promise<void>): Ask {
  let target: ImageStoreTarget;
  beforeAll(async () => {
    target = await connect();
    await fill(target);
  });
  afterAll(async () => {
    if ((target as ImageStoreTarget | undefined) !== undefined) await target.close();
  });
  return (method, path, headers = {}) => send(method, `${target.containerUrl}/${path}`, { headers });
}

function describeRanges(ask: Ask, path: string): void {
  test(`gives ${path} whole, from an offset, and from the end`, async () => {
    const whole = await ask('GET', path);
    const rest = await ask('GET', path, { Range: 'bytes=5-' });
    const middle = await ask('GET', path, { Range: 'bytes=1-3' });
    const end = await ask('GET', path, { Range: 'bytes=-4' });

    expect(whole).toMatchObject({ status: 200, text: 'chameleon' });
    expect(whole.headers.get('content-length')).toBe('9');
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    expect([rest, middle, end].map(({ status, text }) => `${status} ${text}`)).toEqual([
      '206 leon',
      '206 ham',
      '206 leon',
    ]);
    expect(rest.headers.get('content-range')).toBe('bytes 5-8/9');
    expect(rest.headers.get('etag')).toBe(whole.headers.get('etag'));
    const beyond = await ask('GET', path, { Range: 'bytes=9-' });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe('bytes */9');
  });

  test(`minds the conditions on ${path}`, async () => {
    const { headers } = await ask('HEAD', path);
    const etag = headers.get('etag') ?? '';
    const modified = headers.get('last-modified') ?? '';

    expect((await ask('GET', path, { Range: 'bytes=5-', 'If-Match': etag })).status).toBe(206);
    expect((await ask('GET', path, { Range: 'bytes=5-', 'If-Match': '"other"' })).status).toBe(412);
    expect((await ask('HEAD', path, { 'If-Match': '"other"' })).status).toBe(412);
    expect((await ask('GET', path, { 'If-None-Match': etag })).status).toBe(304);
    expect((await ask('GET', path, { 'If-Modified-Since': modified })).status).toBe(304);
  });

  test(`answers HEAD of ${path} like GET, and 404 for what is missing`, async () => {
    const { status, headers, text } = await ask('HEAD', path);

    expect({ status, text }).toEqual({ status: 200, text: '' });
    expect(headers.get('content-length')).toBe('9');
    expect(headers.get('last-modified')).toMatch(/ GMT$/);
    expect((await ask('HEAD', `${path}.missing`)).status).toBe(404);
    expect((await ask('GET', `${path}.missing`)).status).toBe(404);
  });
}

function describeObjects(ask: Ask): void {
  test('the ETag of a plain object is its MD5, without quotes', async () => {
    expect((await ask('HEAD', 'prod/current')).headers.get('etag')).toBe(md5('{"a":"b"}'));
  });

  test('the ETag of a large object is quoted and not the MD5 of its content, and a header says so', async () => {
    const [fixed, dynamic] = [
      await ask('HEAD', 'prod/versions/20250422-v1-amd/c.raw'),
      await ask('HEAD', 'prod/versions/20250422-v1-amd/d.raw'),
    ];

    const hashOfHashes = `"${md5(md5('cham') + md5('eleo') + md5('n'))}"`;
    expect(fixed.headers.get('etag')).toBe(hashOfHashes);
    expect(fixed.headers.get('x-static-large-object')).toBe('True');
    expect(dynamic.headers.get('etag')).toBe(hashOfHashes);
    expect(dynamic.headers.get('x-object-manifest')).toMatch(/d\.raw\/$/);
    expect((await ask('GET', 'prod/versions/20250422-v1-amd/d.raw')).text).toBe('chameleon');
  });

  test('metadata are headers, with hyphens for underscores', async () => {
    const { headers } = await ask('HEAD', 'prod/versions/20250422-v1/a%20b.raw');

    expect(headers.get('x-object-meta-x-sdk-md5')).toBe('abc');
    expect(headers.get('x-object-meta-build-distro')).toBe('ubuntu');
  });

  test('a dynamic large object has metadata of its own, and reports its total length', async () => {
    const { status, headers } = await ask('HEAD', 'prod/versions/20250422-v1-amd/d.raw');

    expect(status).toBe(200);
    expect(headers.get('content-length')).toBe('9');
    expect(headers.get('x-object-meta-build-timestamp')).toBe('2025-04-22 15:30:45.123456');
  });

  test('If-Range is ignored', async () => {
    const reply = await ask('GET', 'prod/versions/20250422-v1/a%20b.raw', { Range: 'bytes=5-', 'If-Range': '"other"' });

    expect(reply).toMatchObject({ status: 206, text: 'leon' });
  });

  test('writing without a token is refused', async () => {
    expect((await ask('DELETE', 'prod/current')).status).toBe(401);
  });
}

function describeListing(ask: Ask): void {
  const names = [
    'prod/current',
    'prod/versions/20250422-v1-amd/c.raw',
    'prod/versions/20250422-v1-amd/c.raw/000000',
    'prod/versions/20250422-v1-amd/c.raw/000001',
    'prod/versions/20250422-v1-amd/c.raw/000002',
    'prod/versions/20250422-v1-amd/d.raw',
    'prod/versions/20250422-v1-amd/d.raw/000000',
    'prod/versions/20250422-v1-amd/d.raw/000001',
    'prod/versions/20250422-v1-amd/d.raw/000002',
    'prod/versions/20250422-v1/a b.raw',
  ];
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

  test('has one name per line, sorted, with and without a slash after the container', async () => {
    const reply = await ask('GET', '');

    expect(reply.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(lines(reply.text)).toEqual(names);
    expect(lines((await ask('GET', '?limit=1')).text)).toEqual(['prod/current']);
  });

  test('has prefix, limit, marker and delimiter', async () => {
    const text = async (query: string): Promise<string[]> => lines((await ask('GET', query)).text);

    expect(await text('?prefix=prod/versions/20250422-v1')).toEqual(names.slice(1));
    expect(await text('?prefix=prod/versions/20250422-v1/')).toEqual(names.slice(9));
    expect(await text(`?limit=2&marker=${encodeURIComponent(names[4]!)}`)).toEqual(names.slice(5, 7));
    expect(await text('?prefix=prod/&delimiter=/')).toEqual(['prod/current', 'prod/versions/']);
    expect((await ask('GET', '?limit=10001')).status).toBe(412);
  });

  test('ends with an empty page behind the last name, whether or not there is an object of the marker', async () => {
    expect(await ask('GET', `?limit=10000&marker=${encodeURIComponent(names.at(-1)!)}`)).toMatchObject({
      status: 204,
      text: '',
    });
    expect(lines((await ask('GET', '?limit=1&marker=prod/currenta')).text)).toEqual([names[1]]);
    expect(await ask('GET', '?limit=10000&marker=zzz&format=json')).toMatchObject({ status: 200, json: [] });
  });

  test('of an empty container is 204 as text and an empty list as JSON', async () => {
    expect(await ask('GET', '?prefix=zzz')).toMatchObject({ status: 204, text: '' });
    expect(await ask('GET', '?prefix=zzz&format=json')).toMatchObject({ status: 200, json: [] });
  });

  test('as JSON has size, hash and time of each object', async () => {
    const { json } = await ask('GET', '?format=json');
    const find = (name: string): object => json.find((row: { name: string }) => row.name === name);

    expect(find('prod/current')).toMatchObject({
      bytes: 9,
      hash: md5('{"a":"b"}'),
      content_type: 'application/octet-stream',
      last_modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
    });
    expect(find(names[1]!)).toMatchObject({ bytes: 9, slo_etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) });
    expect(find(names[5]!)).toMatchObject({ bytes: 0, hash: md5('') });
  });
}
