// baremetal_node on the real Ironic: the enrolment guide's own example, second runs, and what the
// older modules got wrong.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root } from './cloud.js';
import { startImageServer } from './image-server.js';
import { withIronic, type BareResult, type Which } from './baremetal-site.js';

const ipmi = { ipmi_address: '192.0.2.1', ipmi_username: 'ADMIN', ipmi_password: 'not shown' };

describe.each<Which>(['keystone', 'noauth', 'http_basic'])('the enrolment guide, command for command: %s', (which) => {
  test(
    'driver alone, driver_info, properties, ports, images by URL, resource class, manage, provide',
    withIronic(which, async (bare) => {
      const name = bare.name('guide');
      const json = async (...argv: string[]): Promise<BareResult> => {
        const ended = await bare.command(...argv, '--json', '--no-progress');
        return { ...(JSON.parse(ended.stdout) as BareResult), exit: ended.exitCode };
      };

      // openstack baremetal node create --driver ipmi
      const created = await json('node', '--driver', 'ipmi');
      expect(created).toMatchObject({
        exit: 0,
        changed: true,
        action: 'create',
        provision_state: 'enroll',
        uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      const uuid = created.uuid as string;
      bare.site.afterwards(() => bare.ironic.ask('DELETE', `/nodes/${uuid}`));
      // openstack baremetal node set $NODE_UUID --name node-1 --driver-info …
      expect(await json('node', '--uuid', uuid, '--name', name)).toMatchObject({ exit: 0, changed: true });
      expect(
        await json(
          'node',
          '--uuid',
          uuid,
          '--driver-info',
          ...Object.entries(ipmi).map(([key, value]) => `${key}=${value}`),
        ),
      ).toMatchObject({ exit: 0, changed: true });
      // … --driver-info deploy_kernel=… --driver-info deploy_ramdisk=…
      const server = await startImageServer(bare.site);
      const images = ['deploy_kernel', 'deploy_ramdisk'].map((key) => `${key}=${server.url(key)}`);
      const missing = await json('node', '--uuid', uuid, '--driver-info', ...images);
      expect(missing).toMatchObject({
        exit: 1,
        changed: false,
        code: 'CHANGE_REFUSED',
        msg: expect.stringContaining('driver_info.deploy_kernel'),
      });
      server.files.set('deploy_kernel', { content: 'kernel' });
      expect(await json('node', '--uuid', uuid, '--driver-info', images[0]!)).toMatchObject({
        exit: 1,
        msg: expect.stringContaining('without deploy_ramdisk'),
      });
      server.files.set('deploy_ramdisk', { content: 'ramdisk' });
      expect(await json('node', '--uuid', uuid, '--driver-info', ...images)).toMatchObject({ exit: 0, changed: true });
      // … --property cpus=4 --property memory_mb=8192 --property local_gb=100 --property
      // cpu_arch=x86_64
      const properties = ['cpus=4', 'memory_mb=8192', 'local_gb=100', 'cpu_arch=x86_64', 'capabilities=boot_mode:uefi'];
      expect(await json('node', '--name', name, '--properties', ...properties)).toMatchObject({
        exit: 0,
        changed: true,
      });
      // openstack baremetal port create $MAC_ADDRESS --node $NODE_UUID
      expect(await json('port', '--address', bare.mac(1).toUpperCase(), '--node', uuid)).toMatchObject({
        exit: 0,
        changed: true,
        action: 'create',
        address: bare.mac(1),
        node_uuid: uuid,
      });
      // … --resource-class baremetal
      expect(await json('node', '--name', name, '--resource-class', 'baremetal.guide')).toMatchObject({
        exit: 0,
        changed: true,
      });

      expect(await bare.find(name)).toMatchObject({
        uuid,
        driver: 'ipmi',
        driver_info: {
          ...ipmi,
          ipmi_password: '******',
          deploy_kernel: server.url('deploy_kernel'),
          deploy_ramdisk: server.url('deploy_ramdisk'),
        },
        properties: { cpus: 4, memory_mb: 8192, local_gb: 100, cpu_arch: 'x86_64', capabilities: 'boot_mode:uefi' },
        resource_class: 'baremetal.guide',
      });
      // The same again changes nothing, the password included.
      bare.writes();
      const again = await json(
        'node',
        '--name',
        name,
        '--driver',
        'ipmi',
        '--resource-class',
        'baremetal.guide',
        '--properties',
        ...properties,
        '--driver-info',
        ...Object.entries(ipmi).map(([key, value]) => `${key}=${value}`),
      );
      expect(again).toMatchObject({ exit: 0, changed: false, action: 'up_to_date' });
      expect(bare.writes()).toEqual([]);
      // With a controller that answers: manage, validate, provide.
      expect(await json('node', '--name', name, '--driver', 'fake-hardware')).toMatchObject({ exit: 0, changed: true });
      expect(await json('node', '--name', name, '--state', 'manageable')).toMatchObject({
        exit: 0,
        changed: true,
        provision_state: 'manageable',
      });
      expect(await json('node', '--name', name, '--state', 'available')).toMatchObject({
        exit: 0,
        changed: true,
        provision_state: 'available',
        validation: { power: { result: true } },
      });
      expect(await json('node', '--name', name, '--state', 'available')).toMatchObject({ exit: 0, changed: false });
    }),
  );
});

test(
  'a whole node in one task; check mode sends no write, a second run changes nothing, and no password is shown',
  withIronic('keystone', async (bare) => {
    const name = bare.name('whole');
    const task = {
      ...{
        name,
        driver: 'fake-hardware',
        resource_class: 'x.large',
        description: 'of the test',
        owner: bare.site.project.id,
        lessee: bare.site.project.id,
        conductor_group: '',
      },
      driver_info: { ...ipmi, redfish_verify_ca: false, nested: { a: 1 } },
      properties: {
        memory_mb: '8192',
        cpus: 4,
        capabilities: { boot_mode: 'uefi', secure_boot: 'true' },
        root_device: { size: '>= 100' },
      },
      extra: { rack: 7, 'odd key.with dots': [1, 2] },
      traits: ['CUSTOM_B', 'CUSTOM_A'],
      automated_clean: false,
      network_data: {
        links: [{ id: 'port1', type: 'phy', ethernet_mac_address: bare.mac(1) }],
        networks: [{ id: 'net1', type: 'ipv4_dhcp', link: 'port1', network_id: 'net1' }],
        services: [],
      },
      deploy_interface: 'fake',
      maintenance: true,
      maintenance_reason: 'being built',
      ports: [
        { mac: bare.mac(1).replaceAll(':', '-').toUpperCase(), extra: { slot: 1 } },
        { address: bare.mac(2).replaceAll(':', '') },
      ],
      _ansible_diff: true,
    };

    const planned = await bare.run('baremetal_node', { ...task, _ansible_check_mode: true });
    expect(planned).toMatchObject({ msg: expect.stringContaining('created'), changed: true, action: 'create' });
    expect(bare.writes()).toEqual([]);
    const first = await bare.run('baremetal_node', task);
    const second = await bare.run('baremetal_node', task);

    expect(first.msg).toContain('created');
    expect(first).toMatchObject({ changed: true, action: 'create', provision_state: 'enroll' });
    expect(second).toMatchObject({ changed: false, action: 'up_to_date' });
    expect(bare.writes().filter((write) => write.startsWith('POST /v1/nodes'))).toHaveLength(1);
    for (const result of [planned, first, second]) expect(JSON.stringify(result)).not.toContain('not shown');
    expect(JSON.stringify(first.diff)).toContain('driver_info.ipmi_address');
    expect(await bare.find(name)).toMatchObject({
      maintenance: true,
      maintenance_reason: 'being built',
      traits: expect.arrayContaining(['CUSTOM_A', 'CUSTOM_B']),
      extra: task.extra,
    });
    expect((await bare.ports(name)).map(({ address }) => address).sort()).toEqual([bare.mac(1), bare.mac(2)]);
  }),
);

test(
  'mappings are merged by key, null removes, purge replaces, and what is masked is never written back',
  withIronic('keystone', async (bare) => {
    const name = bare.name('merge');
    await bare.run('baremetal_node', {
      name,
      driver: 'fake-hardware',
      driver_info: { ...ipmi, ipmi_port: 623 },
      properties: { memory_mb: 8192, cpus: 4, capabilities: 'a:1,b:2' },
      extra: { keep: 1, drop: 2 },
    });

    // What openstack.cloud.baremetal_node did: without the password it deleted user and password,
    // and the capabilities.
    const merged = await bare.run('baremetal_node', {
      name,
      driver_info: { ipmi_address: '192.0.2.9', ipmi_port: null },
      properties: { cpus: '4', capabilities: { b: null, c: 3 } },
      extra: { drop: null },
    });
    expect(merged).toMatchObject({ changed: true, reason: expect.stringContaining('driver_info.ipmi_address') });
    expect(merged.reason).not.toContain('cpus');
    expect(await bare.find(name)).toMatchObject({
      driver_info: { ipmi_address: '192.0.2.9', ipmi_username: 'ADMIN', ipmi_password: '******' },
      properties: { memory_mb: 8192, cpus: 4, capabilities: 'a:1,c:3' },
      extra: { keep: 1 },
    });
    expect(passwordOf(name)).toBe('not shown');

    // The order of capabilities means nothing.
    expect(await bare.run('baremetal_node', { name, properties: { capabilities: 'c:3,a:1' } })).toMatchObject({
      changed: false,
    });
    // A key that Ironic cannot patch by itself would need the whole mapping, with a password that
    // nobody knows.
    expect(await bare.run('baremetal_node', { name, driver_info: { 'a.b': 1 } })).toMatchObject({
      failed: true,
      changed: false,
      code: 'CHANGE_REFUSED',
      msg: expect.stringContaining('ipmi_password'),
    });
    expect(
      await bare.run('baremetal_node', { name, driver_info: { 'a.b': 1, ipmi_password: 'changed too' } }),
    ).toMatchObject({ changed: true });
    expect(passwordOf(name)).toBe('changed too');
    expect(await bare.run('baremetal_node', { name, driver_info: { ipmi_password: 'third' } })).toMatchObject({
      changed: false,
    });
    expect(
      await bare.run('baremetal_node', { name, driver_info: { ipmi_password: 'third' }, update_secrets: 'always' }),
    ).toMatchObject({ changed: true });
    expect(passwordOf(name)).toBe('third');
    expect(await bare.run('baremetal_node', { name, extra: { only: 1 }, purge: ['extra'] })).toMatchObject({
      changed: true,
    });
    expect(await bare.find(name)).toMatchObject({ extra: { only: 1 } });
  }),
);

/** What is stored behind the mask. */
function passwordOf(name: string): string {
  const text = execFileSync(
    join(root, 'test/cloud/sql'),
    ['ironic', `SELECT driver_info FROM nodes WHERE name = '${name}'`],
    { encoding: 'utf8' },
  );
  return /"ipmi_password": "([^"]*)"/.exec(text)?.[1] ?? '';
}
