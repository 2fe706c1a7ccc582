import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { waitFor } from './contract-requests.js';
import type { Reply } from './contract-requests.js';
import { add, inWrongState, refused, remove, toAvailable } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

/** Of a conductor that takes seconds for each step. */
const slow = { conductor_group: 'slow' };

export function describeStates(contract: IronicContract): void {
  const { ask, create, show, patch, say, settle, bring, mac, target, either } = contract;
  const locked = (uuid: string): [number, unknown] => [
    409,
    expect.stringMatching(
      new RegExp(`^Node ${uuid} is locked by host .+, please retry after the current operation is completed\\.$`),
    ),
  ];

  describe('states', () => {
    test('a node goes through all states and back, and an invalid verb is refused', async () => {
      const uuid = await create();
      await patch(uuid, add('/instance_info/image_source', 'http://h/i'));

      expect(refused(await say(uuid, 'provide'))).toEqual(inWrongState(uuid, 'provide', 'enroll'));
      expect(refused(await say(uuid, 'nonsense'))).toEqual(inWrongState(uuid, 'nonsense', 'enroll'));
      await bring(uuid, ['manage', 'manageable']);
      expect(refused(await say(uuid, 'manage'))).toEqual(inWrongState(uuid, 'manage', 'manageable'));
      await bring(
        uuid,
        ['provide', 'available'],
        ['manage', 'manageable'],
        ['provide', 'available'],
        ['active', 'active'],
      );
      expect(await show(uuid)).toMatchObject({
        target_provision_state: null,
        instance_uuid: null,
        instance_info: { image_source: 'http://h/i' },
      });
      await patch(uuid, add('/instance_uuid', randomUUID()));
      await bring(uuid, ['rebuild', 'active'], ['deleted', 'available']);
      // What was deployed is forgotten.
      expect(await show(uuid)).toMatchObject({ instance_uuid: null, instance_info: {}, target_provision_state: null });
      expect(refused(await say(uuid, 'deleted'))).toEqual(inWrongState(uuid, 'deleted', 'available'));
      await bring(uuid, ['manage', 'manageable'], ['inspect', 'manageable'], ['adopt', 'active']);
      expect((await say(uuid, 'rescue', { rescue_password: 'of no use' })).status).toBe(202);
      await settle(uuid, 'rescue');
      await bring(uuid, ['unrescue', 'active'], ['undeploy', 'available'], ['deploy', 'active']);
    });

    test('invalid arguments are refused', async () => {
      const uuid = await create();
      const put = (json: object): Promise<Reply> => ask('PUT', `/nodes/${uuid}/states/provision`, { json });

      expect(refused(await put({}))).toEqual([400, 'Missing mandatory parameter: target']);
      expect(refused(await put({ target: 'manage', foo: 1 }))).toEqual([400, 'Unexpected arguments: foo']);
      expect(refused(await put({ target: 'manage', configdrive: 'x' }))).toEqual([
        400,
        'Adding a config drive is only supported when setting provision state to active, rebuild',
      ]);
    });

    test('while its state changes, a node is locked and shows its target state', async () => {
      const uuid = await create(slow);
      expect((await say(uuid, 'manage')).status).toBe(202);

      const begun = await show(uuid);

      expect(begun).toMatchObject({
        provision_state: 'verifying',
        target_provision_state: 'manageable',
        reservation: expect.any(String),
      });
      expect(refused(await say(uuid, 'provide'))).toEqual(locked(uuid));
      expect(refused(await say(uuid, 'manage'))).toEqual(locked(uuid));
      expect(await settle(uuid, 'manageable')).toMatchObject({ target_provision_state: null });
    });

    test.each<[string, (uuid: string) => Promise<Reply>]>([
      ['change', (uuid) => patch(uuid, add('/description', 'd'))],
      ['delete', (uuid) => ask('DELETE', `/nodes/${uuid}`)],
      ['set maintenance of', (uuid) => ask('PUT', `/nodes/${uuid}/maintenance`, { json: {} })],
      ['switch', (uuid) => ask('PUT', `/nodes/${uuid}/states/power`, { json: { target: 'power on' } })],
      ['give traits to', (uuid) => ask('PUT', `/nodes/${uuid}/traits`, { json: { traits: [] } })],
    ])('to %s a node that is locked is refused', async (_, doIt) => {
      const uuid = await create(slow);
      await say(uuid, 'manage');

      expect(refused(await doIt(uuid))).toEqual(locked(uuid));
    });

    test('a locked node accepts a port since 2025.1, and not before', async () => {
      const uuid = await create(slow);
      await say(uuid, 'manage');

      const reply = await ask('POST', '/ports', { json: { address: mac(), node_uuid: uuid } });

      expect(reply.status).toBe(either(409, 201));
      if (reply.status !== 201) expect(refused(reply)).toEqual(locked(uuid));
    });

    test('a node that is being deployed is not changed', async () => {
      const uuid = await create(slow);
      await bring(uuid, ...toAvailable);
      await say(uuid, 'active');

      expect(refused(await patch(uuid, add('/description', 'd')))).toEqual([
        409,
        `Node ${uuid} can not be updated while a state transition is in progress.`,
      ]);
      await settle(uuid, 'active');
      expect((await patch(uuid, add('/description', 'd'))).status).toBe(200);
    });

    test('a deployment that cannot begin is refused, one that fails says why and may be tried again', async () => {
      const uuid = await create({ deploy_interface: 'direct', automated_clean: false });
      await bring(uuid, ...toAvailable);
      expect(refused(await say(uuid, 'active'))).toEqual([
        400,
        expect.stringMatching(
          new RegExp(
            `^Failed to validate deploy or power info for node ${uuid}: .*Missing are: ` +
              "\\['instance_info\\.image_source'\\]$",
          ),
        ),
      ]);
      expect((await ask('GET', `/nodes/${uuid}/validate`)).json).toMatchObject({
        power: { result: true },
        deploy: { result: false, reason: expect.stringContaining('instance_info.image_source') },
      });
      await patch(uuid, add('/instance_info/image_source', 'http://127.0.0.1:9/none'));
      expect(refused(await say(uuid, 'active'))).toEqual([
        400,
        expect.stringContaining('"image_checksum", or "image_os_hash_algo" and "image_os_hash_value" must be provided'),
      ]);
      await patch(uuid, add('/instance_info/image_checksum', 'd41d8cd98f00b204e9800998ecf8427e'));
      target().failDeployment(uuid);
      expect((await say(uuid, 'active')).status).toBe(202);

      const failed = await settle(uuid, 'deploy failed');

      expect(failed).toMatchObject({
        target_provision_state: 'active',
        last_error: expect.stringMatching(/^Failed to prepare to deploy: /),
        maintenance: false,
      });
      expect((await patch(uuid, add('/description', 'd'))).status).toBe(200);
      expect(refused(await ask('DELETE', `/nodes/${uuid}`))[0]).toBe(409);
      expect(refused(await say(uuid, 'manage'))).toEqual(inWrongState(uuid, 'manage', 'deploy failed'));
      expect((await say(uuid, 'active')).status).toBe(202);
      await settle(uuid, 'deploy failed');
      await bring(uuid, ['deleted', 'available']);
      // The next transition clears the error.
      expect((await show(uuid)).last_error).toBeNull();
    });

    test('an unreachable controller leaves the node as it was, with the reason', async () => {
      const uuid = await create({ driver: 'ipmi' });
      expect((await say(uuid, 'manage')).status).toBe(202);

      const node = await waitFor(
        'the failure',
        () => show(uuid),
        ({ last_error }) => last_error !== null,
      );

      expect(node).toMatchObject({
        provision_state: 'enroll',
        target_provision_state: null,
        last_error: expect.stringMatching(/^Failed to validate power driver interface for node .*ipmi_address/),
      });
    });

    test('a retired node is not provided, and a node in maintenance is not deployed', async () => {
      const uuid = await create();
      await bring(uuid, ['manage', 'manageable']);
      await patch(uuid, add('/retired', true));
      expect(refused(await say(uuid, 'provide'))).toEqual([
        400,
        `The providing operation can't be performed on node ${uuid} because it is retired.`,
      ]);
      await patch(uuid, add('/retired', false));
      await ask('PUT', `/nodes/${uuid}/maintenance`, { json: {} });
      await bring(uuid, ['provide', 'available']);

      expect(refused(await say(uuid, 'active'))).toEqual([
        400,
        `The provisioning operation can't be performed on node ${uuid} because it's in maintenance mode.`,
      ]);
    });
  });

  describe('deletion', () => {
    test('of a node in use or protected is refused, but maintenance allows the first', async () => {
      const uuid = await create();
      await bring(uuid, ...toAvailable, ['active', 'active']);
      const gone = (): Promise<Reply> => ask('DELETE', `/nodes/${uuid}`);

      expect(refused(await gone())).toEqual([
        409,
        `Can not delete node "${uuid}" while it is in provision state "active". ` +
          `Valid provision states to perform deletion are: "('manageable', 'enroll', 'adopt failed', ` +
          `'available')", or set the node into maintenance mode`,
      ]);
      const instance = randomUUID();
      await patch(uuid, add('/instance_uuid', instance));
      expect(refused(await gone())).toEqual([409, `Node ${uuid} is associated with instance ${instance}.`]);
      await patch(uuid, remove('/instance_uuid'), add('/protected', true));
      const message = `Node ${uuid} is protected and cannot be undeployed, rebuilt or deleted`;
      for (const reply of [await gone(), await say(uuid, 'deleted'), await say(uuid, 'rebuild')])
        expect(refused(reply)).toEqual([403, message]);
      await patch(uuid, remove('/protected'));
      await ask('PUT', `/nodes/${uuid}/maintenance`, { json: {} });
      expect((await gone()).status).toBe(204);
      expect((await gone()).status).toBe(404);
    });
  });
}
