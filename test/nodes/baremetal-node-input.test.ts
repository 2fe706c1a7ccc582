// Tasks of baremetal_node that are refused, before anything is changed.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startNodeSite, type NodeSite } from './baremetal-site.js';

let site: NodeSite;
beforeEach(async () => {
  site = await startNodeSite();
});
afterEach(() => site.close());

const mac = '52:54:00:00:00:01';

describe('a node', () => {
  test('field that the server is too old for is reported, and nothing is changed', async () => {
    site.ironic.minor = 50;

    await expect(
      site.node({ name: 'n1', driver: 'fake-hardware', description: 'x', retired: true }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/description needs version 1\.51 .*speaks 1\.50; retired needs version 1\.61/),
    });
    expect(site.nodeWrites()).toEqual([]);
  });

  test.each([
    [{ name: 'a b' }, 'name: "a b"'],
    [{ ports: [{ mac: 'zz' }] }, 'ports[0].mac: "zz"'],
    [{ name: 'n1', ports: [{ mac, colour: 'red' }] }, 'ports[0].colour: ports have no such field'],
    [{}, 'give uuid, name or ports'],
    [{ state: 'absent', driver: 'x' }, 'give uuid, name or ports'],
    [{ name: 'n1', driver_info: 'text' }, 'driver_info'],
  ])('given as %j is refused before any request', async (given, expected) => {
    await expect(site.node(given)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(expected),
    });
    expect(site.ironic.requests).toEqual([]);
  });

  test('that its UUID, its name or its ports mean differently is refused', async () => {
    const one = site.ironic.seed({ name: 'n1' });
    const two = site.ironic.seed({ name: 'n2' });
    site.ironic.seedPort({ node_uuid: one.uuid, address: mac });
    site.ironic.seedPort({ node_uuid: two.uuid, address: '52:54:00:00:00:02' });

    await expect(site.node({ uuid: one.uuid, name: 'n2' })).rejects.toMatchObject({ code: 'NODE_AMBIGUOUS' });
    await expect(site.node({ ports: [{ mac }, { mac: '52:54:00:00:00:02' }] })).rejects.toMatchObject({
      code: 'NODE_AMBIGUOUS',
    });
    expect(await site.node({ ports: [{ mac }], description: 'found by its port' })).toMatchObject({
      changed: true,
      values: { uuid: one.uuid },
    });
  });
});
