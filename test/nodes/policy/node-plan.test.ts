// What is decided over a node once everything was read.
import { describe, expect, test } from '@jest/globals';
import { parseNode } from '../../../modules/nodes/policy/desired-node.js';
import type { Values } from '../../../modules/nodes/policy/node-differences.js';
import { decideNode, hasWrites, type NodeFindings, type NodePlan } from '../../../modules/nodes/policy/node-plan.js';
import type { NodeSituation, NodeRules, ServedNode } from '../../../modules/nodes/policy/node-comparison.js';

const rules: NodeRules = {
  purge: new Set(),
  updateSecrets: 'on_create',
  secretsKey: undefined,
  goal: undefined,
  forceInUse: false,
  move: false,
  withMaintenance: false,
  allowedPaths: undefined,
};

const findings: NodeFindings = {
  imageSha256: undefined,
  parentUuid: undefined,
  salt: 'salt',
  portGroups: [],
  foreignPorts: new Map(),
  images: new Map(),
  driverOffer: undefined,
};

function served(fields: Partial<ServedNode> = {}): ServedNode {
  const node = {
    uuid: '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e',
    name: 'n1',
    provision_state: 'available',
    target_provision_state: null,
    instance_uuid: null,
    maintenance: false,
    maintenance_reason: null,
    fault: null,
    protected: false,
    driver_info: {},
    instance_info: {},
    ...fields,
  };
  return { ...node, record: { driver: 'ipmi', ...node, ...fields.record } };
}

interface Given extends Partial<Pick<NodeSituation, 'minor'>> {
  readonly node?: Partial<ServedNode>;
  readonly rules?: Partial<NodeRules>;
  readonly findings?: Partial<NodeFindings>;
}

/** The plan for a node that exists unless `node` is left out. */
function plan(values: Values, given: Given = {}): NodePlan {
  const { desired } = parseNode({ name: 'n1', ...values });
  if (!desired) throw new Error('the request is invalid');
  const existing = given.node && { node: served(given.node), ports: [] };
  const situation = { existing, desired, rules: { ...rules, ...given.rules }, minor: given.minor ?? 95 };
  return decideNode(situation, { ...findings, ...given.findings });
}

describe('a new node', () => {
  test('is created with everything that a POST accepts, and gets the rest right after it', () => {
    const { body, now, isNew, faults } = plan({
      driver: 'ipmi',
      properties: { capabilities: { boot_mode: 'uefi' }, cpus: null },
      retired: true,
      retired_reason: 'old',
    });

    expect([isNew, faults]).toEqual([true, []]);
    expect(body).toEqual({
      name: 'n1',
      driver: 'ipmi',
      retired: true,
      properties: { capabilities: 'boot_mode:uefi' },
    });
    expect(now.map(({ attribute }) => attribute)).toEqual(['retired_reason']);
  });

  test('needs a driver', () => expect(plan({}).faults).toEqual([expect.stringContaining('driver is missing')]));
});

describe('a change', () => {
  test('that Ironic accepts only in the desired state waits for it', () => {
    const { now, later, changesState } = plan(
      { protected: true, resource_class: 'a' },
      { node: {}, rules: { goal: 'active' } },
    );

    expect(now.map(({ attribute }) => attribute)).toEqual(['resource_class']);
    expect(later.map(({ attribute }) => attribute)).toEqual(['protected']);
    expect(changesState).toBe(true);
  });

  test.each<[string, Values, Given, RegExp]>([
    ['no state allows', { retired: true }, { node: {} }, /cannot be retired/],
    ['the server is too old for', { shard: 's' }, { node: {}, minor: 81 }, /shard needs version 1\.82/],
    ['concerns a node in use', { resource_class: 'a' }, { node: { instance_uuid: 'i' } }, /the node is in use/],
    ['names a parent that does not exist', { parent_node: 'p' }, { node: {} }, /there is no node "p"/],
  ])('that %s is refused', (_, values, given, fault) =>
    expect(plan(values, given).faults).toEqual([expect.stringMatching(fault)]),
  );

  test('of nothing needs no lock, and does not count as a change of a node in use', () => {
    const found = plan({ resource_class: 'a' }, { node: { instance_uuid: 'i', record: { resource_class: 'a' } } });

    expect([found.faults, found.differences, hasWrites(found)]).toEqual([[], [], false]);
  });

  test('of the parent is written as its UUID', () => {
    const { now } = plan({ parent_node: 'p' }, { node: {}, findings: { parentUuid: 'uuid-of-p' } });

    expect(now.flatMap(({ steps }) => steps)).toEqual([{ op: 'add', path: '/parent_node', value: 'uuid-of-p' }]);
  });
});

describe('the image of a deployment', () => {
  const image_source = 'https://example.org/image.qcow2';

  test('gets the checksum that was computed', () => {
    const { now, faults } = plan(
      { instance_info: { image_source } },
      {
        node: {},
        rules: { allowedPaths: [] },
        findings: {
          imageSha256: 'ab'.repeat(32),
          images: new Map([[image_source, { kind: 'http', status: 200, hasLength: true }]]),
        },
      },
    );

    expect(faults).toEqual([]);
    expect(now.flatMap(({ differences }) => differences.map(({ field }) => field))).toEqual([
      'instance_info.image_source',
      'instance_info.image_os_hash_algo',
      'instance_info.image_os_hash_value',
    ]);
  });

  test.each([
    ['with another status', { kind: 'http', status: 404, hasLength: true }, 'HEAD was answered by 404'],
    ['without a length', { kind: 'http', status: 200, hasLength: false }, 'without Content-Length'],
    [
      'by a redirect',
      { kind: 'http', status: 302, hasLength: true, redirect: 'https://x/' },
      'redirects to https://x/',
    ],
    ['not at all', { kind: 'failed', reason: 'it cannot be reached' }, 'it cannot be reached'],
  ] as const)('is refused if the server answers %s', (_, facts, fault) => {
    const { faults } = plan(
      { instance_info: { image_source } },
      { node: {}, rules: { allowedPaths: [] }, findings: { images: new Map([[image_source, facts]]) } },
    );

    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  test('of an active node counts only if it is another one', () => {
    const active = { provision_state: 'active', instance_info: { image_source, image_checksum: 'x' } };
    const differences = (source: string): unknown =>
      plan(
        { instance_info: { image_source: source, image_checksum: 'y' } },
        { node: { ...active, record: { instance_info: active.instance_info } } },
      ).differences.map(({ field }) => field);

    expect(differences(image_source)).toEqual([]);
    expect(differences('https://example.org/other')).toEqual(['instance_info.image_source']);
  });
});

test.each<[string, Partial<ServedNode>, Partial<NodeRules>, boolean | undefined]>([
  ['ended for a node that is to be used', { fault: 'clean failure' }, { goal: 'available' }, false],
  ['left alone if the node is not to be used', { fault: 'clean failure' }, { goal: 'manageable' }, undefined],
  ['left to Ironic after a power failure', { fault: 'power failure' }, { goal: 'available' }, undefined],
  ['left alone if an operator has set it', {}, { goal: 'available' }, undefined],
  ['left alone on a node in use', { fault: 'service failure', instance_uuid: 'i' }, { goal: 'active' }, undefined],
])('maintenance is %s', (_, node, given, expected) =>
  expect(plan({}, { node: { maintenance: true, ...node }, rules: given }).maintenance).toBe(expected),
);
