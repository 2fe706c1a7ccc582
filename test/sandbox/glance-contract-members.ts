// Glance's contract: images are shared with projects, and kept from use.

import { describe, expect, test } from '@jest/globals';

import type { GlanceContract } from './glance.contract.js';

/** /v2/images/{id}/members. */
export function describeMembers({ ask, create, createActive, listIds, patch, target }: GlanceContract): void {
  const membersOf = async (id: string): Promise<[string, string][]> => {
    const reply = await ask('GET', `/${id}/members`);
    expect(reply.status).toBe(200);
    return (reply.json.members as Record<string, string>[]).map(({ member_id = '', status = '' }) => [
      member_id,
      status,
    ]);
  };

  describe('members', () => {
    test('have to accept a shared image before it is listed, and can read it before', async () => {
      const { token, projectId } = target().demo;
      const id = await createActive({ visibility: 'shared' });

      const unknown = await ask('GET', `/${id}`, { token });
      const added = await ask('POST', `/${id}/members`, { json: { member: projectId } });
      const pending = await listIds(`id=${id}`, token);
      const read = await ask('GET', `/${id}`, { token });
      const accepted = await ask('PUT', `/${id}/members/${projectId}`, { token, json: { status: 'accepted' } });

      expect([unknown.status, added.status, read.status, accepted.status]).toEqual([404, 200, 200, 200]);
      expect(added.json).toMatchObject({ image_id: id, member_id: projectId, status: 'pending' });
      expect(pending).toEqual([]);
      expect(await listIds(`id=${id}`, token)).toEqual([id]);
      expect(await membersOf(id)).toEqual([[projectId, 'accepted']]);
    });

    test('are added once, and removed once', async () => {
      const { projectId } = target().demo;
      const id = await create({ visibility: 'shared' });
      await ask('POST', `/${id}/members`, { json: { member: projectId } });

      const again = await ask('POST', `/${id}/members`, { json: { member: projectId } });
      const removed = await ask('DELETE', `/${id}/members/${projectId}`);
      const gone = await ask('DELETE', `/${id}/members/${projectId}`);

      expect([again.status, removed.status, gone.status]).toEqual([409, 204, 404]);
      expect(await membersOf(id)).toEqual([]);
    });

    test.each(['private', 'community', 'public'])('are of shared images only, not of a %s one', async (visibility) => {
      const { projectId } = target().demo;
      const id = await create({ visibility });

      const listed = await ask('GET', `/${id}/members`);
      const added = await ask('POST', `/${id}/members`, { json: { member: projectId } });

      expect([listed.status, added.status]).toEqual([403, 403]);
    });

    test('stay when an image is shared no longer, and count when it is shared again', async () => {
      const { token, projectId } = target().demo;
      const id = await create({ visibility: 'shared' });
      await ask('POST', `/${id}/members`, { json: { member: projectId } });

      await patch(id, [{ op: 'replace', path: '/visibility', value: 'private' }]);
      const hidden = await ask('GET', `/${id}`, { token });
      await patch(id, [{ op: 'replace', path: '/visibility', value: 'shared' }]);

      expect(hidden.status).toBe(404);
      expect(await membersOf(id)).toEqual([[projectId, 'pending']]);
    });

    test('are a matter of the owner', async () => {
      const { token, projectId } = target().demo;
      const id = await create({ visibility: 'shared' });
      await ask('POST', `/${id}/members`, { json: { member: projectId } });

      const added = await ask('POST', `/${id}/members`, { token, json: { member: 'somebody' } });
      const removed = await ask('DELETE', `/${id}/members/${projectId}`, { token });

      expect([added.status, removed.status]).toEqual([403, 403]);
    });
  });
}

/** /v2/images/{id}/actions. */
export function describeActivation({ ask, create, createActive, patch, show, target }: GlanceContract): void {
  const act = async (id: string, action: string, token = target().admin.token): Promise<number> =>
    (await ask('POST', `/${id}/actions/${action}`, { token })).status;

  describe('deactivation', () => {
    test('keeps the data from others, leaves the image to be changed, and is undone', async () => {
      const { token } = target().demo;
      const id = await createActive({ visibility: 'community' });

      expect([await act(id, 'deactivate'), await act(id, 'deactivate')]).toEqual([204, 204]);
      const download = await ask('GET', `/${id}/file`, { token });
      const changed = await patch(id, [
        { op: 'add', path: '/x', value: 'y' },
        { op: 'replace', path: '/tags', value: ['b', 'a'] },
        { op: 'replace', path: '/min_ram', value: 512 },
        { op: 'replace', path: '/min_disk', value: 3 },
      ]);

      expect([download.status, changed.status]).toEqual([403, 200]);
      expect(await show(id)).toMatchObject({ status: 'deactivated', x: 'y', min_ram: 512, min_disk: 3 });
      expect([...((await show(id)).tags as string[])].sort()).toEqual(['a', 'b']);
      expect([await act(id, 'reactivate'), await act(id, 'reactivate')]).toEqual([204, 204]);
      expect(await show(id)).toMatchObject({ status: 'active' });
    });

    test('is for images with data, and for their owner', async () => {
      const [queued, active] = [await create(), await createActive({ visibility: 'community' })];

      expect(await act(queued, 'deactivate')).toBe(403);
      expect(await act(active, 'deactivate', target().demo.token)).toBe(403);
    });
  });
}
