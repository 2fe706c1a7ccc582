import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  getHardware,
  listHardware,
  requestSync,
  syncOf,
  updateHardware,
  type Hardware,
} from '../../modules/clients/doni/hardware.js';
import type { Cloud } from '../../modules/clients/keystone/cloud.js';
import type { DoniDouble } from '../sandbox/doni.js';
import type { StoredNode } from '../sandbox/ironic.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';
import { all, cloudOf } from './cloud-of.js';

const old = {
  deployKernel: '11111111-1111-4111-8111-111111111111',
  deployRamdisk: '22222222-2222-4222-8222-222222222222',
};
const fresh = {
  deployKernel: '33333333-3333-4333-8333-333333333333',
  deployRamdisk: '44444444-4444-4444-8444-444444444444',
};

let sandbox: Sandbox;
let doni: DoniDouble;
let cloud: Cloud;
let node: StoredNode;

beforeEach(async () => {
  sandbox = await startSandbox({ services: ['inventory'] });
  doni = sandbox.users.inventory;
  cloud = await cloudOf(sandbox);
  node = sandbox.users.baremetal.seed({
    name: 'rack3-07',
    driver_info: { deploy_kernel: old.deployKernel, deploy_ramdisk: old.deployRamdisk, ipmi_address: '10.0.0.7' },
  });
  doni.seed({
    uuid: node.uuid,
    name: 'rack3-07',
    properties: {
      baremetal_deploy_kernel_image: old.deployKernel,
      baremetal_deploy_ramdisk_image: old.deployRamdisk,
      node_type: 'compute_skylake',
    },
  });
});

afterEach(() => sandbox.close());

async function read(): Promise<Hardware> {
  const hardware = await getHardware(cloud, node.uuid);
  if (hardware === undefined) throw new Error('the hardware is gone');
  return hardware;
}

/** Looks until the worker's run is over, and tells how it was on the way. */
async function follow(): Promise<string[]> {
  const seen: string[] = [];
  for (let looks = 0; looks < 5; looks++) {
    const { state, reason } = syncOf(await read());
    seen.push(reason === '' ? state : `${state}: ${reason}`);
    if (state !== 'waiting') return seen;
  }
  return seen;
}

const writes = (): string[] =>
  doni.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);

test('hardware is found by UUID and in the list', async () => {
  const byUuid = await getHardware(cloud, node.uuid);

  expect(byUuid).toMatchObject({
    uuid: node.uuid,
    name: 'rack3-07',
    nodeType: 'compute_skylake',
    ...old,
    deployImages: Object.values(old),
  });
  expect(await all(listHardware(cloud))).toEqual([byUuid]);
  expect(await getHardware(cloud, fresh.deployKernel)).toBeUndefined();
});

describe('deploy images', () => {
  test('reach the node with the worker, and other settings stay', async () => {
    const updated = await updateHardware(cloud, await read(), fresh);

    expect(updated).toMatchObject(fresh);
    expect(syncOf(updated).state).toBe('waiting');
    expect(await follow()).toEqual(['waiting', 'waiting', 'done']);
    expect(node.driver_info).toEqual({
      deploy_kernel: fresh.deployKernel,
      deploy_ramdisk: fresh.deployRamdisk,
      ipmi_address: '10.0.0.7',
    });
    expect(updated.nodeType).toBe('compute_skylake');
  });

  test('are removed from hardware and node', async () => {
    await updateHardware(cloud, await read(), { deployKernel: undefined, deployRamdisk: undefined });
    await follow();

    expect(await read()).toMatchObject({ deployKernel: undefined, deployRamdisk: undefined, deployImages: [] });
    expect(node.driver_info).toEqual({ ipmi_address: '10.0.0.7' });
  });

  test('are set if there were none, and only what differs is sent', async () => {
    await updateHardware(cloud, await read(), { ...old, deployRamdisk: undefined });

    await updateHardware(cloud, await read(), { deployKernel: old.deployKernel, deployRamdisk: fresh.deployRamdisk });

    expect(doni.requests.filter(({ method }) => method === 'PATCH').map(({ body }) => body)).toEqual([
      [{ op: 'remove', path: '/properties/baremetal_deploy_ramdisk_image' }],
      [{ op: 'add', path: '/properties/baremetal_deploy_ramdisk_image', value: fresh.deployRamdisk }],
    ]);
  });

  test('that are already set cause no request', async () => {
    const hardware = await read();

    expect(await updateHardware(cloud, hardware, old)).toBe(hardware);
    expect(writes()).toEqual([]);
  });

  test('that were removed meanwhile are refused', async () => {
    const hardware = await read();
    await updateHardware(cloud, hardware, { ...old, deployRamdisk: undefined });

    await expect(updateHardware(cloud, hardware, { ...old, deployRamdisk: undefined })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('non-existent'),
    });
  });
});

describe('the worker', () => {
  test('fails with a reason, and is well again after the next run', async () => {
    doni.failsWith = 'Ironic responded with HTTP 400: no';
    await updateHardware(cloud, await read(), fresh);

    expect((await follow()).at(-1)).toBe('failed: Ironic responded with HTTP 400: no');
    expect(node.driver_info).toMatchObject({ deploy_kernel: old.deployKernel });
    doni.failsWith = undefined;
    await requestSync(cloud, await read());
    expect(await follow()).toEqual(['waiting', 'waiting', 'done']);
  });

  test('waits with a reason, even after an error', async () => {
    doni.failsWith = 'no';
    await updateHardware(cloud, await read(), fresh);
    await follow();
    doni.failsWith = undefined;
    doni.defersFor = 'Node is locked.';
    await requestSync(cloud, await read());

    expect((await follow()).at(-1)).toBe('waiting: Node is locked.');
  });

  test('waits while the node is in maintenance', async () => {
    Object.assign(node, { maintenance: true });
    await updateHardware(cloud, await read(), fresh);

    expect((await follow()).at(-1)).toMatch(/^waiting: Node is in maintenance mode/);
  });

  test('fails while the node has a server', async () => {
    Object.assign(node, { provision_state: 'active' });
    await updateHardware(cloud, await read(), fresh);

    expect((await follow()).at(-1)).toMatch(/^failed: Ironic responded with HTTP 400: .*"active"/);
  });

  test('may report success with the old images, until it is requested again', async () => {
    doni.isLate = true;
    await updateHardware(cloud, await read(), fresh);
    expect((await follow()).at(-1)).toBe('done');
    expect(node.driver_info).toMatchObject({ deploy_kernel: old.deployKernel });

    await requestSync(cloud, await read());
    await follow();

    expect(node.driver_info).toMatchObject({ deploy_kernel: fresh.deployKernel });
    expect(writes()).toEqual([`PATCH /v1/hardware/${node.uuid}`, `POST /v1/hardware/${node.uuid}/sync`]);
  });

  test('brings a change that comes while it runs only when it is asked again', async () => {
    const first = await updateHardware(cloud, await read(), { ...old, deployKernel: fresh.deployKernel });
    await read();
    await updateHardware(cloud, first, fresh);
    expect((await follow()).at(-1)).toBe('done');
    expect(node.driver_info).toMatchObject({ deploy_ramdisk: old.deployRamdisk });

    await requestSync(cloud, await read());
    await follow();

    expect(node.driver_info).toMatchObject({ deploy_kernel: fresh.deployKernel, deploy_ramdisk: fresh.deployRamdisk });
  });

  test('is needed: without one the images stay as they are', () => {
    const sync = syncOf({
      name: 'rack3-07',
      workers: [{ type: 'blazar.physical_host', state: 'STEADY', reason: '' }],
    } as unknown as Hardware);

    expect(sync).toEqual({ state: 'failed', reason: 'Doni has no ironic worker for "rack3-07"' });
  });
});
