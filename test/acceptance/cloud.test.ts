// What the tests of servers and nodes count on in the test cloud. Nothing of ours is used here but
// the helpers of the tests.
import { expect, test } from '@jest/globals';
import { openIronic, openStandaloneIronic, type RawIronic } from './baremetal.js';
import { call, fact } from './cloud.js';
import { bootOnNode, bootServer, removeServer } from './compute.js';
import { withSite, type Site } from './site.js';

/** Of the class that Nova takes. */
const forNova = (site: Site): { resource_class: string } => ({
  resource_class: fact(site.cloud, 'baremetal_resource_class'),
});

const seedImage = (site: Site): Promise<{ id: string }> =>
  site.glance.create({ name: site.name, disk_format: 'raw' }, Buffer.alloc(512, 'image'));

/** Asks for a state without waiting for it. */
async function ask(ironic: RawIronic, node: string, target: string): Promise<void> {
  await ironic.ask('PUT', `/nodes/${node}/states/provision`, { target });
}

/** Nobody listens there. */
const unreachable = { image_source: 'http://127.0.0.1:1/image', image_checksum: 'd41d8cd98f00b204e9800998ecf8427e' };

async function hostOf(site: Site, server: string): Promise<unknown> {
  const answer = await call('GET', `${fact(site.cloud, 'nova_url')}/servers/${server}`, {
    headers: { 'X-Auth-Token': site.project.token },
  });
  return ((await answer.json()) as { server: Record<string, unknown> }).server['OS-EXT-SRV-ATTR:hypervisor_hostname'];
}

test.concurrent(
  'Nova boots a server on the node that is named, and gives the node back',
  withSite(async (site) => {
    const ironic = openIronic(site);
    const node = await ironic.createNode(forNova(site));
    await ironic.makeAvailable(node);
    const image = await seedImage(site);

    const server = await bootOnNode(site, node, image.id);

    expect(await hostOf(site, server.id)).toBe(node);
    expect(await ironic.getNode(node)).toMatchObject({
      provision_state: 'active',
      instance_uuid: server.id,
      instance_info: { image_source: image.id },
    });
    await removeServer(site, server.id);
    expect(await ironic.waitForState(node, 'available')).toMatchObject({ instance_uuid: null });
  }),
);

test.concurrent(
  'an ordinary server keeps off bare metal',
  withSite(async (site) => {
    const ironic = openIronic(site);
    const node = await ironic.createNode(forNova(site));
    await ironic.makeAvailable(node);

    const server = await bootServer(site, site.name, (await seedImage(site)).id);

    expect(await hostOf(site, server.id)).toBe(fact(site.cloud, 'nova_host'));
  }),
);

test.concurrent(
  'a server whose node fails to deploy ends in ERROR',
  withSite(async (site) => {
    const ironic = openIronic(site);
    const node = await ironic.createNode({ ...forNova(site), deploy_interface: 'direct' });
    await ironic.makeAvailable(node);

    const server = await bootOnNode(site, node, (await seedImage(site)).id, 'ERROR');

    await removeServer(site, server.id);
    expect(await ironic.waitForState(node, 'available')).toMatchObject({ instance_uuid: null });
  }),
);

test.concurrent.each([
  ['at once without its image', unreachable, /Validation of image href .* failed/],
  [
    'without a call from its agent',
    { ...unreachable, image_source: 'STORE/' },
    /Timeout reached while waiting for callback/,
  ],
])('a node fails to deploy %s', (_, image, reason) =>
  withSite(async (site) => {
    const ironic = openIronic(site);
    const instance_info = { ...image, image_source: image.image_source.replace('STORE', site.cloud.store_static_url) };
    const node = await ironic.createNode({ deploy_interface: 'direct', instance_info });
    await ironic.makeAvailable(node);

    await ask(ironic, node, 'active');

    expect(await ironic.waitForState(node, 'deploy failed')).toMatchObject({
      last_error: expect.stringMatching(reason),
    });
  })(),
);

/** From a node that never was cleaned to one that waits in vain for its agent. */
async function expectCleanFailure(ironic: RawIronic): Promise<void> {
  const node = await ironic.createNode({ deploy_interface: 'direct', automated_clean: true });
  await ironic.makeManageable(node);

  await ask(ironic, node, 'provide');

  await ironic.waitForState(node, 'clean wait');
  expect(await ironic.waitForState(node, 'clean failed')).toMatchObject({
    last_error: expect.stringContaining('Timeout reached while cleaning the node'),
  });
}

test.concurrent(
  'a node fails to be cleaned without a call from its agent',
  withSite((site) => expectCleanFailure(openIronic(site))),
);

test.concurrent(
  'a slow node shows how it changes, and is locked meanwhile',
  withSite(async (site) => {
    const ironic = openIronic(site);
    const node = await ironic.createNode({ conductor_group: fact(site.cloud, 'ironic_slow_group') });
    await ironic.makeAvailable(node);

    await ask(ironic, node, 'active');

    expect(await ironic.getNode(node)).toMatchObject({ provision_state: 'deploying', reservation: expect.any(String) });
    const change = ironic.ask('PUT', `/nodes/${node}/states/power`, { target: 'power on' });
    await expect(change).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining(`Node ${node} is locked`),
    });
    expect(await ironic.waitForState(node, 'active')).toMatchObject({ power_state: 'power off' });
  }),
);

test.concurrent.each(['noauth', 'http_basic'] as const)('Ironic runs alone: %s', (auth) =>
  withSite(async (site) => {
    const ironic = openStandaloneIronic(site, auth);

    const { status } = await fetch(`${ironic.url}/v1/nodes`);

    expect(status).toBe(auth === 'noauth' ? 200 : 401);
    const node = await ironic.createNode();
    await ironic.makeAvailable(node);
    await ask(ironic, node, 'active');
    await ironic.waitForState(node, 'active');
    await ironic.createNode({ driver: 'ipmi', driver_info: { ipmi_address: '127.0.0.1' } });
    await expectCleanFailure(ironic);
  })(),
);
