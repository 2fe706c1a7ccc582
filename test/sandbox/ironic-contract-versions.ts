import { describe, expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import { refused } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

export function describeVersions({ ask, create, show, run, target }: IronicContract): void {
  describe('versions', () => {
    test('every answer contains them, and anybody may request them', async () => {
      const root = await send('GET', `${target().url}/v1/`);
      const missing = await ask('GET', '/nodes/nothing');

      expect([root.status, root.json.id]).toEqual([200, 'v1']);
      for (const { headers } of [root, missing]) {
        expect(headers.get('x-openstack-ironic-api-minimum-version')).toBe('1.1');
        expect(headers.get('x-openstack-ironic-api-maximum-version')).toMatch(/^1\.\d+$/);
      }
      expect(missing.headers.get('x-openstack-ironic-api-version')).toBe('1.82');
    });

    test('one that is too new is refused, naming the supported ones', async () => {
      const reply = await ask('GET', '/nodes', { minor: 999 });

      expect(refused(reply)).toEqual([
        406,
        expect.stringMatching(
          /^Version 1\.999 was requested but the minor version is not supported by this service\. The supported version range is: \[1\.1, 1\.\d+\]\.$/,
        ),
      ]);
      expect(reply.headers.get('x-openstack-ironic-api-maximum-version')).toMatch(/^1\.\d+$/);
    });

    test('the default is 1.1, which has neither names nor the choice of fields', async () => {
      const name = `${run}.old`;
      const uuid = await create({ name });

      const old = (await ask('GET', `/nodes/${uuid}`, { minor: 'none' })).json;

      expect(old).toMatchObject({ uuid, provision_state: 'enroll', driver: 'fake-hardware' });
      for (const field of ['name', 'driver_internal_info', 'resource_class', 'traits', 'owner'])
        expect(old).not.toHaveProperty(field);
      expect(refused(await ask('GET', `/nodes/${name}`, { minor: 'none' }))).toEqual([
        404,
        `Node ${name} could not be found.`,
      ]);
      expect(refused(await ask('GET', '/nodes?fields=uuid', { minor: 7 }))).toEqual([406, 'Request not acceptable.']);
      expect(refused(await ask('GET', '/nodes?provision_state=enroll', { minor: 8 }))).toEqual([
        406,
        'Request not acceptable.',
      ]);
    });

    test('fields that are newer than the version are refused without their names', async () => {
      const uuid = await create();

      const replies = [
        await ask('POST', '/nodes', { minor: 49, json: { driver: 'fake-hardware', owner: 'me' } }),
        await ask('PATCH', `/nodes/${uuid}`, { minor: 49, json: [{ op: 'add', path: '/owner', value: 'me' }] }),
        await ask('GET', `/nodes/${uuid}?fields=owner`, { minor: 49 }),
        await ask('PUT', `/nodes/${uuid}/states/provision`, { minor: 12, json: { target: 'abort' } }),
        await ask('GET', `/nodes/${uuid}/traits`, { minor: 36 }),
        await ask('POST', '/ports', {
          minor: 18,
          json: { address: '52:54:00:00:00:01', node_uuid: uuid, pxe_enabled: true },
        }),
      ];

      for (const reply of replies) expect(refused(reply)).toEqual([406, 'Request not acceptable.']);
      expect((await ask('GET', `/nodes/${uuid}`, { minor: 49 })).json).not.toHaveProperty('owner');
    });

    test('below 1.11 new nodes are available, which below 1.2 is shown as null', async () => {
      const reply = await ask('POST', '/nodes', { minor: 'none', json: { driver: 'fake-hardware' } });
      const { uuid } = reply.json;

      expect([reply.status, reply.json.provision_state]).toEqual([201, null]);
      expect(await show(uuid)).toMatchObject({ provision_state: 'available', name: null });
      expect((await ask('DELETE', `/nodes/${uuid}`)).status).toBe(204);
    });

    test('a user without a role sees nothing and changes nothing', async () => {
      const uuid = await create();
      const { token } = target().demo;

      expect((await ask('GET', '/nodes', { token })).json.nodes).toEqual([]);
      expect(refused(await ask('GET', `/nodes/${uuid}`, { token }))).toEqual([404, `Node ${uuid} could not be found.`]);
      expect(refused(await ask('POST', '/nodes', { token, json: { driver: 'fake-hardware' } }))).toEqual([
        403,
        expect.stringContaining('baremetal:node:create'),
      ]);
      const stranger = await send('GET', `${target().url}/v1/nodes`);
      expect([stranger.status, stranger.json.error.code]).toEqual([401, 401]);
    });
  });
}
