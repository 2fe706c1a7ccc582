// What is read from the inventory of a node, and where it contradicts the request.
import { describe, expect, test } from '@jest/globals';
import { parseNode } from '../../../modules/nodes/policy/desired-node.js';
import type { Values } from '../../../modules/nodes/policy/node-differences.js';
import {
  contradictions,
  findingsOf,
  findingsText,
  type Findings,
  type InspectedNode,
} from '../../../modules/nodes/policy/inspection-findings.js';

const [first, second, third] = ['52:54:00:ab:cd:01', '52:54:00:ab:cd:02', '52:54:00:ab:cd:03'] as const;
const gib = 2 ** 30;

// The shape of what ironic-python-agent sends (hardware.py, list_hardware_info), without what is not read.
const inventory = {
  inventory: {
    cpu: { model_name: 'QEMU TCG CPU version 2.5+', count: 2, architecture: 'x86_64', socket_count: 2 },
    memory: { total: 1010278400, physical_mb: 1024 },
    disks: [
      { name: '/dev/sr0', size: gib },
      { name: '/dev/vda', size: 20 * gib },
      { name: '/dev/vdb', size: 5 * gib },
    ],
    interfaces: [
      { name: 'enp0s3', mac_address: '52:54:00:AB:CD:01', ipv4_address: '10.0.2.15', has_carrier: true },
      { name: 'enp0s4', mac_address: null },
      { name: 'bond0', mac_address: '52:54:00:ab:cd:01' },
    ],
  },
  plugin_data: {},
};

const inspected: InspectedNode = { finishedAt: '2026-11-27T13:40:11+00:00', properties: {}, ports: [], inventory };

const wanted = (values: Values): NonNullable<ReturnType<typeof parseNode>['desired']> =>
  parseNode({ name: 'n1', ...values }).desired!;
const find = (given: Partial<InspectedNode>, values: Values = {}, purge: readonly string[] = []): Findings =>
  findingsOf({ ...inspected, ...given }, wanted(values), new Set(purge));

describe('findings', () => {
  test('are those of the inventory', () =>
    expect(find({})).toEqual({
      source: 'inventory',
      finished_at: '2026-11-27T13:40:11+00:00',
      ...{ cpu_arch: 'x86_64', cpus: 2, memory_mb: 1024, local_gb: 5 },
      ports: [first],
      unnamed_ports: [],
    }));

  test('without an inventory are those of the node, whose numbers may be text', () =>
    expect(
      find({
        inventory: undefined,
        properties: { cpus: '4', memory_mb: 2048, local_gb: 'large', cpu_arch: 'aarch64' },
        ports: [{ address: second }],
      }),
    ).toMatchObject({ source: 'properties', cpus: 4, memory_mb: 2048, cpu_arch: 'aarch64', ports: [second] }));

  test.each<[string, unknown, Values, Partial<Findings>]>([
    ['the root disk that a hook has chosen', { plugin_data: { root_disk: { size: 20 * gib } } }, {}, { local_gb: 20 }],
    ['properties for what an inventory lacks', { inventory: { cpu: {} } }, { cpus: 8 }, { cpus: 8, ports: [] }],
    ['no disk that is too small', { inventory: { disks: [{ size: gib }] } }, {}, {}],
    ['nothing of another shape', { inventory: { cpu: 'x', memory: [], disks: {}, interfaces: [1] } }, {}, {}],
  ])('have %s', (_, given, properties, expected) => {
    const found = find({ inventory: given as Values, properties });

    expect(found).toEqual({
      ...{ source: 'inventory', finished_at: inspected.finishedAt, ports: [], unnamed_ports: [] },
      ...expected,
    });
  });

  test.each<[string, Values, readonly string[], readonly string[]]>([
    ['the request does not name', { ports: [first] }, [], [second]],
    ['the request names in capitals are none', { ports: [first, '52-54-00-AB-CD-02'] }, [], []],
    ['a request without ports leaves unnamed are none', {}, [], []],
    ['are to be deleted are none', { ports: [first] }, ['ports'], []],
  ])('tell the ports of the node that %s', (_, values, purge, expected) => {
    const ports = [{ address: first }, { address: second }];

    expect(find({ ports }, values, purge).unnamed_ports).toEqual(expected);
  });

  test.each<[Partial<InspectedNode>, string]>([
    [{}, 'x86_64, 2 CPUs, 1024 MB, 5 GB, 1 port'],
    [{ inventory: undefined }, '0 ports'],
  ])('are one cell of a table', (given, text) => expect(findingsText(find(given))).toBe(text));
});

describe('a contradiction', () => {
  const tell = (values: Values, given: Partial<InspectedNode> = {}): string[] =>
    contradictions(find(given, values), wanted(values));

  test.each<[string, Values, string[]]>([
    ['the number of CPUs', { cpus: 4 }, ['properties.cpus: inspection found 2, and the given 4 is kept']],
    ['the memory', { memory_mb: '2048' }, ['properties.memory_mb: inspection found 1024, and the given 2048 is kept']],
    ['the disk', { local_gb: 20 }, ['properties.local_gb: inspection found 5, and the given 20 is kept']],
    [
      'the architecture',
      { cpu_arch: 'aarch64' },
      ['properties.cpu_arch: inspection found x86_64, and the given aarch64 is kept'],
    ],
  ])('about %s is told', (_, properties, expected) => expect(tell({ properties })).toEqual(expected));

  test.each<[string, Values]>([
    ['the same values', { cpus: '2', memory_mb: 1024, local_gb: 5, cpu_arch: 'x86_64' }],
    ['the disk without 1 GiB for partitions', { local_gb: 4 }],
    ['a value that is removed', { cpus: null }],
    ['what is not inspected', { vendor: 'x' }],
  ])('is none with %s', (_, properties) => expect(tell({ properties })).toEqual([]));

  test('is a port that was not found, if all interfaces are known', () => {
    expect(tell({ ports: [first, second, third] })).toEqual([
      `inspection found no interface with the address of ports ${second}, ${third}`,
    ]);
    expect(tell({ ports: [second] }, { inventory: undefined })).toEqual([]);
  });

  test('are the ports that the request does not name, which stay', () =>
    expect(tell({ ports: [first] }, { ports: [{ address: first }, { address: second }] })).toEqual([
      expect.stringMatching(new RegExp(`^it also has the port ${second}, which the request does not name; .* kept`)),
    ]));
});
