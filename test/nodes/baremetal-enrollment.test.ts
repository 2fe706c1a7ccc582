// baremetal_enroll and baremetal_port on the doubles.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startNodeSite, type NodeSite } from './baremetal-site.js';

let site: NodeSite;
beforeEach(async () => {
  site = await startNodeSite();
});
afterEach(() => site.close());

const mac = '52:54:00:00:00:01';

describe('an enrollment', () => {
  const nodes = Array.from({ length: 12 }, (_, index) => ({
    name: `n${index}`,
    driver: 'fake-hardware',
    ports: [`52:54:00:00:01:${String(index).padStart(2, '0')}`],
  }));

  test('is refused if the catalogue has Doni, unless bypassed', async () => {
    const doni = await startNodeSite(['baremetal', 'inventory']);

    await expect(doni.enroll({ nodes })).rejects.toMatchObject({ code: 'INVENTORY_SERVICE' });
    expect(doni.ironic.requests).toEqual([]);
    expect(await doni.enroll({ nodes: nodes.slice(0, 1), bypass_inventory: true })).toMatchObject({
      changed: true,
      failures: [],
    });
    await doni.close();
  });

  test('reports the result of each node, and fails if one does', async () => {
    site.ironic.fails = { 'n3/manage': 'no answer from its controller' };

    const outcome = await site.enroll({ nodes });

    expect(outcome.changed).toBe(true);
    expect(outcome.failures).toEqual([expect.stringMatching(/^node n3 .*no answer from its controller/)]);
    expect((outcome.values.nodes as { action: string }[]).map(({ action }) => action)).toEqual(
      nodes.map(({ name }) => (name === 'n3' ? 'failed' : 'create')),
    );
    expect(site.progress.at(-1)).toEqual({ subject: 'nodes', stage: 'enroll', doneCount: 12, totalCount: 12 });
  });

  test('reads existing nodes in a few requests, and plans node by node in check mode', async () => {
    await site.enroll({ nodes: nodes.slice(0, 6) });
    const before = site.ironic.requests.length;

    const planned = await site.enroll({ nodes }, { checkMode: true });

    expect((planned.values.nodes as { action: string }[]).map(({ action }) => action)).toEqual(
      nodes.map((_, index) => (index < 6 ? 'up_to_date' : 'create')),
    );
    expect(site.ironic.requests.slice(before).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/',
      'GET /v1/nodes/detail',
      'GET /v1/ports/detail',
      'GET /v1/drivers',
    ]);
  });
});

test('a port with an address that another node has is moved by deleting and creating it', async () => {
  const [one, two] = [
    site.ironic.seed({ name: 'n1', provision_state: 'manageable' }),
    site.ironic.seed({ name: 'n2', provision_state: 'manageable' }),
  ];
  site.ironic.seedPort({ node_uuid: one.uuid, address: mac });

  await expect(site.port({ node: 'n2', address: mac.toUpperCase() })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining('belongs to node n1'),
  });
  expect(await site.port({ node: 'n2', address: mac, move: true })).toMatchObject({
    changed: true,
    values: { action: 'move', node_uuid: two.uuid },
  });
  expect(site.ironic.ports.map(({ node_uuid, address }) => [node_uuid, address])).toEqual([[two.uuid, mac]]);
  site.ironic.nodes.find(({ name }) => name === 'n2')!.provision_state = 'active';
  await expect(site.port({ node: 'n1', address: mac, move: true })).rejects.toMatchObject({
    message: expect.stringContaining('in use'),
  });
});
