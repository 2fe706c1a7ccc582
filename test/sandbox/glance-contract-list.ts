// Glance's contract: images are listed.

import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import type { Reply } from './contract-requests.js';
import type { GlanceContract } from './glance.contract.js';

/** GET of the collection. */
export function describeList({ run, ask, create, listIds, target }: GlanceContract): void {
  describe('list', () => {
    test('pages by limit and next', async () => {
      const mark = randomUUID();
      const ids = [await create({ mark }), await create({ mark }), await create({ mark })];
      const seen: string[] = [];

      let next: string | undefined = `/v2/images?mark=${mark}&limit=1&sort=id:asc`;
      while (next !== undefined && seen.length < 4) {
        const reply: Reply = await send('GET', target().url + next, { token: target().admin.token });
        seen.push(...(reply.json.images as { id: string }[]).map(({ id }) => id));
        next = reply.json.next as string | undefined;
      }

      expect(seen).toEqual([...ids].sort());
    });

    test('repeats the query in its links', async () => {
      const reply = await ask('GET', '?limit=0&sort=name:asc');

      expect(reply.json).toEqual({
        images: [],
        first: '/v2/images?limit=0&sort=name%3Aasc',
        schema: '/v2/schemas/images',
      });
    });

    test('filters by name, whatever its case, and by property', async () => {
      const mark = randomUUID();
      const id = await create({ name: `${run}-Name`, mark });
      await create({ name: `${run}-Name2`, mark });

      expect(await listIds(`name=${run}-Name`)).toEqual([id]);
      expect(await listIds(`name=${run}-nAME`)).toEqual([id]);
      expect(await listIds(`mark=${mark}`)).toHaveLength(2);
      expect(await listIds(`mark=${mark}&name=${run}-Name`)).toEqual([id]);
      expect(await listIds(`mark=${mark}&status=active`)).toEqual([]);
    });

    test('accepts a name with a colon only in quotes', async () => {
      const name = `${run}_2025-04-22 15:30:45`;
      const id = await create({ name });

      expect((await ask('GET', `?name=${encodeURIComponent(name)}`)).status).toBe(400);
      expect(await listIds(`name=${encodeURIComponent(`in:"${name}"`)}`)).toEqual([id]);
      expect(await listIds(`name=${encodeURIComponent(`in:"${name}",other`)}`)).toEqual([id]);
    });

    test('leaves out hidden images unless they are requested', async () => {
      const mark = randomUUID();
      const id = await create({ mark, os_hidden: true });

      expect(await listIds(`mark=${mark}`)).toEqual([]);
      expect(await listIds(`mark=${mark}&visibility=all`)).toEqual([]);
      expect(await listIds(`mark=${mark}&os_hidden=true`)).toEqual([id]);
    });

    test('shows an admin the private images of others, and their community images on request', async () => {
      const mark = randomUUID();
      const { token } = target().demo;
      const shared = await create({ mark, visibility: 'private' }, token);
      const community = await create({ mark, visibility: 'community' }, token);

      expect(await listIds(`mark=${mark}`)).toEqual([shared]);
      expect((await listIds(`mark=${mark}&visibility=all`)).sort()).toEqual([shared, community].sort());
      expect((await listIds(`mark=${mark}&visibility=community`)).sort()).toEqual([community]);
      expect(await listIds(`mark=${mark}&owner=${target().demo.projectId}`)).toEqual([shared]);
    });

    test('shows other projects public images, not private ones', async () => {
      const mark = randomUUID();
      const open = await create({ mark, visibility: 'public' });
      const closed = await create({ mark });

      expect(await listIds(`mark=${mark}`, target().demo.token)).toEqual([open]);
      expect((await ask('GET', `/${closed}`, { token: target().demo.token })).status).toBe(404);
    });

    test('sorts', async () => {
      const mark = randomUUID();
      const [b, a] = [await create({ mark, name: `${run}-b` }), await create({ mark, name: `${run}-a` })];

      expect(await listIds(`mark=${mark}&sort=name:asc`)).toEqual([a, b]);
      expect(await listIds(`mark=${mark}&sort_key=name&sort_dir=desc`)).toEqual([b, a]);
    });

    test.each([
      'limit=-1',
      'limit=x',
      'sort=colour:asc',
      'sort=name:up',
      'visibility=secret',
      'os_hidden=maybe',
      'marker=nothing',
      'size_min=x',
    ])('refuses %s with 400', async (query) => {
      expect((await ask('GET', `?${query}`)).status).toBe(400);
    });
  });
}
