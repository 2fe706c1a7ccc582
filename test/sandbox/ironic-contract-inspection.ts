import { describe, expect, test } from '@jest/globals';

import { add, refused } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

export function describeInspection({ ask, create, show, patch, say, settle, bring, target }: IronicContract): void {
  describe('inspection', () => {
    test('a node says when it was inspected, and while it is inspected again it does not', async () => {
      const uuid = await create({ conductor_group: 'slow' });
      await bring(uuid, ['manage', 'manageable']);
      expect(await show(uuid)).toMatchObject({ inspection_started_at: null, inspection_finished_at: null });
      await bring(uuid, ['inspect', 'manageable']);
      expect(await show(uuid)).toMatchObject({
        inspection_started_at: null,
        inspection_finished_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      });

      expect((await say(uuid, 'inspect')).status).toBe(202);

      expect(await show(uuid)).toMatchObject({
        provision_state: 'inspecting',
        target_provision_state: 'manageable',
        inspection_started_at: expect.any(String),
        inspection_finished_at: null,
      });
      await settle(uuid, 'manageable');
    });

    test('no-inspect is refused by name, and the node stays as it is', async () => {
      const uuid = await create({ inspect_interface: 'no-inspect' });
      await bring(uuid, ['manage', 'manageable']);

      expect(refused(await say(uuid, 'inspect'))).toEqual([
        400,
        'Driver fake-hardware does not support inspect (disabled or not implemented).',
      ]);
      expect(await show(uuid)).toMatchObject({ provision_state: 'manageable', last_error: null });
    });

    test('an inventory that is not kept is not found, nor any by an older version', async () => {
      const uuid = await create();
      await bring(uuid, ['manage', 'manageable'], ['inspect', 'manageable']);

      expect(refused(await ask('GET', `/nodes/${uuid}/inventory`, { minor: 81 }))).toEqual([
        404,
        // Ironic names it by its number in the database.
        expect.stringMatching(/^Node inventory record for node .+ could not be found\.$/),
      ]);
      expect((await ask('GET', `/nodes/${uuid}/inventory`, { minor: 80 })).status).toBe(404);
    });

    test('a driver tells its default interface', async () => {
      // By default, listing drivers needs a role on the system.
      const { json } = await ask('GET', '/drivers?detail=true', { token: target().system.token });

      const drivers = json.drivers as { name: string; default_inspect_interface: string }[];
      expect(drivers.map(({ name, default_inspect_interface: inspect }) => [name, inspect])).toEqual(
        expect.arrayContaining([
          ['fake-hardware', 'fake'],
          ['ipmi', 'no-inspect'],
        ]),
      );
    });

    test('a node may be changed once it was inspected', async () => {
      const uuid = await create();
      await bring(uuid, ['manage', 'manageable'], ['inspect', 'manageable']);

      expect((await patch(uuid, add('/properties/memory_mb', 1))).status).toBe(200);
    });
  });
}
