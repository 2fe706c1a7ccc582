// ipa_test on real Nova, Placement, Ironic and Glance.
import { expect, test } from '@jest/globals';
import { fact } from './cloud.js';
import { openIpaSite, asBefore, forNova, standingOf, type IpaResult } from './ipa-site.js';
import { withSite, writesTo } from './site.js';

const passes = { passed: true, changed: false, restored: [] };

test.concurrent(
  'a server goes through Nova, Placement and Ironic on the node, which then is as before',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const node = await ipa.addNode({ ...forNova(site), name: `${site.name}-1` });

    const result = await ipa.run();

    expect(result).toMatchObject({
      ...passes,
      node: { uuid: node, name: `${site.name}-1` },
      kernel: { id: ipa.kernel.id, build_tag: `${site.name}-2025-04-22 15:30:45` },
    });
    expect(Object.keys(result.seconds ?? {}).sort()).toEqual(['deploy', 'prepare', 'reserve', 'restore', 'tear_down']);
    expect(standingOf(await ipa.ironic.getNode(node))).toEqual(asBefore);
    expect([ipa.journal(), await ipa.servers()]).toEqual([[], []]);
    const boot = ipa.novaProxy.requests.find(({ method }) => method === 'POST');
    expect(boot).toMatchObject({ path: expect.stringMatching(/\/servers$/), status: 202 });
  }),
);

test.concurrent(
  'Ironic deploys by itself, for rescuing too, and check mode only says on which node',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const node = await ipa.addNode();
    const given = { deployer: 'ironic', rescue: true, deploy_timeout: 30 };

    const planned = await ipa.run({ ...given, _ansible_check_mode: true });
    expect(planned).toMatchObject({ changed: false, node: { uuid: node }, initramfs: { id: ipa.initramfs.id } });
    expect([writesTo(ipa.ironicProxy), writesTo(ipa.novaProxy), ipa.journal()]).toEqual([[], [], []]);

    const seen: unknown[] = [];
    ipa.ironicProxy.addFault({
      method: 'PUT',
      path: /provision/,
      before: async () => void seen.push(standingOf(await ipa.ironic.getNode(node))),
    });
    expect(await ipa.run(given)).toMatchObject(passes);
    const { id: kernel } = ipa.kernel;
    const { id: ramdisk } = ipa.initramfs;
    expect(seen.at(-1)).toMatchObject({
      provision_state: 'active',
      deploy_kernel: kernel,
      deploy_ramdisk: ramdisk,
      rescue_kernel: kernel,
      rescue_ramdisk: ramdisk,
    });
    expect(standingOf(await ipa.ironic.getNode(node))).toEqual(asBefore);
    expect(writesTo(ipa.novaProxy)).toEqual([]);
  }),
);

function reasonIn({ failures }: IpaResult): string {
  return (failures ?? []).join('; ');
}

test.concurrent(
  'a node that cannot be deployed fails the test with the last error of Ironic',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const node = await ipa.addNode({ deploy_interface: 'direct' });

    const result = await ipa.run({
      deployer: 'ironic',
      instance_info: { image_source: 'http://127.0.0.1:1/image', image_checksum: 'd41d8cd98f00b204e9800998ecf8427e' },
    });

    expect(result).toMatchObject({
      failed: true,
      code: 'PART_FAILED',
      passed: false,
      last_error: expect.stringMatching(/Validation of image href .* failed/),
    });
    expect(reasonIn(result)).toMatch(/the test failed: node .* is in state deploy failed: .*Validation of image href/);
    expect(standingOf(await ipa.ironic.getNode(node))).toEqual(asBefore);
    expect(ipa.journal()).toEqual([]);
  }),
);

test.concurrent(
  'a server that Nova cannot deploy fails the test with the last error of Ironic',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const node = await ipa.addNode({ ...forNova(site), deploy_interface: 'direct' });

    const result = await ipa.run();

    expect(result).toMatchObject({ failed: true, passed: false, last_error: expect.any(String) });
    expect(standingOf(await ipa.ironic.getNode(node))).toEqual(asBefore);
    expect([ipa.journal(), await ipa.servers()]).toEqual([[], []]);
  }),
);

test.concurrent(
  'a node that cannot be cleaned with the images fails the test, and is available again with its former ones',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    // Cleaning is switched off again behind the images that fail: the former ones would work.
    const node = await ipa.addNode({ deploy_interface: 'direct' });
    await ipa.ironic.ask('PATCH', `/nodes/${node}`, [{ op: 'add', path: '/automated_clean', value: true }]);
    const stop = ipa.ironicProxy.addFault({
      method: 'PATCH',
      path: new RegExp(node),
      nth: 2,
      before: async () =>
        void (await ipa.ironic.ask('PATCH', `/nodes/${node}`, [{ op: 'add', path: '/automated_clean', value: false }])),
    });

    const result = await ipa.run({ deployer: 'ironic' });

    expect(stop).toBeDefined();
    expect(result).toMatchObject({ failed: true, passed: false, last_error: expect.any(String) });
    expect(reasonIn(result)).toMatch(/did not become available after provide, it is in state clean failed/);
    expect(standingOf(await ipa.ironic.getNode(node))).toEqual(asBefore);
    expect(ipa.journal()).toEqual([]);
  }),
);

test.concurrent(
  'a deployment that takes too long is given up',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const image_source = `${site.cloud.store_static_url}/`;
    const node = await ipa.addNode({ deploy_interface: 'direct' });

    const result = await ipa.run({
      deployer: 'ironic',
      deploy_timeout: 1,
      instance_info: { image_source, image_checksum: 'd41d8cd98f00b204e9800998ecf8427e' },
    });

    expect(result).toMatchObject({
      failed: true,
      passed: false,
      reason: expect.stringMatching(/gave up waiting for node .* to become active after 1 s/),
    });
    expect(standingOf(await ipa.ironic.getNode(node))).toEqual(asBefore);
  }),
);

test.concurrent(
  'a node that takes its time, and is locked meanwhile, is tested all the same',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const node = await ipa.addNode({ conductor_group: fact(site.cloud, 'ironic_slow_group') });
    // Each step finds the node locked by a change of its power.
    const disturb = async (): Promise<void> => {
      await ipa.ironic.ask('PUT', `/nodes/${node}/states/power`, { target: 'power off' });
    };
    ipa.ironicProxy.addFault({ method: 'PATCH', path: new RegExp(node), nth: 1, before: disturb });
    ipa.ironicProxy.addFault({ method: 'PUT', path: /provision/, nth: 2, before: disturb });

    expect(await ipa.run({ deployer: 'ironic' })).toMatchObject(passes);

    expect(ipa.ironicProxy.requests.filter(({ status }) => status === 409).length).toBeGreaterThan(0);
    expect(standingOf(await ipa.ironic.getNode(node))).toEqual(asBefore);
  }),
);
