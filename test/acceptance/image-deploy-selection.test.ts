import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { expectDeployed, newRelease, oldRelease, onlyImage, seedProduction } from './images.js';
import { withSite, type Site } from './site.js';

/** Publishes an image under the site's name with each of the suffixes. */
async function publishFamily(site: Site, suffixes: readonly string[]): Promise<void> {
  for (const suffix of suffixes) await site.store.publish(site.name + suffix, newRelease);
}

async function namesOf(site: Site): Promise<string[]> {
  return (await site.glance.list()).map(({ name }) => name.slice(site.name.length)).sort();
}

test.concurrent(
  'deploys several images in one run, as many at a time as told',
  withSite(async (site) => {
    await publishFamily(site, ['', '-CUDA', '-ARM64']);

    const result = await site.deploy({ concurrency: 3 });

    expect(result).toMatchObject({ changed: true, msg: '3 deploy' });
    expect(await namesOf(site)).toEqual(['', '-ARM64', '-CUDA']);
  }),
);

test.concurrent(
  'deploys only the images that are selected, and none that is excluded',
  withSite(async (site) => {
    await publishFamily(site, ['', '-CUDA', '-ARM64']);

    const result = await site.deploy({ images: [site.name, '*-[A-C]*'], exclude: ['*-ARM64'] });

    expect(result.images.map(({ name }) => name)).toEqual([site.name, `${site.name}-CUDA`]);
    expect(await namesOf(site)).toEqual(['', '-CUDA']);
  }),
);

test.concurrent(
  'fails for a name that the catalogue does not have, and says which is near',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);

    const result = await site.deploy({ images: [site.name, `${site.name}x`] });

    expect(result).toMatchObject({ changed: true, failed: true, code: 'PART_FAILED' });
    expect(result.msg).toContain(`did you mean ${site.name}?`);
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'reports an image that is missing from the store, and deploys the others',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    await publishFamily(site, ['-A', '-B']);
    await site.store.withdraw(`${site.name}-A`, newRelease, 'qcow2');
    await site.store.withdraw(`${site.name}-B`, newRelease, 'manifest');

    const result = await site.deploy();

    expect(result).toMatchObject({ changed: true, failed: true, code: 'PART_FAILED' });
    expect(result.images.map(({ action }) => action)).toEqual(['deploy', 'failed', 'failed']);
    expect(result.images[1]?.reason).toMatch(/the store has no image http.*-A\.qcow2$/);
    expect(result.images[2]?.reason).toMatch(/the store has no manifest http.*-B\.manifest$/);
    expect(result.msg).toContain(`${site.name}-A: the store has no image`);
    await expectDeployed(site, published);
    expect(await namesOf(site)).toEqual(['']);
  }),
);

test.concurrent(
  'clears away what earlier runs left of releases that nobody asks for any more',
  withSite(async (site) => {
    await site.store.publish(`${site.name}-First`, oldRelease);
    const first = await site.glance.get(onlyImage(await site.deploy()).id);
    const leftover = async (name: string): Promise<string> => {
      const id = randomUUID();
      // Of a run under the same lock and from the same catalogue: one of another host, or another
      // scope, might still be at it.
      const markers = {
        image_tools_id: id,
        image_tools_name: name,
        image_tools_lock: first.image_tools_lock,
        image_tools_source: first.image_tools_source,
      };
      await site.glance.create(
        { id, name: `testing_${name}`, visibility: 'private', current: oldRelease, ...markers },
        Buffer.from('left behind'),
      );
      return id;
    };
    const ids = [await leftover(site.name), await leftover(`${site.name}-Gone`)];
    const copy = await seedProduction(site, {
      name: `testing_${site.name}`,
      visibility: 'private',
      image_tools_name: site.name,
      image_tools_id: ids[0],
    });
    const published = await site.store.publish(site.name, newRelease);

    const result = await site.deploy();

    expect(
      result.images
        .filter(({ action }) => action === 'delete')
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...ids].sort());
    const left = (await site.glance.list()).map(({ id }) => id).filter((id) => id !== first.id);
    expect(left).toEqual([copy.id, expect.any(String)]);
    await site.glance.remove(copy.id);
    await expectDeployed(site, published);
  }),
);
