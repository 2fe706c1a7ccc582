// Inventories of nodes as people write them.
import { describe, expect, test } from '@jest/globals';
import { entriesOf, inventoryFaultText, readInventory } from '../../../modules/nodes/policy/inventory.js';

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

  test('reports what is wrong with a node together, and names that its faulty nodes share', () => {
    const faults = read([
      { name: 'a', ports: ['zz'], owner: [] },
      { name: 'a', driver: 'x', ports: ['52:54:00:AB:CD:EF', 5] },
      { driver: 'x', name: 'b', ports: [{ mac: '52-54-00-ab-cd-ef' }] },
    ]).faults.map(inventoryFaultText);

    expect(faults).toEqual([
      expect.stringContaining('file line 1: node a: owner: [] must be text'),
      expect.stringContaining('file line 1: node a: ports[0].mac: "zz" is not a MAC address'),
      'file line 1: node a: driver is missing',
      expect.stringContaining('file line 2: node a: ports[1]: it must be a MAC address'),
      'file line 2: node a: the name a is already used at file line 1',
      'file line 3: node b: the MAC address 52:54:00:ab:cd:ef is already used at file line 2',
    ]);
  });
});
