// Changes of ports that exist: maintenance around them, lost answers, and what is refused.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Answer } from '../sandbox/http-double.js';
import type { StoredNode, StoredPort } from '../sandbox/ironic.js';
import { startNodeSite, type NodeSite } from './baremetal-site.js';
import { first } from './bring-to-site.js';

const address = '52:54:00:00:00:01';
const badGateway = (): Answer => ({ status: 502, body: '<html>Bad Gateway</html>' });

let site: NodeSite;
let node: StoredNode;
let port: StoredPort;
beforeEach(async () => {
  site = await startNodeSite();
  node = site.ironic.seed({ name: 'n1', provision_state: 'manageable' });
  port = site.ironic.seedPort({ node_uuid: node.uuid, address });
});
afterEach(() => site.close());

describe('a port', () => {
  test('is changed once', async () => {
    const task = { address, extra: { rack: 7 }, physical_network: 'net1' };

    expect(await site.port(task)).toMatchObject({ changed: true, values: { action: 'change' } });
    expect(port).toMatchObject({ extra: { rack: 7 }, physical_network: 'net1' });
    expect(await site.port(task)).toMatchObject({ changed: false, values: { action: 'up_to_date' } });
    expect(site.nodeWrites()).toEqual([`PATCH /v1/ports/${port.uuid}`]);
  });

  test('that is found by its UUID gets another address', async () => {
    await site.port({ uuid: port.uuid, address: '52:54:00:00:00:02' });

    expect(port.address).toBe('52:54:00:00:00:02');
  });

  test.each([
    ['was made', 'spoil', 1],
    ['was not made', 'intervene', 2],
  ] as const)('change whose answer is lost, and that %s, is made once', async (_, hook, requests) => {
    const lose = first(1, ({ method }) => method === 'PATCH', badGateway);
    site.ironic[hook] = (call) => lose(call);

    expect(await site.port({ address, extra: { rack: 7 } })).toMatchObject({ changed: true });

    expect(port.extra).toEqual({ rack: 7 });
    expect(site.nodeWrites()).toHaveLength(requests);
  });

  test('that another node has got while the answer was lost is not taken from it', async () => {
    const other = site.ironic.seed({ name: 'n2' });
    const lose = first(1, ({ method }) => method === 'PATCH', badGateway);
    site.ironic.intervene = (call) => {
      const answer = lose(call);
      if (answer) port.node_uuid = other.uuid;
      return answer;
    };

    await expect(site.port({ address, extra: { rack: 7 } })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: `port ${address} belongs to node n2; move: true takes it from that node`,
    });
    expect(port).toMatchObject({ node_uuid: other.uuid, extra: {} });
  });

  test.each<[string, Readonly<Record<string, unknown>>, string, string]>([
    [
      'of a UUID that nobody has, without an address to create it',
      { uuid: '11111111-2222-4333-8444-555555555555', extra: { a: 1 } },
      'PORT_NOT_FOUND',
      'there is no port 11111111-2222-4333-8444-555555555555: give address and node to create it',
    ],
    [
      'whose address has another UUID',
      { uuid: '11111111-2222-4333-8444-555555555555', address },
      'PORT_TAKEN',
      `port ${address} has the UUID `,
    ],
    ['of a node that does not exist', { address, node: 'n9' }, 'NODE_NOT_FOUND', 'there is no node n9'],
    ['whose address is none', { address: 'zz' }, 'INVALID_INPUT', 'address: "zz"'],
  ])('%s is refused', async (_, task, code, message) => {
    await expect(site.port(task)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(site.nodeWrites()).toEqual([]);
  });
});

describe('connectivity of a node that is available', () => {
  const task = { address, physical_network: 'net1' };
  const withMaintenance = { ...task, with_maintenance: true };

  beforeEach(() => {
    node.provision_state = 'available';
  });

  test('is refused without maintenance', async () => {
    await expect(site.port(task)).rejects.toMatchObject({
      code: 'CHANGE_REFUSED',
      message: expect.stringContaining('with_maintenance: true sets maintenance while the port is changed'),
    });
    expect(site.nodeWrites()).toEqual([]);
  });

  test('is changed in maintenance, which ends afterwards', async () => {
    expect(await site.port(withMaintenance)).toMatchObject({ changed: true });

    expect(port.physical_network).toBe('net1');
    expect(node.maintenance).toBe(false);
    expect(site.nodeWrites()).toEqual([
      `PUT /v1/nodes/${node.uuid}/maintenance`,
      `PATCH /v1/ports/${port.uuid}`,
      `DELETE /v1/nodes/${node.uuid}/maintenance`,
    ]);
  });

  test('that cannot be changed leaves no maintenance behind', async () => {
    site.ironic.intervene = ({ method }) =>
      method === 'PATCH' ? { status: 400, body: { error_message: 'no such network' } } : undefined;

    await expect(site.port(withMaintenance)).rejects.toThrow('no such network');

    expect(node.maintenance).toBe(false);
  });

  test('that is changed when the run is interrupted leaves no maintenance behind', async () => {
    const interruption = new AbortController();
    site.ironic.intervene = ({ method }) => {
      if (method === 'PATCH') interruption.abort(new Error('interrupted'));
      return undefined;
    };

    await expect(site.port(withMaintenance, { signal: interruption.signal })).rejects.toThrow('interrupted');

    expect(node.maintenance).toBe(false);
  });

  test.each(['PUT', 'DELETE'])('leaves no maintenance behind when the answer to its %s is lost', async (lost) => {
    const lose = first(1, ({ method }) => method === lost, badGateway);
    site.ironic.spoil = (call) => lose(call);

    expect(await site.port(withMaintenance)).toMatchObject({ changed: true });

    expect(node.maintenance).toBe(false);
  });

  test('of which it stays unknown whether maintenance was set leaves none behind', async () => {
    site.ironic.spoil = ({ method }) => (method === 'PUT' ? badGateway() : undefined);

    await expect(site.port(withMaintenance)).rejects.toThrow('502');

    expect([node.maintenance, port.physical_network]).toEqual([false, null]);
  });
});
