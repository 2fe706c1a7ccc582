// ipa_test, its roll-out and baremetal_node with logins that Ironic hides nodes from, or refuses
// changes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { StoredNode } from '../sandbox/ironic.js';
import type { Answer, Call } from '../sandbox/http-double.js';
import { former, startIpaSite, type IpaTestSite } from './ipa-test-site.js';

const byIronic = { deployer: 'ironic', instance_info: { image_source: 'http://127.0.0.1/d' } } as const;

let site: IpaTestSite;
let node: StoredNode;

beforeEach(async () => {
  site = await startIpaSite(['baremetal']);
  node = site.addNode();
});
afterEach(async () => {
  await site.close();
});

const denied = (rule: string): Answer => ({
  status: 403,
  body: {
    error_message: JSON.stringify({
      faultcode: 'Client',
      faultstring: `Access was denied to the following resource: ${rule}`,
      debuginfo: null,
    }),
  },
});

function deny(rule: string, isMeant: (call: Call) => boolean): void {
  site.users.baremetal.intervene = (call) => (isMeant(call) ? denied(rule) : undefined);
}

describe('a login of one project, on an Ironic that shows it the nodes of that project only', () => {
  beforeEach(() => {
    site.users.baremetal.enforcesScope = true;
    site.keystone.admin.systemRoles = [];
    // One of several: a list that is not empty proves nothing.
    site.addNode({ owner: site.keystone.admin.project.id });
  });

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['a test', byIronic],
    ['a test on a node of the project', { ...byIronic, node: 'rack1-02' }],
    ['a roll-out', { deployer: 'ironic', push: true, test: false }],
    ['restore', { restore: true }],
  ])('%s is refused with the role and the scope that it lacks, before any node is touched', async (_, args) => {
    await expect(site.test(args)).rejects.toMatchObject({
      code: 'NODES_HIDDEN',
      message: expect.stringMatching(
        /^no node was touched: not all nodes are shown .*a system-scoped token is needed.*openstack role add/,
      ),
    });

    expect([site.allWrites(), site.journal()]).toEqual([[], []]);
  });

  test('what an earlier run has left on a node that is now hidden is not considered gone', async () => {
    site.users.baremetal.enforcesScope = false;
    // The run cannot put back what it has begun.
    deny(
      'baremetal:node:update',
      ({ method, segments }) =>
        (method === 'PATCH' || segments[4] === 'provision') && 'image_tools_test' in node.instance_info,
    );
    await site.test(byIronic);
    const [entry] = site.journal();
    const text = readFileSync(join(site.folder, 'journal', String(entry)), 'utf8');
    Object.assign(site.users.baremetal, { enforcesScope: true, intervene: () => undefined });

    await expect(site.test({ restore: true })).rejects.toMatchObject({ code: 'NODES_HIDDEN' });

    expect(readFileSync(join(site.folder, 'journal', String(entry)), 'utf8')).toBe(text);
  });

  test('a system-scoped token is enough', async () => {
    site.keystone.admin.systemRoles = ['admin'];

    expect(await site.test({ ...byIronic, node: 'rack1-01', clean_timeout: 30 })).toMatchObject({
      failures: [],
      values: { passed: true },
    });
  });
});

test.each([
  ['a test', byIronic],
  ['a roll-out', { deployer: 'ironic', push: true, test: false }],
])('of %s a login that sees every node but may change none is told in check mode', async (_, args) => {
  Object.assign(site.keystone.admin, { roles: ['member'], systemRoles: ['reader'] });

  const { warnings, failures } = await site.test(args, { checkMode: true });

  expect(failures).toEqual([]);
  expect(warnings).toEqual([
    expect.stringMatching(/^node rack1-01: .*change nodes and their states only .*member on the system .*node:update/),
  ]);
  expect(site.allWrites()).toEqual([]);
});

test('a login that sees every node but may change none gets the missing role reported, and changes nothing', async () => {
  deny('baremetal:node:set_provision_state', ({ method }) => method !== 'GET');
  const before = structuredClone(node);

  const outcome = await site.test(byIronic);

  expect(outcome.failures.join('; ')).toMatch(
    new RegExp(
      'Access was denied to the following resource: baremetal:node:set_provision_state; ' +
        'the user of the login .* needs reader to see all nodes, and admin to change them',
    ),
  );
  expect([node, site.journal()]).toEqual([before, []]);
});

test('a protected node is not reported as a missing role', async () => {
  site.users.baremetal.intervene = ({ method }) =>
    method === 'PUT'
      ? {
          status: 403,
          body: { error_message: `Node ${node.uuid} is protected and cannot be undeployed, rebuilt or deleted` },
        }
      : undefined;

  expect((await site.test(byIronic)).failures.join()).not.toMatch(/role/);
});

test('nodes whose driver_info is hidden are left out of a roll-out, and of a test', async () => {
  site.users.baremetal.spoil = ({ method, segments }, answer) => {
    const hide = (row: object): object => ({
      ...row,
      driver_info: { content: '** Redacted - requires baremetal:node:get:driver_info permission. **' },
    });
    const body = answer.body as { nodes?: object[]; driver_info?: object };
    if (method !== 'GET' || segments[1] !== 'nodes') return undefined;
    return {
      ...answer,
      body: body.nodes ? { ...body, nodes: body.nodes.map(hide) } : body.driver_info ? hide(body) : body,
    };
  };

  const pushed = await site.test({ deployer: 'ironic', push: true, test: false });

  expect(pushed.values.nodes).toEqual([
    expect.objectContaining({ result: 'skipped', reason: expect.stringMatching(/could not be restored/) }),
  ]);
  await expect(site.test(byIronic)).rejects.toMatchObject({ code: 'NO_NODE_FREE' });
  expect([node.driver_info, site.allWrites().filter((write) => write.includes('/nodes/'))]).toEqual([
    { ...former, ipmi_password: 'x' },
    [],
  ]);
});
