// What a plan for a node requires, and of whom: by the node's owner and the release of Ironic.
import { describe, expect, test } from '@jest/globals';
import { isGranted, type Grant } from '../../../modules/core/rights.js';
import { permissionsForNode, permissionsForPort } from '../../../modules/nodes/policy/node-permissions.js';
import type { NodePlan } from '../../../modules/nodes/policy/node-plan.js';
import type { PortPlan } from '../../../modules/nodes/policy/port-plan.js';

const nothing: NodePlan = {
  desired: { attributes: {}, mappings: {} } as NodePlan['desired'],
  isNew: false,
  body: {},
  now: [],
  later: [],
  traits: undefined,
  portGroups: [],
  ports: [],
  maintenance: undefined,
  inspects: false,
  changesState: false,
  differences: [],
  unknown: [],
  faults: [],
  warnings: [],
};
const port = (action: PortPlan['action']): PortPlan => ({
  action,
  address: '52:54:00:00:00:01',
  desired: undefined,
  port: undefined,
  changes: [],
  needsMaintenance: false,
  differences: [],
});

const ofNobody = { owner: null, lessee: null };
const ours = { owner: 'p1', lessee: null };
const zed = { projectId: 'p1', minor: 82 };
const recent = { projectId: 'p1', minor: 96 };
const project = (...roles: string[]): Grant => ({ scope: 'project', projectId: 'p1', roles });
const system = (...roles: string[]): Grant => ({ scope: 'system', projectId: '', roles });

describe('a plan requires', () => {
  test.each<[string, Partial<NodePlan>, string[]]>([
    ['nothing if nothing changes', {}, []],
    ['to change the node for a state', { changesState: true }, ['baremetal:node:update']],
    ['to change the node for maintenance', { maintenance: true }, ['baremetal:node:update']],
    ['more for traits', { traits: ['CUSTOM_A'] }, ['baremetal:node:traits:set']],
    ['more for a port that changes', { ports: [port('change')] }, ['baremetal:node:traits:set']],
    [
      'more yet for ports that come and go, once',
      { ports: [port('create'), port('delete')], changesState: true },
      ['baremetal:node:update', 'baremetal:port:create'],
    ],
  ])('%s', (_, plan, expected) => {
    const found = permissionsForNode({ ...nothing, ...plan }, ours, recent);

    expect(found.map(({ policies }) => policies[0])).toEqual(expected);
  });

  test('only the creation of a node that is new', () => {
    const plan = { ...nothing, isNew: true, ports: [port('create')], changesState: true };

    expect(permissionsForNode(plan, undefined, recent).map(({ policies }) => policies[0])).toEqual([
      'baremetal:node:create',
    ]);
  });
});

describe('a change of a node', () => {
  test.each<[string, Record<string, unknown>, typeof zed, Grant[], boolean]>([
    ['its owner’s member', ours, recent, [project('member')], true],
    ['its owner’s reader', ours, recent, [project('reader')], false],
    ['its lessee’s member', { owner: 'p2', lessee: 'p1' }, recent, [project('member')], true],
    ['the admin of another project', ofNobody, recent, [project('admin')], false],
    ['the admin of another project before 2025.1', ofNobody, zed, [project('admin')], true],
    ['the member of another project before 2025.1', ofNobody, zed, [project('member')], false],
    ['a member of the system', ofNobody, recent, [system('member'), project('reader')], true],
    ['a reader of the system who is admin of a project', ofNobody, recent, [system('reader'), project('admin')], false],
  ])('by %s', (_, record, realm, grants, expected) => {
    const [permission] = permissionsForNode({ ...nothing, changesState: true }, record, realm);

    expect(permission && isGranted(permission, { grants, source: '' })).toBe(expected);
  });
});

test.each<[PortPlan['action'], Grant, boolean]>([
  ['change', system('member'), true],
  ['create', system('member'), false],
  ['move', system('member'), false],
  ['delete', system('admin'), true],
  ['create', project('manager'), true],
  ['create', project('member'), false],
])('whether to %s a port is permitted to %j: %s', (action, grant, expected) => {
  const [permission] = permissionsForPort(port(action), ours, recent);

  expect(permission && isGranted(permission, { grants: [grant], source: '' })).toBe(expected);
});
