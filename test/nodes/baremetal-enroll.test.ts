// Inventories as files, and what is sent to Ironic for them.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { enrollingGuide, startInventorySite, type InventorySite } from './inventory-site.js';

let site: InventorySite;
beforeEach(async () => {
  site = await startInventorySite();
});
afterEach(() => site.close());

describe('numbers', () => {
  test.each([
    '12e4',
    '98765432109876543210',
    '0123456',
    '1_000',
    '2026-11-26',
    '12:30',
    '1.10',
    '+49',
    '1e400',
    '.inf',
  ])('%s as a password and a name is that text', async (text) => {
    await site.enrollText(
      'nodes.yml',
      `n1:\n  resource_class: ${text}\n  driver_info: {ipmi_password: ${text}, ipmi_username: ${text}}\n`,
    );

    expect(site.ironic.nodes).toMatchObject([
      { resource_class: text, driver_info: { ipmi_password: text, ipmi_username: text } },
    ]);
  });

  test('and plain booleans stay what they are', async () => {
    await site.enrollText(
      'nodes.yml',
      'n1:\n  driver_info: {ipmi_port: 623, ipmi_password: 123456, x: true}\n  properties: {cpus: 4}\n  extra: ' +
        '{a: 1.5, b: -3, c: null}\n',
    );

    expect(site.ironic.nodes).toMatchObject([
      {
        driver_info: { ipmi_port: 623, ipmi_password: 123456, x: true },
        properties: { cpus: 4 },
        extra: { a: 1.5, b: -3 },
      },
    ]);
  });

  test.each([
    [
      'nodes.yml',
      'n1:\n  extra: {asset: 1234567890123456789}\n',
      '/nodes.yml line 1: node n1: extra.asset: the number 1234567890123456789 would be changed; put it in quotes',
    ],
    ['nodes.yml', 'n1:\n  properties: {a: {b: [1.10]}}\n', 'properties.a.b[0]: the number 1.10 would be changed'],
    [
      'nodes.json',
      '[{"name": "n1", "extra": {"a": 98765432109876543210}}]',
      '/nodes.json line 1: node n1: extra.a: the number 98765432109876543210',
    ],
  ])('of %s that would be others are refused: %j', async (name, text, expected) =>
    expect(await site.refusalOf(name, text)).toContain(expected),
  );

  test('of JSON, which programs write, are those numbers', async () => {
    await site.enrollText(
      'nodes.json',
      '[{"name": "n1", "extra": {"a": 5.0, "b": 12e4}, "driver_info": {"ipmi_password": 98765432109876543210}}]',
    );

    expect(site.ironic.nodes).toMatchObject([
      { extra: { a: 5, b: 120_000 }, driver_info: { ipmi_password: '98765432109876543210' } },
    ]);
  });
});

describe('a table', () => {
  test('may contain JSON where a mapping or a list is allowed, and nowhere else', async () => {
    const cells = '"{""wwn"": ""0x5002"", ""size"": "">= 40""}",[x],"{""a"": 1}","[""52:54:00:00:00:01""]","{pass"';

    await site.enrollText(
      'nodes.csv',
      `name,properties.root_device,description,extra,mac,driver_info.ipmi_password\nn1,${cells}\n`,
    );

    expect(site.ironic.nodes).toMatchObject([
      {
        properties: { root_device: { wwn: '0x5002', size: '>= 40' } },
        description: '[x]',
        extra: { a: 1 },
        driver_info: { ipmi_password: '{pass' },
      },
    ]);
    expect(site.ironic.ports).toMatchObject([{ address: '52:54:00:00:00:01' }]);
  });

  test.each([
    ['semicolons', 'name;mac;ram\nn1;525400000001;8\n'],
    ['tabs', 'name\tmac\tram\nn1\t525400000001\t8\n'],
    ['a byte order mark and CRLF', '\uFEFFname,mac,ram\r\nn1,525400000001,8\r\n'],
  ])('with %s is read', async (_, text) => {
    await site.enrollText('nodes.csv', text);

    expect(site.ironic.nodes).toMatchObject([{ name: 'n1', properties: { memory_mb: 8 } }]);
  });

  test.each([
    [
      "of bifrost's old form",
      '01:23:45:67:89:ab,root,undefined,192.0.2.2,1,8192,512,unused,,,h1,192.0.2.8,,,,,ipmi\n',
      '/nodes.csv line 1: the first line must name the columns',
    ],
    ['that is empty', '', '/nodes.csv line 1: the first line must name the columns'],
    [
      'with broken JSON',
      'name,extra.a\nn1,{x\n',
      '/nodes.csv line 2: node n1: extra.a: the cell begins like JSON, but is not valid JSON',
    ],
    [
      'with rows too short and too long',
      'name,owner\nn1\nn2,a,b\n',
      '/nodes.csv line 2: node n1: the row has 1 cell, and the header 2; /nodes.csv line 3: node n2: ' +
        'the row has 3 cells, and the header 2',
    ],
  ])('%s is refused', async (_, text, expected) => expect(await site.refusalOf('nodes.csv', text)).toContain(expected));
});

describe('faults', () => {
  test('of a table are all reported together, by node and line, and without passwords', async () => {
    const message = await site.refusalOf(
      'nodes.csv',
      'name;mac;ipmi_address;ipmi_pasword;impi_port\n' +
        'n1;zz;10.0.0.1;s3cret;1\nn2,525400000001,10.0.0.2,s3cret,1\nn3;525400000002;10.0.0.3;"s3cret;1\n' +
        'n4;525400000002;10.0.0.4\nn1;525400000002;10.0.0.5;s3cret;1\n',
    );

    for (const each of [
      'line 1: "impi_port" is not a column of a table of nodes; did you mean ipmi_port?',
      'line 2: node n1: ports[0].mac: "zz" is not a MAC address',
      'line 3: the row has 1 cell, and the header 5: it seems to be separated by commas, and the header by semicolons',
      'line 4: a quote is not closed',
      'line 5: node n4: the row has 3 cells, and the header 5',
      'line 6: node n1: the name n1 is already used at /nodes.csv line 2',
    ])
      expect(message).toContain(each);
    expect(message).not.toContain('s3cret');
    expect(enrollingGuide()).toContain(message.replaceAll('/nodes.csv', 'nodes.csv'));
  });

  test('of a table with another name say how a table is recognised', async () => {
    expect(await site.refusalOf('nodes.txt', 'name,mac\nn1,525400000001\n')).toContain(
      'must contain a list of nodes, or a mapping of names to nodes; the name of a table ends in .csv or .tsv',
    );
  });

  test('of nodes on one line name each of them', async () => {
    const message = await site.refusalOf(
      'nodes.json',
      '[{"name": "a", "drivr": "x"}, {"uuid": "5fa12f0c-ce84-4f75-9f8c-1e2f5a1a0a02", "owner": []}, {"ports": ' +
        '["52:54:00:00:00:01"], "shard": {}}]',
    );

    for (const each of [
      'line 1: node a: "drivr" is not a field',
      'line 1: node 5fa12f0c-ce84-4f75-9f8c-1e2f5a1a0a02: owner: [] must be text',
      'line 1: node 52:54:00:00:00:01: shard: {} must be text',
    ])
      expect(message).toContain(each);
  });

  test('under nodes have the line of their node', async () => {
    expect(await site.refusalOf('nodes.yml', 'nodes:\n- name: a\n- name: b\n  owner: []\n')).toContain(
      '/nodes.yml line 3: node b: owner',
    );
  });

  test.each([
    [
      'chassis',
      'chassis:\n- description: c\nnodes:\n- name: a\n',
      '/nodes.yml line 1: chassis: chassis are not supported',
    ],
    [
      'ports beside nodes',
      'nodes:\n- name: a\nports:\n- address: x\n',
      '/nodes.yml line 3: ports: it is not allowed next to nodes',
    ],
  ])('with %s name them', async (_, text, expected) =>
    expect(await site.refusalOf('nodes.yml', text)).toContain(expected),
  );

  test('that quote something long are short', async () => {
    expect(
      (await site.refusalOf('nodes.yml', `n1:\n  owner: [${'x'.repeat(100_000)}]\n  ? ${'y'.repeat(900)}\n  : 1\n`))
        .length,
    ).toBeLessThan(1000);
  });
});
