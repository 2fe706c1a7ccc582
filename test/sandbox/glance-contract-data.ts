// Glance's contract: how an image gets its bytes.

import { createHash, randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { send, slowUpload, waitFor } from './contract-requests.js';
import type { Sending } from './contract-requests.js';
import type { GlanceContract } from './glance.contract.js';

/** PUT and GET of the file. */
export function describeData({ ask, create, createActive, show, target }: GlanceContract): void {
  describe('data', () => {
    test('makes an image active, with its size, MD5 and SHA-512', async () => {
      const id = await createActive();

      expect(await show(id)).toMatchObject({
        status: 'active',
        size: 9,
        virtual_size: 9,
        checksum: createHash('md5').update('chameleon').digest('hex'),
        os_hash_algo: 'sha512',
        os_hash_value: createHash('sha512').update('chameleon').digest('hex'),
        stores: expect.any(String),
      });
    });

    test('of a qcow2 image determine its virtual size', async () => {
      const id = await create({ disk_format: 'qcow2' });
      const head = Buffer.alloc(512);
      head.write('QFI\xfb', 'latin1');
      head.writeUInt32BE(3, 4);
      head.writeBigUInt64BE(2n ** 30n, 24);

      await ask('PUT', `/${id}/file`, { data: head });

      expect(await show(id)).toMatchObject({ size: 512, virtual_size: 2 ** 30 });
    });

    test('can be read completely or from an offset', async () => {
      const id = await createActive();

      expect(await ask('GET', `/${id}/file`)).toMatchObject({ status: 200, text: 'chameleon' });
      const part = await ask('GET', `/${id}/file`, { headers: { Range: 'bytes=5-' } });
      expect(part).toMatchObject({ status: 206, text: 'leon' });
      expect(part.headers.get('content-range')).toBe('bytes 5-8/9');
      expect((await ask('GET', `/${id}/file`, { headers: { Range: 'bytes=9-' } })).status).toBe(416);
    });

    test('of a queued image are answered as no content', async () => {
      expect((await ask('GET', `/${await create()}/file`)).status).toBe(204);
    });

    test.each<[string, number, object, string]>([
      ['without formats', 400, { disk_format: null, container_format: null }, 'application/octet-stream'],
      ['of the wrong media type', 415, {}, 'text/plain'],
    ])('%s are refused with %i', async (_, status, image, type) => {
      const id = await create(image);
      const upload = slowUpload(`${target().url}/v2/images/${id}/file`, {
        token: target().admin.token,
        bytes: 9,
        type,
      });

      expect(await upload.answered()).toBe(status);
      upload.abort();
    });

    test('for an active or unknown image are refused before they are read', async () => {
      const { token } = target().admin;
      const active = slowUpload(`${target().url}/v2/images/${await createActive()}/file`, { token, bytes: 9 });
      const none = slowUpload(`${target().url}/v2/images/${randomUUID()}/file`, { token, bytes: 9 });

      expect(await active.answered()).toBe(409);
      expect(await none.answered()).toBe(404);
      active.abort();
      none.abort();
    });

    test('whose sender disconnects leave the image queued, and can be sent again', async () => {
      const id = await create();
      const upload = slowUpload(`${target().url}/v2/images/${id}/file`, { token: target().admin.token, bytes: 9 });
      upload.write('chame');
      await waitFor(
        'saving',
        () => show(id),
        ({ status }) => status === 'saving',
      );

      upload.abort();

      const after = await waitFor(
        'queued',
        () => show(id),
        ({ status }) => status === 'queued',
      );
      expect(after).toMatchObject({ size: null, checksum: null });
      expect((await ask('PUT', `/${id}/file`, { data: 'chameleon' })).status).toBe(204);
      expect(await show(id)).toMatchObject({ status: 'active', size: 9 });
    });

    test('that another client is sending are a conflict', async () => {
      const id = await create();
      const { token } = target().admin;
      const first = slowUpload(`${target().url}/v2/images/${id}/file`, { token, bytes: 9 });
      first.write('chame');
      await waitFor(
        'saving',
        () => show(id),
        ({ status }) => status === 'saving',
      );

      const second = slowUpload(`${target().url}/v2/images/${id}/file`, { token, bytes: 9 });

      expect(await second.answered()).toBe(409);
      second.abort();
      expect(await first.end('leon')).toBe(204);
    });

    test('of an image that was deleted meanwhile get 410', async () => {
      const id = await create();
      const upload = slowUpload(`${target().url}/v2/images/${id}/file`, { token: target().admin.token, bytes: 9 });
      upload.write('chame');
      await waitFor(
        'saving',
        () => show(id),
        ({ status }) => status === 'saving',
      );

      expect((await ask('DELETE', `/${id}`)).status).toBe(204);

      expect(await upload.end('leon')).toBe(410);
    });
  });
}

/** Imports. */
export function describeImport({ ask, create, show, target }: GlanceContract): void {
  describe('web-download', () => {
    const importing = (uri?: string): Sending => ({ json: { method: { name: 'web-download', uri } } });
    const isOver = (image: Record<string, unknown>): boolean => !('os_glance_import_task' in image);

    test('is offered', async () => {
      const reply = await send('GET', `${target().url}/v2/info/import`, { token: target().admin.token });

      expect(reply.json['import-methods'].value).toContain('web-download');
    });

    test('makes the image active and leaves traces', async () => {
      const id = await create();
      const uri = await target().publish('chameleon');

      expect((await ask('POST', `/${id}/import`, importing(uri))).status).toBe(202);

      const image = await waitFor('the end of the import', () => show(id), isOver);
      expect(image).toMatchObject({
        status: 'active',
        size: 9,
        os_hash_value: createHash('sha512').update('chameleon').digest('hex'),
        os_glance_failed_import: '',
        os_glance_importing_to_stores: '',
      });
      const { tasks } = (await ask('GET', `/${id}/tasks`)).json;
      expect(tasks).toMatchObject([{ image_id: id, type: 'api_image_import', status: 'success' }]);
      expect((await ask('POST', `/${id}/import`, importing(uri))).status).toBe(409);
    });

    test('of a missing source leaves the image queued with its failed store, and can be repeated', async () => {
      const id = await create();

      await ask('POST', `/${id}/import`, importing(target().missingSource));

      const image = await waitFor('the end of the import', () => show(id), isOver);
      expect(image).toMatchObject({
        status: 'queued',
        size: null,
        os_glance_failed_import: expect.stringMatching(/./),
      });
      const [task] = (await ask('GET', `/${id}/tasks`)).json.tasks;
      expect(task).toMatchObject({ status: 'failure', message: expect.stringMatching(/./) });
      await ask('POST', `/${id}/import`, importing(await target().publish('chameleon')));
      expect(await waitFor('the second import', () => show(id), isOver)).toMatchObject({
        status: 'active',
        os_glance_failed_import: '',
      });
    });

    test('is refused for a forbidden source, for none, and for other methods', async () => {
      const id = await create();

      expect((await ask('POST', `/${id}/import`, importing(target().refusedSource))).status).toBe(400);
      expect((await ask('POST', `/${id}/import`, importing())).status).toBe(400);
      expect((await ask('POST', `/${id}/import`, { json: { method: { name: 'magic' } } })).status).toBe(400);
      expect((await ask('POST', `/${id}/import`, { json: {} })).status).toBe(400);
    });

    test('of an image without formats is a conflict', async () => {
      const id = await create({ disk_format: null });

      expect((await ask('POST', `/${id}/import`, importing(target().missingSource))).status).toBe(409);
    });
  });
}
