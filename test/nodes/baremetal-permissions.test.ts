// Logins that may not do what a run would do to nodes: what check mode says, and how a run ends.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { startNodeSite, type NodeSite } from './baremetal-site.js';

let site: NodeSite;
beforeEach(async () => {
  site = await startNodeSite();
});
afterEach(() => site.close());

/** The login has these roles in its project, and those on the system. */
function actAs(project: readonly string[], system: readonly string[] = []): void {
  site.keystone.admin.roles = project;
  site.keystone.admin.systemRoles = system;
}

/** What is told of permissions, beside what could not be checked. */
const refusalsIn = ({ warnings }: Outcome): string[] => warnings.filter((text) => text.includes('probably be refused'));

const inventory = (count: number) => ({
  nodes: Array.from({ length: count }, (_, at) => ({ name: `rack1-0${at}`, driver: 'fake-hardware' })),
  state: 'enroll',
  concurrency: 1,
});

describe('an enrollment', () => {
  test.each([
    ['a member', ['member', 'reader'], [], /has member, reader in project \w+;/],
    ['a reader of the system', ['member'], ['reader'], /has reader on the system, and member in project \w+;/],
  ])('by %s is told in check mode that it may not create nodes', async (_, project, system, roles) => {
    actAs(project, system);

    const outcome = await site.enroll(inventory(3), { checkMode: true });

    const warnings = refusalsIn(outcome);
    expect(outcome.values.nodes).toMatchObject([{ action: 'create' }, { action: 'create' }, { action: 'create' }]);
    expect(outcome.failures).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^node rack1-00, node rack1-01, node rack1-02: a run will probably be refused: .*baremetal:node:create/,
      ),
    ]);
    expect(warnings[0]).toMatch(/role admin in the project or admin on the system \(system_scope: all\)/);
    expect(warnings[0]).toMatch(roles);
    expect(site.nodeWrites()).toEqual([]);
  });

  test('stops at the first refusal, with what is needed, and begins no other node', async () => {
    actAs(['member', 'reader']);

    const { failures, changed, values } = await site.enroll(inventory(3));

    expect(site.nodeWrites()).toEqual(['POST /v1/nodes']);
    expect(changed).toBe(false);
    expect(failures).toEqual([
      expect.stringMatching(/rack1-00: .*baremetal:node:create; .*openstack role add --user USER --system all admin/),
      'node rack1-01: not started: Ironic does not permit it, see node rack1-00',
      'node rack1-02: not started: Ironic does not permit it, see node rack1-00',
    ]);
    expect(values.nodes).toMatchObject([
      { action: 'failed', error_code: 'HTTP_ERROR' },
      { action: 'failed', error_code: 'NOT_PERMITTED' },
      { action: 'failed', error_code: 'NOT_PERMITTED' },
    ]);
  });

  test('goes on after a node that alone may not be changed', async () => {
    for (const { name, driver } of inventory(3).nodes) site.ironic.seed({ name, driver, provision_state: 'enroll' });
    site.ironic.intervene = ({ method, segments }) =>
      method === 'PATCH' && segments[2] === site.ironic.nodes[0]?.uuid
        ? {
            status: 403,
            body: { error_message: 'Access was denied to the following resource: baremetal:node:update' },
          }
        : undefined;
    const nodes = inventory(3).nodes.map((node) => ({ ...node, resource_class: 'gold' }));

    const { values } = await site.enroll({ ...inventory(3), nodes });

    expect(values.nodes).toMatchObject([{ action: 'failed' }, { action: 'change' }, { action: 'change' }]);
  });

  test('goes on with the nodes that exist, if it may not create others', async () => {
    for (const { name, driver } of inventory(2).nodes) site.ironic.seed({ name, driver, provision_state: 'enroll' });
    site.ironic.intervene = ({ method }) =>
      method === 'POST'
        ? { status: 403, body: { error_message: 'Access was denied to the following resource: baremetal:node:create' } }
        : undefined;
    const [first, second] = inventory(2).nodes.map((node) => ({ ...node, resource_class: 'gold' }));
    const missing = ['new-1', 'new-2'].map((name) => ({ name, driver: 'fake-hardware' }));

    const { values } = await site.enroll({ ...inventory(0), nodes: [missing[0], first, missing[1], second] });

    expect(values.nodes).toMatchObject([
      { action: 'failed', error_code: 'HTTP_ERROR' },
      { action: 'change' },
      { action: 'failed', error_code: 'NOT_PERMITTED' },
      { action: 'change' },
    ]);
  });

  test.each([
    ['an admin of the system', ['member'], ['admin']],
    ['an admin of the project, of nodes of its own', ['admin'], []],
  ])('by %s has nothing to tell', async (_, project, system) => {
    actAs(project, system);

    expect(refusalsIn(await site.enroll(inventory(1), { checkMode: true }))).toEqual([]);
  });
});

describe('a change of a node', () => {
  test.each([
    [
      'a reader',
      ['reader'],
      [/^node rack1-01: .*change nodes and their states only with the role member on the system/],
    ],
    ['a member', ['member'], []],
  ])('by %s of the system is told in check mode as it may be made', async (_, system, expected) => {
    const { name } = site.ironic.seed({ name: 'rack1-01', driver: 'fake-hardware', provision_state: 'enroll' });
    site.ironic.minor = 96;
    actAs(['member'], system);

    const outcome = await site.node({ name, resource_class: 'gold' }, { checkMode: true });

    expect(refusalsIn(outcome)).toEqual(expected.map((text) => expect.stringMatching(text)));
    expect(site.nodeWrites()).toEqual([]);
  });

  test('is told for a deletion and for a port too', async () => {
    const { name, uuid } = site.ironic.seed({ name: 'rack1-01', driver: 'fake-hardware', provision_state: 'enroll' });
    site.ironic.seedPort({ node_uuid: uuid, address: '52:54:00:00:00:01' });
    actAs(['member'], ['member']);

    const removed = await site.node({ name, state: 'absent' }, { checkMode: true });
    const port = await site.port({ address: '52:54:00:00:00:01', state: 'absent' }, { checkMode: true });

    expect([...refusalsIn(removed), ...refusalsIn(port)]).toEqual([
      expect.stringMatching(/^node rack1-01: .*delete nodes only with the role .*admin on the system/),
      expect.stringMatching(/^port 52:54:00:00:00:01: .*create and delete ports only .*baremetal:port:delete/),
    ]);
    expect(site.nodeWrites()).toEqual([]);
  });
});
