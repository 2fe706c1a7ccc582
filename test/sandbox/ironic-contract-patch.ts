import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { add, refused, remove, replace, toAvailable } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

export function describePatch(contract: IronicContract): void {
  const { ask, create, show, patch, bring, run, target } = contract;

  // What is refused changes nothing, so that one node will do.
  let untouched: Promise<string> | undefined;
  const anyNode = (): Promise<string> => (untouched ??= create());

  describe('changes', () => {
    test('a patch adds, replaces and removes single keys of the unmasked record', async () => {
      const uuid = await create({
        driver_info: { ipmi_password: 'x', deploy_kernel: 'k' },
        properties: { root_device: { size: 1 }, list: [1] },
      });

      const { status, json } = await patch(
        uuid,
        replace('/driver_info/deploy_kernel', 'l'),
        add('/extra/a', { b: null }),
        replace('/properties/root_device/size', 2),
        add('/properties/list/-', 3),
        add('/properties/list/0', 0),
      );

      expect(status).toBe(200);
      expect(json).toMatchObject({
        driver_info: { ipmi_password: '******', deploy_kernel: 'l' },
        extra: { a: { b: null } },
        properties: { root_device: { size: 2 }, list: [0, 1, 3] },
      });
      // What is sent masked is stored so: nothing of the secret is left in the value.
      await patch(uuid, add('/driver_info/deploy_kernel', 'http://h/?token=******'));
      expect((await show(uuid)).driver_info).toMatchObject({ deploy_kernel: 'http://h/?token=******' });
      expect((await patch(uuid, remove('/driver_info/ipmi_password'), remove('/extra/a'))).json).toMatchObject({
        driver_info: { deploy_kernel: expect.anything() },
        extra: {},
      });
      expect((await show(uuid)).driver_info).not.toHaveProperty('ipmi_password');
    });

    test('a field that is removed gets the default of a new node', async () => {
      const fields = {
        name: `${run}.removed`,
        description: 'd',
        resource_class: 'r',
        properties: { a: 1 },
        extra: { a: 1 },
        driver_info: { a: 1 },
      };
      const uuid = await create(fields);

      // Only an admin of the system takes a node from its owner everywhere.
      const { json } = await ask('PATCH', `/nodes/${uuid}`, {
        json: [...Object.keys(fields), 'owner', 'power_interface', 'protected'].map((field) => remove(`/${field}`)),
        token: target().system.token,
      });

      expect(json).toMatchObject({
        name: null,
        description: null,
        resource_class: null,
        owner: null,
        properties: {},
        extra: {},
        driver_info: {},
        power_interface: 'fake',
        protected: false,
      });
    });

    test('words are accepted as booleans, and null as an empty mapping', async () => {
      const uuid = await create({ extra: { a: 1 }, automated_clean: true });

      const { json } = await patch(uuid, add('/maintenance', 'on'), add('/extra', null), add('/automated_clean', null));

      expect(json).toMatchObject({ maintenance: true, maintenance_reason: null, extra: {}, automated_clean: null });
      expect((await patch(uuid, add('/maintenance', false))).json.maintenance).toBe(false);
    });

    test('a patch that changes nothing still updates the date', async () => {
      const uuid = await create();

      expect((await patch(uuid)).json.updated_at).toEqual(expect.any(String));
    });

    test.each<[string, object[], number, string | RegExp]>([
      [
        'a key that is not there to be replaced',
        [replace('/driver_info/none', 1)],
        400,
        "Couldn't apply patch '{'op': 'replace', 'path': '/driver_info/none', 'value': 1}'. Reason: " +
          "can't replace a non-existent object 'none'",
      ],
      [
        'a key that is not there to be removed',
        [remove('/extra/none')],
        400,
        "Couldn't apply patch '{'op': 'remove', 'path': '/extra/none'}'. Reason: " +
          "can't remove a non-existent object 'none'",
      ],
      [
        'a key below one that is not there',
        [add('/properties/a/b', 1)],
        400,
        /^Couldn't apply patch .* Reason: member 'a' not found in /,
      ],
      [
        'a place behind the end of a list',
        [add('/properties/list', []), add('/properties/list/9', 1)],
        400,
        /Reason: can't insert outside of list$/,
      ],
      [
        'a key with a dot',
        [add('/driver_info/a.b', 1)],
        400,
        /^Schema error for patch: '\/driver_info\/a\.b' does not match/,
      ],
      [
        'a test',
        [{ op: 'test', path: '/name', value: 'a' }],
        400,
        "Schema error for patch: 'test' is not one of ['add', 'replace', 'remove']",
      ],
      ['no path', [{ op: 'add' }], 400, "Schema error for patch: 'path' is a required property"],
      [
        'an unknown field',
        [add('/foo', 1)],
        400,
        /^Cannot patch \/foo\. Only the following can be updated: automated_clean, bios_interface, /,
      ],
      ['a state', [add('/provision_state', 'active')], 400, /^Cannot patch \/provision_state\./],
      ['traits', [add('/traits', [])], 400, /^Cannot patch \/traits\./],
      ['the reason of maintenance', [add('/maintenance_reason', 'x')], 400, /^Cannot patch \/maintenance_reason\./],
      ['no driver', [remove('/driver')], 400, "Schema error for patch: 'driver' is a required property"],
      [
        'another driver',
        [add('/driver', 'nope')],
        400,
        /^No valid host was found\. Reason: .* supports driver nope for/,
      ],
      [
        'a driver that does not take the interfaces',
        [add('/driver', 'ipmi')],
        400,
        /is not supported by hardware type IPMIHardware\.$/,
      ],
      [
        'a wrong type',
        [replace('/driver_info', 'x')],
        400,
        "Schema error for patch: 'x' is not of type 'object', 'null'",
      ],
      [
        'a wrong type of a text',
        [add('/resource_class', 5)],
        400,
        "Schema error for patch: 5 is not of type 'string', 'null'",
      ],
      ['a wrong boolean', [add('/maintenance', 'x')], 400, /^Invalid maintenance: Unrecognized value 'x'/],
      ['no maintenance', [remove('/maintenance')], 500, "Field `maintenance' cannot be None"],
      ['a reserved name', [add('/name', 'states')], 400, /^The word "states" is reserved/],
      [
        'an unknown interface',
        [add('/power_interface', 'nope')],
        400,
        /^Could not find the following interface in the 'ironic\.hardware\.interfaces\.power' entrypoint: nope\./,
      ],
      [
        'a reason without what it is for',
        [add('/retired_reason', 'x')],
        400,
        'The retired_reason field can only be set when retired is True',
      ],
      ['an instance that is no UUID', [add('/instance_uuid', 'a')], 400, 'Expected UUID for instance_uuid: a'],
    ])('%s is refused, and nothing is changed', async (_, steps, status, message) => {
      const uuid = await anyNode();

      expect(refused(await patch(uuid, add('/description', 'changed'), ...steps))).toEqual([
        status,
        typeof message === 'string' ? message : expect.stringMatching(message),
      ]);
      expect(await show(uuid)).toMatchObject({ description: null, updated_at: null });
    });

    test('anything but a list is refused', async () => {
      const uuid = await anyNode();

      expect(refused(await ask('PATCH', `/nodes/${uuid}`, { json: {} }))).toEqual([
        400,
        "Schema error for patch: {} is not of type 'array'",
      ]);
    });

    test('interfaces are reset only together with the driver', async () => {
      const uuid = await create();
      const path = `/nodes/${uuid}?reset_interfaces=true`;

      expect(refused(await ask('PATCH', path, { json: [add('/description', 'x')] }))).toEqual([
        400,
        "The reset_interfaces parameter can only be used when changing the node's driver.",
      ]);
      expect((await ask('PATCH', path, { json: [add('/driver', 'ipmi')] })).json).toMatchObject({
        driver: 'ipmi',
        power_interface: 'ipmitool',
        deploy_interface: 'direct',
        bios_interface: 'no-bios',
        boot_interface: 'pxe',
      });
    });

    test('names and instances are unique', async () => {
      const [one, other, instance] = [await create({ name: `${run}.taken` }), await create(), randomUUID()];
      await patch(one, add('/instance_uuid', instance));

      expect(refused(await patch(other, add('/name', `${run}.taken`)))).toEqual([
        409,
        `A node with name ${run}.taken already exists.`,
      ]);
      expect(refused(await patch(other, add('/instance_uuid', instance)))[0]).toBe(409);
      expect(refused(await patch(one, add('/instance_uuid', randomUUID())))).toEqual([
        409,
        `Node ${one} is associated with instance ${instance}.`,
      ]);
      expect((await patch(one, remove('/instance_uuid'))).json.instance_uuid).toBeNull();
    });

    test('some fields can be set only in some states', async () => {
      const uuid = await create({ resource_class: 'one' });
      expect(refused(await patch(uuid, add('/protected', true)))).toEqual([
        409,
        `Node ${uuid} can only be made protected in provision states 'active' or 'rescue', the current state is ` +
          "'enroll'",
      ]);
      await bring(uuid, ...toAvailable);
      expect(refused(await patch(uuid, add('/retired', true)))).toEqual([
        409,
        `Node ${uuid} can not have 'retired' set in provision state 'available', the current state is 'available'`,
      ]);
      await bring(uuid, ['active', 'active']);
      const allowed = '(enroll, inspecting, inspect wait, manageable, available)';

      expect(refused(await patch(uuid, add('/boot_interface', 'pxe')))).toEqual([
        409,
        `Node ${uuid} can not have boot_interface updated unless it is in one of allowed ${allowed} states or in ` +
          'maintenance mode.',
      ]);
      expect(refused(await patch(uuid, add('/resource_class', 'two')))).toEqual([
        409,
        `Node ${uuid} can not have resource_class updated unless it is in one of allowed ${allowed} states.`,
      ]);
      expect((await patch(uuid, add('/boot_interface', 'fake'), add('/resource_class', 'one'))).status).toBe(200);
      expect((await patch(uuid, add('/protected', true), add('/protected_reason', 'mine'))).json).toMatchObject({
        protected: true,
        protected_reason: 'mine',
      });
      expect((await patch(uuid, add('/protected', false))).json).toMatchObject({
        protected: false,
        protected_reason: null,
      });
      expect((await patch(uuid, add('/retired', true), add('/retired_reason', 'old'))).json).toMatchObject({
        retired: true,
        retired_reason: 'old',
      });
      expect((await patch(uuid, add('/retired', false))).json).toMatchObject({ retired: false, retired_reason: null });
    });
  });
}
