// Single nodes as people write them, with their ports.
import { describe, expect, test } from '@jest/globals';
import { parseNode } from '../../../modules/nodes/policy/desired-node.js';
import { faultText } from '../../../modules/nodes/policy/field-values.js';

describe('a node', () => {
  test('of a Bifrost inventory is understood', () => {
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
