// Inventories of nodes, single nodes and ports as people write them.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultText, normaliseMac } from '../../../modules/nodes/policy/field-values.js';
import { entriesOf, inventoryFaultText, nodeOfRow, readInventory } from '../../../modules/nodes/policy/inventory.js';
import { parseNode } from '../../../modules/nodes/policy/desired-node.js';
import { parsePort, portChanges } from '../../../modules/nodes/policy/desired-port.js';

describe('a MAC address', () => {
  test.each([
    ['52:54:00:AB:CD:EF', '52:54:00:ab:cd:ef'],
    ['52-54-00-ab-cd-ef', '52:54:00:ab:cd:ef'],
    ['5254.00ab.cdef', '52:54:00:ab:cd:ef'],
    ['525400abcdef', '52:54:00:ab:cd:ef'],
    [' 52:54:00:ab:cd:ef ', '52:54:00:ab:cd:ef'],
    ['52:54:00:ab:cd', undefined],
    ['52:54-00:ab:cd:ef', undefined],
    ['52:54:00:ab:cd:eg', undefined],
    ['5254.00ab.cdef.0000', undefined],
    ['', undefined],
  ])('%j is %j', (text, expected) => expect(normaliseMac(text)).toBe(expected));

  test('is the same in every notation', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 6, maxLength: 6 }),
        fc.constantFrom(':', '-', ''),
        fc.boolean(),
        (bytes, separator, upper) => {
          const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
          const text = pairs.join(separator);
          expect(normaliseMac(upper ? text.toUpperCase() : text)).toBe(pairs.join(':'));
        },
      ),
    );
  });
});

describe('a node', () => {
  test("of bifrost's inventory is understood", () => {
    const { desired, faults } = parseNode({
      ...{
        name: 'testvm1',
        uuid: 'A8CB6624-0D9F-4882-AFFC-046EBB96EC01',
        driver: 'ipmi',
        nics: [{ mac: '00-01-02-03-04-05', pxe: 'no' }],
        host_groups: ['a'],
        ipv4_address: '192.0.2.1',
      },
      driver_info: { power: { ipmi_address: 'x' }, ipmi_port: 623 },
      properties: { ram: 1024, disk_size: 10, cpus: 2 },
      ipa_kernel_url: 'http://h/k',
    });

    expect(faults).toEqual([]);
    expect(desired).toEqual({
      uuid: 'a8cb6624-0d9f-4882-affc-046ebb96ec01',
      attributes: { name: 'testvm1', driver: 'ipmi' },
      mappings: {
        driver_info: { deploy_kernel: 'http://h/k', ipmi_address: 'x', ipmi_port: 623 },
        properties: { memory_mb: 1024, local_gb: 10, cpus: 2 },
      },
      ports: [{ address: '00:01:02:03:04:05', attributes: { pxe_enabled: false } }],
      ignored: ['host_groups', 'ipv4_address'],
    });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a misspelt field', { drivr: 'x' }, 'did you mean driver?'],
    ['a field of another kind', { driver_info: 'x' }, 'driver_info: it must be a mapping'],
    ['a name with spaces', { name: 'a b' }, 'letters, digits and -._~'],
    ["a word of Ironic's for a name", { name: 'detail' }, 'Ironic reserves this word'],
    ['a UUID for a name', { name: '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e' }, 'looks like a UUID'],
    ['no UUID', { uuid: 'abc' }, 'is not a UUID'],
    ['a switch that is none', { retired: 'perhaps' }, 'neither yes nor no'],
    ['a capability without a value', { properties: { capabilities: 'a' } }, 'not key:value'],
    ['a capability with a comma', { properties: { capabilities: { a: 'b,c' } } }, 'colon or a comma'],
    ['a trait in lower case', { traits: ['custom_a'] }, 'is not a trait'],
    ['too many traits', { traits: Array.from({ length: 51 }, (_, index) => `CUSTOM_${index}`) }, 'at most 50'],
    ['a long description', { description: 'x'.repeat(4097) }, 'at most 4096'],
    ['a driver that is removed', { driver: null }, 'cannot be removed'],
    ['a port twice', { ports: ['52:54:00:ab:cd:ef', '525400ABCDEF'] }, 'is given twice'],
    ['an address that YAML took for a number', { ports: [{ mac: 31_415_926 }] }, 'put the MAC address in quotes'],
    ['a port without an address', { ports: [{}] }, 'ports[0].mac: it is missing'],
    [
      'an unknown field of a port',
      { ports: [{ mac: '52:54:00:ab:cd:ef', physical_netwrk: 'x' }] },
      'did you mean physical_network?',
    ],
    [
      'half a link',
      { ports: [{ mac: '52:54:00:ab:cd:ef', llc: { port_id: 'x' } }] },
      'llc: it needs port_id with switch_id or hostname',
    ],
    [
      'a link with more',
      { ports: [{ mac: '52:54:00:ab:cd:ef', llc: { port_id: 'x', switch_id: '52:54:00:00:00:01', speed: 1 } }] },
      'speed: it is not allowed',
    ],
    [
      'a switch id that is none',
      { ports: [{ mac: '52:54:00:ab:cd:ef', llc: { port_id: 'x', switch_id: 'tor1' } }] },
      'neither a MAC address nor a datapath ID',
    ],
  ])('with %s is refused', (_, given, expected) =>
    expect(parseNode(given).faults.map(faultText)).toEqual([expect.stringContaining(expected)]),
  );
});

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

  test('has defaults beneath, merged by key', () => {
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

  test('tells every fault with its place', () => {
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

describe('a port', () => {
  const served = {
    pxe_enabled: true,
    physical_network: null,
    local_link_connection: {},
    extra: { a: 1 },
    is_smartnic: false,
  };
  const changes = (given: Record<string, unknown>, purge = false): unknown =>
    portChanges(
      served,
      { attributes: parsePort({ mac: '525400abcdef', ...given }).desired?.attributes ?? {} },
      purge,
    ).flatMap(({ steps }) => steps);

  test.each<[string, Record<string, unknown>, boolean, unknown]>([
    ['the same', { pxe_enabled: true, physical_network: '', local_link_connection: {}, extra: { a: 1 } }, false, []],
    ['another network', { physical_network: 'n' }, false, [{ op: 'add', path: '/physical_network', value: 'n' }]],
    [
      'a link as a whole',
      { llc: { switch_id: '5254.0000.0001', port_id: 1 } },
      false,
      [{ op: 'add', path: '/local_link_connection', value: { switch_id: '52:54:00:00:00:01', port_id: '1' } }],
    ],
    ['extra by key', { extra: { b: 2, a: null } }, false, [{ op: 'add', path: '/extra', value: { b: 2 } }]],
    ['extra exactly', { extra: { b: 2 } }, true, [{ op: 'add', path: '/extra', value: { b: 2 } }]],
  ])('%s', (_, given, purge, expected) => expect(changes(given, purge)).toEqual(expected));
});
