// A store that sends something else than it announced, against the real Glance: nothing empty,
// unsafe or unverified is published.
import { expect, test } from '@jest/globals';
import { makeDisk, makeRawVhd, mib } from './disk.js';
import { expectDeployed, expectUntouched, expectUpgraded, newRelease, onlyImage, seedProduction } from './images.js';
import { uploadsTo, withSite, type Site } from './site.js';

const object = /\.(qcow2|raw)$/;

/**
 * Answers each whole GET of the object, the look at its beginning left out, by a header that names
 * a backing file.
 */
function nameBackingFile(site: Site): void {
  // Bytes 12 to 15 are the low half of a qcow2's backing_file_offset.
  site.storeProxy.addFault({ method: 'GET', path: object, fromNth: 2, wrongBytes: 12 });
}

/** Nothing but the old image is there, whichever its visibility. */
async function expectAlone(site: Site, old: Awaited<ReturnType<typeof seedProduction>>): Promise<void> {
  await expectUntouched(site, old);
  expect((await site.glance.list()).map(({ id }) => id)).toEqual([old.id]);
}

test.concurrent.each([['0'], ['100000']])(
  'publishes nothing shorter than the object, where HEAD says that it has %s bytes',
  (length) =>
    withSite(async (site) => {
      const old = await seedProduction(site);
      const published = await site.store.publish(site.name, newRelease, { bytes: 3 * mib, checksumHeaders: false });
      site.storeProxy.addFault({ method: 'HEAD', path: object, setHeaders: { 'content-length': length } });

      const result = await site.deploy();

      // What was begun may stay, private, for a later run to go on with.
      if (result.failed) await expectUntouched(site, old);
      else await expectUpgraded(site, old, published);
    })(),
);

test.concurrent(
  'breaks an upload off where a clean beginning is followed by another body, and leaves nothing in Glance',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 8 * mib });
    nameBackingFile(site);

    const result = await site.deploy();

    expect(onlyImage(result).reason).toMatch(
      /refers to a backing file; the new image was deleted, and the production image was not changed$/,
    );
    // The body is refused by its first bytes, which may be before the connection to Glance is open.
    const uploads = uploadsTo(site.glanceProxy).map(({ bytesReceived }) => bytesReceived);
    expect(uploads.length).toBeLessThanOrEqual(1);
    expect(Math.max(0, ...uploads)).toBeLessThan(published.bytes);
    await expectAlone(site, old);
  }),
);

test.concurrent(
  'breaks an upload off at its last bytes, where they make a raw disk a fixed VHD',
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease, { format: 'raw', content: makeRawVhd(8 * mib) });

    const result = await site.deploy({ image_type: 'raw' });

    expect(onlyImage(result).reason).toMatch(/\.raw is VHD, not raw; the new image was deleted/);
    await expectAlone(site, old);
  }),
);

test.concurrent.each([[true], [false]])(
  'looks into what Glance has fetched itself, before it is published; the store publishes SHA-256: %s',
  (checksumHeaders) =>
    withSite(async (site) => {
      const old = await seedProduction(site);
      await site.store.publish(site.name, newRelease, { bytes: 3 * mib, checksumHeaders });
      nameBackingFile(site);

      const result = await site.deploy({ import_method: 'web-download' });

      const { reason = '' } = onlyImage(result);
      expect(uploadsTo(site.glanceProxy)).toEqual([]);
      // Since 2025.1 Glance looks itself, and says at most that its task has failed. It keeps no data then, and
      // the next run finds the image as it was created.
      if (reason.startsWith('Glance could not import ')) {
        await expectUntouched(site, old);
        const others = (await site.glance.list()).filter(({ id }) => id !== old.id);
        for (const { status, visibility } of others)
          expect({ status, visibility }).toEqual({ status: 'queued', visibility: 'private' });
      } else {
        expect(reason).toMatch(/refers to a backing file; the new image was deleted/);
        await expectAlone(site, old);
      }
    })(),
);

test.concurrent(
  'verifies what a killed run has brought in by its SHA-256, although its MD5 is that of the store',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 3 * mib });
    // Of two contents with one MD5 the store has one and publishes the SHA-256 of the other.
    const other = site.storeProxy.addFault({
      path: object,
      setHeaders: { 'x-object-meta-x-sdk-sha256': '0'.repeat(64) },
    });
    const running = site.startDeploy();
    site.glanceProxy.addFault({ method: 'PUT', path: /\/file$/, nth: 1, answered: () => void running.kill() });
    await running.ended;

    const result = await site.deploy();

    expect(onlyImage(result)).toMatchObject({
      action: 'failed',
      reason: expect.stringMatching(/the store's sha256 of the image is .*; the new image was deleted/),
    });
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectAlone(site, old);
    other.remove();
    await site.deploy();
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'leaves out what a service would act on, and passes on what the site allows',
  withSite(async (site) => {
    const manifest = {
      image_type: 'snapshot',
      base_image_ref: 'x',
      cinder_encryption_key_id: 'x',
      kernel_id: 'x',
      hypervisor_type: 'lxc',
      hw_disk_bus: 'scsi',
      os_distro: 'ubuntu',
    };
    const published = await site.store.publish(site.name, newRelease, { manifest });

    const result = await site.deploy({ allowed_properties: ['hw_*'] });

    expect(result.warnings).toEqual([
      expect.stringContaining(
        'image_type, base_image_ref, cinder_encryption_key_id, kernel_id, hypervisor_type cannot be set by a manifest',
      ),
    ]);
    const image = await expectDeployed(site, published);
    expect(image).toMatchObject({ hw_disk_bus: 'scsi', os_distro: 'ubuntu' });
    for (const name of ['image_type', 'base_image_ref', 'cinder_encryption_key_id', 'kernel_id', 'hypervisor_type'])
      expect(image).not.toHaveProperty(name);
  }),
);

test.concurrent(
  'tells in a sentence that Glance answered an upload and has nothing',
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease, { content: makeDisk() });
    site.glanceProxy.addFault({ method: 'PUT', path: /\/file$/, status: 204 });

    const result = await site.deploy({ attempts: 1 });

    expect(onlyImage(result).reason).toMatch(/Glance confirmed the data of image \S+, but the image is still queued/);
    await expectUntouched(site, old);
  }),
);
