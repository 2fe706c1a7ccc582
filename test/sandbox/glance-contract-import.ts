// Glance's contract: data that are staged and imported, and copies to other stores.

import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { send, slowUpload, waitFor } from './contract-requests.js';
import type { Reply } from './contract-requests.js';
import type { GlanceContract } from './glance.contract.js';

const isOver = (image: Record<string, unknown>): boolean => !('os_glance_import_task' in image);

/** PUT of the stage, and `glance-direct`. */
export function describeStage({ ask, create, createActive, show, patch, target }: GlanceContract): void {
  describe('glance-direct', () => {
    const stage = async (id: string): Promise<Reply> => ask('PUT', `/${id}/stage`, { data: 'chameleon' });
    const direct = { json: { method: { name: 'glance-direct' } } };

    test('makes an image active of what was staged, of which only the size is told before', async () => {
      const id = await create();

      expect((await stage(id)).status).toBe(204);

      const staged = await show(id);
      expect(staged).toMatchObject({ status: 'uploading', size: 9, checksum: null, os_hash_value: null });
      expect(staged).not.toHaveProperty('os_glance_import_task');
      expect((await ask('POST', `/${id}/import`, direct)).status).toBe(202);
      const image = await waitFor('the end of the import', () => show(id), isOver);
      expect(image).toMatchObject({
        status: 'active',
        size: 9,
        os_hash_value: createHash('sha512').update('chameleon').digest('hex'),
        os_glance_failed_import: '',
        os_glance_importing_to_stores: '',
      });
      expect((await ask('GET', `/${id}/file`)).text).toBe('chameleon');
    });

    test('keeps properties that are set while the data are staged', async () => {
      const id = await create();
      await stage(id);

      expect((await patch(id, [{ op: 'add', path: '/noted', value: 'x' }])).status).toBe(200);

      await ask('POST', `/${id}/import`, direct);
      expect(await waitFor('the import', () => show(id), isOver)).toMatchObject({ status: 'active', noted: 'x' });
    });

    test('needs staged data, which can be staged once only and of an image without data', async () => {
      const id = await create();

      expect((await ask('POST', `/${id}/import`, direct)).status).toBe(409);
      await stage(id);
      const { token } = target().admin;
      const second = slowUpload(`${target().url}/v2/images/${id}/stage`, { token, bytes: 9 });
      expect(await second.answered()).toBe(409);
      second.abort();
      const active = slowUpload(`${target().url}/v2/images/${await createActive()}/stage`, { token, bytes: 9 });
      expect(await active.answered()).toBe(409);
      active.abort();
    });

    test('can be begun again where the sender of the data disconnects', async () => {
      const id = await create();
      const upload = slowUpload(`${target().url}/v2/images/${id}/stage`, { token: target().admin.token, bytes: 9 });
      upload.write('chame');
      const during = await waitFor(
        'uploading',
        () => show(id),
        ({ status }) => status === 'uploading',
      );
      expect(during.size).toBeNull();

      upload.abort();

      await waitFor(
        'queued',
        () => show(id),
        ({ status }) => status === 'queued',
      );
      expect((await stage(id)).status).toBe(204);
      await ask('POST', `/${id}/import`, direct);
      expect(await waitFor('the import', () => show(id), isOver)).toMatchObject({ status: 'active', size: 9 });
    });

    test('frees the staged data with the image', async () => {
      const id = await create();
      await stage(id);

      expect((await ask('DELETE', `/${id}`)).status).toBe(204);

      expect((await ask('GET', `/${id}`)).status).toBe(404);
    });
  });
}

/** Which stores data go to. */
export function describeStores({ ask, create, createActive, show, target }: GlanceContract): void {
  describe('stores', () => {
    const copy = (stores: readonly string[]) => ({
      json: { method: { name: 'copy-image' }, stores, all_stores_must_succeed: false },
    });

    test('are told, with the one that is used if none is named', async () => {
      const { json } = await send('GET', `${target().url}/v2/info/stores`, { token: target().admin.token });

      expect(json).toEqual({ stores: [{ id: 'fast', default: 'true' }, { id: 'slow' }] });
      expect(await show(await createActive())).toMatchObject({ stores: 'fast' });
    });

    test('can be named for an upload by a header, and for an import in its body', async () => {
      const [uploaded, imported] = [await create(), await create()];

      await ask('PUT', `/${uploaded}/file`, { data: 'chameleon', headers: { 'X-Image-Meta-Store': 'slow' } });
      await ask('PUT', `/${imported}/stage`, { data: 'chameleon' });
      await ask('POST', `/${imported}/import`, { json: { method: { name: 'glance-direct' }, stores: ['slow'] } });

      expect(await show(uploaded)).toMatchObject({ stores: 'slow' });
      expect(await waitFor('the import', () => show(imported), isOver)).toMatchObject({ stores: 'slow' });
    });

    test('that do not exist are refused', async () => {
      const { token } = target().admin;
      const url = `${target().url}/v2/images/${await create()}/file`;
      const upload = await send('PUT', url, { token, data: 'chameleon', headers: { 'X-Image-Meta-Store': 'none' } });

      expect(upload.status).toBe(400);
      expect((await ask('POST', `/${await createActive()}/import`, copy(['none']))).status).toBe(409);
    });

    test('get a copy of an active image, which stays active', async () => {
      const id = await createActive();
      const before = await show(id);

      expect((await ask('POST', `/${id}/import`, copy(['slow']))).status).toBe(202);

      const image = await waitFor('the copy', () => show(id), isOver);
      expect(image).toMatchObject({
        status: 'active',
        os_hash_value: before.os_hash_value,
        os_glance_failed_import: '',
        os_glance_importing_to_stores: '',
      });
      expect(String(image.stores).split(',').sort()).toEqual(['fast', 'slow']);
      expect((await ask('POST', `/${id}/import`, copy(['slow']))).status).toBe(400);
    });

    test('get no copy of an image without data, nor for a member', async () => {
      expect((await ask('POST', `/${await create()}/import`, copy(['slow']))).status).toBe(409);
      const { token } = target().demo;
      const own = await create({}, token);
      await ask('PUT', `/${own}/file`, { token, data: 'chameleon' });
      expect((await ask('POST', `/${own}/import`, { token, ...copy(['slow']) })).status).toBe(403);
    });
  });
}
