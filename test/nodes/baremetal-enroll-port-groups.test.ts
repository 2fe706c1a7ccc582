// The file of "openstack baremetal create", with port groups.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startInventorySite, type InventorySite } from './inventory-site.js';

let site: InventorySite;
beforeEach(async () => {
  site = await startInventorySite();
});
afterEach(() => site.close());

describe('the file of "openstack baremetal create"', () => {
  const file = `nodes:
- name: n1
  driver: fake-hardware
  portgroups:
  - name: n1-bond0
    address: 52-54-00-00-00-10
    mode: 802.3ad
    properties: {miimon: 100}
    ports:
    - address: 52:54:00:00:00:11
      pxe_enabled: no
    - address: 52:54:00:00:00:12
      pxe_enabled: no
  ports:
  - address: 52:54:00:00:00:13
`;

  test('gives port groups with their ports, and a second run changes nothing', async () => {
    const inventory = join(site.folder, 'create.yml');
    writeFileSync(inventory, file);
    const planned = await site.enroll({ inventory, state: 'enroll' }, { checkMode: true });
    const first = await site.enrollText('create.yml', file);
    const writes = site.nodeWrites().length;
    const second = await site.enrollText('create.yml', file);

    expect(planned).toMatchObject({
      changed: true,
      differences: [
        {
          after: { 'port group n1-bond0': { mode: '802.3ad' }, 'port 52:54:00:00:00:11': { portgroup_uuid: '(new)' } },
        },
      ],
    });
    expect(first).toMatchObject({ changed: true, failures: [] });
    expect(second).toMatchObject({ changed: false, message: '1 up_to_date' });
    expect(site.nodeWrites()).toHaveLength(writes);
    const [group] = site.ironic.portGroups;
    expect(group).toMatchObject({
      name: 'n1-bond0',
      address: '52:54:00:00:00:10',
      mode: '802.3ad',
      properties: { miimon: 100 },
    });
    expect(site.ironic.ports.map(({ address, portgroup_uuid: uuid }) => [address, uuid])).toEqual([
      ['52:54:00:00:00:13', null],
      ['52:54:00:00:00:11', group?.uuid],
      ['52:54:00:00:00:12', group?.uuid],
    ]);
  });

  test('changes what differs, and a port that joins a group', async () => {
    await site.enrollText('create.yml', file.replaceAll(/ {4}ports:\n(.*\n){4}/g, ''));
    const planned = await site.enrollText('create.yml', file.replace('miimon: 100', 'miimon: 200'));

    expect(planned).toMatchObject({
      changed: true,
      differences: [
        {
          before: { 'port group n1-bond0.properties': { miimon: 100 } },
          after: { 'port group n1-bond0.properties': { miimon: 200 } },
        },
      ],
    });
    expect(site.ironic.portGroups).toMatchObject([{ properties: { miimon: 200 } }]);
    expect(site.ironic.ports).toHaveLength(3);
  });

  test('survives an answer that was lost', async () => {
    let lost = 0;
    site.ironic.spoil = ({ method, segments }) =>
      method === 'POST' && segments[1] === 'portgroups' && lost++ === 0 ? { status: 503 } : undefined;

    expect(await site.enrollText('create.yml', file)).toMatchObject({ changed: true, failures: [] });
    expect(site.ironic.portGroups).toHaveLength(1);
  });

  test('whose port group another node has is refused, and names that node', async () => {
    await site.enrollText('create.yml', file);
    const other = await site.enrollText(
      'create.yml',
      file
        .replace('name: n1\n', 'name: n2\n')
        .replace(/00:1/g, '01:1')
        .replace('52-54-00-00-00-10', '52-54-00-00-02-10'),
    );

    expect(other.failures).toEqual([
      'node n2: port group n1-bond0 is already n1-bond0 of node n1: ' +
        'names and addresses of port groups are unique in Ironic',
    ]);
  });

  test.each([
    [
      'a group without a name',
      'portgroups: [{mode: 802.3ad}]',
      'node n1: portgroups[0]: a port group needs a name, an address or a uuid',
    ],
    [
      'a misspelt field',
      'portgroups: [{name: b, mod: x}]',
      'portgroups[0].mod: port groups have no such field; did you mean mode?',
    ],
    [
      'a faulty port',
      'portgroups: [{name: b, ports: [{address: x}]}]',
      'portgroups[0].ports[0].mac: "x" is not a MAC address',
    ],
    [
      'a port twice',
      "ports: ['52:54:00:00:00:01']\n  portgroups: [{name: b, ports: ['525400000001']}]",
      'ports: 52:54:00:00:00:01 is given twice',
    ],
    ['a name twice', 'portgroups: [{name: b}, {name: b}]', 'two port groups have the name b'],
  ])('with %s is refused', async (_, text, expected) =>
    expect(await site.refusalOf('nodes.yml', `n1:\n  ${text}\n`)).toContain(expected),
  );
});
