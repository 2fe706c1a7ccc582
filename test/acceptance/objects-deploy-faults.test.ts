// Faults of the older image store, or between it and Glance, on the real services: what a run leaves
// behind, and what the next one makes of it.
import { expect, test } from '@jest/globals';
import { mib, makeDisk } from './disk.js';
import { newRelease } from './images.js';
import { expectContent, putPair, withObjects } from './objects-store.js';
import { uploadsTo } from './site.js';

test.concurrent(
  'reads both stores in one run, and the failure of one does not hide the success of the other',
  withObjects(async (site) => {
    const { names, objects } = site;
    const [focal, published] = [await objects.put(), await site.store.publish(names.jammy, newRelease)];
    await objects.put({ metadata: { 'build-release': 'jammy' } });
    const both = { catalog: ['releases', 'objects'], exclude: ['*IPA*', '*CUDA'] };

    const first = await site.deployObjects(both);
    const second = await site.deployObjects(both);
    site.storeProxy.addFault({ method: 'GET', path: /\?limit/, status: 403 });
    const third = await site.deployObjects(both);

    expect(first).toMatchObject({ changed: true, msg: '2 deploy' });
    await expectContent(site, names.focal, focal);
    expect(await site.production(names.jammy)).toMatchObject({ current: newRelease, size: published.bytes });
    expect(second).toMatchObject({ changed: false, msg: '2 up_to_date' });
    expect(third).toMatchObject({
      changed: false,
      failed: true,
      images: [{ name: names.jammy, action: 'up_to_date' }],
    });
    expect(third.msg).toContain('the catalogue objects could not be read');
  }),
);

test.concurrent(
  'continues a segmented object that breaks off, and deletes one whose bytes are not those that the producer told',
  withObjects(async (site) => {
    const { names, objects } = site;
    const focal = await objects.put({ content: makeDisk({ bytes: 6 * mib }), large: { kind: 'dynamic', segments: 3 } });
    await objects.put({
      metadata: { 'build-variant': 'gpu', 'x-sdk-sha256': 'ab'.repeat(32) },
      large: { kind: 'static', segments: 2 },
    });
    site.storeProxy.addFault({ method: 'GET', path: new RegExp(`/${focal.id}$`), nth: 2, cutResponseAfter: 3 * mib });

    const result = await site.deployObjects({ images: [names.focal, names.cuda] });

    expect(result).toMatchObject({ failed: true, images: [{ action: 'deploy' }, { action: 'failed' }] });
    expect(result.msg).toContain(`${names.cuda}: the store's sha256 of the image is`);
    await expectContent(site, names.focal, focal);
    expect(
      site.storeProxy.requests.some(
        ({ path, headers }) => path.endsWith(focal.id) && /^bytes=[1-9]/.test(String(headers.range)),
      ),
    ).toBe(true);
    expect((await site.glance.list()).map(({ name }) => name)).toEqual([names.focal]);
  }),
);

// The PATCHes in their order: kernel, initramfs, the kernel before, the initramfs before.
test.concurrent.each([1, 2, 3])(
  'killed when change %i of a pair was made, leaves it for the next run to finish, without another upload',
  (nth) =>
    withObjects(async (site) => {
      const { names } = site;
      await putPair(site, { 'build-timestamp': '2022-12-31 23:59:59' });
      const before = await site.deployObjects({ ipa: 'kernel' });
      const { kernel, initramfs } = await putPair(site);
      const args = {
        catalog: 'objects',
        objects_store_url: site.storeProxy.url,
        objects_container: site.objects.container,
        supports_yaml: site.supportsYaml,
        ipa: 'kernel',
      };
      const running = site.startDeploy(args);
      const killed = new Promise<void>((resolve) =>
        site.glanceProxy.addFault({ method: 'PATCH', nth, answered: () => running.kill().then(resolve) }),
      );
      await killed;
      const uploads = uploadsTo(site.glanceProxy).length;

      const next = await site.deployObjects({ ipa: 'kernel' });

      expect(next.failed).toBeUndefined();
      expect(uploadsTo(site.glanceProxy)).toHaveLength(uploads);
      await expectContent(site, names.kernel, kernel);
      await expectContent(site, names.initramfs, initramfs);
      for (const { id } of before.images)
        expect(await site.glance.get(id)).toMatchObject({
          'chameleon-supported': 'no',
          name: expect.stringMatching(/-2022-12-31 23:59:59$/),
        });
      expect(await site.deployObjects({ ipa: 'kernel' })).toMatchObject({ changed: false });
    })(),
);
