// What somebody does between the plan and the change, and how often is asked.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { StoredImage } from '../sandbox/glance-image.js';
import { age, clean, resultOf, seedOld, startOldSite } from './image-clean-site.js';
import type { TestSite } from './site.js';

let site: TestSite;

beforeEach(async () => {
  site = await startOldSite();
});

afterEach(() => site.close());

/** The one that Glance lists last of those that were created at the same time. */
function lastOf(images: readonly StoredImage[]): StoredImage {
  return [...images].sort((one, other) => (one.id < other.id ? -1 : 1)).at(-1)!;
}

describe('between the plan and the change', () => {
  /**
   * Has something happen when Glance is asked for one image: the plan is made, and nothing is
   * changed yet.
   */
  function meanwhile(id: string, happen: () => void): void {
    const original = site.glance.state.images.get.bind(site.glance.state.images);
    site.glance.state.images.get = (key) => {
      if (key === id) happen();
      return original(key);
    };
  }

  test('a server that started from the image protects it', async () => {
    const image = seedOld(site);
    meanwhile(image.id, () => site.users.compute.seed({ name: 'quick', image: image.id }));

    expect(resultOf(await clean(site), image)).toMatchObject({
      action: 'skip',
      reason: `used by server quick of project climate; ${age}`,
    });
    expect(site.writes()).toEqual([]);
  });

  test('a node that was assigned the image protects it', async () => {
    const image = seedOld(site);
    meanwhile(image.id, () =>
      site.users.baremetal.nodes.splice(0, 9, {
        uuid: 'n',
        name: 'n',
        driver_info: { deploy_kernel: image.id },
        instance_info: {},
      }),
    );

    expect(resultOf(await clean(site), image)).toMatchObject({
      action: 'skip',
      reason: `used by node n (driver_info deploy_kernel); ${age}`,
    });
  });

  test('an image that was changed to boot with it protects it', async () => {
    const image = seedOld(site);
    meanwhile(image.id, () =>
      site.glance.seed({
        id: 'b',
        name: 'booting',
        owner: 'stranger',
        visibility: 'community',
        properties: { ramdisk_id: image.id },
      }),
    );

    expect(resultOf(await clean(site), image)).toMatchObject({
      action: 'skip',
      reason: `used by image booting (b) as its kernel or ramdisk; ${age}`,
    });
  });

  test.each<[string, (image: { name: string | null; visibility: string }) => void, string]>([
    ['was renamed', (image) => (image.name = 'CC-Ubuntu22.04'), 'name'],
    ['was published again', (image) => (image.visibility = 'community'), 'visibility'],
  ])('an image that %s is left alone', async (_, change, attribute) => {
    const image = seedOld(site);
    meanwhile(image.id, () => change(image));

    expect(resultOf(await clean(site), image)).toMatchObject({
      action: 'skip',
      reason: `its ${attribute} was changed by somebody else during the run; ${age}`,
    });
    expect(site.writes()).toEqual([]);
  });

  test('an image that somebody else deleted is not a failure', async () => {
    const image = seedOld(site);
    meanwhile(image.id, () => site.glance.state.images.delete(image.id));

    expect(await clean(site)).toMatchObject({ failures: [], message: '1 skip' });
  });

  test('a service that fails ends the run, with what was done in its result', async () => {
    for (let count = 0; count < 22; count++) seedOld(site, { name: `CC-A-20240101.${count}` });
    site.users.inventory.intervene = () => (site.users.inventory.requests.length > 2 ? { status: 400 } : undefined);

    const outcome = await clean(site);

    expect(outcome).toMatchObject({ changed: true, message: '20 delete, 1 failed, 1 skip' });
    expect(outcome.failures[0]).toContain('Doni does not report which images are in use');
    expect(site.writes()).toHaveLength(20);
  });

  test('a Nova that fails at the last check also ends the run', async () => {
    for (const day of ['10', '11', '12']) seedOld(site, { name: `CC-A-202401${day}` });
    let looks = 0;
    site.users.compute.intervene = ({ query }) => (query.has('image') && ++looks > 1 ? { status: 400 } : undefined);

    const outcome = await clean(site);

    expect(outcome.message).toBe('1 delete, 1 failed, 1 skip');
    expect(outcome.failures[0]).toContain('Nova does not report which images are in use');
  });

  test('a server that starts while other images are being deleted protects its image', async () => {
    const last = lastOf(['10', '11', '12'].map((day) => seedOld(site, { name: `CC-A-202401${day}` })));
    const remove = site.glance.state.images.delete.bind(site.glance.state.images);
    site.glance.state.images.delete = (key) => {
      if (site.users.compute.servers.length === 0) site.users.compute.seed({ name: 'quick', image: last.id });
      return remove(key);
    };

    const outcome = await clean(site);

    expect(outcome.message).toBe('2 delete, 1 skip');
    expect(resultOf(outcome, last)?.reason).toBe(`used by server quick of project climate; ${age}`);
  });

  test.each<[string, (id: string) => unknown, string]>([
    [
      'a node',
      (id) => site.users.baremetal.seed({ name: 'late', driver_info: { deploy_kernel: id } }),
      'used by node late (driver_info deploy_kernel)',
    ],
    [
      'a volume',
      (id) => site.users.volumev3.seed({ name: 'late', image: id }),
      'used by volume late of project climate',
    ],
    [
      'hardware of Doni',
      (id) => site.users.inventory.seed({ name: 'late', properties: { baremetal_deploy_kernel_image: id } }),
      'used by hardware late in Doni',
    ],
  ])('%s that is given an image while an earlier batch is being deleted saves it', async (_, use, reason) => {
    const last = lastOf(
      Array.from({ length: 25 }, (_each, count) => seedOld(site, { name: `CC-A-20240101.${count}` })),
    );
    const remove = site.glance.state.images.delete.bind(site.glance.state.images);
    let deleted = 0;
    site.glance.state.images.delete = (key) => {
      if (++deleted === 3) use(last.id);
      return remove(key);
    };

    const outcome = await clean(site);

    expect(resultOf(outcome, last)?.reason).toBe(`${reason}; ${age}`);
    expect(outcome.message).toBe('24 delete, 1 skip');
  });

  test('an image whose booting one was just deleted goes too', async () => {
    const kernel = seedOld(site, { name: 'CC-A-20240101' });
    const booting = seedOld(site, { name: 'CC-B-20240101', properties: { kernel_id: kernel.id } });

    expect(await clean(site)).toMatchObject({ message: '2 delete' });
    expect([kernel, booting].some(({ id }) => site.glance.state.images.has(id))).toBe(false);
  });
});

test('50 deletions with 5 nodes, 5 servers and 5 volumes take fewer than 6 requests each', async () => {
  for (let count = 0; count < 50; count++) seedOld(site, { name: `CC-A-20240101.${count}` });
  for (let count = 0; count < 5; count++) {
    site.users.baremetal.seed({ name: `node-${count}` });
    site.users.compute.seed({ name: `web-${count}` });
    site.users.volumev3.seed({ name: `root-${count}` });
  }

  expect(await clean(site)).toMatchObject({ message: '50 delete' });
  const services = [site.keystone, site.glance, site.store, ...Object.values(site.users)];
  const requests = services.reduce((sum, service) => sum + service.requests.length, 0);
  process.stdout.write(`50 deletions took ${requests} requests, ${(requests / 50).toFixed(1)} each\n`);
  expect(requests).toBeLessThan(6 * 50);
}, 20_000);
