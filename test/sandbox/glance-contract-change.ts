// Glance's contract: images are changed.

import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { slowUpload, waitFor } from './contract-requests.js';
import type { GlanceContract } from './glance.contract.js';

/** PATCH. */
export function describeChange({ run, ask, create, createActive, show, patch, target }: GlanceContract): void {
  describe('change', () => {
    test('adds, overwrites and removes properties, including escaped names', async () => {
      const id = await create({ 'build-tag': 'old', gone: 'x' });

      const reply = await patch(id, [
        { op: 'add', path: '/build-tag', value: 'new' },
        { op: 'add', path: '/a~1b~0c', value: 'y' },
        { op: 'remove', path: '/gone' },
      ]);

      expect(reply.status).toBe(200);
      expect(reply.json).toMatchObject({ 'build-tag': 'new', 'a/b~c': 'y' });
      expect(reply.json).not.toHaveProperty('gone');
      expect(await show(id)).toEqual(reply.json);
    });

    test('renames, publishes and hides in one request', async () => {
      const id = await createActive();

      await patch(id, [
        { op: 'replace', path: '/name', value: `${run} 2025-04-22 15:30:45` },
        { op: 'replace', path: '/visibility', value: 'public' },
        { op: 'replace', path: '/os_hidden', value: true },
      ]);

      expect(await show(id)).toMatchObject({
        name: `${run} 2025-04-22 15:30:45`,
        visibility: 'public',
        os_hidden: true,
      });
    });

    test('is all or nothing', async () => {
      const id = await create({ kept: 'old' });

      const reply = await patch(id, [
        { op: 'replace', path: '/kept', value: 'new' },
        { op: 'remove', path: '/missing' },
      ]);

      expect(reply.status).toBe(409);
      expect(await show(id)).toMatchObject({ kept: 'old' });
    });

    test.each<[string, number, object]>([
      ['replaces what is missing', 409, { op: 'replace', path: '/missing', value: 'x' }],
      ['removes an attribute', 403, { op: 'remove', path: '/name' }],
      ['writes what is read-only', 403, { op: 'replace', path: '/size', value: 3 }],
      ['writes the id', 403, { op: 'replace', path: '/id', value: randomUUID() }],
      ['writes a property of Glance', 403, { op: 'add', path: '/os_glance_import_task', value: 'x' }],
      ['changes the format of an active image', 403, { op: 'replace', path: '/disk_format', value: 'qcow2' }],
      ['tests', 400, { op: 'test', path: '/name', value: 'x' }],
      ['has no value', 400, { op: 'add', path: '/x' }],
      ['has a property that is no string', 400, { op: 'add', path: '/x', value: 5 }],
      ['has a null property', 400, { op: 'add', path: '/x', value: null }],
      ['has a path of two steps', 400, { op: 'add', path: '/x/y', value: 'z' }],
    ])('is refused where it %s: %i', async (_, status, change) => {
      const id = await createActive();

      expect((await patch(id, [change])).status).toBe(status);
    });

    test('needs its own media type', async () => {
      const id = await create();

      const reply = await ask('PATCH', `/${id}`, { json: [] });

      expect(reply.status).toBe(415);
      expect(reply.headers.get('accept-patch')).toContain('application/openstack-images-v2.1-json-patch');
    });

    test('to public is allowed only to admins, also for images of other projects', async () => {
      const { token } = target().demo;
      const own = await create({}, token);
      const other = await create({ visibility: 'community' });

      expect((await patch(own, [{ op: 'replace', path: '/visibility', value: 'public' }], token)).status).toBe(403);
      expect((await patch(other, [{ op: 'add', path: '/x', value: 'y' }], token)).status).toBe(403);
      expect((await ask('DELETE', `/${other}`, { token })).status).toBe(403);
    });

    test('to public is checked before the operations that follow it, of which one that fails voids it', async () => {
      const { token } = target().demo;
      const [own, foreign] = [await create(), await create({}, token)];
      const changes = [
        { op: 'replace', path: '/visibility', value: 'public' },
        { op: 'remove', path: '/missing' },
      ];

      const permitted = await patch(own, changes);
      const refused = await patch(foreign, changes, token);

      expect([permitted.status, refused.status]).toEqual([409, 403]);
      expect(refused.text).toContain('publicize_image');
      expect([await show(own), await show(foreign)]).toMatchObject([
        { visibility: 'private' },
        { visibility: 'private' },
      ]);
    });

    test('made while the image is saving gets 200 and is lost', async () => {
      const id = await create({ kept: 'old' });
      const upload = slowUpload(`${target().url}/v2/images/${id}/file`, { token: target().admin.token, bytes: 9 });
      upload.write('chame');
      await waitFor(
        'saving',
        () => show(id),
        ({ status }) => status === 'saving',
      );

      const reply = await patch(id, [{ op: 'replace', path: '/kept', value: 'new' }]);

      expect(reply.status).toBe(200);
      expect(await show(id)).toMatchObject({ kept: 'new', status: 'saving' });
      expect(await upload.end('leon')).toBe(204);
      expect(await show(id)).toMatchObject({ kept: 'old', status: 'active' });
    });
  });
}
