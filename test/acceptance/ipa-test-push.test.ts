// The roll-out of ipa_test on real nodes, in all states that they may be in.
import { expect, test } from '@jest/globals';
import { fact, until } from './cloud.js';
import {
  asBefore,
  former,
  forNova,
  openIpaSite,
  resultOf,
  standingOf,
  type IpaResult,
  type IpaSite,
} from './ipa-site.js';
import { withSite, writesTo } from './site.js';
import { bootOnNode, removeServer } from './compute.js';

const byIronic = { deployer: 'ironic', push: true } as const;
const pushOnly = { ...byIronic, test: false } as const;

function resultsOf({ nodes = [] }: IpaResult): Map<string, string> {
  return new Map(nodes.map(({ uuid, result, reason }) => [uuid, `${result}: ${reason}`]));
}

function kernels(ipa: IpaSite, nodes: readonly string[]): Promise<unknown[]> {
  return Promise.all(
    nodes.map(
      async (node) => ((await ipa.ironic.getNode(node)).driver_info as Record<string, unknown>)['deploy_kernel'],
    ),
  );
}

async function provision(ipa: IpaSite, node: string, target: string, state: string): Promise<void> {
  await ipa.ironic.ask('PUT', `/nodes/${node}/states/provision`, { target });
  await ipa.ironic.waitForState(node, state);
}

/**
 * Nodes of the type in the state `enroll`, at little cost: the roll-out changes them as it does
 * others.
 */
async function enrollNodes(
  ipa: IpaSite,
  letters: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  return Promise.all([...letters].map((letter) => ipa.enrollNode({ name: `${ipa.site.name}-${letter}`, ...fields })));
}

const asEnrolled = { ...asBefore, provision_state: 'enroll' };

test.concurrent(
  'a test on one of 20 nodes, then the images for those that can have them; the second time nothing changes',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const [enrolled, inUse, available] = [
      await enrollNodes(ipa, 'abcdefgh'),
      [await ipa.addNode(), await ipa.addNode()],
      await ipa.addNode(),
    ];
    await Promise.all(inUse.map((node) => provision(ipa, node, 'active', 'active')));
    const arm = await enrollNodes(ipa, 'ijkl', { properties: { cpu_arch: 'aarch64' } });
    const masked = await enrollNodes(ipa, 'm', {
      driver_info: { ...former, deploy_kernel: 'http://127.0.0.1/kernel?token=x' },
    });
    const [maintained, manageable] = [await enrollNodes(ipa, 'no'), await enrollNodes(ipa, 'pq')];
    await Promise.all(
      maintained.map((node) => ipa.ironic.ask('PUT', `/nodes/${node}/maintenance`, { reason: 'a fan' })),
    );
    await Promise.all(manageable.map((node) => provision(ipa, node, 'manage', 'manageable')));
    const free = [...enrolled, available];
    const given = { ...byIronic, kernel_image: ipa.kernel.id, initramfs_image: ipa.initramfs.id, batch_size: 6 };

    const planned = resultsOf(await ipa.run({ ...given, _ansible_check_mode: true }));
    expect([planned.size, writesTo(ipa.ironicProxy)]).toEqual([20, []]);
    const result = await ipa.run(given);

    expect(result).toMatchObject({ passed: true, changed: true });
    expect(result.failed).toBeUndefined();
    const results = resultsOf(result);
    const changed = [...free, ...maintained, ...manageable];
    for (const node of changed)
      expect([planned.get(node), results.get(node)]).toEqual([
        expect.stringMatching(/^update: /),
        expect.stringMatching(/^updated: it is (available|enroll|manageable)$/),
      ]);
    for (const node of inUse)
      expect([planned.get(node), results.get(node)]).toEqual(Array(2).fill('skipped: it is in state active'));
    for (const node of arm)
      expect(results.get(node)).toBe('skipped: its cpu_arch is aarch64, and the images are for x86_64');
    for (const node of masked) expect(results.get(node)).toMatch(/^skipped: Ironic masks one of its images/);
    expect(await kernels(ipa, [...changed, ...inUse, ...arm])).toEqual([
      ...changed.map(() => ipa.kernel.id),
      ...inUse.map(() => former.deploy_kernel),
      ...arm.map(() => former.deploy_kernel),
    ]);
    expect(standingOf(await ipa.ironic.getNode(manageable[0] as string))).toMatchObject({
      provision_state: 'manageable',
      maintenance: false,
    });
    expect(await ipa.ironic.getNode(maintained[0] as string)).toMatchObject({
      maintenance: true,
      maintenance_reason: 'a fan',
    });

    const writes = writesTo(ipa.ironicProxy).length;
    const again = await ipa.run({ ...given, ...pushOnly });
    expect(again).toMatchObject({ changed: false });
    expect([...resultsOf(again).values()].filter((text) => text.startsWith('unchanged: '))).toHaveLength(
      changed.length,
    );
    expect([writesTo(ipa.ironicProxy).length, ipa.journal()]).toEqual([writes, []]);
  }),
);

test.concurrent(
  'nodes in use are changed where that is wished, or waited for',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const [kept, awaited] = await Promise.all([ipa.addNode(), ipa.addNode(forNova(site))]);
    await provision(ipa, kept, 'active', 'active');
    const server = await bootOnNode(site, awaited, ipa.image.id);
    expect(resultsOf(await ipa.run(pushOnly)).get(awaited)).toBe(`skipped: instance ${server.id} is on it`);

    const waiting = ipa.start({
      ...pushOnly,
      in_use: 'wait',
      in_use_timeout: 20,
      node_type: fact(site.cloud, 'baremetal_resource_class'),
      _ansible_check_mode: true,
    });
    expect(resultsOf(resultOf(await waiting.ended)).get(awaited)).toMatch(/^skipped: would be waited for: instance /);
    const running = ipa.start({ ...pushOnly, in_use: 'wait', in_use_timeout: 3 });
    await removeServer(site, server.id);
    const waited = resultsOf(resultOf(await running.ended));
    expect(waited.get(awaited)).toMatch(/^updated: /);
    expect(waited.get(kept)).toBe('skipped: unchanged after 3 s: it is in state active');

    expect(resultsOf(await ipa.run({ ...pushOnly, in_use: 'update' })).get(kept)).toBe(
      'updated: it is in state active; the images take effect with its next deployment',
    );
    expect(await kernels(ipa, [kept, awaited])).toEqual([ipa.kernel.id, ipa.kernel.id]);
    expect(standingOf(await ipa.ironic.getNode(kept))).toMatchObject({ provision_state: 'active' });
  }),
);

test.concurrent(
  'nodes that are locked or on their way are waited for',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const [node] = await enrollNodes(ipa, 'a', { conductor_group: fact(site.cloud, 'ironic_slow_group') });
    // Locked for two seconds, from just before its images are set.
    const lock = async (): Promise<void> =>
      void (await ipa.ironic.ask('PUT', `/nodes/${node}/states/power`, { target: 'power on' }));
    ipa.ironicProxy.addFault({ method: 'PATCH', path: new RegExp(`/nodes/${node}$`), nth: 1, before: lock });

    const result = await ipa.run({ ...pushOnly, lock_timeout: 30 });

    expect(resultsOf(result).get(node as string)).toMatch(/^updated: /);
    expect(
      ipa.ironicProxy.requests.filter(({ method, status }) => method === 'PATCH' && status === 409).length,
    ).toBeGreaterThan(0);
  }),
);

test.concurrent(
  'more failures than are allowed stop the roll-out and take it back',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const nodes = await enrollNodes(ipa, 'abcde');
    const [first, second, third, fourth] = nodes as [string, string, string, string];
    const refused = [second, fourth].map((node) =>
      ipa.ironicProxy.addFault({ method: 'PATCH', path: new RegExp(node), status: 403, body: 'forbidden' }),
    );

    const tolerated = await ipa.run({ ...pushOnly, batch_size: 1, max_failures: 1 });

    expect(tolerated).toMatchObject({ failed: true, code: 'PART_FAILED' });
    expect(tolerated.failures?.[0]).toMatch(/the roll-out was stopped because 2 nodes failed and max_failures is 1/);
    expect([...resultsOf(tolerated).values()].map((text) => text.split(':')[0]).sort()).toEqual([
      'failed',
      'failed',
      'rolled back',
      'rolled back',
      'skipped',
    ]);
    expect(resultsOf(tolerated).get(third)).toBe('rolled back: it has its former images');
    expect(await Promise.all(nodes.map(async (node) => standingOf(await ipa.ironic.getNode(node))))).toEqual(
      nodes.map(() => asEnrolled),
    );
    expect(ipa.journal()).toEqual([]);

    refused[0]?.remove();
    const enough = await ipa.run({ ...pushOnly, batch_size: 2, max_failures: 1 });
    expect(enough.failed).toBe(true);
    expect(await kernels(ipa, nodes)).toEqual(
      [first, second, third, fourth, 'e'].map((node) => (node === fourth ? former.deploy_kernel : ipa.kernel.id)),
    );
  }),
);

test.concurrent(
  'a roll-out that is killed goes on with the next push, or is taken back',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const [nodes] = [await enrollNodes(ipa, 'abc'), await ipa.addNode({ name: `${site.name}-d` })];
    const killAt = async (hook: 'answered' | 'before'): Promise<void> => {
      const running = ipa.start({ ...pushOnly, batch_size: 1 });
      const fault = ipa.ironicProxy.addFault({
        method: 'PATCH',
        nth: 2,
        [hook]: () => running.kill(),
        ...(hook === 'before' ? { status: 503 } : {}),
      });
      expect((await running.ended).exitCode).toBeNull();
      fault.remove();
      expect(ipa.journal()).toHaveLength(1);
    };
    const standing = (): Promise<unknown[]> =>
      Promise.all(nodes.map(async (node) => standingOf(await ipa.ironic.getNode(node))));

    await killAt('answered');
    expect(await kernels(ipa, nodes)).toEqual([ipa.kernel.id, ipa.kernel.id, former.deploy_kernel]);
    expect(await ipa.run({ restore: true })).toMatchObject({
      changed: true,
      restored: [expect.stringMatching(/: 2 nodes have their former images$/)],
    });
    expect([await standing(), ipa.journal()]).toEqual([nodes.map(() => asEnrolled), []]);

    await killAt('before');
    expect((await ipa.run({ deployer: 'ironic', _ansible_check_mode: true })).warnings?.join()).toMatch(
      /an interrupted roll-out/,
    );
    expect(await ipa.run(pushOnly)).toMatchObject({ changed: true, restored: [] });
    expect([await kernels(ipa, nodes), ipa.journal()]).toEqual([nodes.map(() => ipa.kernel.id), []]);
  }),
);

test.concurrent(
  'a roll-out that is killed while it is taken back is taken back by the next run',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const [nodes] = [await enrollNodes(ipa, 'abc'), await ipa.addNode({ name: `${site.name}-d` })];
    const refused = ipa.ironicProxy.addFault({ method: 'PATCH', path: new RegExp(nodes[2] as string), status: 403 });
    const running = ipa.start({ ...pushOnly, batch_size: 1 });
    // The first two are updated, the third is refused with the token of the system and with that of
    // the project, and with the fifth request the taking back begins.
    const killed = ipa.ironicProxy.addFault({ method: 'PATCH', nth: 5, before: () => running.kill(), status: 503 });
    expect((await running.ended).exitCode).toBeNull();
    killed.remove();
    refused.remove();

    const result = await ipa.run({ deployer: 'ironic' });

    expect(result).toMatchObject({
      passed: true,
      restored: [expect.stringMatching(/: 3 nodes have their former images$/)],
    });
    await until(
      async () => (await kernels(ipa, nodes)).every((kernel) => kernel === former.deploy_kernel),
      'the former images',
    );
    expect(ipa.journal()).toEqual([]);
  }),
);
