// Inventories of nodes as people write them.
import { describe, expect, test } from '@jest/globals';
import { entriesOf, inventoryFaultText, nodeOfRow, readInventory } from '../../../modules/nodes/policy/inventory.js';

describe('an inventory', () => {
  const read = (content: unknown, defaults = {}): ReturnType<typeof readInventory> =>
    readInventory(entriesOf(content, ([key]) => `file line ${Number(key) + 1}`) ?? [], defaults);

  test('is a list, a list under nodes, or a mapping of names', () => {
    const names = [[{ name: 'a', driver: 'x' }], { nodes: [{ name: 'a', driver: 'x' }] }, { a: { driver: 'x' } }].map(
      (content) => read(content).nodes.map(({ desired }) => desired.attributes),
    );

    expect(names).toEqual([[{ name: 'a', driver: 'x' }], [{ name: 'a', driver: 'x' }], [{ name: 'a', driver: 'x' }]]);
    expect(entriesOf('text', () => '')).toBeUndefined();
  });

  test('has defaults, merged by key', () => {
    const { nodes } = read(
      [
        { name: 'a', driver_info: { p: 1 } },
        { name: 'b', driver: 'redfish' },
      ],
      { driver: 'ipmi', driver_info: { p: 0, q: 0 } },
    );

    expect(nodes.map(({ desired }) => [desired.attributes.driver, desired.mappings.driver_info])).toEqual([
      ['ipmi', { p: 1, q: 0 }],
      ['redfish', { p: 0, q: 0 }],
    ]);
  });

  test('reports every fault with its place', () => {
    const faults = read([
      { name: 'a' },
      { driver: 'x' },
      5,
      { name: 'b', driver: 'x', ports: ['525400abcdef'] },
      { name: 'b', driver: 'x', ports: ['52:54:00:AB:CD:EF'] },
    ]).faults.map(inventoryFaultText);

    expect(faults).toEqual([
      'file line 1: node a: driver is missing',
      'file line 2: a node needs a name, a uuid or a MAC address to be found by',
      'file line 3: a node must be a mapping',
      'file line 5: node b: the name b is already used at file line 4',
      'file line 5: node b: the MAC address 52:54:00:ab:cd:ef is already used at file line 4',
    ]);
  });

  test('a row of a table is a node', () => {
    expect(
      nodeOfRow({
        name: 'a',
        driver: 'ipmi',
        mac: '525400abcdef 52:54:00:00:00:01',
        ipmi_address: 'x',
        deploy_kernel: 'k',
        deploy_interface: 'direct',
        ram: '8192',
        cpu_arch: 'x86_64',
        'driver_info.ipmi_port': '6230',
        'properties.cpus': '4',
        'extra.rack': '7',
        owner: '',
      }).content,
    ).toEqual({
      ...{ name: 'a', driver: 'ipmi', deploy_interface: 'direct', ports: ['525400abcdef', '52:54:00:00:00:01'] },
      driver_info: { ipmi_address: 'x', deploy_kernel: 'k', ipmi_port: '6230' },
      properties: { ram: 8192, cpu_arch: 'x86_64', cpus: 4 },
      extra: { rack: '7' },
    });
  });
});
