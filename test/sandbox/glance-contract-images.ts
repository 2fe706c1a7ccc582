// Glance's contract: images are created and deleted, and requests are refused.

import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import type { GlanceContract } from './glance.contract.js';

/** POST. */
export function describeCreation({ run, ask, create, show, target, created }: GlanceContract): void {
  describe('creation', () => {
    test('returns the complete image, queued, with null or defaults for what was not given', async () => {
      const id = randomUUID();
      created.add(id);

      const reply = await ask('POST', '', { json: { id, name: `${run}-new`, 'build-distro': 'ubuntu' } });

      expect(reply.status).toBe(201);
      expect(reply.headers.get('location')).toBe(`${target().url}/v2/images/${id}`);
      expect(reply.headers.get('openstack-image-import-methods')).toContain('web-download');
      expect(reply.json).toEqual({
        id,
        name: `${run}-new`,
        'build-distro': 'ubuntu',
        status: 'queued',
        visibility: 'shared',
        owner: target().admin.projectId,
        disk_format: null,
        container_format: null,
        size: null,
        virtual_size: null,
        checksum: null,
        os_hash_algo: null,
        os_hash_value: null,
        min_disk: 0,
        min_ram: 0,
        protected: false,
        os_hidden: false,
        tags: [],
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        self: `/v2/images/${id}`,
        file: `/v2/images/${id}/file`,
        schema: '/v2/schemas/image',
      });
    });

    test('generates an id if none is given', async () => {
      const reply = await ask('POST', '', { json: { name: `${run}-no-id` } });

      created.add(reply.json.id);
      expect(reply.json.id).toMatch(/^[0-9a-f-]{36}$/);
    });

    test('with an id that exists, or was deleted, is a conflict', async () => {
      const id = await create();

      expect((await ask('POST', '', { json: { id, name: `${run}-again` } })).status).toBe(409);
      expect((await ask('DELETE', `/${id}`)).status).toBe(204);
      expect((await ask('POST', '', { json: { id, name: `${run}-again` } })).status).toBe(409);
      expect((await ask('GET', `/${id}`)).status).toBe(404);
    });

    test('with one id by many clients at once succeeds exactly once', async () => {
      const id = randomUUID();
      created.add(id);

      const replies = await Promise.all(
        Array.from({ length: 6 }, () => ask('POST', '', { json: { id, name: `${run}-race` } })),
      );

      expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    });

    test.each<[string, number, object]>([
      ['a size', 403, { size: 3 }],
      ['a status', 403, { status: 'active' }],
      ['a link', 403, { self: '/x' }],
      ['a property of Glance', 403, { os_glance_x: 'y' }],
      ['a reserved name', 403, { deleted: 'yes' }],
      ['a property that is no string', 400, { 'build-ipa': false }],
      ['an unknown disk format', 400, { disk_format: 'floppy' }],
      ['an unknown visibility', 400, { visibility: 'secret' }],
      ['an id that is no UUID', 400, { id: 'x' }],
      ['a negative min_disk', 400, { min_disk: -1 }],
    ])('refuses %s with %i', async (_, status, image) => {
      expect((await ask('POST', '', { json: { name: `${run}-wrong`, ...image } })).status).toBe(status);
    });

    test('of a public image, or for another project, is allowed only to admins', async () => {
      const { token } = target().demo;

      expect((await ask('POST', '', { token, json: { name: run, visibility: 'public' } })).status).toBe(403);
      expect((await ask('POST', '', { token, json: { name: run, owner: target().admin.projectId } })).status).toBe(403);
      const id = await create({ owner: target().demo.projectId });
      expect(await show(id)).toMatchObject({ owner: target().demo.projectId });
    });
  });
}

/** DELETE. */
export function describeDeletion({ ask, create, createActive, show, patch }: GlanceContract): void {
  describe('deletion', () => {
    test('returns 204, then 404', async () => {
      const id = await createActive();

      expect((await ask('DELETE', `/${id}`)).status).toBe(204);
      expect((await ask('DELETE', `/${id}`)).status).toBe(404);
      expect((await patch(id, [])).status).toBe(404);
      expect((await ask('GET', `/${id}/file`)).status).toBe(404);
    });

    test('of a protected image is refused', async () => {
      const id = await create({ protected: true });

      expect((await ask('DELETE', `/${id}`)).status).toBe(403);
      expect(await show(id)).toMatchObject({ status: 'queued' });
    });
  });
}

/** What an error looks like. */
export function describeErrors({ ask, create }: GlanceContract): void {
  describe('errors', () => {
    test('without a valid token', async () => {
      const reply = await ask('GET', '', { token: 'wrong' });

      expect(reply.status).toBe(401);
      expect(reply.headers.get('www-authenticate')).toMatch(/^Keystone uri=/);
    });

    test('are HTML for a client that accepts anything, and JSON for one that accepts JSON', async () => {
      const html = await ask('GET', '/nothing', { headers: { Accept: '*/*' } });
      const json = await ask('GET', '/nothing', { headers: { Accept: 'application/json' } });

      expect(html.text).toMatch(/<h1>404 Not Found<\/h1>\s+No image found with ID nothing<br \/>/);
      expect(json.json).toMatchObject({
        code: '404 Not Found',
        title: 'Not Found',
        message: expect.stringContaining('No image found'),
      });
    });

    test('report methods that a resource does not support', async () => {
      const id = await create();

      expect((await ask('POST', `/${id}`, { json: {} })).status).toBe(405);
      expect((await ask('POST', '', { data: '{', headers: { 'Content-Type': 'application/json' } })).status).toBe(400);
    });
  });
}
