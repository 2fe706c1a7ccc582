// Glance fetches the image itself: nothing passes through the host that runs us.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { mib } from './disk.js';
import { expectUntouched, expectUpgraded, newRelease, onlyImage, seedProduction } from './images.js';
import { uploadsTo, withSite, writesTo, type Site } from './site.js';

const webDownload = { import_method: 'web-download' };
/** Glance's own request; the one before it is ours, for the head of the object. */
const fetched = { method: 'GET', path: /\.qcow2$/ };

const importsOf = ({ glanceProxy }: Site): number =>
  glanceProxy.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/import')).length;

test.concurrent(
  'has Glance fetch the image, and reads it back to compare the SHA-256 that the store publishes',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 4 * mib });

    const result = await site.deploy(webDownload);

    expect(onlyImage(result)).toMatchObject({ action: 'deploy', verified_by: ['size', "store's sha256"] });
    expect([importsOf(site), uploadsTo(site.glanceProxy).length]).toEqual([1, 0]);
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'has Glance fetch a segmented object, by the MD5 that the producer gave',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 3 * mib, segments: 3 });

    const result = await site.deploy(webDownload);

    expect(result.failed).toBeUndefined();
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'fails with the refusal of Glance where it may not fetch from the port of the store',
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease);
    // Glance refuses this port: test/cloud/services/glance.sh.
    const relay = createServer((client) => {
      const store = connect(Number(new URL(site.storeProxy.url).port), '127.0.0.1');
      client.on('error', () => store.destroy()).pipe(store);
      store.on('error', () => client.destroy()).pipe(client);
    });
    relay.listen(25, '127.0.0.1');
    await once(relay, 'listening');
    site.afterwards(() => relay.close());

    const result = await site.deploy({ ...webDownload, object_store_url: 'http://127.0.0.1:25' });

    expect(result.failed).toBe(true);
    expect(onlyImage(result).reason).toMatch(/answered 400: .*127\.0\.0\.1:25/);
    expect(importsOf(site)).toBe(1);
    await expectUntouched(site, old);
  }),
);

test.concurrent(
  'asks Glance again where the store broke off, and where it did not answer',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ ...fetched, nth: 2, cutResponseAfter: 300_000 });
    site.storeProxy.addFault({ ...fetched, nth: 3, status: 500 });

    const result = await site.deploy({ ...webDownload, _ansible_verbosity: 1 });

    expect(result.failed).toBeUndefined();
    expect(result.log?.filter((line) => line.includes('Glance could not import'))).toHaveLength(2);
    expect(importsOf(site)).toBe(3);
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent.each([404, 500])(
  "fails with the message of Glance's own task where the store keeps answering %i to it",
  (status) =>
    withSite(async (site) => {
      const old = await seedProduction(site);
      await site.store.publish(site.name, newRelease);
      site.storeProxy.addFault({ ...fetched, fromNth: 2, status });

      const result = await site.deploy({ ...webDownload, attempts: 2 });

      expect(result.failed).toBe(true);
      const [incoming] = (await site.glance.list()).filter(({ name }) => name.startsWith('testing_'));
      const messages = await site.glance.taskMessages(incoming?.id ?? '');
      expect(messages).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)]);
      expect(onlyImage(result).reason).toMatch(/Glance could not import http\S+\.qcow2: /);
      expect(onlyImage(result).reason).toContain(messages[0]);
      expect(importsOf(site)).toBe(2);
      await expectUntouched(site, old);
    })(),
);

test.concurrent(
  'removes what Glance fetched where its checksum is not that of the store',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ ...fetched, nth: 2, wrongBytes: 500_000 });

    const result = await site.deploy(webDownload);

    expect(result.msg).toMatch(/the store's sha256 of the image is [0-9a-f]{64}, but that of http\S+ is [0-9a-f]{64};/);
    expect(await site.glance.list()).toEqual([old]);
    await site.deploy(webDownload);
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'finishes in the next run an import during which it was killed',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    const running = site.startDeploy(webDownload);
    const killed = new Promise<void>((resolve) => {
      site.storeProxy.addFault({ ...fetched, nth: 2, before: () => running.kill().then(resolve), delaySeconds: 2 });
    });
    await killed;

    const result = await site.deploy(webDownload);

    expect(onlyImage(result)).toMatchObject({ action: 'resume' });
    expect(importsOf(site)).toBe(1);
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'refuses before any write where the store tells nothing that Glance could be compared by',
  withSite(
    async (site) => {
      const old = await seedProduction(site);
      await site.store.publish(site.name, newRelease);

      const result = await site.deploy(webDownload);

      expect(result.failed).toBe(true);
      expect(onlyImage(result).reason).toMatch(/^web-download refused: .*use import_method: stream$/);
      expect(writesTo(site.glanceProxy)).toEqual([]);
      await expectUntouched(site, old);
    },
    { store: 'web' },
  ),
);

test.concurrent.each<[string, { status: number; body?: string }, string]>([
  [
    'offers other methods',
    { status: 200, body: '{"import-methods": {"value": ["glance-direct", "copy-image"]}}' },
    'glance-direct, copy-image',
  ],
  ['knows no imports', { status: 404 }, 'none'],
])('refuses where Glance %s', (_, answer, offered) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({
      path: /\/info\/import/,
      ...answer,
      setHeaders: { 'Content-Type': 'application/json' },
    });

    const result = await site.deploy(webDownload);

    expect(result).toMatchObject({ failed: true, code: 'IMPORT_NOT_OFFERED', details: { offered } });
    expect(writesTo(site.glanceProxy)).toEqual([]);
    await expectUntouched(site, old);
  })(),
);
