// What Glance does to images on import, and the stores that it copies them to.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mib } from './disk.js';
import type { ModuleResult } from './executable.js';
import { openGlance } from './glance.js';
import { newRelease, onlyImage, seedProduction } from './images.js';
import { startSecondGlance, type SecondGlance } from './second-glance.js';
import { withSite, type Site } from './site.js';

let second: SecondGlance;

beforeAll(async () => {
  second = await startSecondGlance({ convertsTo: 'raw' });
}, 60_000);

afterAll(() => second?.close());

/** Runs against the second Glance, which also removes what it has stored where the first one cannot. */
function deployer(site: Site): (args?: object) => Promise<ModuleResult> {
  const { project } = site;
  const glance = openGlance(second.url, project.token, project.id);
  site.afterwards(async () => Promise.all((await glance.list()).map(({ id }) => glance.remove(id))));
  return (args) => site.deploy({ ...args, endpoint_override: { image: second.url } });
}

test.each([
  ['glance-direct', ["store's sha256", 'virtual size'], 0],
  ['web-download', ['virtual size'], 1],
])(
  'tells that Glance has converted the image on import by %s, and is up to date afterwards',
  (method, verified, warnings) =>
    withSite(async (site) => {
      const old = await seedProduction(site);
      const deploy = deployer(site);
      const published = await site.store.publish(site.name, newRelease, { bytes: 2 * mib, virtualSize: '5M' });

      const result = await deploy({ import_method: method });

      expect(result.failed).toBeUndefined();
      const image = onlyImage(result);
      expect(image).toMatchObject({ action: 'deploy', converted: 'from qcow2 to raw', verified_by: verified });
      expect(result.warnings ?? []).toHaveLength(warnings);
      expect(await site.glance.get(image.id)).toMatchObject({
        name: site.name,
        visibility: 'public',
        disk_format: 'raw',
        size: 5 * mib,
        image_tools_sha256: published.sha256,
      });
      expect((await site.glance.get(old.id)).name).not.toBe(site.name);
      expect(onlyImage(await deploy({ import_method: method }))).toMatchObject({ action: 'up_to_date' });
    })(),
);

test('says that Glance could not import the image, and deploys it when it can', () =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    const deploy = deployer(site);
    await site.store.publish(site.name, newRelease);
    const direct = { import_method: 'glance-direct', stores: ['spare'], attempts: 2 };
    second.breakSpareStore(true);

    const result = await deploy(direct);

    second.breakSpareStore(false);
    expect(result.failed).toBe(true);
    expect(onlyImage(result).reason).toMatch(/Glance could not import the staged data: ./);
    expect((await site.glance.get(old.id)).name).toBe(site.name);
    expect(onlyImage(await deploy(direct))).toMatchObject({ converted: 'from qcow2 to raw', stores: ['spare'] });
  })());

test('copies an image to a second store, tells a store that fails, and tries again in the next run', () =>
  withSite(async (site) => {
    const deploy = deployer(site);
    await site.store.publish(site.name, newRelease, { bytes: 2 * mib });
    const stores = { stores: ['slow', 'fast', 'spare'] };
    second.breakSpareStore(true);

    const result = await deploy(stores);

    expect(result.failed).toBe(true);
    expect(result.msg).toMatch(/Glance could not copy \S+ to its store spare: /);
    const image = onlyImage(result);
    expect(image).toMatchObject({ action: 'deploy', stores: ['slow', 'fast'], copied_to: ['fast'] });
    expect(await site.glance.get(image.id)).toMatchObject({ visibility: 'public', status: 'active' });
    second.breakSpareStore(false);
    const planned = await deploy({ ...stores, _ansible_check_mode: true });
    expect(onlyImage(planned)).toMatchObject({ action: 'copy', copied_to: ['spare'] });
    expect(onlyImage(await deploy(stores))).toMatchObject({ action: 'copy', stores: ['slow', 'fast', 'spare'] });
    expect((await deploy(stores)).changed).toBe(false);
  })());
