// Names that another project's private images have, with and without an image of our own of the
// same name.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tokenOf } from './cloud.js';
import { parseResult, startModule, type Arguments, type ModuleResult } from './executable.js';
import { openGlance, type RawImage } from './glance.js';
import { former, openIpaSite } from './ipa-site.js';
import { withSite, writesTo, type Site } from './site.js';

/** A private image of the user demo. */
async function seedForeign(
  site: Site,
  name: string,
  attributes: Readonly<Record<string, unknown>> = {},
): Promise<RawImage> {
  const stranger = openGlance(site.cloud.glance_url, await tokenOf(site.cloud, 'demo'), site.cloud.demo_project_id);
  const image = await stranger.create({ name, visibility: 'private', ...attributes }, Buffer.from('evil'));
  site.afterwards(() => stranger.remove(image.id));
  return image;
}

async function runModule(site: Site, name: string, given: Arguments): Promise<ModuleResult> {
  const { auth, region_name, endpoint_override } = site.argumentsOf();
  const running = startModule(name, { auth, region_name, endpoint_override, ...given }, {});
  site.afterwards(() => running.kill());
  return parseResult(await running.ended);
}

test.concurrent(
  'image_cache never installs them, and takes our own where there are some',
  withSite(async (site) => {
    const folder = mkdtempSync(join(tmpdir(), 'names-'));
    site.afterwards(() => rmSync(folder, { recursive: true }));
    const glance = { kernel: `${site.name}.kernel`, ramdisk: `${site.name}.initramfs` };
    const foreign = await Promise.all(Object.values(glance).map((name) => seedForeign(site, name)));
    const cache = (from: Arguments): Promise<ModuleResult> =>
      runModule(site, 'image_cache', { sets: [{ name: 'ipa', dest: folder, glance: from }] });

    const refused = await cache(glance);
    const byId = await cache({ kernel: foreign[0]?.id, ramdisk: foreign[1]?.id });
    for (const name of Object.values(glance))
      await site.glance.create({ name, visibility: 'private' }, Buffer.from('ours'));
    const taken = await cache(glance);

    expect(refused).toMatchObject({
      failed: true,
      changed: false,
      msg: expect.stringContaining('only private or shared images of other projects'),
    });
    expect(byId).toMatchObject({
      failed: true,
      changed: false,
      msg: expect.stringContaining('is a private image of another project'),
    });
    expect(taken).toMatchObject({ changed: true });
    expect(taken.failed).toBeUndefined();
    expect(['kernel', 'ramdisk'].map((half) => readFileSync(join(folder, 'ipa', half), 'utf8'))).toEqual([
      'ours',
      'ours',
    ]);
  }),
);

test.concurrent(
  'image_property changes our own alone, and one of another project only by its id, with a word',
  withSite(async (site) => {
    const foreign = await seedForeign(site, site.name);
    const set = { set: { 'chameleon-supported': 'no' } };

    const refused = await runModule(site, 'image_property', { images: [site.name], ...set });
    const writes = writesTo(site.glanceProxy).length;
    const own = await site.glance.create({ name: site.name, visibility: 'private' });
    const changed = await runModule(site, 'image_property', { images: [site.name], ...set });
    const between = await site.glance.get(foreign.id);
    const byId = await runModule(site, 'image_property', { images: [foreign.id], ...set });

    expect(refused).toMatchObject({
      failed: true,
      changed: false,
      msg: expect.stringContaining(`${foreign.id} (private, of project ${site.cloud.demo_project_id})`),
    });
    expect(writes).toBe(0);
    expect(changed).toMatchObject({ changed: true, images: [{ id: own.id, action: 'change' }] });
    expect(between).toEqual(foreign);
    expect(byId).toMatchObject({
      changed: true,
      warnings: [expect.stringContaining(`does not belong to this login's project: ${foreign.id}`)],
    });
  }),
);

test.concurrent(
  'ipa_test gives them to no node, and takes our own where there are some',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const node = await ipa.enrollNode({ name: `${site.name}-a` });
    const halves = (name: string): Arguments => ({
      kernel_image: `${name}.kernel`,
      initramfs_image: `${name}.initramfs`,
      deployer: 'ironic',
      push: true,
      test: false,
    });
    const given = halves(`${site.name}-AMD64`);
    const kinds = { kernel: 'aki', initramfs: 'ari' };
    for (const name of [`${site.name}-AMD64`, `${site.name}-theirs`]) {
      for (const [kind, format] of Object.entries(kinds))
        await seedForeign(site, `${name}.${kind}`, { disk_format: format, container_format: format });
    }

    const refused = await ipa.run(halves(`${site.name}-theirs`));
    const before = await ipa.ironic.getNode(node);
    const pushed = await ipa.run(given);

    expect(refused).toMatchObject({
      failed: true,
      changed: false,
      code: 'INVALID_INPUT',
      msg: expect.stringContaining('only private or shared images of other projects'),
    });
    expect(before.driver_info).toMatchObject({ deploy_kernel: former.deploy_kernel });
    expect(pushed.failed).toBeUndefined();
    expect((await ipa.ironic.getNode(node)).driver_info).toMatchObject({
      deploy_kernel: ipa.kernel.id,
      deploy_ramdisk: ipa.initramfs.id,
    });
  }),
);

test.concurrent(
  'image_info says whose each is',
  withSite(async (site) => {
    const foreign = await seedForeign(site, `testing_${site.name}`, { current: '1' });
    await site.glance.create({ name: site.name, visibility: 'private', current: '1' });

    const { images } = await site.info({
      images: [`*${site.name}`],
      state: ['current', 'archived', 'incoming', 'unmanaged'],
    });

    expect(images.find(({ id }) => id === foreign.id)).toMatchObject({
      owner_name: 'demo',
      owned_by_us: false,
      managed: false,
      state: 'unmanaged',
    });
    expect(images.find(({ name }) => name === site.name)).toMatchObject({
      owner: site.project.id,
      owner_name: site.scope,
      owned_by_us: true,
    });
  }),
);
