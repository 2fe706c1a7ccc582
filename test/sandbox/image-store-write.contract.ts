// What publishing relies on in Swift, asked of it and of its double alike.

import { createHash } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import type { Reply, Sending } from './contract-requests.js';

export interface WritableStoreTarget {
  readonly containerUrl: string;
  /** Of somebody who may write there. */
  readonly token: string;
  close(): Promise<void>;
}

const md5 = (content: string): string => createHash('md5').update(content).digest('hex');

export function describeSwiftWriting(name: string, connect: () => Promise<WritableStoreTarget>): void {
  describe(`writing to an image store: ${name}`, () => {
    let target: WritableStoreTarget;
    beforeAll(async () => void (target = await connect()));
    afterAll(() => target.close());
    const ask = (method: string, path: string, sending: Sending = {}): Promise<Reply> =>
      send(method, `${target.containerUrl}${path}`, { token: target.token, ...sending });

    test('its owner sees who may read it, and that another container does not exist', async () => {
      expect((await ask('HEAD', '')).headers.get('x-container-read')).toBe('.r:*,.rlistings');
      expect((await ask('HEAD', '-which-does-not-exist')).status).toBe(404);
      expect((await send('GET', `${target.containerUrl}-which-does-not-exist/x`)).status).toBe(401);
    });

    test('an object has the checksums that were sent with it', async () => {
      const headers = { ETag: md5('chameleon'), 'X-Object-Meta-X-Sdk-Sha256': 'abc' };

      expect((await ask('PUT', '/plain', { data: 'chameleon', headers })).status).toBe(201);

      const { headers: found } = await ask('HEAD', '/plain');
      expect(found.get('etag')).toBe(md5('chameleon'));
      expect(found.get('x-object-meta-x-sdk-sha256')).toBe('abc');
    });

    test('data that do not match the ETag are refused, and what was there stays', async () => {
      await ask('PUT', '/damaged', { data: 'before' });

      expect((await ask('PUT', '/damaged', { data: 'chameleon', headers: { ETag: md5('other') } })).status).toBe(422);
      expect((await ask('GET', '/damaged')).text).toBe('before');
    });

    test('If-None-Match refuses to replace an object, and is not understood with a list of segments', async () => {
      const headers = { 'If-None-Match': '*' };
      await ask('PUT', '/taken', { data: 'before' });
      const list = [{ path: `/${target.containerUrl.split('/').at(-1)}/taken` }];

      expect((await ask('PUT', '/taken', { data: 'chameleon', headers })).status).toBe(412);
      expect((await ask('PUT', '/new', { data: 'chameleon', headers })).status).toBe(201);
      expect((await ask('PUT', '/taken?multipart-manifest=put', { json: list, headers })).status).toBe(400);
      expect((await ask('GET', '/taken')).text).toBe('before');
    });

    test('a large object needs segments with the sizes and ETags of the list, and has metadata of its own', async () => {
      const container = target.containerUrl.split('/').at(-1);
      await ask('PUT', '/large/0', { data: 'chame' });
      await ask('PUT', '/large/1', { data: 'leon' });
      const list = (etag: string): object[] => [
        { path: `/${container}/large/0`, etag, size_bytes: 5 },
        { path: `/${container}/large/1`, etag: md5('leon'), size_bytes: 4 },
      ];
      const headers = { 'X-Object-Meta-X-Sdk-Sha256': 'abc' };

      const wrong = await ask('PUT', '/large?multipart-manifest=put', { json: list(md5('other')), headers });
      const absent = await ask('HEAD', '/large');
      const right = await ask('PUT', '/large?multipart-manifest=put', { json: list(md5('chame')), headers });

      expect([wrong.status, absent.status, right.status]).toEqual([400, 404, 201]);
      const { headers: found } = await ask('HEAD', '/large');
      expect(found.get('content-length')).toBe('9');
      expect(found.get('x-object-meta-x-sdk-sha256')).toBe('abc');
      expect((await ask('GET', '/large')).text).toBe('chameleon');
    });
  });
}
