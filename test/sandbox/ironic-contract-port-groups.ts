import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import type { Reply } from './contract-requests.js';
import { add, refused, remove } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

export function describePortGroups({ ask, create, mac, run }: IronicContract): void {
  const post = (json: object): Promise<Reply> => ask('POST', '/portgroups', { json });
  const patchGroup = (ident: string, ...json: object[]): Promise<Reply> =>
    ask('PATCH', `/portgroups/${ident}`, { json });

  describe('port groups', () => {
    test('one is created with a given UUID, found, changed, assigned ports and deleted', async () => {
      const [owner, address, uuid, name] = [await create(), mac(), randomUUID(), `${run}.bond0`];

      const created = await post({
        uuid,
        name,
        address: address.toUpperCase(),
        node_uuid: owner,
        properties: { miimon: 100 },
      });

      expect(created.status).toBe(201);
      expect(created.json).toMatchObject({
        uuid,
        name,
        address,
        node_uuid: owner,
        mode: 'active-backup',
        properties: { miimon: 100 },
        standalone_ports_supported: true,
        extra: {},
        updated_at: null,
      });
      expect((await ask('GET', `/portgroups?node=${owner}`)).json.portgroups).toEqual([
        { uuid, address, name, links: expect.anything() },
      ]);
      for (const query of [
        `?node=${owner}&detail=true&limit=1000`,
        `?address=${address}&detail=true`,
        `/detail?node=${owner}`,
      ]) {
        expect((await ask('GET', `/portgroups${query}`)).json.portgroups).toEqual([
          expect.objectContaining({ uuid, node_uuid: owner, extra: {} }),
        ]);
      }
      expect((await ask('GET', `/portgroups/${name}`)).json).toMatchObject({ uuid });
      expect(
        (
          await patchGroup(
            uuid,
            add('/mode', '802.3ad'),
            add('/properties', { miimon: 200 }),
            add('/extra', { a: 1 }),
            add('/standalone_ports_supported', false),
          )
        ).json,
      ).toMatchObject({
        mode: '802.3ad',
        properties: { miimon: 200 },
        extra: { a: 1 },
        standalone_ports_supported: false,
      });
      expect((await patchGroup(uuid, remove('/address'), remove('/extra'))).json).toMatchObject({
        address: null,
        extra: {},
      });
      const port = await ask('POST', '/ports', {
        json: { address: mac(), node_uuid: owner, portgroup_uuid: uuid, pxe_enabled: false },
      });
      expect([port.status, port.json.portgroup_uuid]).toEqual([201, uuid]);
      // It means 400, but does not expect its own refusal.
      expect([400, 500]).toContain((await ask('DELETE', `/portgroups/${uuid}`)).status);
      expect((await ask('DELETE', `/ports/${port.json.uuid as string}`)).status).toBe(204);
      expect((await ask('DELETE', `/portgroups/${uuid}`)).status).toBe(204);
      expect(refused(await ask('GET', `/portgroups/${uuid}`))).toEqual([404, `Portgroup ${uuid} could not be found.`]);
    });

    test('names, addresses and UUIDs are unique across all nodes', async () => {
      const [one, other, address, name] = [await create(), await create(), mac(), `${run}.bond1`];
      const { uuid } = (await post({ name, address, node_uuid: one })).json;

      expect(refused(await post({ name, node_uuid: other }))).toEqual([
        409,
        `A portgroup with name ${name} already exists.`,
      ]);
      expect(refused(await post({ address, node_uuid: other }))).toEqual([
        409,
        `A portgroup with MAC address ${address} already exists.`,
      ]);
      expect(refused(await post({ uuid, node_uuid: other }))[0]).toBe(409);
    });

    test.each<[string, object, RegExp]>([
      [
        'an address with dashes',
        { address: '52-54-00-00-00-01' },
        /^Expected valid MAC address for address: 52-54-00-00-00-01$/,
      ],
      ['no node', { node_uuid: undefined }, /^Schema error for portgroup: 'node_uuid' is a required property$/],
      [
        'an unknown field',
        { foo: 1 },
        /^Schema error for portgroup: Additional properties are not allowed \('foo' was unexpected\)$/,
      ],
    ])('%s is refused with 400', async (_, fields, message) => {
      expect(refused(await post({ node_uuid: await create(), ...fields }))).toEqual([
        400,
        expect.stringMatching(message),
      ]);
    });

    test('the mode cannot be removed', async () => {
      const { uuid } = (await post({ node_uuid: await create() })).json;

      expect(refused(await patchGroup(uuid, remove('/mode')))).toEqual([
        400,
        "'mode' is a mandatory attribute and can not be removed",
      ]);
    });
  });
}
