// What inventories hold, as the real Ironic gets it: port groups, numbers, and secrets that it
// masks.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withIronic, type BareResult, type BareSite } from './baremetal-site.js';

function write(bare: BareSite, name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'inventory-'));
  bare.site.afterwards(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const actions = ({ nodes }: BareResult): string[] => (nodes as { action: string }[]).map(({ action }) => action);

test(
  'the file of "openstack baremetal create" gives port groups with their ports, and a second run changes nothing',
  withIronic('noauth', async (bare) => {
    const [name, group] = [bare.name('a'), `${bare.name('a')}-bond0`];
    const text = (miimon: number, more = ''): string =>
      `nodes:\n- name: ${name}\n  driver: fake-hardware\n  portgroups:\n  - {name: ${group}, address: ` +
      `"${bare.mac(9)}", mode: 802.3ad, properties: {miimon: ${miimon}}, ports: [{address: ` +
      `"${bare.mac(1)}", pxe_enabled: no}${more}]}\n  ports: [{address: "${bare.mac(3)}"}]\n`;
    const enroll = (inventory: string, given = {}): Promise<BareResult> =>
      bare.run('baremetal_enroll', { inventory, state: 'manageable', ...given });
    const file = write(bare, 'create.yml', text(100));

    const planned = await enroll(file, { _ansible_check_mode: true, _ansible_diff: true });
    expect([planned.changed, bare.writes(), planned.diff?.[0]?.after]).toEqual([
      true,
      [],
      expect.stringContaining(`port group ${group}`),
    ]);
    expect(await enroll(file)).toMatchObject({ changed: true });
    bare.writes();
    expect([actions(await enroll(file)), bare.writes()]).toEqual([['up_to_date'], []]);

    const groups = async (): Promise<Record<string, unknown>[]> =>
      (await bare.ironic.ask<{ portgroups: Record<string, unknown>[] }>('GET', `/portgroups?node=${name}&detail=true`))
        .portgroups;
    const [made] = await groups();
    expect(made).toMatchObject({ name: group, address: bare.mac(9), mode: '802.3ad', properties: { miimon: 100 } });
    const members = async (): Promise<unknown[]> =>
      (await bare.ports(name))
        .filter(({ portgroup_uuid: uuid }) => uuid === made?.uuid)
        .map(({ address }) => address as unknown)
        .sort();
    expect(await members()).toEqual([bare.mac(1)]);
    const larger = write(bare, 'larger.yml', text(200, `, {address: "${bare.mac(2)}"}`));
    expect(await enroll(larger)).toMatchObject({ changed: true });
    expect([(await groups())[0]?.properties, await members()]).toEqual([{ miimon: 200 }, [bare.mac(1), bare.mac(2)]]);
    expect(actions(await enroll(larger))).toEqual(['up_to_date']);
    const other = await enroll(
      write(bare, 'other.yml', `${bare.name('b')}: {driver: fake-hardware, portgroups: [{name: ${group}}]}\n`),
    );
    expect(other).toMatchObject({ failed: true, msg: expect.stringContaining(`of node ${name}: names and addresses`) });
  }),
);

test(
  'numbers are what was written',
  withIronic('noauth', async (bare) => {
    const file = write(
      bare,
      'nodes.yml',
      `${bare.name('a')}:\n  driver: fake-hardware\n  resource_class: 1.10\n  driver_info: {ipmi_username: ` +
        '12e4, ipmi_address: 98765432109876543210, ipmi_port: 623}\n  properties: {cpus: 4, root_device: {wwn: ' +
        '0x5002}}\n',
    );

    const result = await bare.run('baremetal_enroll', { inventory: file, state: 'enroll' });

    expect(result).toMatchObject({ changed: true });
    expect(await bare.find(bare.name('a'))).toMatchObject({
      resource_class: '1.10',
      driver_info: { ipmi_username: '12e4', ipmi_address: '98765432109876543210', ipmi_port: 623 },
      properties: { cpus: 4, root_device: { wwn: '0x5002' } },
    });
    expect(actions(await bare.run('baremetal_enroll', { inventory: file, state: 'enroll' }))).toEqual(['up_to_date']);
    const refused = await bare.run('baremetal_enroll', {
      inventory: write(
        bare,
        'big.yml',
        `${bare.name('b')}: {driver: fake-hardware, extra: {asset: 1234567890123456789}}\n`,
      ),
    });
    expect(refused).toMatchObject({
      failed: true,
      code: 'INVALID_INPUT',
      msg: expect.stringContaining('extra.asset: the number 1234567890123456789 would be changed'),
    });
  }),
);

test(
  'a rotated password is written once, and one that cannot be compared is told',
  withIronic('keystone', async (bare) => {
    const key = write(bare, 'key', 'a key of no other use than in this test');
    const { execFileSync } = await import('node:child_process');
    execFileSync('chmod', ['600', key]);
    const enroll = (password: string, given: Record<string, unknown>): Promise<BareResult> =>
      bare.run('baremetal_enroll', {
        nodes: [{ name: bare.name('a'), driver: 'fake-hardware', driver_info: { ipmi_password: password } }],
        state: 'enroll',
        ...given,
      });
    const changed = { update_secrets: 'changed', secrets_key_file: key };

    expect(actions(await enroll('first of all', changed))).toEqual(['create']);
    expect(actions(await enroll('first of all', changed))).toEqual(['up_to_date']);
    bare.writes();
    const told = await enroll('second of all', {});
    expect([actions(told), told.warnings]).toEqual([
      ['up_to_date'],
      [expect.stringContaining('driver_info.ipmi_password')],
    ]);
    const rotated = await enroll('second of all', changed);
    expect([actions(rotated), bare.writes()]).toEqual([['change'], [expect.stringMatching(/^PATCH /)]]);
    expect([actions(await enroll('second of all', changed)), bare.writes()]).toEqual([['up_to_date'], []]);
    expect(JSON.stringify([rotated, await bare.find(bare.name('a'))])).not.toMatch(/of all|of no other use/);
  }),
);
