// ipa_test with a good pair on nodes that really boot: by Ironic alone, with and without cleaning,
// killed, and rolled out.
import { expect, test } from '@jest/globals';
import { until } from '../acceptance/cloud.js';
import { setCleaning } from '../acceptance/ipa-site.js';
import { bootsOf } from './machine.js';
import { formerImages, patience, uploadPair, withRealNodes } from './real-site.js';

const provision = /\/states\/provision$/;

test(
  'with cleaning the node boots the agent three times, and the server from its disk between',
  withRealNodes(async (real) => {
    const { site, ironic, ironicProxy } = real;
    const [kernel, initramfs] = await uploadPair(site);
    const node = await real.addNode({ cleaning: true });
    // Its controller is busy for a moment when the run begins: it is waited for, not refused.
    let reservation: unknown;
    ironicProxy.addFault({
      method: 'GET',
      path: new RegExp(`/v1/nodes/${node.uuid}`),
      nth: 1,
      before: async () => {
        await ironic.ask('PUT', `/nodes/${node.uuid}/states/power`, { target: 'power on' });
        reservation = (await ironic.getNode(node.uuid)).reservation;
      },
    });
    const images = await site.glance.list();

    const result = await real.run({ node: node.uuid, kernel_image: kernel.id, initramfs_image: initramfs.id });

    expect(result).toMatchObject({
      passed: true,
      changed: false,
      restored: [],
      node: { uuid: node.uuid, name: node.name },
      kernel: { id: kernel.id, build_tag: kernel['build-tag'] },
    });
    expect(result.failed).toBeUndefined();
    expect(reservation).not.toBeNull();
    expect(bootsOf(node.machine)).toEqual(['its disk', 'the network', 'the network', 'its disk', 'the network']);
    const [, , , server, cleaned] = node.machine.serial().split('power on, boots from ').slice(1);
    expect(server).toContain(real.serverLine);
    expect(cleaned).toMatch(/ramdisk: the network is up[^]*ironic_python_agent/);
    await real.expectPutBack(node);
    expect(await site.glance.list()).toEqual(images);
  }),
);

test(
  'killed while the node waits for its agent: the next run stops that, has the node cleaned with its former images, and it is available',
  withRealNodes(async (real) => {
    const { site, ironic, ironicProxy } = real;
    const [kernel, initramfs] = await uploadPair(site);
    const node = await real.addNode();
    // From the deployment on, so that the putting back has to clean. Not counted: where nodes are
    // hidden from the project, each verb is asked for twice.
    const beforeDeployed = async (): Promise<void> => {
      const { provision_state: state, driver_info: info } = await ironic.getNode(node.uuid);
      const isTested = (info as Record<string, unknown>)['deploy_kernel'] === kernel.id;
      if (state === 'available' && isTested) await setCleaning(ironic, node.uuid);
    };
    ironicProxy.addFault({ method: 'PUT', path: provision, before: beforeDeployed });
    const running = real.start({ node: node.uuid, kernel_image: kernel.id, initramfs_image: initramfs.id });
    await until(async () => node.machine.serial().includes('ramdisk: has started'), 'the ramdisk to start', patience);
    await running.kill();

    const left = await ironic.getNode(node.uuid);
    expect(left).toMatchObject({ provision_state: 'wait call-back', driver_info: { deploy_kernel: kernel.id } });
    expect(real.journal()).toHaveLength(1);
    const result = await real.run({ restore: true });

    expect(result).toMatchObject({
      changed: true,
      restored: [expect.stringMatching(/has its former images and is available$/)],
    });
    expect(result.failed).toBeUndefined();
    // The deployment; a cleaning with the images under test, which is stopped; and one with the former images.
    expect(bootsOf(node.machine)).toEqual(['the network', 'the network', 'the network']);
    expect(node.machine.serial().split('power on')[3]).toMatch(/ramdisk: the network is up[^]*ironic_python_agent/);
    await real.expectPutBack(node);
    expect(await real.run({ restore: true })).toMatchObject({ changed: false, restored: [] });
  }),
);

test(
  'a roll-out brings the pair, for rescue too, to all nodes of the type, and a node is rescued by it',
  withRealNodes(async (real) => {
    const { site, ironic, image } = real;
    const [kernel, initramfs] = await uploadPair(site);
    const tested = await real.addNode();
    const others = [await real.addNode({ state: 'enroll' }), await real.addNode({ state: 'enroll' })];
    const images = {
      deploy_kernel: kernel.id,
      deploy_ramdisk: initramfs.id,
      rescue_kernel: kernel.id,
      rescue_ramdisk: initramfs.id,
    };

    const result = await real.run({
      node_type: site.name,
      ipa_name: `${site.name}-AMD64`,
      rescue: true,
      push: true,
    });

    expect(result).toMatchObject({ passed: true, changed: true, node: { uuid: tested.uuid } });
    expect(result.failed).toBeUndefined();
    expect(result.nodes?.map(({ result: outcome }) => outcome)).toEqual(['updated', 'updated', 'updated']);
    for (const { uuid } of [tested, ...others])
      expect((await ironic.getNode(uuid))['driver_info']).toMatchObject(images);
    await real.expectPutBack(tested, images);
    for (const { machine } of others) expect(machine.serial()).toBe('');
    expect(tested.machine.serial()).toContain(real.serverLine);

    const { uuid } = tested;
    await ironic.ask('PATCH', `/nodes/${uuid}`, [{ op: 'add', path: '/instance_info/image_source', value: image.id }]);
    await ironic.ask('PUT', `/nodes/${uuid}/states/provision`, { target: 'active' });
    await ironic.waitForState(uuid, 'active', patience);
    await ironic.ask('PUT', `/nodes/${uuid}/states/provision`, { target: 'rescue', rescue_password: 'of no use' });
    await ironic.waitForState(uuid, 'rescue', patience);
    // The agent has set the password, and leaves the node to its user.
    await until(async () => /ramdisk: the agent has ended with 0/.test(tested.machine.serial()), 'the agent to end');
    expect(bootsOf(tested.machine)).toEqual(['the network', 'its disk', 'the network', 'its disk', 'the network']);
    await ironic.ask('PUT', `/nodes/${uuid}/states/provision`, { target: 'deleted' });
    await ironic.waitForState(uuid, 'available', patience);
    expect(formerImages(site)).not.toMatchObject({ deploy_kernel: kernel.id });
  }),
);
