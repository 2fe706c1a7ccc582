// baremetal_port on the real Ironic, with what openstack.cloud.baremetal_port got wrong.
import { expect, test } from '@jest/globals';
import { withIronic } from './baremetal-site.js';

test(
  'any notation of the address means the same port; check mode sends no write',
  withIronic('noauth', async (bare) => {
    const node = bare.name('notation');
    await bare.run('baremetal_node', { name: node, driver: 'fake-hardware' });
    const mac = bare.mac(1);
    const link = { switch_id: 'AA-BB-CC-DD-EE-FF', port_id: 'Ethernet1/1' };
    bare.writes();

    expect(await bare.run('baremetal_port', { node, address: mac, _ansible_check_mode: true })).toMatchObject({
      changed: true,
      action: 'create',
    });
    expect(bare.writes()).toEqual([]);
    expect(
      await bare.run('baremetal_port', {
        node,
        address: mac.toUpperCase(),
        local_link_connection: link,
        extra: { slot: 1 },
      }),
    ).toMatchObject({ changed: true, action: 'create', address: mac });
    for (const spelling of [
      mac,
      mac.toUpperCase(),
      mac.replaceAll(':', '-'),
      mac.replaceAll(':', ''),
      mac.replaceAll(':', '').replace(/(....)(?!$)/g, '$1.'),
    ]) {
      expect(
        await bare.run('baremetal_port', {
          node,
          address: spelling,
          local_link_connection: { ...link, switch_id: 'aabb.ccdd.eeff' },
          extra: { slot: 1 },
        }),
      ).toMatchObject({ changed: false, action: 'up_to_date' });
    }
    expect(bare.writes().map((write) => write.split('/')[0])).toEqual(['POST ']);
    expect(
      await bare.run('baremetal_port', {
        address: mac,
        pxe_enabled: false,
        physical_network: 'net1',
        local_link_connection: {},
      }),
    ).toMatchObject({ changed: true, action: 'change' });
    expect((await bare.ports(node))[0]).toMatchObject({
      pxe_enabled: false,
      physical_network: 'net1',
      local_link_connection: {},
      extra: { slot: 1 },
    });
    expect(
      await bare.run('baremetal_port', { address: mac, physical_network: '', extra: { slot: null } }),
    ).toMatchObject({ changed: true });
    expect((await bare.ports(node))[0]).toMatchObject({ physical_network: null, extra: {} });
    expect(await bare.run('baremetal_port', { address: mac, state: 'absent' })).toMatchObject({
      changed: true,
      action: 'delete',
    });
    expect(await bare.run('baremetal_port', { address: mac, state: 'absent' })).toMatchObject({ changed: false });
    expect(
      await bare.run('baremetal_port', { uuid: '11111111-2222-4333-8444-555555555555', state: 'absent' }),
    ).toMatchObject({ changed: false });
    expect(await bare.run('baremetal_port', { node, address: '52:54:00' })).toMatchObject({
      failed: true,
      code: 'INVALID_INPUT',
      msg: expect.stringContaining('"52:54:00" is not a MAC address'),
    });
  }),
);

test(
  'an address that another node has names that node; move takes it from there',
  withIronic('keystone', async (bare) => {
    const [one, two, mac] = [bare.name('one'), bare.name('two'), bare.mac(1)];
    await bare.run('baremetal_node', { name: one, driver: 'fake-hardware', ports: [{ mac }] });
    await bare.run('baremetal_node', { name: two, driver: 'fake-hardware' });

    const taken = { failed: true, changed: false, msg: expect.stringContaining(`belongs to node ${one}; move: true`) };
    expect(await bare.run('baremetal_port', { node: two, address: mac })).toMatchObject({
      ...taken,
      code: 'PORT_TAKEN',
    });
    expect(await bare.run('baremetal_node', { name: two, ports: [{ mac }] })).toMatchObject(taken);
    expect(
      await bare.run('baremetal_node', { name: bare.name('three'), driver: 'fake-hardware', ports: [{ mac }] }),
    ).toMatchObject(taken);
    // The node that could not get its port was not created, and none was deleted.
    expect(await bare.find(bare.name('three'))).toBeUndefined();
    expect(
      await bare.run('baremetal_port', { node: two, address: mac, move: true, extra: { moved: true } }),
    ).toMatchObject({ changed: true, action: 'move' });
    expect([await bare.ports(one), (await bare.ports(two)).map(({ address, extra }) => ({ address, extra }))]).toEqual([
      [],
      [{ address: mac, extra: { moved: true } }],
    ]);
    expect(await bare.run('baremetal_node', { name: one, ports: [{ mac }], move: true })).toMatchObject({
      changed: true,
    });
    expect(await bare.ports(two)).toEqual([]);
  }),
);

test(
  'connectivity of a node that is available or active is changed in maintenance, which is ended again',
  withIronic('keystone', async (bare) => {
    const [name, mac] = [bare.name('wrap'), bare.mac(1)];
    await bare.run('baremetal_node', { name, driver: 'fake-hardware', ports: [{ mac }], state: 'available' });

    expect(await bare.run('baremetal_port', { address: mac, physical_network: 'net1' })).toMatchObject({
      failed: true,
      msg: expect.stringContaining('with_maintenance: true'),
    });
    bare.writes();
    expect(
      await bare.run('baremetal_port', { address: mac, physical_network: 'net1', with_maintenance: true }),
    ).toMatchObject({ changed: true });
    expect(bare.writes().map((write) => write.split(' ')[0])).toEqual(['PUT', 'PATCH', 'DELETE']);
    expect(await bare.find(name)).toMatchObject({ maintenance: false, maintenance_reason: null });
    await bare.run('baremetal_node', { name, state: 'active' });
    expect(await bare.run('baremetal_port', { address: mac, physical_network: 'net2' })).toMatchObject({
      failed: true,
    });
    expect(
      await bare.run('baremetal_port', { address: mac, physical_network: 'net2', with_maintenance: true }),
    ).toMatchObject({ changed: true });
    expect(await bare.run('baremetal_port', { address: mac, state: 'absent' })).toMatchObject({
      failed: true,
      msg: expect.stringContaining('in use'),
    });
    // A node that was in maintenance before stays in it, for its own reason.
    await bare.run('baremetal_node', { name, maintenance: true, maintenance_reason: 'fan', force_in_use: true });
    expect(
      await bare.run('baremetal_port', { address: mac, physical_network: 'net3', with_maintenance: true }),
    ).toMatchObject({ changed: true });
    expect(await bare.find(name)).toMatchObject({ maintenance: true, maintenance_reason: 'fan' });
    expect((await bare.ports(name))[0]).toMatchObject({ physical_network: 'net3' });
  }),
);

test(
  'ports of a node are added, changed and, with purge, removed',
  withIronic('keystone', async (bare) => {
    const name = bare.name('nics');
    await bare.run('baremetal_node', {
      name,
      driver: 'fake-hardware',
      ports: [{ mac: bare.mac(1) }, { mac: bare.mac(2) }],
    });

    expect(
      await bare.run('baremetal_node', {
        name,
        nics: [{ mac: bare.mac(2), pxe_enabled: false }, { mac: bare.mac(3) }],
      }),
    ).toMatchObject({ changed: true });
    expect(await bare.ports(name)).toHaveLength(3);
    const exact = { name, nics: [{ mac: bare.mac(2), pxe_enabled: false }, { mac: bare.mac(3) }], purge: ['ports'] };
    expect(await bare.run('baremetal_node', exact)).toMatchObject({ changed: true });
    expect((await bare.ports(name)).map(({ address, pxe_enabled }) => [address, pxe_enabled]).sort()).toEqual([
      [bare.mac(2), false],
      [bare.mac(3), true],
    ]);
    expect(await bare.run('baremetal_node', exact)).toMatchObject({ changed: false });
  }),
);
