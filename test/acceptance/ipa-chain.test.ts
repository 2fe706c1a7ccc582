// The whole life of an IPA pair on the real cloud: published in the older store, deployed, tested,
// rolled out, replaced, grown old, and gone when no node has it.
import { expect, test } from '@jest/globals';
import type { Arguments } from './executable.js';
import { actionsOf, openOldSite, setAge } from './image-clean-site.js';
import { asBefore, former, openIpaSite, standingOf, type IpaSite } from './ipa-site.js';
import { putPair, withObjects, type ObjectsSite, type StoredObject } from './objects-store.js';
import { writesTo } from './site.js';

type Half = 'kernel' | 'initramfs';

/** A build as the producer published it, and the ids of its two images in Glance. */
interface Build {
  readonly stored: Readonly<Record<Half, StoredObject>>;
  readonly kernel: string;
  readonly initramfs: string;
}

/** Publishes a build of the agent, and has it deployed. */
async function bringIn(site: ObjectsSite, timestamp: string): Promise<Build> {
  const stored = await putPair(site, { 'build-timestamp': timestamp });
  expect((await site.deployObjects({ ipa: 'kernel' })).msg).toBe('2 deploy');
  const build = {
    stored,
    kernel: (await site.production(site.names.kernel)).id,
    initramfs: (await site.production(site.names.initramfs)).id,
  };
  await expectWhole(site, build);
  return build;
}

/** Both images can be used, and hold what was published. */
async function expectWhole({ glance }: ObjectsSite, build: Build): Promise<void> {
  for (const half of ['kernel', 'initramfs'] as const) {
    expect((await glance.get(build[half])).status).toBe('active');
    expect(await glance.sha256(build[half])).toBe(build.stored[half].sha256);
  }
}

function age(build: Build, months: number): void {
  for (const id of [build.kernel, build.initramfs]) setAge(id, months);
}

const booting = ({ kernel, initramfs }: Build): Readonly<Record<string, string>> => ({
  deploy_kernel: kernel,
  deploy_ramdisk: initramfs,
});

/** Three nodes of the site's type that boot a build; the first is free. */
async function addNodes(ipa: IpaSite, build: Build): Promise<string[]> {
  const fields = { driver_info: { ...former, ...booting(build) } };
  return Promise.all([
    ipa.addNode({ ...fields, name: `${ipa.site.name}-a` }),
    ...['b', 'c'].map((letter) => ipa.enrollNode({ ...fields, name: `${ipa.site.name}-${letter}` })),
  ]);
}

async function expectBooting(ipa: IpaSite, nodes: readonly string[], build: Build): Promise<void> {
  const standing = await Promise.all(nodes.map(async (node) => standingOf(await ipa.ironic.getNode(node))));
  const states = ['available', 'enroll', 'enroll'];
  expect(standing).toEqual(states.map((provision_state) => ({ ...asBefore, ...booting(build), provision_state })));
}

/** What the cleaner says of the two images of a build that all three nodes boot. */
function sparedFor(site: ObjectsSite, { kernel, initramfs }: Build): [string, unknown][] {
  const reason = (key: string): unknown => {
    const node = `node ${site.name}-[abc] \\(driver_info ${key}\\)`;
    return expect.stringMatching(`^skip archived: used by ${node}, ${node} and 1 more; 20 months old, deleted at 18$`);
  };
  return [
    [kernel, reason('deploy_kernel')],
    [initramfs, reason('deploy_ramdisk')],
  ];
}

test(
  'an IPA pair is deployed from the older store, tested, rolled out, and spared when it is old since nodes boot it; the pair before it goes',
  withObjects(async (site) => {
    const [ipa, { clean }] = [await openIpaSite(site), await openOldSite(site)];
    const catalogues: Arguments = {
      catalog: ['releases', 'objects'],
      objects_store_url: site.storeProxy.url,
      objects_container: site.objects.container,
      supports_yaml: site.supportsYaml,
    };
    const cleaning = { ...catalogues, images: [site.names.kernel, site.names.initramfs] };
    const rolling = { ipa_name: `${site.name}-IPA-AMD64`, deployer: 'ironic', push: true };

    // A pair is replaced and old, but every node still boots it.
    const first = await bringIn(site, '2022-12-31 23:59:59');
    const nodes = await addNodes(ipa, first);
    const second = await bringIn(site, '2023-06-01 10:00:00');
    age(first, 20);
    const spared = await clean(cleaning);
    expect(spared).toMatchObject({ changed: false, sources: ['compute', 'baremetal'] });
    const production = (build: Build): [string, string][] =>
      (['kernel', 'initramfs'] as const).map((half) => [
        build[half],
        `keep current: the production image of ${site.names[half]}`,
      ]);
    expect(actionsOf(spared)).toEqual(new Map([...sparedFor(site, first), ...production(second)]));
    await expectBooting(ipa, nodes, first);

    // The pair that is in production passes its test on the free node, then all three get it.
    const rolled = await ipa.run(rolling);
    expect(rolled).toMatchObject({
      passed: true,
      changed: true,
      node: { uuid: nodes[0] },
      kernel: { id: second.kernel },
      initramfs: { id: second.initramfs },
    });
    expect(rolled.failed).toBeUndefined();
    expect(rolled.nodes?.map(({ uuid, result }) => [uuid, result])).toEqual(nodes.map((uuid) => [uuid, 'updated']));
    await expectBooting(ipa, nodes, second);
    expect(await ipa.run({ ...rolling, test: false })).toMatchObject({ changed: false });

    // It is replaced in its turn, and all of them are old.
    const third = await bringIn(site, '2024-01-01 00:00:00');
    for (const build of [second, third]) age(build, 20);
    const planned = await clean({ ...cleaning, _ansible_check_mode: true });
    const gone = [first.kernel, first.initramfs].map((id): [string, string] => [
      id,
      'delete archived: 20 months old, deleted at 18',
    ]);
    const expected = new Map([...gone, ...sparedFor(site, second), ...production(third)]);
    expect([planned.changed, actionsOf(planned)]).toEqual([true, expected]);
    await expectWhole(site, first);

    const cleaned = await clean(cleaning);

    expect(cleaned).toMatchObject({ changed: true });
    expect(cleaned.failed).toBeUndefined();
    expect(actionsOf(cleaned)).toEqual(expected);
    for (const [id] of gone) await expect(site.glance.get(id)).rejects.toMatchObject({ status: 404 });
    for (const build of [second, third]) await expectWhole(site, build);
    await expectBooting(ipa, nodes, second);
    const writes = writesTo(site.glanceProxy).length;
    expect(await clean(cleaning)).toMatchObject({ changed: false });
    expect([writesTo(site.glanceProxy).length, ipa.journal()]).toEqual([writes, []]);
  }),
  // Nine runs one after the other, each of which takes longer beside other tests.
  240_000,
);
