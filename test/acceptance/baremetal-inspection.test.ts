// Nodes that a real Ironic inspects on their way, by its fake interface, which finds nothing.
import { expect, test } from '@jest/globals';
import { withIronic, type BareSite } from './baremetal-site.js';
import { fact } from './cloud.js';

const verbs = (bare: BareSite): string[] => bare.writes().filter((write) => write.endsWith('/provision'));

test(
  'the nodes of an inventory are inspected once, with their ports as they are named',
  withIronic('keystone', async (bare) => {
    const nodes = [1, 2].map((number) => ({
      name: bare.name(number),
      driver: 'fake-hardware',
      ports: [bare.mac(number).toUpperCase()],
      properties: { memory_mb: '2048' },
    }));
    const inventory = { nodes, inspect: true };

    const planned = await bare.run('baremetal_enroll', {
      ...inventory,
      _ansible_check_mode: true,
      _ansible_diff: true,
    });
    expect(planned).toMatchObject({ changed: true });
    expect(JSON.stringify(planned.diff)).toContain('inspection');
    expect(bare.writes()).toEqual([]);

    const done = await bare.run('baremetal_enroll', inventory);
    expect(done).toMatchObject({ changed: true });
    expect(done.nodes).toEqual(
      nodes.map(({ name, ports: [address] }) =>
        expect.objectContaining({
          ...{ name, provision_state: 'available' },
          inspection: {
            source: 'properties',
            finished_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
            memory_mb: 2048,
            ports: [address!.toLowerCase()],
            unnamed_ports: [],
          },
        }),
      ),
    );
    expect(verbs(bare)).toHaveLength(6);
    const [one] = nodes;
    const before = await bare.find(one!.name);
    expect(before?.inspection_finished_at).toBe(done.nodes[0].inspection.finished_at);

    // Nothing is inspected a second time, and no port created for another spelling of its address.
    const again = await bare.run('baremetal_enroll', {
      ...inventory,
      nodes: nodes.map((node) => ({ ...node, ports: node.ports.map((address) => address.replaceAll(':', '-')) })),
    });
    expect(again).toMatchObject({ changed: false });
    expect(again.warnings).toBeUndefined();
    expect(again.nodes[0].inspection).toEqual(done.nodes[0].inspection);
    expect(await bare.find(one!.name)).toMatchObject({ updated_at: before?.updated_at });
    expect(await bare.ports(one!.name)).toHaveLength(1);
    expect(bare.writes()).toEqual([]);

    const shown = await bare.command('node', '--name', one!.name, '--state', 'available', '--inspect');
    expect(shown.stdout).toMatch(/FOUND[^]*2048 MB, 1 port/);
  }),
);

test(
  'an interface that inspects nothing is refused by name, and a node in use is not taken back',
  withIronic('keystone', async (bare) => {
    const name = bare.name('none');
    const request = { name, state: 'available', inspect: true };

    for (const given of [{ driver: 'ipmi' }, { driver: 'fake-hardware', inspect_interface: 'no-inspect' }])
      expect(await bare.run('baremetal_node', { ...request, ...given })).toMatchObject({
        failed: true,
        code: 'CHANGE_REFUSED',
        msg: expect.stringContaining('the inspect interface of the node is no-inspect'),
      });
    expect(await bare.find(name)).toBeUndefined();

    await bare.run('baremetal_node', { name, driver: 'fake-hardware', state: 'available' });
    bare.writes();
    expect(await bare.run('baremetal_node', request)).toMatchObject({
      changed: false,
      warnings: [expect.stringContaining('has never been inspected, and is not inspected now, since it is available')],
    });
    expect(bare.writes()).toEqual([]);
    expect(await bare.run('baremetal_node', { ...request, state: 'manageable' })).toMatchObject({
      changed: true,
      provision_state: 'manageable',
      inspection: { source: 'properties' },
    });
    expect(verbs(bare)).toHaveLength(2);
  }),
);

test(
  'an inspection that takes long is told with the state, and the next run takes it up',
  withIronic('keystone', async (bare) => {
    const name = bare.name('slow');
    const slow = { driver: 'fake-hardware', conductor_group: fact(bare.site.cloud, 'ironic_slow_group') };
    await bare.run('baremetal_node', { name, state: 'manageable', ...slow });
    bare.writes();
    const request = { name, state: 'manageable', inspect: true };

    expect(await bare.run('baremetal_node', { ...request, state_timeout: 1 })).toMatchObject({
      failed: true,
      error_code: 'WAIT_TIMEOUT',
      msg: expect.stringMatching(/after 1 s: it is in state inspecting, held by/),
    });
    // On a busy machine it has ended meanwhile: then there is nothing left to do.
    expect(await bare.run('baremetal_node', request)).toMatchObject({
      provision_state: 'manageable',
      inspection: { source: 'properties' },
    });
    expect(verbs(bare)).toHaveLength(1);
    expect(await bare.run('baremetal_node', request)).toMatchObject({ changed: false });
  }),
);
