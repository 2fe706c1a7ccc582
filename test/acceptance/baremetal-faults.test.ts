// What a network and a busy Ironic do to the requests of baremetal_node and baremetal_enroll;
// fields that the server is too old for; sites with Doni.
import { expect, test } from '@jest/globals';
import { withIronic, type BareSite } from './baremetal-site.js';

const wanted = (bare: BareSite): Record<string, unknown> => ({
  ...{ name: bare.name('faulty'), driver: 'fake-hardware', traits: ['CUSTOM_A'], resource_class: 'x' },
  ports: [{ mac: bare.mac(1), extra: { a: 1 } }, { mac: bare.mac(2) }],
  state: 'available',
});

test.each([
  ['whose answers are lost', { passThenCut: true }],
  [
    'that are refused for the moment',
    { status: 503, body: '{"error_message": "{\\"faultstring\\": \\"no free worker\\"}"}' },
  ],
])('every first write of a kind %s is made once all the same', (_, fault) =>
  withIronic('noauth', async (bare) => {
    for (const [method, path] of [
      ['POST', /nodes$/],
      ['POST', /ports$/],
      ['PUT', /traits$/],
      ['PUT', /provision$/],
      ['PATCH', /nodes\//],
      ['PATCH', /ports\//],
      ['PUT', /maintenance$/],
      ['DELETE', /nodes\//],
    ] as const) {
      bare.proxy.addFault({ method, path, nth: 1, ...fault });
    }
    const task = wanted(bare);

    expect(await bare.run('baremetal_node', task)).toMatchObject({
      changed: true,
      action: 'create',
      provision_state: 'available',
    });
    expect(await bare.run('baremetal_node', task)).toMatchObject({ changed: false });
    expect(await bare.nodes()).toHaveLength(1);
    expect(await bare.ports(bare.name('faulty'))).toHaveLength(2);
    const other = {
      ...task,
      description: 'changed',
      ports: [{ mac: bare.mac(1), extra: { a: 2 } }],
      maintenance: true,
      maintenance_reason: 'why',
    };
    expect(await bare.run('baremetal_node', other)).toMatchObject({ changed: true, action: 'change' });
    expect(await bare.run('baremetal_node', other)).toMatchObject({ changed: false });
    expect(await bare.find(bare.name('faulty'))).toMatchObject({
      description: 'changed',
      maintenance: true,
      maintenance_reason: 'why',
      traits: ['CUSTOM_A'],
    });
    expect(await bare.run('baremetal_node', { name: bare.name('faulty'), state: 'absent' })).toMatchObject({
      changed: true,
      action: 'delete',
    });
    expect(await bare.nodes()).toEqual([]);
  })(),
);

test(
  'a server that stays broken is told, with what was changed before',
  withIronic('noauth', async (bare) => {
    bare.proxy.addFault({
      method: 'PUT',
      path: /provision$/,
      status: 500,
      body: '<html><title>oops</title>broken</html>',
    });

    const result = await bare.run('baremetal_node', wanted(bare));

    expect(result).toMatchObject({
      failed: true,
      changed: true,
      action: 'failed',
      provision_state: 'enroll',
      error_code: 'HTTP_ERROR',
      msg: expect.stringContaining('answered 500: broken'),
    });
    bare.proxy.clearFaults();
    expect(await bare.run('baremetal_node', wanted(bare))).toMatchObject({
      changed: true,
      action: 'change',
      reason: 'provision_state',
    });
  }),
);

test(
  'a field that the server is too old for is named with the version that it needs, and nothing is changed',
  withIronic('keystone', async (bare) => {
    const name = bare.name('old');
    const newest = await bare.ironic.newestMinor();
    // Which of them are too new differs by release; with 2025.1 none is.
    const fields = [
      ['parent_node', 83, 'x'],
      ['firmware_interface', 86, 'no-firmware'],
    ] as const;
    const tooNew = fields.filter(([, since]) => since > newest);

    if (tooNew.length > 0)
      expect(
        await bare.run('baremetal_node', {
          name,
          driver: 'fake-hardware',
          ...Object.fromEntries(tooNew.map(([field, , value]) => [field, value])),
        }),
      ).toMatchObject({
        failed: true,
        code: 'CHANGE_REFUSED',
        msg: expect.stringMatching(
          tooNew
            .map(([field, since]) => `${field} needs version 1\\.${since} .* this server speaks 1\\.${newest}`)
            .join('.*'),
        ),
      });
    expect(bare.writes()).toEqual([]);
    await bare.run('baremetal_node', { name, driver: 'fake-hardware' });
    expect(await bare.run('baremetal_port', { node: name, address: bare.mac(1), category: 'storage' })).toMatchObject({
      failed: true,
      msg: expect.stringMatching(`category needs version 1\\.101 .* this server speaks 1\\.${newest}`),
    });
  }),
);

test(
  'maintenance that is not spoken of stays, as does everything else',
  withIronic('keystone', async (bare) => {
    const name = bare.name('stays');
    await bare.run('baremetal_node', {
      name,
      driver: 'fake-hardware',
      maintenance: true,
      maintenance_reason: 'fan',
      traits: ['CUSTOM_A'],
    });

    expect(await bare.run('baremetal_node', { name, description: 'other', traits: ['CUSTOM_B'] })).toMatchObject({
      changed: true,
    });
    expect(await bare.find(name)).toMatchObject({
      maintenance: true,
      maintenance_reason: 'fan',
      traits: expect.arrayContaining(['CUSTOM_A', 'CUSTOM_B']),
      power_state: null,
    });
    expect(
      await bare.run('baremetal_node', { name, maintenance: false, traits: ['CUSTOM_B'], purge: ['traits'] }),
    ).toMatchObject({ changed: true });
    expect(await bare.find(name)).toMatchObject({ maintenance: false, maintenance_reason: null, traits: ['CUSTOM_B'] });
    // Another driver takes its own interfaces along.
    expect(await bare.run('baremetal_node', { name, driver: 'ipmi' })).toMatchObject({ changed: true });
    expect(await bare.find(name)).toMatchObject({ driver: 'ipmi', power_interface: 'ipmitool' });
  }),
);

test(
  'a site whose catalogue has Doni is refused',
  withIronic('keystone', async (bare) => {
    const nodes = [{ name: bare.name('doni'), driver: 'fake-hardware' }];
    const endpoint_override = {
      ...(bare.login.endpoint_override as Record<string, string>),
      inventory: 'http://127.0.0.1:1',
    };

    expect(await bare.run('baremetal_enroll', { nodes, endpoint_override })).toMatchObject({
      failed: true,
      changed: false,
      code: 'INVENTORY_SERVICE',
    });
    expect(bare.proxy.requests).toHaveLength(0);
    expect(
      await bare.run('baremetal_enroll', { nodes, endpoint_override, bypass_inventory: true, state: 'enroll' }),
    ).toMatchObject({ changed: true });
  }),
);
