// Enrollment of nodes whose BMC is there: what is read back from it, and what is told of one that
// does not answer.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withIronic, type BareResult, type BareSite } from '../acceptance/baremetal-site.js';
import { fact, until } from '../acceptance/cloud.js';
import { startModule } from '../acceptance/executable.js';
import { bootsOf, takeMachine, type Machine } from './machine.js';
import { driverInfo, formerImages, pairByUrl, patience, uploadPair } from './real-site.js';

type Values = Readonly<Record<string, unknown>>;

interface InventoryNode {
  readonly name: string;
  readonly driver_info: Values;
  readonly [field: string]: unknown;
}

/** The entry of a machine in an inventory. */
function entryOf(bare: BareSite, machine: Machine, info: Values = formerImages(bare.site)): InventoryNode {
  return {
    name: bare.name(machine.name),
    driver: 'ipmi',
    driver_info: { ...driverInfo(bare.site, machine), ...info },
    properties: { cpu_arch: 'x86_64', capabilities: { boot_mode: 'bios' } },
    automated_clean: false,
    ports: [machine.mac.toUpperCase()],
  };
}

const enroll = (bare: BareSite, nodes: readonly InventoryNode[], more: Values = {}): Promise<BareResult> =>
  bare.run('baremetal_enroll', { nodes, state: 'manageable', ...more });

/** The good pair, copied by image_cache to where the web server of the machines has it. */
async function cachePair({ site, prefix }: BareSite): Promise<Values> {
  const folder = join(site.cloud.cloud_state, 'ironic-real/http', prefix);
  mkdirSync(folder);
  site.afterwards(() => rmSync(folder, { recursive: true }));
  const [kernel, ramdisk] = pairByUrl(site, 'good', 'good');
  const url = new URL(`/${prefix}`, fact(site.cloud, 'real_files_url')).href;
  const sets = [{ name: 'ipa', dest: folder, kernel: { url: kernel }, ramdisk: { url: ramdisk } }];
  const { stdout } = await startModule('image_cache', { sets, url_prefix: `${folder}=${url}` }, {}).ended;
  const cached = JSON.parse(stdout) as { sets: { driver_info: Record<string, string> }[] };
  expect(cached.sets[0]?.driver_info.deploy_kernel).toBe(`${url}/ipa/kernel`);
  return cached.sets[0]!.driver_info;
}

test(
  'a node with images of the cache becomes manageable, and its power and its boot device are those of its BMC',
  withIronic('real', async (bare) => {
    const machine = await takeMachine(bare.site);
    const node = entryOf(bare, machine, await cachePair(bare));
    const look = async (): Promise<Values> =>
      (await bare.run('baremetal_node', { name: node.name, state: 'manageable' })).node as Values;
    const path = `/nodes/${node.name}`;

    const enrolled = await enroll(bare, [node]);

    expect(enrolled).toMatchObject({ changed: true, nodes: [{ action: 'create', provision_state: 'manageable' }] });
    expect(enrolled.failed).toBeUndefined();
    expect(await enroll(bare, [node])).toMatchObject({ changed: false, nodes: [{ action: 'up_to_date' }] });
    expect(await look()).toMatchObject({ power_state: 'power off', last_error: null });
    expect((await bare.ports(node.name)).map(({ address }) => address)).toEqual([machine.mac]);
    await bare.ironic.ask('PUT', `${path}/management/boot_device`, { boot_device: 'pxe', persistent: false });
    expect(await bare.ironic.ask('GET', `${path}/management/boot_device`)).toMatchObject({ boot_device: 'pxe' });
    await bare.ironic.ask('PUT', `${path}/states/power`, { target: 'power on' });
    await until(async () => (await look()).power_state === 'power on', 'the node to be on');
    expect(bootsOf(machine)).toEqual(['the network']);
    await bare.ironic.ask('PUT', `${path}/states/power`, { target: 'power off' });
    await until(async () => (await look()).power_state === 'power off', 'the node to be off');
  }),
);

test(
  'a wrong password and a BMC that is not there are told by node, and a corrected inventory is taken up',
  withIronic('real', async (bare) => {
    const machine = await takeMachine(bare.site);
    const good = entryOf(bare, machine);
    const wrong = { ...good, driver_info: { ...good.driver_info, ipmi_password: 'not this one' } };
    const dead = {
      ...good,
      name: bare.name('dead'),
      driver_info: { ...good.driver_info, ipmi_port: 9 },
      ports: [bare.mac(1)],
    };

    const failed = await enroll(bare, [wrong, dead]);

    const reason = /did not become manageable after manage, it is in state enroll: .*IPMI/;
    expect(failed).toMatchObject({ failed: true, changed: true });
    expect(failed.nodes).toEqual(
      [wrong, dead].map(({ name }) =>
        expect.objectContaining({
          ...{ name, action: 'failed', error_code: 'NODE_FAILED', provision_state: 'enroll' },
          reason: expect.stringMatching(new RegExp(`^node ${name} ${reason.source}`)),
        }),
      ),
    );
    expect(failed.msg).toContain(wrong.name);
    expect(failed.msg).toContain(dead.name);
    expect(JSON.stringify(failed)).not.toContain('not this one');
    expect(await enroll(bare, [good])).toMatchObject({
      changed: true,
      nodes: [{ action: 'change', reason: expect.stringContaining('ipmi_password'), provision_state: 'manageable' }],
    });
  }),
);

test(
  'images may be in Glance, and one that is not is refused before anything is sent',
  withIronic('real', async (bare) => {
    const machine = await takeMachine(bare.site);
    const [kernel, initramfs] = await uploadPair(bare.site);
    const images = { deploy_kernel: kernel.id, deploy_ramdisk: initramfs.id };
    const gone = '00000000-0000-4000-8000-000000000000';

    const refused = await enroll(bare, [entryOf(bare, machine, { ...images, deploy_ramdisk: gone })]);
    expect(refused).toMatchObject({ failed: true, nodes: [{ action: 'failed', error_code: 'CHANGE_REFUSED' }] });
    expect(refused.msg).toContain(gone);
    expect(bare.writes()).toEqual([]);

    const node = entryOf(bare, machine, images);
    expect(await enroll(bare, [node])).toMatchObject({ changed: true, nodes: [{ provision_state: 'manageable' }] });
    expect(await bare.find(node.name)).toMatchObject({ driver_info: images, power_state: 'power off' });
    expect(await enroll(bare, [node])).toMatchObject({ changed: false });
  }),
);

test(
  'an inspection by the agent finds processors, memory and port, and creates no port twice; an Ironic without it is told',
  withIronic('real', async (bare) => {
    const machine = await takeMachine(bare.site);
    const node = { ...entryOf(bare, machine), inspect_interface: 'agent' };
    // Since 2023.2; before that, an inspection by the agent needs a service of its own.
    const { enabled_inspect_interfaces: offered } = await bare.ironic.ask<{
      enabled_inspect_interfaces: readonly string[];
    }>('GET', '/drivers/ipmi');

    const done = await enroll(bare, [node], { inspect: true, state_timeout: patience });

    if (!offered.includes('agent')) {
      expect(done).toMatchObject({ failed: true, changed: false, nodes: [{ action: 'failed' }] });
      expect(done.msg).toMatch(/inspect_interface.*agent.*no-inspect/);
      expect(bootsOf(machine)).toEqual([]);
      return;
    }
    expect(done.failed).toBeUndefined();
    expect(done).toMatchObject({
      changed: true,
      nodes: [
        {
          ...{ action: 'create', provision_state: 'manageable' },
          inspection: {
            ...{ source: 'inventory', cpu_arch: 'x86_64', cpus: 2, memory_mb: 1024 },
            ...{ ports: [machine.mac], unnamed_ports: [] },
          },
        },
      ],
    });
    expect(bootsOf(machine)).toEqual(['the network']);
    expect(machine.serial()).toMatch(/ramdisk: the network is up[^]*ironic_python_agent/);
    expect((await bare.ports(node.name)).map(({ address }) => address)).toEqual([machine.mac]);
    expect(await enroll(bare, [node], { inspect: true })).toMatchObject({ changed: false });
    expect(bootsOf(machine)).toEqual(['the network']);
  }),
);

test(
  'where no interface can inspect a node with IPMI, that is refused by name, and Ironic says the same',
  withIronic('real', async (bare) => {
    const machine = await takeMachine(bare.site);
    const node = { ...entryOf(bare, machine), inspect_interface: 'no-inspect' };

    const refused = await enroll(bare, [node], { inspect: true });

    expect(refused).toMatchObject({ failed: true, changed: false, nodes: [{ error_code: 'CHANGE_REFUSED' }] });
    expect(refused.msg).toMatch(
      new RegExp(`node ${node.name}: inspect: the inspect interface of the node is no-inspect`),
    );
    expect(bare.writes()).toEqual([]);
    expect(await enroll(bare, [node])).toMatchObject({ nodes: [{ provision_state: 'manageable' }] });
    await expect(
      bare.ironic.ask('PUT', `/nodes/${node.name}/states/provision`, { target: 'inspect' }),
    ).rejects.toMatchObject({ status: 400, message: expect.stringContaining('does not support inspect') });
  }),
);
