import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import type { Reply } from './contract-requests.js';
import { refused } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

const masked = '******';

export function describeNodes(contract: IronicContract): void {
  const { ask, create, show, run, target } = contract;
  const post = (json: object): Promise<Reply> => ask('POST', '/nodes', { json });

  describe('nodes', () => {
    test('a new node is returned completely, by UUID and by name', async () => {
      const name = `${run}.new_node~1`;
      const uuid = await create({ name, properties: { cpus: 4 }, resource_class: 'one' });

      const node = await show(uuid);

      expect(node).toMatchObject({
        uuid,
        name,
        driver: 'fake-hardware',
        provision_state: 'enroll',
        target_provision_state: null,
        power_state: null,
        properties: { cpus: 4 },
        resource_class: 'one',
        owner: target().admin.projectId,
        ...{
          maintenance: false,
          maintenance_reason: null,
          reservation: null,
          last_error: null,
          instance_uuid: null,
          fault: null,
          updated_at: null,
        },
        ...{
          protected: false,
          retired: false,
          automated_clean: null,
          description: null,
          conductor_group: '',
          traits: [],
          extra: {},
          instance_info: {},
        },
        ...{ power_interface: 'fake', deploy_interface: 'fake', network_interface: 'noop', storage_interface: 'noop' },
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/),
      });
      expect(await show(name)).toEqual(node);
      const { json } = await ask('GET', `/nodes/${uuid}?fields=uuid,name`);
      expect(json).toEqual({ uuid, name, links: expect.anything() });
    });

    test('secrets are masked, by their keys and in values', async () => {
      const driver_info = {
        ipmi_password: 'x',
        SecretAry: 'v',
        deploy_kernel: 'http://h/k?token=abc',
        kernel_append_params: 'a password=x b',
        nested: { secret: 'y', list: [{ token: 'z' }] },
        sshkey: 'k',
        ipmi_address: '10.0.0.1',
      };

      const uuid = await create({
        driver_info,
        instance_info: { image_source: 'http://h/i', image_url: 'http://u', configdrive: 'c' },
      });

      expect(await show(uuid)).toMatchObject({
        driver_info: {
          ...{
            ipmi_password: masked,
            SecretAry: masked,
            deploy_kernel: `http://h/k?token=${masked}`,
            kernel_append_params: `a password=${masked} b`,
          },
          ...{ nested: { secret: masked, list: [{ token: 'z' }] }, sshkey: 'k', ipmi_address: '10.0.0.1' },
        },
        instance_info: { image_source: 'http://h/i', image_url: masked, configdrive: masked },
      });
    });

    test.each<[string, () => object, RegExp]>([
      [
        'an unknown field',
        () => ({ foo: 1 }),
        /^Schema error for node: Additional properties are not allowed \('foo' was unexpected\)$/,
      ],
      ['a field that is only changed', () => ({ protected: true }), /\('protected' was unexpected\)/],
      ['traits', () => ({ traits: [] }), /\('traits' was unexpected\)/],
      ['a wrong type', () => ({ properties: 'a' }), /^Schema error for node: 'a' is not of type 'object', 'null'$/],
      ['a wrong UUID', () => ({ uuid: 'a' }), /^Expected UUID for uuid: a$/],
      ['a wrong name', () => ({ name: 'a b' }), /^Cannot create node with invalid name 'a b'$/],
      [
        'a reserved name',
        () => ({ name: 'detail' }),
        /^The word "detail" is reserved and can not be used as a node name/,
      ],
      [
        'an unknown driver',
        () => ({ driver: 'nope' }),
        new RegExp(
          '^No valid host was found\\. Reason: No conductor service registered which supports driver nope ' +
            'for conductor group ""\\.( Ensure the driver is valid and enabled\\.)?$',
        ),
      ],
      ['an unknown conductor group', () => ({ conductor_group: 'nope' }), /for conductor group "nope"\.( Ensure .*)?$/],
      [
        'an unknown interface',
        () => ({ power_interface: 'zz' }),
        /^Could not find the following interface in the 'ironic\.hardware\.interfaces\.power' entrypoint: zz\. Valid interfaces are \['fake', 'ipmitool'\]\.$/,
      ],
      [
        'an interface of other hardware',
        () => ({ driver: 'ipmi', deploy_interface: 'fake' }),
        /^deploy interface implementation .* is not supported by hardware type IPMIHardware\.$/,
      ],
      [
        'another owner',
        () => ({ owner: 'somebody' }),
        /^Cannot create a node as a project scoped admin with an owner other than your own project\.$/,
      ],
      ['no driver', () => ({ driver: undefined }), /^Schema error for node: 'driver' is a required property$/],
    ])('%s is refused with 400', async (_, fields, message) => {
      expect(refused(await post({ driver: 'fake-hardware', ...fields() }))).toEqual([
        400,
        expect.stringMatching(message),
      ]);
    });

    test('UUIDs and names are unique', async () => {
      const [uuid, name] = [randomUUID(), `${run}.once`];
      await create({ uuid, name });

      expect(refused(await post({ driver: 'fake-hardware', uuid }))).toEqual([
        409,
        `A node with UUID ${uuid} already exists.`,
      ]);
      expect(refused(await post({ driver: 'fake-hardware', name }))).toEqual([
        409,
        `A node with name ${name} already exists.`,
      ]);
    });

    test('every request for a node that does not exist gets 404', async () => {
      const uuid = randomUUID();

      const replies = [
        await ask('GET', `/nodes/${uuid}`),
        await ask('PATCH', `/nodes/${uuid}`, { json: [] }),
        await ask('DELETE', `/nodes/${uuid}`),
        await ask('PUT', `/nodes/${uuid}/states/provision`, { json: { target: 'manage' } }),
        await ask('PUT', `/nodes/${uuid}/states/power`, { json: { target: 'power on' } }),
        await ask('PUT', `/nodes/${uuid}/maintenance`, { json: {} }),
        await ask('GET', `/nodes/${uuid}/validate`),
      ];

      for (const reply of replies) expect(refused(reply)).toEqual([404, `Node ${uuid} could not be found.`]);
      expect(refused(await ask('GET', '/nodes/no!thing'))).toEqual([400, 'Expected UUID or name for node: no!thing']);
    });
  });

  describe('lists', () => {
    // As admin of the system, who sees what belongs to others everywhere.
    const askAsSystem: IronicContract['ask'] = (method, path, asking) =>
      ask(method, path, { token: target().system.token, ...asking });
    const listed = async (query: string): Promise<string[]> => {
      const { json } = await askAsSystem('GET', `/nodes?resource_class=${run}&${query}`);
      return (json.nodes as { uuid: string }[]).map(({ uuid }) => uuid);
    };

    test('are filtered, sorted and read page by page, the last of which may be empty', async () => {
      const marks = { resource_class: run };
      const first = await create({ ...marks, name: `${run}.c`, description: 'in the cellar' });
      const second = await create({ ...marks, name: `${run}.a`, extra: { a: 1 } });
      const third = await create({ ...marks, name: `${run}.b` });
      await ask('PUT', `/nodes/${third}/maintenance`, { json: { reason: 'of no use' } });
      await askAsSystem('PATCH', `/nodes/${third}`, { json: [{ op: 'add', path: '/owner', value: run }] });

      expect(await listed('')).toEqual([first, second, third]);
      expect(await listed('sort_key=name&sort_dir=desc')).toEqual([first, third, second]);
      expect(await listed('maintenance=true')).toEqual([third]);
      expect(await listed('associated=True')).toEqual([]);
      expect(await listed('provision_state=manageable')).toEqual([]);
      expect(await listed('provision_state=enroll&driver=fake-hardware&conductor_group=')).toHaveLength(3);
      expect(await listed(`owner=${run}`)).toEqual([third]);
      expect(await listed('description_contains=cellar')).toEqual([first]);
      const pages = [await askAsSystem('GET', `/nodes/detail?resource_class=${run}&limit=3`)];
      expect(pages[0]!.json.nodes).toEqual([
        expect.objectContaining({ uuid: first }),
        expect.objectContaining({ uuid: second, extra: { a: 1 } }),
        expect.objectContaining({ uuid: third }),
      ]);
      const next = new URL(pages[0]!.json.next as string);
      expect(next.pathname).toMatch(/\/v1\/nodes(\/detail)?$/);
      expect(next.searchParams.get('marker')).toBe(third);
      const last = await askAsSystem('GET', `/nodes/detail${next.search}`);
      expect(last.json).toEqual({ nodes: [] });
    });

    test('have six fields unless others are requested', async () => {
      const uuid = await create({ resource_class: `${run}.fields` });
      const rows = async (query: string): Promise<object[]> =>
        (await ask('GET', `/nodes?resource_class=${run}.fields${query}`)).json.nodes;

      expect(await rows('')).toEqual([
        {
          uuid,
          name: null,
          instance_uuid: null,
          maintenance: false,
          power_state: null,
          provision_state: 'enroll',
          links: expect.anything(),
        },
      ]);
      expect(await rows('&fields=uuid,driver')).toEqual([{ uuid, driver: 'fake-hardware', links: expect.anything() }]);
      expect(await rows('&detail=true')).toEqual([expect.objectContaining({ uuid, extra: {}, traits: [] })]);
    });

    test.each([
      ['?limit=0', 400, 'Limit must be positive'],
      ['?limit=abc', 400, 'Expected an integer for limit: abc'],
      ['?marker=nothing', 400, 'Expected UUID for marker: nothing'],
      [
        '?marker=5fa12f0c-ce84-4f75-9f8c-1e2f5a1a0a01',
        404,
        'Node 5fa12f0c-ce84-4f75-9f8c-1e2f5a1a0a01 could not be found.',
      ],
      ['?foo=1', 400, 'Unexpected arguments: foo'],
      ['?fields=foo', 500, "type object 'Node' has no attribute 'foo'"],
      ['?detail=true&fields=uuid', 400, 'Can not specify ?detail=True and fields in the same request.'],
      ['/detail?fields=uuid', 400, 'Unexpected arguments: fields'],
      ['?provision_state=odd', 400, 'Provision state "odd" is not valid'],
      ['?sort_key=foo', 400, 'The sort_key value "foo" is an invalid field for sorting'],
      ['?sort_dir=up', 400, "Invalid sort direction: up. Acceptable values are 'asc' or 'desc'"],
      ['?instance_uuid=a', 400, 'Expected UUID for instance_uuid: a'],
    ])('%s is refused with %i', async (query, status, message) => {
      expect(refused(await ask('GET', `/nodes${query}`))).toEqual([status, message]);
    });

    test('an unknown field of one node is refused by name', async () => {
      const uuid = await create();

      expect(refused(await ask('GET', `/nodes/${uuid}?fields=foo`))).toEqual([400, 'Field foo is not a valid field.']);
    });
  });
}
