// ipa_test where parts of a cloud are missing, or come from our own deployer.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openStandaloneIronic } from './baremetal.js';
import { fact, until } from './cloud.js';
import { parseResult, startModule } from './executable.js';
import { asBefore, former, openIpaSite, resultOf, standingOf } from './ipa-site.js';
import { withSite } from './site.js';

test.concurrent.each(['noauth', 'http_basic'] as const)(
  'an Ironic without Keystone, Glance and Nova tests and rolls out by URLs: %s',
  (auth) =>
    withSite(async (site) => {
      const ironic = openStandaloneIronic(site, auth);
      const nodes = await Promise.all(
        [0, 1].map(() => ironic.createNode({ driver_info: former, extra: { node_type: site.name } })),
      );
      await ironic.makeAvailable(nodes[0] as string);
      const login =
        auth === 'noauth'
          ? { endpoint: ironic.url }
          : {
              endpoint: ironic.url,
              username: fact(site.cloud, 'ironic_basic_username'),
              password: fact(site.cloud, 'ironic_basic_password'),
            };
      const host = site.addHost();
      const given = {
        auth_type: auth === 'noauth' ? 'none' : 'http_basic',
        auth: login,
        node_type: site.name,
        deployer: 'ironic',
        kernel_image: 'http://127.0.0.1/ipa.kernel',
        initramfs_image: 'http://127.0.0.1/ipa.initramfs',
        lock_dir: host,
        journal_dir: join(host, 'journal'),
      };
      const run = async (more: object): Promise<ReturnType<typeof resultOf>> =>
        resultOf(await startModule('ipa_test', { ...given, ...more }, {}).ended);

      const tested = await run({});
      expect(tested).toMatchObject({
        passed: true,
        changed: false,
        node: { uuid: nodes[0] },
        kernel: { url: 'http://127.0.0.1/ipa.kernel' },
      });
      expect(tested.warnings).toEqual([
        'kernel_image and initramfs_image are URLs: nothing shows whether they are of the same build',
      ]);
      expect(standingOf(await ironic.getNode(nodes[0] as string))).toEqual(asBefore);

      expect(await run({ push: true })).toMatchObject({ passed: true, changed: true });
      for (const node of nodes)
        expect(await ironic.getNode(node)).toMatchObject({
          driver_info: { deploy_kernel: given.kernel_image, deploy_ramdisk: given.initramfs_image },
        });
      expect(await run({ node_type: undefined, node: nodes[0], deployer: 'nova' })).toMatchObject({
        failed: true,
        msg: expect.stringMatching(/^deployer: it is nova, and this cloud has no compute service/),
      });
    })(),
);

test.concurrent(
  'images that are in use on nodes after a roll-out are spared by the cleaner, and those that they replace are not',
  withSite(
    async (site) => {
      const ipa = await openIpaSite(site);
      await ipa.enrollNode();
      expect(await ipa.run({ deployer: 'ironic', push: true, test: false })).toMatchObject({ changed: true });
      const old = await site.glance.create(
        {
          name: `${site.name}-AMD64.kernel_2020-04-22 15:30:45`,
          visibility: 'public',
          disk_format: 'aki',
          container_format: 'aki',
          'build-ipa': 'kernel',
        },
        Buffer.alloc(512, 'old'),
      );

      // All that is not in the catalogue is old enough to be deleted.
      await site.store.publishCatalogue(JSON.stringify({ [`${site.name}-Other.kernel`]: '20250422-v1-amd' }));
      const {
        stall_timeout: _s,
        attempts: _a,
        ...given
      } = site.argumentsOf({ hide_image_age_in_month: 0, delete_image_age_in_month: 1, age_from: 'created' });
      const { images } = parseResult(await startModule('image_clean', given, {}).ended);

      const actions = new Map(images.map(({ id, action, reason }) => [id, `${action}: ${reason}`]));
      for (const { id } of [ipa.kernel, ipa.initramfs])
        expect(actions.get(id)).toMatch(/^skip: used by node .*driver_info deploy_(kernel|ramdisk)/);
      expect(actions.get(old.id)).toMatch(/^hide: /);
    },
    { store: 'web' },
  ),
);

test.concurrent(
  'the command line has both spellings, and exits with 0, 1, 2 and 75',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const node = await ipa.addNode();
    const host = site.addHost();
    const argv = (command: string, ...more: string[]): string[] => [
      ...[
        command,
        '--node-type',
        site.name,
        '--deployer',
        'ironic',
        '--server-image',
        ipa.image.id,
        '--lock-dir',
        host,
        '--journal-dir',
        join(host, 'journal'),
        '--region-name',
        'RegionOne',
      ],
      ...['--kernel-image', ipa.kernel.id, '--initramfs-image', ipa.initramfs.id, ...more],
    ];

    const passed = await site.startCommand(argv('ipa_test', '--push')).ended;
    expect([passed.exitCode, passed.stdout]).toEqual([0, expect.stringContaining(`passed on node ${node}; 1 updated`)]);
    const table = await site.startCommand(argv('ipa-test', '--dry-run', '--push')).ended;
    expect([table.exitCode, table.stdout]).toEqual([0, expect.stringMatching(/unchanged/)]);
    expect((await site.startCommand(argv('ipa-test', '--in-use', 'force')).ended).exitCode).toBe(2);

    await ipa.ironic.ask('PATCH', `/nodes/${node}`, [{ op: 'add', path: '/deploy_interface', value: 'direct' }]);
    const info = join(host, 'info.json');
    // The node waits five seconds for its agent.
    writeFileSync(
      info,
      JSON.stringify({
        image_source: `${site.cloud.store_static_url}/`,
        image_checksum: 'd41d8cd98f00b204e9800998ecf8427e',
      }),
    );
    const slow = site.startCommand(argv('ipa-test', '--instance-info', info));
    await until(
      async () => existsSync(join(host, 'journal')) && readdirSync(join(host, 'journal')).length > 0,
      'the run to begin',
    );
    expect((await site.startCommand(argv('ipa-test')).ended).exitCode).toBe(75);
    const failed = await slow.ended;
    expect([failed.exitCode, failed.stdout + failed.stderr]).toEqual([
      1,
      expect.stringMatching(/Timeout reached while waiting for callback/),
    ]);
  }),
);
