import { expect, test } from '@jest/globals';
import { mib } from './disk.js';
import {
  expectDeployed,
  expectUntouched,
  expectUpgraded,
  glanceDigest,
  newRelease,
  oldRelease,
  onlyImage,
  publicImages,
  seedArchiveName,
  seedProduction,
} from './images.js';
import { container, usualManifest } from './image-store.js';
import { uploadsTo, withSite, writesTo } from './site.js';

test.concurrent(
  'deploys an image that the site does not have, public and with all its properties',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease, { bytes: 4 * mib });

    const result = await site.deploy();

    expect(result).toMatchObject({ changed: true, msg: '1 deploy' });
    expect(result.failed).toBeUndefined();
    const image = await expectDeployed(site, published);
    expect(onlyImage(result)).toMatchObject({
      ...{ name: site.name, release: newRelease, action: 'deploy', id: image.id, bytes: published.bytes },
      ...{ reason: 'the site has no image of this name', verified_by: ['size', "store's sha256", glanceDigest] },
    });
    expect(image).toMatchObject({
      ...usualManifest(site.name, newRelease),
      ...{
        owner: site.project.id,
        container_format: 'bare',
        disk_format: 'qcow2',
        min_disk: 0,
        os_hidden: false,
        protected: false,
        current: newRelease,
      },
      ...{ image_tools_id: image.id, image_tools_name: site.name, image_tools_sha256: published.sha256 },
      image_tools_source: `${site.storeProxy.url}/${container}/${site.scope}/versions/${newRelease}/${site.name}.qcow2`,
    });
    expect(image.image_tools_replaces).toBeUndefined();
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
  }),
);

test.concurrent(
  'does not write anything when the site has the release already',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    await site.deploy();
    const writesBefore = writesTo(site.glanceProxy).length;

    const result = await site.deploy();

    expect(result).toMatchObject({ changed: false, msg: '1 up_to_date' });
    expect(onlyImage(result)).toMatchObject({ action: 'up_to_date', reason: `the site has release ${newRelease}` });
    expect(writesTo(site.glanceProxy)).toHaveLength(writesBefore);
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'archives the image before it on an upgrade: same id, still public, marked as superseded',
  withSite(async (site) => {
    await site.store.publish(site.name, oldRelease);
    const { id: oldId } = onlyImage(await site.deploy());
    const published = await site.store.publish(site.name, newRelease);

    const result = await site.deploy();

    const archivedName = `${site.name}_2025-01-15 15:30:45.123456`;
    expect(onlyImage(result)).toMatchObject({
      action: 'deploy',
      reason: `the site has release ${oldRelease}`,
      archived_id: oldId,
      archived_name: archivedName,
    });
    const image = await expectDeployed(site, published);
    expect(image.image_tools_replaces).toBe(oldId);
    const old = await site.glance.get(oldId);
    expect(old).toMatchObject({
      name: archivedName,
      visibility: 'public',
      status: 'active',
      current: oldRelease,
      'chameleon-supported': 'no',
    });
    const agoSeconds = (Date.now() - Date.parse(String(old.image_tools_superseded_at))) / 1000;
    expect(agoSeconds).toBeGreaterThanOrEqual(0);
    expect(agoSeconds).toBeLessThan(60);
    expect(await site.deploy()).toMatchObject({ changed: false });
  }),
);

test.concurrent(
  'takes over from an image without any markers, and appends a counter to an archive name that is taken',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const taken = await site.glance.create(
      { name: seedArchiveName(site), visibility: 'public' },
      Buffer.from('older still'),
    );
    const published = await site.store.publish(site.name, newRelease);

    const result = await site.deploy();

    expect(onlyImage(result).archived_name).toBe(`${seedArchiveName(site)}.2`);
    await expectDeployed(site, published);
    expect(await site.glance.get(old.id)).toMatchObject({ name: `${seedArchiveName(site)}.2` });
    expect(await site.glance.get(taken.id)).toEqual(taken);
  }),
);

test.concurrent(
  'plans in check mode, shows the difference, and writes nothing',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);

    const result = await site.deploy({ _ansible_check_mode: true, _ansible_diff: true });

    expect(result).toMatchObject({ changed: true, msg: 'planned: 1 deploy' });
    expect(onlyImage(result)).toMatchObject({
      action: 'deploy',
      release: newRelease,
      reason: `the site has release ${oldRelease}`,
      bytes: published.bytes,
    });
    expect(result.diff?.[0]?.before).toContain(old.id);
    expect(result.diff?.[0]?.after).toContain(newRelease);
    expect(writesTo(site.glanceProxy)).toEqual([]);
    expect(writesTo(site.storeProxy)).toEqual([]);
    await expectUntouched(site, old);
  }),
);

test.concurrent(
  'deploys the raw image where the site wants raw',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease, { format: 'raw', bytes: 3 * mib });

    await site.deploy({ image_type: 'raw' });

    expect(await expectDeployed(site, published)).toMatchObject({ disk_format: 'raw' });
  }),
);

test.concurrent(
  'deploys a static large object of three segments, verified by the checksum of the whole',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease, { bytes: 6 * mib, segments: 3 });

    const result = await site.deploy();

    expect(onlyImage(result).verified_by).toContain("store's sha256");
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'takes the ETag of a plain Swift object for its MD5 where the producer gave no checksum',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease, { checksumHeaders: false });

    const result = await site.deploy();

    expect(onlyImage(result).verified_by).toEqual(['size', "store's md5", glanceDigest]);
    expect((await expectDeployed(site, published)).image_tools_sha256).toBeUndefined();
  }),
);

test.concurrent(
  'deploys and upgrades from a static web server, which tells no checksum at all',
  withSite(
    async (site) => {
      const old = await seedProduction(site);
      const published = await site.store.publish(site.name, newRelease);

      const result = await site.deploy();

      expect(onlyImage(result).verified_by).toEqual(['size', glanceDigest]);
      await expectUpgraded(site, old, published);
    },
    { store: 'web' },
  ),
);

test.concurrent(
  'sets min_disk from the virtual size when told to',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease, { virtualSize: '2049M' });

    await site.deploy({ min_disk: 'auto' });

    expect(await expectDeployed(site, published)).toMatchObject({ min_disk: 3 });
  }),
);

test.concurrent(
  'deploys the same release again by force, into a new image each time',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    const first = onlyImage(await site.deploy());

    const second = onlyImage(await site.deploy({ force: true }));
    const third = onlyImage(await site.deploy({ force: true }));

    expect(second).toMatchObject({ action: 'deploy', reason: 'deployed again as requested', archived_id: first.id });
    expect(third).toMatchObject({ archived_id: second.id, archived_name: `${second.archived_name}.2` });
    expect(new Set([first.id, second.id, third.id]).size).toBe(3);
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'goes back to an earlier release when the catalogue does',
  withSite(async (site) => {
    const earlier = await site.store.publish(site.name, oldRelease);
    const { id: firstId } = onlyImage(await site.deploy());
    await site.store.publish(site.name, newRelease);
    const { id: laterId } = onlyImage(await site.deploy());
    await site.store.publishCatalogue(JSON.stringify({ [site.name]: oldRelease }));

    const result = await site.deploy();

    expect(onlyImage(result)).toMatchObject({ action: 'deploy', release: oldRelease, archived_id: laterId });
    const image = await expectDeployed(site, earlier);
    expect(image.id).not.toBe(firstId);
    expect(await publicImages(site)).toHaveLength(1);
    expect(await site.deploy()).toMatchObject({ changed: false });
  }),
);

test.concurrent(
  'logs in with an application credential',
  withSite(async (site) => {
    await site.store.publish(site.name, newRelease);

    // Its project is one that other people use too, so this run is kept to its own name.
    const result = await site.deploy({ cloud: 'local-appcred', images: [site.name], _ansible_check_mode: true });

    expect(onlyImage(result)).toMatchObject({ action: 'deploy' });
    expect(await site.info({ cloud: 'local-appcred', images: [site.name] })).toMatchObject({ images: [] });
  }),
);
