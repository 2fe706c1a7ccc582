// What ipa_test refuses before it changes anything.
import { afterEach, describe, expect, test } from '@jest/globals';
import { seedHalf, startIpaSite, type IpaTestSite } from './ipa-test-site.js';

let site: IpaTestSite;

afterEach(async () => {
  await site.close();
});

const inputs: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
  [{ node_type: undefined }, /^node_type: it is missing; give it, node or restore$/],
  [{ node_type: 'compute_haswell' }, /^node_type: no node has the type "compute_haswell"/],
  [{ test: false }, /^test: it is false and push is not given, so there is nothing to do$/],
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
  [{ node_type: undefined, node: 'rack1-01', push: true }, /^node_type: push requires it to select the nodes/],
  [
    { deployer: 'ironic', instance_info: { 'a/b': 1 } },
    /^instance_info: Ironic does not accept the key "a\/b"; keys consist of letters, digits, _ and -$/,
  ],
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

test('refuses to let Nova deploy where there is none', async () => {
  site = await startIpaSite(['baremetal']);
  site.addNode();

  await expect(site.test()).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: 'deployer: it is nova, and this cloud has no compute service; give deployer: ironic',
  });
});

test('refuses a network name that several have, and names them', async () => {
  site = await startIpaSite();
  site.addNode();
  site.users.network.seed({ name: 'sharednet1' });

  await expect(site.test({ network: 'sharednet1' })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringMatching(/^network: 2 networks have the name "sharednet1" \(\S+, \S+\): give an id$/),
  });
  expect(site.allWrites()).toEqual([]);
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
