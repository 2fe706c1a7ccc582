// baremetal_enroll on the real Ironic: inventories, interruptions, several runs at once.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { withIronic, type BareResult, type BareSite } from './baremetal-site.js';
import { root } from './cloud.js';
import { startImageServer } from './image-server.js';

function write(bare: BareSite, name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'inventory-'));
  bare.site.afterwards(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** Nodes with two ports each. */
function manyNodes(bare: BareSite, count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, index) => ({
    name: bare.name(index),
    driver: 'fake-hardware',
    driver_info: { ipmi_address: `192.0.2.${index}`, ipmi_password: `of node ${index}` },
    properties: { ram: 8192, cpus: 4, capabilities: { boot_mode: 'uefi' } },
    nics: [{ mac: bare.mac(2 * index) }, { mac: bare.mac(2 * index + 1) }],
  }));
}

const actions = ({ nodes }: BareResult): string[] =>
  (nodes as { action: string; provision_state: string }[]).map(
    ({ action, provision_state }) => `${action} ${provision_state}`,
  );

test(
  "bifrost's inventory, a list and a table give the same nodes",
  withIronic('noauth', async (bare) => {
    const bifrost = {
      [bare.name('a')]: {
        driver: 'fake-hardware',
        driver_info: { power: { ipmi_address: '192.0.2.1', ipmi_username: 'ADMIN', ipmi_password: '0123' } },
        properties: { cpu_arch: 'x86_64', ram: 8192, cpus: 4, disk_size: 40 },
        nics: [{ mac: bare.mac(1) }],
        host_groups: ['x'],
        ipv4_address: '192.0.2.77',
      },
    };
    const inventory = write(bare, 'baremetal.json', JSON.stringify(bifrost));
    const table =
      'name,driver,mac,ipmi_address,ipmi_username,ipmi_password,cpu_arch,ram,cpus,disk_size\n' +
      `${bare.name('a')},fake-hardware,${bare.mac(1).toUpperCase()},192.0.2.1,ADMIN,0123,x86_64,8192,4,40\n`;
    const list =
      `- name: ${bare.name('a')}\n  driver: fake-hardware\n  driver_info: {ipmi_address: 192.0.2.1, ipmi_username: ` +
      'ADMIN, ipmi_password: 0123}\n  properties: {cpu_arch: x86_64, memory_mb: 8192, cpus: 4, local_gb: 40}\n' +
      `  ports: ["${bare.mac(1)}"]\n`;

    const planned = await bare.run('baremetal_enroll', { inventory, _ansible_check_mode: true });
    expect([planned.changed, actions(planned), bare.writes()]).toEqual([true, ['create '], []]);
    const first = await bare.run('baremetal_enroll', { inventory });
    expect(first).toMatchObject({ changed: true, warnings: [expect.stringContaining('host_groups, ipv4_address')] });
    expect(actions(first)).toEqual(['create available']);
    expect(JSON.stringify(first)).not.toContain('0123');
    bare.writes();
    for (const path of [inventory, write(bare, 'nodes.csv', table), write(bare, 'nodes.yml', list)]) {
      expect([path, actions(await bare.run('baremetal_enroll', { inventory: path }))]).toEqual([
        path,
        ['up_to_date available'],
      ]);
    }
    expect(bare.writes()).toEqual([]);
    const command = await bare.command('enroll', '--inventory', inventory, '--state', 'manageable');
    expect([command.exitCode, (await bare.find(bare.name('a')))?.provision_state]).toEqual([0, 'manageable']);
  }),
);

test(
  'all faults are told at once, by line or index, before the first request',
  withIronic('keystone', async (bare) => {
    const text =
      '- name: n 1\n  driver: ipmi\n- name: n2\n- {name: n3, driver: ipmi, drivr_info: {}, ports: ' +
      `[zz, "${bare.mac(1)}"]}\n- {name: n3, driver: ipmi, mac: x, ports: ["${bare.mac(1)}"], traits: [a b]}\n- 5\n`;
    const inventory = write(bare, 'nodes.yml', text);

    const result = await bare.run('baremetal_enroll', { inventory });
    const command = await bare.command('enroll', '--inventory', inventory);

    for (const fault of [
      'line 1: node n 1: name: "n 1"',
      'line 3: node n2: driver is missing',
      'did you mean driver_info?',
      'line 4: node n3: ports[0].mac: "zz" is not a MAC address',
      'line 5: node n3: "mac" is not a field',
      'traits: "a b"',
      'line 6: a node must be a mapping',
    ]) {
      expect(result.msg).toContain(fault);
    }
    expect(result).toMatchObject({ failed: true, changed: false, code: 'INVALID_INPUT' });
    expect(command.exitCode).toBe(2);
    expect(bare.proxy.requests).toHaveLength(0);
  }),
);

test(
  'one node that fails does not hide behind the others, nor keep them',
  withIronic('keystone', async (bare) => {
    const server = await startImageServer(bare.site);
    server.files.set('kernel', { content: 'kernel' });
    const nodes = [
      { name: bare.name('good'), driver: 'fake-hardware' },
      { name: bare.name('driver'), driver: 'no-such-driver' },
      {
        name: bare.name('image'),
        driver: 'fake-hardware',
        driver_info: { deploy_kernel: server.url('kernel'), deploy_ramdisk: server.url('gone') },
      },
      {
        name: bare.name('file'),
        driver: 'fake-hardware',
        driver_info: { deploy_kernel: 'file:///etc/passwd', deploy_ramdisk: 'ftp://x/y' },
      },
    ];

    const result = await bare.run('baremetal_enroll', { nodes });

    expect(actions(result)).toEqual(['create available', 'failed ', 'failed ', 'failed ']);
    expect(result).toMatchObject({ failed: true, changed: true, code: 'PART_FAILED' });
    expect(result.msg).toMatch(/no-such-driver/);
    expect(result.msg).toMatch(/deploy_ramdisk: .*answered by 404/);
    expect(result.msg).toMatch(/file:\/\/\/etc\/passwd: Security: The path \/etc\/passwd is not permitted/);
    expect((await bare.nodes()).map(({ name }) => name)).toEqual([bare.name('good')]);
  }),
);

test(
  'the playbook enrols an inventory of a standalone Ironic, and a second run changes nothing',
  withIronic('noauth', async (bare) => {
    const inventory = write(bare, 'nodes.csv', `name,driver,mac\n${bare.name('play')},fake-hardware,${bare.mac(1)}\n`);
    const play = async (...more: string[]): Promise<string> => {
      const argv = [
        'playbooks/enroll_nodes.yml',
        '-e',
        `ironic_url=${bare.proxy.url}`,
        '-e',
        `inventory=${inventory}`,
        '-e',
        'node_state=manageable',
        ...more,
      ];
      return (
        await promisify(execFile)('ansible-playbook', argv, {
          cwd: root,
          env: { PATH: process.env.PATH, HOME: tmpdir() },
        })
      ).stdout;
    };

    expect(await play('--check')).toContain('changed=1');
    expect(bare.writes()).toEqual([]);
    expect(await play()).toContain('changed=1');
    expect(await bare.find(bare.name('play'))).toMatchObject({ provision_state: 'manageable' });
    expect(await play()).toContain('changed=0');
  }),
);

test(
  'interrupted at ten random points and repeated, it comes to the same end',
  withIronic('noauth', async (bare) => {
    const given = { nodes: manyNodes(bare, 24), concurrency: 8 };

    for (let round = 0; round < 10; round++) {
      const running = bare.start('baremetal_enroll', given);
      await sleep(150 + Math.random() * 700);
      await running.kill();
    }
    const end = await bare.run('baremetal_enroll', given);
    bare.writes();
    const again = await bare.run('baremetal_enroll', given);

    expect(end.failed).toBeUndefined();
    expect(new Set(actions(again))).toEqual(new Set(['up_to_date available']));
    expect(bare.writes()).toEqual([]);
    expect(await bare.nodes()).toHaveLength(24);
    const ports = await Promise.all((await bare.nodes()).map(({ uuid }) => bare.ports(uuid)));
    expect(
      ports
        .flat()
        .map(({ address }) => address as string)
        .sort(),
    ).toEqual(given.nodes.flatMap(({ nics }) => (nics as { mac: string }[]).map(({ mac }) => mac)).sort());
  }),
);

test(
  'two runs of one inventory at once both succeed',
  withIronic('keystone', async (bare) => {
    const given = { nodes: manyNodes(bare, 16), concurrency: 8 };

    const [one, two] = await Promise.all([bare.run('baremetal_enroll', given), bare.run('baremetal_enroll', given)]);

    expect([one.msg, two.msg].filter((text) => text.includes('failed'))).toEqual([]);
    expect((await bare.nodes()).map(({ provision_state }) => provision_state)).toEqual(
      Array.from({ length: 16 }, () => 'available'),
    );
    expect(
      actions(await bare.run('baremetal_enroll', given)).every((action) => action === 'up_to_date available'),
    ).toBe(true);
  }),
);
