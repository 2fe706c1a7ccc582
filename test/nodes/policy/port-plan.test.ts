// What is decided over the ports and port groups of a node once everything was read.
import { describe, expect, test } from '@jest/globals';
import { parseNode } from '../../../modules/nodes/policy/desired-node.js';
import { parsePort, type DesiredPort } from '../../../modules/nodes/policy/desired-port.js';
import { decidePortGroups } from '../../../modules/nodes/policy/port-group-plan.js';
import {
  decidePortCreation,
  decidePorts,
  refusalInUse,
  type ForeignPort,
  type PortPlan,
  type PortRules,
  type ServedPort,
} from '../../../modules/nodes/policy/port-plan.js';

const rules: PortRules = { purge: new Set(), forceInUse: false, move: false, withMaintenance: false };
const [one, two] = ['52:54:00:00:00:01', '52:54:00:00:00:02'];

function desired(given: Record<string, unknown>): DesiredPort {
  const { desired: port } = parsePort(given);
  if (!port) throw new Error('the port is invalid');
  return port;
}

const served = (address: string): ServedPort => ({ uuid: `uuid-${address}`, address, node_uuid: 'n', record: {} });
const owner = {
  uuid: 'm',
  name: 'n2',
  provision_state: 'available',
  target_provision_state: null,
  instance_uuid: null,
};

describe('the ports of a node', () => {
  const decide = (given: Partial<PortRules>, provision_state = 'manageable'): ReturnType<typeof decidePorts> =>
    decidePorts({
      existing: { node: { provision_state, maintenance: false }, ports: [served(one), served('52:54:00:00:00:03')] },
      desired: [desired({ address: one, physical_network: 'n' }), desired({ address: two })],
      foreign: new Map(),
      rules: { ...rules, ...given },
      minor: 95,
    });
  const actions = (plans: readonly PortPlan[]): unknown => plans.map(({ action, address }) => [action, address]);

  test('are changed and created, and others stay', () =>
    expect(actions(decide({}).plans)).toEqual([
      ['change', one],
      ['create', two],
    ]));

  test('are deleted with purge if they are not given', () =>
    expect(actions(decide({ purge: new Set(['ports']) }).plans)).toEqual([
      ['change', one],
      ['create', two],
      ['delete', '52:54:00:00:00:03'],
    ]));

  test('need maintenance in a state in which Ironic does not change them', () => {
    expect(decide({}, 'available').faults).toEqual([expect.stringContaining('with_maintenance: true')]);
    expect(
      decide({ withMaintenance: true }, 'available').plans.map(({ needsMaintenance }) => needsMaintenance),
    ).toEqual([true, false]);
  });
});

describe('a port of another node', () => {
  const free: ForeignPort = { port: served(one), owner };
  const used: ForeignPort = { port: served(one), owner: { ...owner, instance_uuid: 'i' } };

  test.each<[string, ForeignPort | undefined, Partial<PortRules>, unknown]>([
    ['is created if there is none', undefined, {}, { action: 'create' }],
    ['is refused', free, {}, { code: 'PORT_TAKEN', reason: expect.stringContaining('belongs to node n2') }],
    ['is moved if that is allowed', free, { move: true }, { action: 'move' }],
    ['is refused if that node is in use', used, { move: true }, { reason: expect.stringContaining('is in use') }],
    ['is moved by force if that node is in use', used, { move: true, forceInUse: true }, { action: 'move' }],
    [
      'of a hidden node is refused by UUID',
      { ...free, owner: undefined },
      {},
      { reason: expect.stringContaining('node n;') },
    ],
  ])('%s', (_, foreign, given, expected) =>
    expect(decidePortCreation(desired({ address: one }), foreign, { ...rules, ...given })).toMatchObject(
      expected as object,
    ),
  );
});

test.each<[PortPlan['action'], Partial<PortRules>, boolean]>([
  ['change', {}, true],
  ['change', { withMaintenance: true }, false],
  ['delete', { withMaintenance: true }, true],
  ['delete', { forceInUse: true }, false],
])('%s of a port of a node in use, with %j, is refused: %s', (action, given, refused) => {
  const port = { action, address: one, desired: undefined, port: undefined, changes: [], differences: [] };
  const refusal = refusalInUse(
    { ...port, needsMaintenance: false },
    { ...owner, instance_uuid: 'i' },
    { ...rules, ...given },
  );

  expect(refusal !== undefined).toBe(refused);
});

describe('port groups', () => {
  const request =
    parseNode({ name: 'n1', portgroups: [{ name: 'bond0', mode: '802.3ad', ports: [one] }] }).desired ?? {};
  const finding = { own: undefined, foreign: undefined, newUuid: 'new-uuid' };

  test('that are new get a UUID, which their ports refer to', () => {
    const { plans, ports } = decidePortGroups(request, [finding], 95);

    expect(plans).toMatchObject([{ isNew: true, uuid: 'new-uuid' }]);
    expect(ports).toMatchObject([{ address: one, attributes: { portgroup_uuid: 'new-uuid' } }]);
  });

  test('that exist are changed only if they differ', () => {
    const own = { uuid: 'g', name: 'bond0', address: '', node_uuid: 'n', record: { name: 'bond0', mode: '802.3ad' } };

    expect(decidePortGroups(request, [{ ...finding, own }], 95).plans).toEqual([]);
  });

  test('that another node has are refused', () => {
    const foreign = { title: 'bond0', owner: 'n2' };

    expect(decidePortGroups(request, [{ ...finding, foreign }], 95).faults).toEqual([
      'port group bond0 is already bond0 of node n2: names and addresses of port groups are unique in Ironic',
    ]);
  });

  test('need a server that knows them', () =>
    expect(decidePortGroups(request, [], 22).faults).toEqual([expect.stringContaining('name needs version 1.23')]));
});
