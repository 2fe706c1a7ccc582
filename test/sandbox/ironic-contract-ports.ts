import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import type { Reply } from './contract-requests.js';
import { add, refused, remove, replace, toAvailable } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

const link = { port_id: '1', switch_id: '0a:0b:0c:0d:0e:0f' };

export function describePorts({ ask, create, bring, mac, run, either, target }: IronicContract): void {
  const post = (json: object): Promise<Reply> => ask('POST', '/ports', { json });
  const patchPort = (uuid: string, ...json: object[]): Promise<Reply> => ask('PATCH', `/ports/${uuid}`, { json });
  const listed = async (query: string): Promise<object[]> => (await ask('GET', `/ports${query}`)).json.ports;

  // What is refused changes nothing, so that one node will do.
  let untouched: Promise<string> | undefined;
  const anyNode = (): Promise<string> => (untouched ??= create());

  describe('ports', () => {
    test('one is created, found, changed and deleted', async () => {
      const name = `${run}.ported`;
      const [owner, address] = [await create({ name }), mac()];

      const created = await post({ address: address.toUpperCase(), node_uuid: owner });

      const { uuid } = created.json;
      expect(created.status).toBe(201);
      expect(created.json).toMatchObject({
        address,
        node_uuid: owner,
        pxe_enabled: true,
        local_link_connection: {},
        physical_network: null,
        is_smartnic: false,
        portgroup_uuid: null,
        extra: {},
        updated_at: null,
      });
      const row = { uuid, address, links: expect.anything() };
      for (const query of [
        `?address=${address.toUpperCase()}`,
        `?node=${name}`,
        `?node_uuid=${owner}`,
        `?node=${owner}&fields=uuid,address`,
      ])
        expect(await listed(query)).toEqual([row]);
      expect(await listed(`/detail?node=${owner}`)).toEqual([
        expect.objectContaining({ uuid, node_uuid: owner, extra: {} }),
      ]);
      const changes = [
        add('/extra/a', 'b'),
        add('/pxe_enabled', false),
        replace('/local_link_connection', { ...link, switch_id: '0A:0b:0c:0d:0e:0f' }),
        add('/physical_network', 'net'),
      ];
      expect((await patchPort(uuid, ...changes)).json).toMatchObject({
        extra: { a: 'b' },
        pxe_enabled: false,
        local_link_connection: link,
        physical_network: 'net',
      });
      expect((await patchPort(uuid, remove('/extra'), remove('/physical_network'))).json).toMatchObject({
        extra: {},
        physical_network: null,
        updated_at: expect.any(String),
      });
      expect((await ask('GET', `/ports/${uuid}`, { minor: 1 })).json).not.toHaveProperty('pxe_enabled');
      expect((await ask('DELETE', `/ports/${uuid}`)).status).toBe(204);
      expect(refused(await ask('DELETE', `/ports/${uuid}`))).toEqual([404, `Port ${uuid} could not be found.`]);
      expect(await listed(`?node=${owner}`)).toEqual([]);
    });

    test.each<[string, object, RegExp]>([
      [
        'an address with dashes',
        { address: '52-54-00-00-00-01' },
        /^Expected valid MAC address for address: 52-54-00-00-00-01$/,
      ],
      ['no address', { address: undefined }, /^Schema error for port: 'address' is a required property$/],
      // 2025.1 calls it node_ident.
      ['no node', { node_uuid: undefined }, /^Schema error for port: .*'node_(uuid|ident)' is a required property$/],
      [
        'another node',
        { node_uuid: '5fa12f0c-ce84-4f75-9f8c-1e2f5a1a0a02' },
        /^Node 5fa12f0c-ce84-4f75-9f8c-1e2f5a1a0a02 could not be found\.$/,
      ],
      [
        'an unknown field',
        { foo: 1 },
        /^Schema error for port: Additional properties are not allowed \('foo' was unexpected\)$/,
      ],
      [
        'half a link',
        { local_link_connection: { port_id: '1' } },
        /^Schema error for local_link_connection: .*'switch_id' is a required property$/,
      ],
      ['an empty network', { physical_network: '' }, /^A non-empty value is required when setting physical_network$/],
    ])('%s is refused with 400', async (_, fields, message) => {
      const owner = await anyNode();

      // A project may not even be told that another node is not there.
      const { token } = target().system;
      const json = { address: mac(), node_uuid: owner, ...fields };
      expect(refused(await ask('POST', '/ports', { json, token }))).toEqual([400, expect.stringMatching(message)]);
    });

    test('addresses are unique across all nodes', async () => {
      const [one, other, address] = [await create(), await create(), mac()];
      await post({ address, node_uuid: one });
      const { uuid } = (await post({ address: mac(), node_uuid: other })).json;

      expect(refused(await post({ address, node_uuid: other }))).toEqual([
        409,
        `A port with MAC address ${address} already exists.`,
      ]);
      expect(refused(await patchPort(uuid, replace('/address', address)))).toEqual([
        409,
        `A port with MAC address ${address} already exists.`,
      ]);
    });

    test('invalid changes are refused', async () => {
      const { uuid } = (await post({ address: mac(), node_uuid: await create() })).json;

      expect(refused(await patchPort(uuid, add('/foo', 1)))).toEqual([
        400,
        expect.stringMatching(/^Cannot patch \/foo\. Only the following can be updated: address, /),
      ]);
      expect(refused(await patchPort(uuid, remove('/address')))).toEqual([
        400,
        "Schema error for patch: 'address' is a required property",
      ]);
      expect(refused(await patchPort(uuid, replace('/address', '525400000001')))).toEqual([
        400,
        'Expected valid MAC address for address: 525400000001',
      ]);
      expect(refused(await patchPort(uuid, remove('/pxe_enabled')))).toEqual([
        500,
        "Field `pxe_enabled' cannot be None",
      ]);
      expect((await patchPort(uuid, replace('/node_uuid', await create()))).status).toBe(500);
    });

    test('unknown resources and other forms of requests are refused', async () => {
      const uuid = randomUUID();

      expect(refused(await ask('GET', `/ports/${uuid}`))).toEqual([404, `Port ${uuid} could not be found.`]);
      // Since 1.88 ports have names.
      expect(refused(await ask('GET', '/ports/nothing'))).toEqual(
        either([400, 'Expected UUID for port_uuid: nothing'], [404, 'Port nothing could not be found.']),
      );
      expect(refused(await ask('GET', '/ports?node=nothing'))).toEqual([404, 'Node nothing could not be found.']);
      expect(refused(await ask('GET', '/ports?address=525400000001'))).toEqual([
        400,
        'Expected valid MAC address for address: 525400000001',
      ]);
      expect(refused(await ask('GET', '/ports?foo=1'))).toEqual([400, 'Unexpected arguments: foo']);
    });

    test('the connection of a port changes only in some states, or in maintenance', async () => {
      const owner = await create();
      const { uuid } = (await post({ address: mac(), node_uuid: owner })).json;
      await bring(owner, ...toAvailable);

      for (const change of [
        add('/pxe_enabled', false),
        add('/local_link_connection', link),
        add('/physical_network', 'net'),
      ]) {
        expect(refused(await patchPort(uuid, change))).toEqual([
          409,
          expect.stringMatching(
            /can not have any connectivity attributes .* in maintenance mode\. The current state is available\.$/,
          ),
        ]);
      }
      expect((await patchPort(uuid, add('/pxe_enabled', true), add('/extra/a', 1))).status).toBe(200);
      await bring(owner, ['active', 'active']);
      expect(refused(await patchPort(uuid, replace('/address', mac())))).toEqual([
        409,
        `Cannot update hardware address for port ${uuid} as node ${owner} is active or has instance UUID assigned`,
      ]);
      expect((await ask('PUT', `/nodes/${owner}/maintenance`, { json: {} })).status).toBe(202);
      expect((await patchPort(uuid, replace('/address', mac()), add('/pxe_enabled', false))).json).toMatchObject({
        pxe_enabled: false,
      });
    });

    test('they are deleted with their node', async () => {
      const owner = await create();
      const { uuid } = (await post({ address: mac(), node_uuid: owner })).json;

      expect((await ask('DELETE', `/nodes/${owner}`)).status).toBe(204);
      expect((await ask('GET', `/ports/${uuid}`)).status).toBe(404);
    });
  });
}
