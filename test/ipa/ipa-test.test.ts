import { afterEach, expect, test } from '@jest/globals';
import { former, imagesOf, startIpaSite, theirs, type IpaTestSite } from './ipa-test-site.js';

let site: IpaTestSite;

afterEach(async () => {
  await site.close();
});

test('leases a node, also sets the images in Doni, boots on the reservation, and restores everything', async () => {
  site = await startIpaSite();
  const node = site.addNode();
  const { compute, reservation, inventory } = site.users;
  const [hardware] = inventory.hardware;
  const before = structuredClone(hardware?.properties);

  const outcome = await site.test();

  expect(outcome).toMatchObject({
    changed: false,
    failures: [],
    values: { passed: true, node: { uuid: node.uuid }, lease: expect.any(String), kernel: { id: site.kernel.id } },
  });
  const lease = reservation.requests.find(({ method }) => method === 'POST');
  expect(lease?.body).toMatchObject({
    name: 'CC-IPA-TEST-compute_skylake-AAAAAA',
    reservations: [{ resource_properties: '["==","$node_type","compute_skylake"]' }],
  });
  const boot = compute.requests.find(({ method }) => method === 'POST');
  expect(boot?.body).toMatchObject({
    server: { name: 'CC-IPA-TEST-compute_skylake-AAAAAA', key_name: 'default' },
    'os:scheduler_hints': { reservation: expect.any(String) },
  });
  expect(boot?.body).not.toHaveProperty('server.hypervisor_hostname');
  const patches = inventory.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ body }) => (body as { value?: string }[]).map(({ value }) => value));
  expect(patches).toEqual([
    [site.kernel.id, site.initramfs.id],
    [former.deploy_kernel, former.deploy_ramdisk],
  ]);
  expect([imagesOf(node), hardware?.properties, reservation.leases, compute.servers, site.journal()]).toEqual([
    former,
    before,
    [],
    [],
    [],
  ]);
});

test('a node that had no images of its own has none again', async () => {
  site = await startIpaSite(['compute', 'baremetal', 'network']);
  const node = site.addNode({ driver_info: { ipmi_password: 'x' }, properties: { node_type: 'compute_skylake' } });

  const outcome = await site.test({ rescue: true });

  expect(outcome).toMatchObject({
    failures: [],
    values: { passed: true },
    warnings: ['node rack1-01 has no properties.cpu_arch: nothing shows whether images for x86_64 fit it'],
  });

  expect(node.driver_info).toEqual({ ipmi_password: 'x' });
});

test('a server that fails fails the test, and everything is restored', async () => {
  site = await startIpaSite();
  const node = site.addNode();
  site.users.compute.bootFails = 'the agent did not call';

  const outcome = await site.test({ push: true });

  expect(outcome.failures).toEqual([
    expect.stringMatching(/^the test failed: server .* failed on node rack1-01: the agent did not call$/),
  ]);
  expect(outcome.values).toMatchObject({ passed: false });
  expect(outcome.values).not.toHaveProperty('nodes');
  expect([imagesOf(node), site.users.reservation.leases, site.users.compute.servers, site.journal()]).toEqual([
    former,
    [],
    [],
    [],
  ]);
});

test('a lease that does not start is deleted again', async () => {
  site = await startIpaSite();
  site.addNode();
  site.users.reservation.startsAs = 'ERROR';

  expect((await site.test()).failures).toEqual([expect.stringMatching(/did not become active: it is ERROR$/)]);

  expect([site.users.reservation.leases, site.journal(), site.users.compute.servers]).toEqual([[], [], []]);
});

test('a lease that somebody ends during the test says nothing about the images', async () => {
  site = await startIpaSite();
  const node = site.addNode();
  const { compute, reservation } = site.users;
  // Blazar deletes what runs on the lease.
  compute.intervene = ({ method, segments }) => {
    if (method === 'GET' && segments[1] === 'servers' && compute.servers.length > 0) {
      reservation.leases.length = 0;
      compute.servers.length = 0;
    }
    return undefined;
  };

  const outcome = await site.test({ push: true });

  expect(outcome.failures).toEqual([
    expect.stringMatching(/^the test could not be run: lease \S+ ended before the test did \(it is gone\): server /),
  ]);
  expect(outcome.values).not.toHaveProperty('nodes');
  expect([imagesOf(node), site.journal()]).toEqual([former, []]);
});

test('a lease that ends before its server has a host ends the test at once', async () => {
  site = await startIpaSite();
  const node = site.addNode();
  const { compute, reservation } = site.users;
  let boots = 0;
  compute.intervene = ({ method, segments }) => {
    if (method === 'POST' && segments[1] === 'servers') {
      boots += 1;
      reservation.leases.length = 0;
    }
    return undefined;
  };

  const outcome = await site.test();

  expect(outcome.failures).toEqual([
    expect.stringMatching(
      /lease \S+ ended before the test did \(it is gone\): Nova finds no host for server CC-IPA-TEST-/,
    ),
  ]);
  expect(boots).toBe(1);
  expect([imagesOf(node), compute.servers, site.journal()]).toEqual([former, [], []]);
});

test('without a free host the states of the nodes are reported', async () => {
  site = await startIpaSite();
  const node = site.addNode({ provision_state: 'active', instance_uuid: theirs });
  site.users.reservation.hosts.length = 0;

  expect((await site.test()).failures).toEqual([
    expect.stringMatching(/Not enough hosts available; Ironic has 1 node: 1 active$/),
  ]);
  await expect(site.test({ reservation: 'none' })).rejects.toMatchObject({
    code: 'NO_NODE_FREE',
    message: 'no node of type compute_skylake is free: 1 node: 1 active',
  });
  await expect(site.test({ reservation: 'none', node: node.uuid })).rejects.toMatchObject({
    code: 'NO_NODE_FREE',
    message: expect.stringMatching(new RegExp(`^node rack1-01 cannot be tested on: instance ${theirs} is on it$`)),
  });
});

test('a node whose image comes back masked is refused, and nothing is changed', async () => {
  site = await startIpaSite();
  const node = site.addNode({ driver_info: { deploy_kernel: 'http://127.0.0.1/k?token=***' } });

  const { failures } = await site.test({ node: 'rack1-01' }).catch((error: Error) => ({ failures: [error.message] }));

  expect(failures).toEqual([
    expect.stringMatching(/Ironic masks driver_info deploy_kernel, so that its value could not be restored/),
  ]);
  expect([node.driver_info, site.allWrites()]).toEqual([{ deploy_kernel: 'http://127.0.0.1/k?token=***' }, []]);
});

test('if another run was faster, the next node is used', async () => {
  site = await startIpaSite(['compute', 'baremetal', 'network']);
  const [first, second] = [site.addNode(), site.addNode()];
  let looks = 0;
  site.users.baremetal.intervene = ({ method, segments }) => {
    // Between the list and the first look at the node.
    if (method === 'GET' && segments[2] === first.uuid && looks++ === 0)
      Object.assign(first, { provision_state: 'active', instance_uuid: theirs });
    return undefined;
  };

  const outcome = await site.test();

  expect(outcome).toMatchObject({
    failures: [],
    values: { passed: true, node: { uuid: second.uuid } },
    warnings: [
      expect.stringMatching(
        new RegExp(`node rack1-01 was taken by somebody else in the meantime: instance ${theirs} is on it`),
      ),
    ],
  });
  expect([imagesOf(first), first.provision_state, imagesOf(second), site.journal()]).toEqual([
    former,
    'active',
    former,
    [],
  ]);
});

test.each([
  ['while it is made manageable', 'manage'],
  ['as soon as it is available with the images', 'provide'],
])('a node that somebody else takes %s stays theirs, with its former images', async (_, verb) => {
  site = await startIpaSite(['compute', 'baremetal', 'network']);
  const [first, second] = [site.addNode(), site.addNode()];
  let said = '';
  let isTheirs = false;
  site.users.baremetal.intervene = ({ method, segments }) => {
    if (segments[2] !== first.uuid || isTheirs) return undefined;
    // The verbs come in this order; the last one is what counts.
    if (method === 'PUT') said = said === '' ? 'manage' : 'provide';
    const isMoment =
      verb === 'manage'
        ? method === 'PUT'
        : method === 'GET' && said === 'provide' && first.provision_state === 'available';
    if (isMoment) isTheirs = Boolean(Object.assign(first, { provision_state: 'active', instance_uuid: theirs }));
    return undefined;
  };

  const outcome = await site.test();

  expect(outcome).toMatchObject({ failures: [], values: { passed: true, node: { uuid: second.uuid } } });
  expect([imagesOf(first), first.provision_state, first.instance_uuid]).toEqual([former, 'active', theirs]);
  const verbs = site.users.baremetal.requests
    .filter(({ method, path }) => method === 'PUT' && path.includes(first.uuid))
    .map(({ body }) => (body as { target: string }).target);
  expect(verbs).not.toContain('deleted');
  expect(site.journal()).toEqual([]);
});
