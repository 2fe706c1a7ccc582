// Glance fails when the new image is to take the old one's place.
import { expect, test } from '@jest/globals';
import { expectUntouched, expectUpgraded, newRelease, onlyImage, publicImages, seedProduction } from './images.js';
import { uploadsTo, withSite, writesTo } from './site.js';

const imagePath = /\/v2\/images\/[^/?]+$/;
/** The first PATCH of an upgrade promotes the new image, the second archives the old one. */
const change = { method: 'PATCH', path: imagePath };

test.concurrent.each([403, 500])(
  'takes the promotion back where archiving is refused with %i, and promotes next time without a new upload',
  (status) =>
    withSite(async (site) => {
      const old = await seedProduction(site);
      const published = await site.store.publish(site.name, newRelease);
      site.glanceProxy.addFault({ method: 'PATCH', path: new RegExp(old.id), status });

      const result = await site.deploy();

      expect(result.failed).toBe(true);
      expect(onlyImage(result)).toMatchObject({ action: 'failed' });
      expect(result.msg).toMatch(
        new RegExp(`the previous image ${old.id} could not be archived .*answered ${status}.*rolled back`),
      );
      await expectUntouched(site, old);
      site.glanceProxy.clearFaults();
      expect(onlyImage(await site.deploy())).toMatchObject({ action: 'resume', archived_id: old.id });
      expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
      await expectUpgraded(site, old, published);
    })(),
);

test.concurrent(
  'puts right in the next run a promotion that could neither be finished nor taken back',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ ...change, fromNth: 2, status: 403 });

    const result = await site.deploy();

    expect(result.failed).toBe(true);
    expect(result.msg).toContain('two images in production now have this name');
    expect(await publicImages(site)).toHaveLength(2);
    site.glanceProxy.clearFaults();
    expect(onlyImage(await site.deploy())).toMatchObject({
      action: 'resume',
      archived_id: old.id,
      reason: expect.stringContaining('a promotion was interrupted'),
    });
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'archives the pair of a broken promotion also where a newer release is wanted meanwhile',
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ ...change, fromNth: 2, status: 403 });
    await site.deploy();
    site.glanceProxy.clearFaults();
    const published = await site.store.publish(site.name, '20250601-v1-amd');

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    expect(await publicImages(site)).toEqual([expect.objectContaining({ current: published.release })]);
    const archived = (await site.glance.list()).filter((image) => image['chameleon-supported'] === 'no');
    expect(archived.map(({ current }) => current)).toEqual([old.current, newRelease]);
  }),
);

test.concurrent.each<[string, number]>([
  ['the promotion', 1],
  ['the archiving', 2],
])('repeats %s where it is answered 503, and where its token has expired', (_, nth) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ ...change, nth, status: 503 });
    site.glanceProxy.addFault({ ...change, nth: nth + 1, status: 401 });

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    expect(writesTo(site.glanceProxy).filter(({ method }) => method === 'PATCH')).toHaveLength(4);
    await expectUpgraded(site, old, published);
  })(),
);

test.concurrent.each<[string, number]>([
  ['the promotion', 1],
  ['the archiving', 2],
])('repeats %s where its answer was lost', (_, nth) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ ...change, nth, passThenCut: true });

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    await expectUpgraded(site, old, published);
  })(),
);

test.concurrent(
  'leaves the new image private where its promotion is refused, and promotes it next time without a new upload',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ ...change, nth: 1, status: 403 });

    const result = await site.deploy();

    expect(result.failed).toBe(true);
    await expectUntouched(site, old);
    expect(onlyImage(await site.deploy())).toMatchObject({ action: 'resume' });
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectUpgraded(site, old, published);
  }),
);

/** The looks at the new image: before the upload, after it, and after the promotion. */
const readBack = 3;

test.concurrent(
  'reads a change back again where the first look is answered 503',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ method: 'GET', path: imagePath, nth: readBack, status: 503 });

    expect((await site.deploy()).failed).toBeUndefined();

    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'fails where a change cannot be read back at all, and puts it right next time',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ method: 'GET', path: imagePath, fromNth: readBack, status: 403 });

    const result = await site.deploy();

    expect(result.failed).toBe(true);
    expect((await publicImages(site)).length).toBeGreaterThan(0);
    site.glanceProxy.clearFaults();
    expect((await site.deploy()).failed).toBeUndefined();
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectUpgraded(site, old, published);
  }),
);
