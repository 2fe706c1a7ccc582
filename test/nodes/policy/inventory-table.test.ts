// Tables of nodes as people and spreadsheets write them.
import { describe, expect, test } from '@jest/globals';
import { inventoryFaultText, readInventory, type Inventory } from '../../../modules/nodes/policy/inventory.js';
import { entriesOfTable } from '../../../modules/nodes/policy/inventory-table.js';

/** Lines of cells, the header first. */
function read(lines: readonly (readonly string[])[], separator = ','): Inventory {
  const records = lines.map((cells, index) => ({ line: index + 1, cells }));
  return readInventory(entriesOfTable({ separator, records, faults: [] }, (line) => `line ${line}`));
}

const faultsOf = (...lines: readonly (readonly string[])[]): string[] => read(lines).faults.map(inventoryFaultText);

describe('a table', () => {
  test('has a node in each row', () => {
    const header = ['name', 'driver', 'mac', 'ipmi_address', 'deploy_kernel', 'deploy_interface', 'ram', 'cpu_arch'];
    const more = ['driver_info.ipmi_port', 'properties.cpus', 'extra.rack', 'owner'];
    const cells = ['a', 'ipmi', '525400abcdef 52:54:00:00:00:01', 'x', 'k', 'direct', '8192', 'x86_64'];

    const { nodes, faults } = read([
      [...header, ...more],
      [...cells, '6230', '4', '7', ''],
    ]);

    expect(faults).toEqual([]);
    expect(nodes.map(({ desired }) => desired)).toMatchObject([
      {
        attributes: { name: 'a', driver: 'ipmi', deploy_interface: 'direct' },
        mappings: {
          driver_info: { ipmi_address: 'x', deploy_kernel: 'k', ipmi_port: '6230' },
          properties: { memory_mb: 8192, cpu_arch: 'x86_64', cpus: 4 },
          extra: { rack: '7' },
        },
        ports: [{ address: '52:54:00:ab:cd:ef' }, { address: '52:54:00:00:00:01' }],
      },
    ]);
  });

  test('may be filled up with empty cells', () => {
    const { nodes, faults } = read([
      ['name', 'driver', '', ''],
      ['a', 'x', '', '', '', ''],
      ['b', 'x'],
    ]);

    expect([nodes.length, faults]).toEqual([2, []]);
  });
});

describe('a header', () => {
  test.each([
    ['is missing', ['10.0.0.1', 'root', 's3cret'], 'line 1: the first line must name the columns'],
    [
      'has capitals and spaces',
      ['Name', 'driver'],
      'line 1: "Name" is not a column of a table of nodes; did you mean name?',
    ],
    [
      'has spaces',
      ['name', 'driver', 'IPMI address'],
      '"IPMI address" is not a column of a table of nodes; did you mean ipmi_address?',
    ],
    ['has a misspelt name', ['name', 'driver', 'impi_password'], 'did you mean ipmi_password?'],
    [
      'has a strange name',
      ['name', 'driver', 'zqx'],
      'other keys of a mapping need its name in front of them, such as driver_info.KEY',
    ],
    ['has a name twice', ['name', 'driver', 'name'], 'line 1: the column "name" is there twice'],
    [
      'has two names of one field',
      ['name', 'driver', 'ram', 'properties.memory_mb'],
      'line 1: the columns "ram" and "properties.memory_mb" mean the same',
    ],
    ['has two columns of ports', ['name', 'driver', 'mac', 'nics'], 'the columns "mac" and "nics" mean the same'],
    [
      'has characters that are not UTF-8',
      ['name', 'driver', 'extra.gr\uFFFD'],
      'line 1: column 3: it has characters that are not UTF-8',
    ],
  ])('that %s is reported once, and without values', (_, header, expected) => {
    const faults = faultsOf(
      header,
      ['a', 'x'].concat(header.slice(2).map(() => '')),
      ['b', 'x'].concat(header.slice(2).map(() => '')),
    );

    expect(faults).toEqual([expect.stringContaining(expected)]);
    expect(faults.join()).not.toContain('s3cret');
  });

  test('without a name for a column that has values is refused', () => {
    expect(faultsOf(['name', '', 'driver'], ['a', '', 'x'], ['b', 'y', 'x'])).toEqual([
      'line 1: column 2 has no name, and a value in line 3',
    ]);
  });
});

describe('rows', () => {
  test.each<[string, string, readonly string[], string]>([
    ['short', ',', ['a', 'x'], 'node a: the row has 2 cells, and the header 3'],
    [
      'long',
      ',',
      ['a', 'x', 'p', 'q'],
      'node a: the row has 4 cells, and the header 3: a value that contains a comma must be in quotes',
    ],
    ['long', ';', ['a', 'x', 'p', 'q'], 'a value that contains a semicolon must be in quotes'],
    [
      'separated in another way',
      ',',
      ['a;x;p'],
      'the row has 1 cell, and the header 3: it seems to be separated by semicolons, and the header by commas',
    ],
    ['separated in another way', ';', ['a,x,p'], 'it seems to be separated by commas, and the header by semicolons'],
    [
      'not UTF-8',
      ',',
      ['a', 'x', 'M\uFFFDller'],
      'node a: it has characters that are not UTF-8; save the file as UTF-8',
    ],
  ])('that are %s (%j) are reported', (_, separator, row, expected) => {
    const { faults } = read([['name', 'driver', 'description'], row], separator);

    expect(faults.map(inventoryFaultText)).toEqual([expect.stringContaining(expected)]);
  });

  test('of all kinds are reported together, in the order of their lines', () => {
    const records = [
      { line: 1, cells: ['name', 'driver', 'mac', 'ram', 'drivr'] },
      { line: 2, cells: ['a', 'x', 'zz', '8,192', ''] },
      { line: 4, cells: ['b', 'x'] },
      { line: 5, cells: ['a', '', '525400abcdef', '1', ''] },
      { line: 6, cells: ['', 'x', '', '1', ''] },
    ];

    const { faults, nodes } = readInventory(
      entriesOfTable(
        { separator: ',', records, faults: [{ line: 3, text: 'a quote is not closed' }] },
        (line) => `line ${line}`,
      ),
    );

    expect(faults.map(inventoryFaultText)).toEqual([
      'line 1: "drivr" is not a column of a table of nodes; did you mean driver?',
      'line 2: node a: ram: it is not a whole number, written with digits only',
      expect.stringContaining('line 2: node a: ports[0].mac: "zz" is not a MAC address'),
      'line 3: a quote is not closed',
      'line 4: node b: the row has 2 cells, and the header 5',
      'line 5: node a: driver is missing',
      'line 6: a node needs a name, a uuid or a MAC address to be found by',
      'line 5: node a: the name a is already used at line 2',
    ]);
    expect(nodes).toHaveLength(2);
  });
});

describe('values of spreadsheets', () => {
  test.each([
    ['name', '#REF!', 'name: #REF! is an error of a spreadsheet'],
    ['mac', '5.254E+11', 'mac: a spreadsheet has made a rounded number of it; format the column as text'],
    ['extra.serial', '4,00123E+12', 'extra.serial: a spreadsheet has made a rounded number'],
    ['mac', '25400123456', '"25400123456" is not a MAC address; it may have lost leading zeros in a spreadsheet'],
    ['cpus', '007', 'cpus: it is not a whole number, written with digits only'],
    ['ram', '8 GB', 'ram: it is not a whole number'],
    ['properties.local_gb', '1.5', 'properties.local_gb: it is not a whole number'],
    ['ipmi_password', 's3cret\u00A0', 'ipmi_password: it begins or ends with an invisible character'],
  ])('in the column %s: %j is refused', (column, cell, expected) => {
    const faults = faultsOf(['uuid', 'driver', column], ['5fa12f0c-ce84-4f75-9f8c-1e2f5a1a0a02', 'x', cell]);

    expect(faults).toEqual([expect.stringContaining(expected)]);
    expect(faults.join()).not.toContain('s3cret');
  });

  test.each(['0123', '1_000', '12e4', '1:30', '2026-11-26', '+49', 'E5'])('%s stays the text that it is', (cell) => {
    expect(
      read([
        ['name', 'driver', 'ipmi_password'],
        ['a', 'x', cell],
      ]).nodes,
    ).toMatchObject([{ desired: { mappings: { driver_info: { ipmi_password: cell } } } }]);
  });

  test.each([
    [
      'a name that may have been one',
      '02-Jan',
      'line 2: node 02-Jan: the name looks like a date that a spreadsheet has made',
    ],
    ['no name in a table of names', '', 'line 2: node 52:54:00:ab:cd:ef: the row has no name'],
  ])('%s is a warning', (_, name, expected) => {
    const { nodes, warnings } = read([
      ['name', 'driver', 'mac'],
      [name, 'x', '52:54:00:ab:cd:ef'],
    ]);

    expect([nodes.length, warnings]).toEqual([1, [expect.stringContaining(expected)]]);
  });
});
