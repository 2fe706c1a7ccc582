// What baremetal_enroll finds out before it changes anything on the real Ironic, and the passwords
// of nodes that have never worked.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withIronic, type BareResult, type BareSite } from './baremetal-site.js';

/** A table of this test's nodes. */
function writeTable(bare: BareSite, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'inventory-'));
  bare.site.afterwards(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'nodes.csv'), text);
  return join(folder, 'nodes.csv');
}

const failedAndRest = ({ nodes }: BareResult): string[] => (nodes as { action: string }[]).map(({ action }) => action);

test(
  'drivers, interfaces and keys that no conductor offers are refused in the plan, with those that there are',
  withIronic('keystone', async (bare) => {
    const table =
      'name;driver;deploy_interface;ipmi_address;ipmi_adress;ipmi_password\n' +
      `${bare.name('driver')};impi;;10.0.0.1;;s3cret\n` +
      `${bare.name('interface')};ipmi;dirct;10.0.0.2;;s3cret\n` +
      `${bare.name('key')};ipmi;direct;;10.0.0.3;s3cret\n` +
      `${bare.name('kept')};ipmi;direct;10.0.0.4;10.0.0.5;s3cret\n` +
      `${bare.name('fine')};ipmi;direct;10.0.0.6;;s3cret\n`;
    const given = { inventory: writeTable(bare, table), state: 'enroll' };
    const refused = [
      /driver: no conductor offers "impi"; there are: fake-hardware, ipmi; did you mean ipmi\?/,
      /deploy_interface: no conductor offers "dirct" for the driver ipmi; there are: direct; did you mean direct\?/,
      /driver_info\.ipmi_adress: the driver ipmi does not know this key, but ipmi_address; correct it/,
    ];

    const planned = await bare.run('baremetal_enroll', { ...given, _ansible_check_mode: true });
    const dryRun = await bare.command('enroll', '--inventory', given.inventory, '--state', 'enroll', '--dry-run');

    for (const fault of refused) {
      expect(planned.msg).toMatch(fault);
      expect(`${dryRun.stdout}${dryRun.stderr}`.replace(/\s+/g, ' ')).toMatch(fault);
    }
    expect(failedAndRest(planned)).toEqual(['failed', 'failed', 'failed', 'create', 'create']);
    expect(planned.warnings).toEqual([expect.stringContaining('it is kept, since ipmi_address is given too')]);
    expect([dryRun.exitCode, bare.writes()]).toEqual([1, []]);

    const result = await bare.run('baremetal_enroll', given);

    expect(failedAndRest(result)).toEqual(['failed', 'failed', 'failed', 'create', 'create']);
    expect((await bare.nodes()).map(({ name }) => name).sort()).toEqual([bare.name('fine'), bare.name('kept')]);
    expect(JSON.stringify([planned, result])).not.toContain('s3cret');
  }),
);

test(
  'faults of a table are all reported together, before the first request',
  withIronic('keystone', async (bare) => {
    const table =
      'name;driver;mac;ram;ipmi_password;impi_port\n' +
      'n1;ipmi;zz;8,192;s3cret;1\nn2,ipmi,525400000001,8,s3cret,1\nn3;ipmi;525400000002;8;"s3cret;1\n' +
      'n4;ipmi\nn1;;525400000002;5.2E+11;s3cret;1\n';

    const result = await bare.run('baremetal_enroll', { inventory: writeTable(bare, table) });

    for (const fault of [
      'line 1: "impi_port" is not a column of a table of nodes; did you mean ipmi_port?',
      'line 2: node n1: ports[0].mac: "zz" is not a MAC address',
      'line 2: node n1: ram: it is not a whole number',
      'line 3: the row has 1 cell, and the header 6: it seems to be separated by commas, and the header by semicolons',
      'line 4: a quote is not closed',
      'line 5: the row has 2 cells, and the header 6',
      'line 6: node n1: driver is missing',
      'line 6: node n1: ram: a spreadsheet has made a rounded number of it',
      'line 6: node n1: the name n1 is already used at',
    ])
      expect(result.msg).toContain(fault);
    expect(result).toMatchObject({ failed: true, code: 'INVALID_INPUT' });
    expect([JSON.stringify(result).includes('s3cret'), bare.proxy.requests.length]).toEqual([false, 0]);
  }),
);

test(
  'the password of a node that never worked is written before it is verified, and later it is said that it is not',
  withIronic('noauth', async (bare) => {
    const name = bare.name('fake');
    const nodes = (driver: string, password: string): Record<string, unknown>[] => [
      {
        name: driver === 'ipmi' ? bare.name('ipmi') : name,
        driver,
        // Nothing listens there.
        driver_info: { ipmi_address: '127.0.0.1', ipmi_port: '9', ipmi_username: 'u', ipmi_password: password },
      },
    ];
    const run = (driver: string, password: string, state: string): Promise<BareResult> =>
      bare.run('baremetal_enroll', { nodes: nodes(driver, password), state });
    const written = [
      expect.stringMatching(/^PATCH \/v1\/nodes\//),
      expect.stringMatching(/^PUT .*\/states\/provision/),
    ];

    const failed = await run('ipmi', 'wrong one', 'manageable');
    bare.writes();
    const again = await run('ipmi', 'other one', 'manageable');
    expect([failed.failed, again.failed]).toEqual([true, true]);
    expect(bare.writes()).toEqual(written);
    expect(await bare.find(bare.name('ipmi'))).toMatchObject({ provision_state: 'enroll' });

    await run('fake-hardware', 'wrong one', 'enroll');
    bare.writes();
    const left = await run('fake-hardware', 'right one', 'enroll');
    expect([left.changed, left.warnings, bare.writes()]).toEqual([
      false,
      [expect.stringContaining('it was left as it is; update_secrets: changed compares it, and always writes it')],
      [],
    ]);
    const corrected = await run('fake-hardware', 'right one', 'manageable');
    expect(corrected).toMatchObject({
      changed: true,
      nodes: [
        { action: 'change', reason: 'driver_info.ipmi_password, provision_state', provision_state: 'manageable' },
      ],
    });
    expect([corrected.warnings ?? [], bare.writes()]).toEqual([[], written]);
    const later = await run('fake-hardware', 'third one', 'manageable');
    expect([later.changed, later.warnings, bare.writes()]).toEqual([
      false,
      [expect.stringContaining('it was left as it is')],
      [],
    ]);
    expect(JSON.stringify([failed, again, left, corrected, later])).not.toMatch(/(wrong|other|right|third) one/);
  }),
);
