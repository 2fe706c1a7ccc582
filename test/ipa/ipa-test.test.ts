import { afterEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import type { StoredNode } from '../sandbox/ironic.js';
import { everything, former, seedHalf, startIpaSite, type IpaTestSite } from './ipa-test-site.js';

/** A server of somebody else. */
const theirs = '5a2f6c0e-7b1d-4c3e-9f80-1a2b3c4d5e6f';

let site: IpaTestSite;

afterEach(async () => {
  await site.close();
});

function images({ driver_info: { deploy_kernel, deploy_ramdisk } }: StoredNode): unknown {
  return { deploy_kernel, deploy_ramdisk };
}

function results({ values }: Outcome): string[] {
  return (values.nodes as { name: string; result: string; reason: string }[]).map(
    ({ name, result, reason }) => `${name} ${result}: ${reason}`,
  );
}

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
  expect([images(node), hardware?.properties, reservation.leases, compute.servers, site.journal()]).toEqual([
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
  expect([images(node), site.users.reservation.leases, site.users.compute.servers, site.journal()]).toEqual([
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
  expect([images(node), site.journal()]).toEqual([former, []]);
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
  expect([images(first), first.provision_state, images(second), site.journal()]).toEqual([
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
  expect([images(first), first.provision_state, first.instance_uuid]).toEqual([former, 'active', theirs]);
  const verbs = site.users.baremetal.requests
    .filter(({ method, path }) => method === 'PUT' && path.includes(first.uuid))
    .map(({ body }) => (body as { target: string }).target);
  expect(verbs).not.toContain('deleted');
  expect(site.journal()).toEqual([]);
});

test('rolls out to all nodes of the type, also in Doni, and the second time to none', async () => {
  site = await startIpaSite();
  const [first, second, third] = [
    site.addNode(),
    site.addNode({ provision_state: 'active', instance_uuid: theirs }),
    site.addNode(),
  ];

  const outcome = await site.test({ push: true, batch_size: 2 });

  expect(outcome).toMatchObject({ changed: true, failures: [], values: { passed: true } });
  expect(results(outcome)).toEqual([
    'rack1-01 updated: it is available',
    `rack1-02 skipped: instance ${theirs} is on it`,
    'rack1-03 updated: it is available',
  ]);
  const pushed = { deploy_kernel: site.kernel.id, deploy_ramdisk: site.initramfs.id };
  expect([images(first), images(second), images(third)]).toEqual([pushed, former, pushed]);
  expect(site.users.inventory.hardware.map(({ properties }) => properties['baremetal_deploy_kernel_image'])).toEqual([
    site.kernel.id,
    former.deploy_kernel,
    site.kernel.id,
  ]);
  expect(outcome.differences).toHaveLength(2);

  const writes = site.allWrites().length;
  const again = await site.test({ push: true, test: false });
  expect([again.changed, results(again)[0], site.allWrites().length]).toEqual([
    false,
    'rack1-01 unchanged: it already has these images',
    writes,
  ]);
});

test("former images that a late run of Doni's worker brings back are replaced again", async () => {
  site = await startIpaSite();
  const node = site.addNode();
  site.users.inventory.isLate = true;

  const outcome = await site.test({ push: true, test: false });

  expect(results(outcome)).toEqual(['rack1-01 updated: it is available']);
  expect(images(node)).toEqual({ deploy_kernel: site.kernel.id, deploy_ramdisk: site.initramfs.id });
});

test('a postponed worker of Doni is reported, and not waited for', async () => {
  site = await startIpaSite();
  const node = site.addNode();
  site.users.inventory.defersFor = 'Node is locked.';

  const outcome = await site.test({ push: true, test: false });

  expect(results(outcome)).toEqual(['rack1-01 updated: it is available']);
  expect(outcome.warnings).toEqual([
    "node rack1-01 has its images, in Doni as well, but Doni's worker reports: Node is locked.",
  ]);
  expect(images(node)).toEqual({ deploy_kernel: site.kernel.id, deploy_ramdisk: site.initramfs.id });
});

test('if the node was deleted meanwhile, Doni still gets its former images', async () => {
  site = await startIpaSite();
  const node = site.addNode();
  site.users.compute.intervene = ({ method }) => {
    if (method === 'POST') site.users.baremetal.nodes.splice(site.users.baremetal.nodes.indexOf(node), 1);
    return undefined;
  };

  const outcome = await site.test();

  expect(outcome.failures).toEqual([expect.stringMatching(/no longer exists$/)]);
  expect(site.users.inventory.hardware[0]?.properties['baremetal_deploy_kernel_image']).toBe(former.deploy_kernel);
  expect([site.users.compute.servers, site.users.reservation.leases, site.journal()]).toEqual([[], [], []]);
});

test('check mode names the node and what would be changed, and changes nothing', async () => {
  site = await startIpaSite(everything);
  const node = site.addNode();

  const outcome = await site.test({ push: true }, { checkMode: true });

  expect(outcome).toMatchObject({
    changed: true,
    values: { node: { uuid: node.uuid, name: 'rack1-01' } },
    message: 'planned: a test on a node that Blazar leases (free nodes: 1); 1 update',
  });
  expect(results(outcome)).toEqual(['rack1-01 update: it is available']);
  expect([site.allWrites(), site.journal()]).toEqual([[], []]);
});

const inputs: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
  [{ node_type: undefined }, /^node_type: it is missing; give node_type, node or restore$/],
  [{ node_type: 'compute_haswell' }, /^node_type: no node has the type "compute_haswell"/],
  [{ test: false }, /^test: it is false and push is not true, so there is nothing to do$/],
  [{ node: 'rack9' }, /^node: Ironic has no node "rack9"$/],
  [{ kernel_image: 'CC-IPA-Debian11-AMD64.kernel' }, /^initramfs_image: it is required with kernel_image/],
  [
    { kernel_image: 'CC-IPA-Debian11-AMD64.initramfs', initramfs_image: 'CC-IPA-Debian11-AMD64.initramfs' },
    /is not a kernel: its name ends in \.initramfs$/,
  ],
  [
    { kernel_image: 'nobody', initramfs_image: 'nobody' },
    /^kernel_image: this login sees no image with the id or name "nobody"$/,
  ],
  [
    { kernel_image: 'http://127.0.0.1/k', initramfs_image: 'CC-IPA-Debian11-AMD64.initramfs' },
    /one is a URL and the other an image in Glance/,
  ],
  [{ server_image: 'CC-Nothing' }, /^server_image: this login sees no image with the id or name "CC-Nothing"/],
  [{ flavor: 'huge' }, /^flavor: there is no flavor with the id or name "huge"$/],
  [{ key_name: 'mine' }, /^key_name: the user of this login has no key pair "mine"$/],
  [
    { network: 'elsewhere' },
    /^network: there is no network with the id or name "elsewhere"; none and auto are also possible$/,
  ],
  [{ instance_info: { image_source: 'x' } }, /^instance_info: it requires deployer: ironic$/],
  [{ deployer: 'ironic', reservation: 'blazar' }, /^reservation: it is blazar, whose leases are for servers of Nova/],
];

test.each(inputs)('refuses %j', async (args, message) => {
  site = await startIpaSite();
  site.addNode();

  await expect(site.test(args)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringMatching(message),
  });

  expect([site.allWrites(), site.journal()]).toEqual([[], []]);
});

describe('a name that other projects also use', () => {
  const given = (kernel: string, initramfs: string) => ({
    push: true,
    test: false,
    kernel_image: kernel,
    initramfs_image: initramfs,
  });

  test('means the images of our own', async () => {
    site = await startIpaSite();
    const node = site.addNode();
    for (const kind of ['kernel', 'initramfs'] as const)
      seedHalf(site, kind, { owner: 'stranger', visibility: 'private' });

    await site.test(given(site.kernel.name ?? '', site.initramfs.name ?? ''));

    expect(node.driver_info).toMatchObject({ deploy_kernel: site.kernel.id, deploy_ramdisk: site.initramfs.id });
  });

  test.each(['private', 'shared'])(
    'and that we have not is refused where theirs is %s, by its id too, and for the server',
    async (visibility) => {
      site = await startIpaSite();
      site.addNode();
      const [kernel, initramfs] = (['kernel', 'initramfs'] as const).map((kind) =>
        seedHalf(site, kind, { name: `theirs.${kind}`, owner: 'stranger', visibility }),
      );

      for (const args of [
        given('theirs.kernel', 'theirs.initramfs'),
        given(kernel?.id ?? '', initramfs?.id ?? ''),
        { server_image: 'theirs.kernel' },
      ]) {
        await expect(site.test(args)).rejects.toMatchObject({
          code: 'INVALID_INPUT',
          message: expect.stringContaining('stranger'),
        });
      }

      expect([site.allWrites(), site.journal()]).toEqual([[], []]);
    },
  );
});

test('refuses a Nova that is too old to boot on a chosen node, before anything is changed', async () => {
  site = await startIpaSite(['compute', 'baremetal', 'network']);
  site.addNode();
  site.users.compute.newestMinor = 60;

  await expect(site.test()).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' });

  expect(site.allWrites()).toEqual([]);
});

test('refuses the newest build while it is incomplete', async () => {
  site = await startIpaSite();
  site.addNode();
  seedHalf(site, 'kernel', { properties: { 'build-tag': 'later', 'build-timestamp': '2025-06-01 00:00:00' } });

  await expect(site.test()).rejects.toMatchObject({
    code: 'NO_IPA_PAIR',
    message: expect.stringMatching(/^the newest build, CC-IPA-Debian11-AMD64 of later, has no initramfs/),
  });
});
