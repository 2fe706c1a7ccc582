// ipa_test refuses each bad pair with Ironic's own reason, and the serial line of the node says what
// is wrong with it.
import { expect, test } from '@jest/globals';
import type { IpaResult } from '../acceptance/ipa-site.js';
import { bootsOf } from './machine.js';
import { formerImages, pairByUrl, withRealNodes, type RealSite } from './real-site.js';

function given(real: RealSite, kernel: string, initramfs: string): Readonly<Record<string, unknown>> {
  const [kernel_image, initramfs_image] = pairByUrl(real.site, kernel, initramfs);
  return { kernel_image, initramfs_image };
}

function expectRefused(result: IpaResult, reason: RegExp): void {
  expect(result).toMatchObject({
    failed: true,
    passed: false,
    changed: false,
    code: 'PART_FAILED',
    reason: expect.stringMatching(reason),
    last_error: expect.stringMatching(/^Timeout reached while /),
  });
  expect(result.failures?.join()).toMatch(/^the test failed: /);
}

const noCall =
  /did not become active, it is in state deploy failed: Timeout reached while waiting for callback for node [0-9a-f-]{36}/;

test.each([
  [
    'a ramdisk without an agent',
    'good',
    'no-agent',
    /ramdisk: the network is up[^]*ironic-python-agent: No such file[^]*ramdisk: the agent has ended with 127/,
  ],
  ['a kernel that was damaged on its way', 'corrupt', 'good', /-- System halted/],
  [
    'a ramdisk whose first process ends',
    'good',
    'panic',
    /ramdisk: there is nothing to start[^]*Kernel panic - not syncing: Attempted to kill init!/,
  ],
])('%s', (_, kernel, initramfs, cause) =>
  withRealNodes(async (real) => {
    const node = await real.addNode();
    const images = await real.site.glance.list();

    const result = await real.runInVain(node, cause, { node: node.uuid, ...given(real, kernel, initramfs) });

    expectRefused(result, noCall);
    expect(node.machine.serial()).toMatch(cause);
    expect(node.machine.serial()).not.toContain(real.serverLine);
    expect(bootsOf(node.machine)).toEqual(['the network']);
    await real.expectPutBack(node);
    expect(await real.site.glance.list()).toEqual(images);
  })(),
);

test(
  'a ramdisk that was damaged on its way, which an Ironic that decompresses it says itself, and else its kernel',
  withRealNodes(async (real) => {
    const cause = /Initramfs unpacking failed: [^]*Kernel panic - not syncing: /;
    const node = await real.addNode();
    const images = await real.site.glance.list();

    const result = await real.runInVain(node, cause, { node: node.uuid, ...given(real, 'good', 'corrupt') });

    // That of 2025.1 decompresses what it caches, and then boots nothing.
    if (/zstd -d/.test(result.last_error ?? '')) {
      expect(result).toMatchObject({ failed: true, passed: false, changed: false, code: 'PART_FAILED' });
      expect(result.reason).toMatch(/deploy failed: Failed to prepare to deploy[^]*Data corruption detected/);
      expect(bootsOf(node.machine)).toEqual([]);
    } else {
      expectRefused(result, noCall);
      expect(node.machine.serial()).toMatch(cause);
      expect(bootsOf(node.machine)).toEqual(['the network']);
    }
    expect(node.machine.serial()).not.toContain(real.serverLine);
    await real.expectPutBack(node);
    expect(await real.site.glance.list()).toEqual(images);
  }),
);

test(
  'with cleaning, a bad pair fails the first cleaning, and the node is cleaned with its former images and available again',
  withRealNodes(async (real) => {
    const node = await real.addNode({ cleaning: true });
    const bad = { node: node.uuid, ...given(real, 'good', 'panic') };

    const result = await real.runInVain(node, /Attempted to kill init!/, bad);

    expectRefused(
      result,
      /did not become available after provide, it is in state clean failed: Timeout reached while cleaning/,
    );
    expect(node.machine.serial()).toMatch(
      /Attempted to kill init![^]*power on, boots from the network[^]*ramdisk: the network is up[^]*ironic_python_agent/,
    );
    expect(bootsOf(node.machine)).toEqual(['the network', 'the network']);
    await real.expectPutBack(node);
    expect((await real.ironic.getNode(node.uuid))['fault']).toBeNull();
  }),
);

test(
  'the test stops a bad pair before a roll-out brings it to any other node',
  withRealNodes(async (real) => {
    const { site, ironic, ironicProxy } = real;
    const tested = await real.addNode();
    const others = [await real.addNode({ state: 'enroll' }), await real.addNode({ state: 'enroll' })];
    const bad = { node_type: site.name, push: true, ...given(real, 'good', 'no-agent') };

    const result = await real.runInVain(tested, /ramdisk: the agent has ended with 127/, bad);

    expectRefused(result, noCall);
    expect(result.node).toEqual({ uuid: tested.uuid, name: tested.name });
    expect(result.nodes ?? []).toEqual([]);
    expect(tested.machine.serial()).toMatch(/ramdisk: the agent has ended with 127/);
    await real.expectPutBack(tested);
    for (const { uuid, machine } of others) {
      expect(await ironic.getNode(uuid)).toMatchObject({ provision_state: 'enroll', driver_info: formerImages(site) });
      expect(machine.serial()).toBe('');
      expect(ironicProxy.requests.filter(({ method, path }) => method !== 'GET' && path.includes(uuid))).toEqual([]);
    }
  }),
);
