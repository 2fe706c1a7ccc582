// Nodes and ports that Ironic has and does not show to this login, and nodes that it gives to the
// project of the login.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startNodeSite, type NodeSite } from './baremetal-site.js';

let site: NodeSite;
beforeEach(async () => {
  site = await startNodeSite();
});
afterEach(() => site.close());

const exists = (text: string): { status: number; body: object } => ({
  status: 409,
  body: { error_message: JSON.stringify({ faultcode: 'Client', faultstring: text, debuginfo: null }) },
});

describe('what exists and is hidden', () => {
  test('a node is reported as hidden, with advice', async () => {
    site.ironic.intervene = (call) =>
      call.method === 'POST' && call.segments[1] === 'nodes'
        ? exists('A node with name rack1-01 already exists.')
        : undefined;

    await expect(site.node({ name: 'rack1-01', driver: 'fake-hardware' })).rejects.toMatchObject({
      code: 'NODE_HIDDEN',
      message: expect.stringMatching(
        /a node rack1-01 already exists, but this login cannot see it: .*system_scope: all.*A node with name rack1-01 already exists/,
      ),
    });
  });

  test('a port is reported as hidden', async () => {
    site.ironic.intervene = (call) =>
      call.method === 'POST' && call.segments[1] === 'ports'
        ? exists('A port with MAC address 52:54:00:00:00:01 already exists.')
        : undefined;

    const { values } = await site.node({
      name: 'rack1-01',
      driver: 'fake-hardware',
      ports: [{ mac: '52:54:00:00:00:01' }],
    });

    expect(values).toMatchObject({
      action: 'failed',
      error_code: 'PORT_HIDDEN',
      reason: expect.stringContaining('a port 52:54:00:00:00:01 already exists, but this login cannot see it'),
    });
  });
});

describe('the owner of a node that is created', () => {
  const owner = (): unknown => site.ironic.nodes[0]?.['owner'];

  test('is nobody, with a token of the system', async () => {
    const outcome = await site.node({ name: 'rack1-01', driver: 'fake-hardware' });

    expect([owner() ?? null, outcome.warnings ?? []]).toEqual([null, []]);
  });

  test('is reported if it is the project of the login, which was not requested', async () => {
    site.keystone.admin.systemRoles = [];

    const outcome = await site.node({ name: 'rack1-01', driver: 'fake-hardware' });

    expect(owner()).toBe(site.keystone.admin.project.id);
    expect(outcome.warnings).toEqual([
      expect.stringMatching(
        /Ironic has made project \S+, that of the login, the owner of the node: set owner if that is intended, or .*system_scope: all/,
      ),
    ]);
  });

  test('is the requested one', async () => {
    site.keystone.admin.systemRoles = [];

    const outcome = await site.node({
      name: 'rack1-01',
      driver: 'fake-hardware',
      owner: site.keystone.admin.project.id,
    });

    expect([owner(), outcome.warnings ?? []]).toEqual([site.keystone.admin.project.id, []]);
  });
});
