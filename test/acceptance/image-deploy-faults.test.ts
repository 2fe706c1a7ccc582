// The store and its connection fail, Glance is well.
import { expect, test } from '@jest/globals';
import { makeDisk, mib } from './disk.js';
import { expectDeployed, expectUntouched, expectUpgraded, newRelease, onlyImage, seedProduction } from './images.js';
import { uploadsTo, withSite, type Site } from './site.js';

/** The data of an image; the first GET of it in a run only looks at its head. */
const data = { method: 'GET', path: /\.qcow2$/ };

/** What each request for the data asked for, without the look at the head. */
function rangesAsked({ storeProxy }: Site): (string | undefined)[] {
  const requests = storeProxy.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('.qcow2'));
  return requests.slice(1).map(({ headers }) => headers.range);
}

test.concurrent(
  'continues where the store broke off, at the beginning, in the middle and before the last byte, within one upload',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 4 * mib });
    const half = Math.floor(published.bytes / 2);
    site.storeProxy.addFault({ ...data, nth: 2, cutResponseAfter: 0 });
    site.storeProxy.addFault({ ...data, nth: 3, cutResponseAfter: half });
    site.storeProxy.addFault({ ...data, nth: 4, cutResponseAfter: published.bytes - half - 1 });

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    expect(rangesAsked(site)).toEqual([undefined, undefined, `bytes=${half}-`, `bytes=${published.bytes - 1}-`]);
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'continues a segmented object',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease, { bytes: 4 * mib, segments: 3 });
    site.storeProxy.addFault({ ...data, nth: 2, cutResponseAfter: 3 * mib });

    await site.deploy();

    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    expect(rangesAsked(site)).toEqual([undefined, `bytes=${3 * mib}-`]);
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'continues what a web server hands out',
  withSite(
    async (site) => {
      const published = await site.store.publish(site.name, newRelease);
      site.storeProxy.addFault({ ...data, nth: 2, cutResponseAfter: 1000 });

      await site.deploy();

      expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
      expect(rangesAsked(site)).toEqual([undefined, 'bytes=1000-']);
      await expectDeployed(site, published);
    },
    { store: 'web' },
  ),
);

test.concurrent.each<'swift' | 'web'>(['swift', 'web'])(
  'gives up an image whose object in the %s store changes during the transfer, and deploys the changed one next time',
  (store) =>
    withSite(
      async (site) => {
        const old = await seedProduction(site);
        await site.store.publish(site.name, newRelease);
        const changed = makeDisk();
        site.storeProxy.addFault({ ...data, nth: 2, cutResponseAfter: 300_000 });
        site.storeProxy.addFault({
          ...data,
          nth: 3,
          before: async () => void (await site.store.publish(site.name, newRelease, { content: changed })),
        });

        const result = await site.deploy();

        expect(result.failed).toBe(true);
        expect(onlyImage(result).reason).toMatch(/\.qcow2 changed during the transfer: /);
        await expectUntouched(site, old);
        site.storeProxy.clearFaults();
        const published = await site.store.publish(site.name, newRelease, { content: changed });
        expect((await site.deploy()).failed).toBeUndefined();
        await expectUpgraded(site, old, published);
      },
      { store },
    )(),
);

test.concurrent(
  'skips what it has where the store answers a Range with the whole object',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ ...data, nth: 2, cutResponseAfter: 300_001 });
    site.storeProxy.addFault({ ...data, nth: 3, ignoreRange: true });

    await site.deploy();

    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    expect(site.storeProxy.requests.at(-1)).toMatchObject({ status: 200, bytesSent: published.bytes });
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'continues on a new connection when the store falls silent',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ ...data, nth: 2, stallResponseAfter: 300_000 });
    site.storeProxy.addFault({ ...data, nth: 3, stallResponseAfter: 0 });

    const result = await site.deploy({ stall_timeout: 2, _ansible_verbosity: 1 });

    expect(result.log?.filter((line) => line.includes('sent nothing for 2 s; continuing at byte 300000'))).toHaveLength(
      2,
    );
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'waits out a store that answers 503 for a while in the middle of a transfer',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ ...data, nth: 2, cutResponseAfter: 300_000 });
    site.storeProxy.addFault({ ...data, nth: 3, status: 503 });
    site.storeProxy.addFault({ ...data, nth: 4, status: 500 });

    await site.deploy();

    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectDeployed(site, published);
  }),
);

test.concurrent.each([
  ['sha256', true],
  ['md5', false],
])(
  'removes an image whose bytes are not those of the store by its %s, and leaves the present one alone',
  (what, checksumHeaders) =>
    withSite(async (site) => {
      const old = await seedProduction(site);
      const published = await site.store.publish(site.name, newRelease, { checksumHeaders });
      site.storeProxy.addFault({ ...data, nth: 2, wrongBytes: 700_000 });

      const result = await site.deploy();

      expect(result.failed).toBe(true);
      const [, found, expected] =
        /the store's \w+ of the image is ([0-9a-f]+), but that of http\S+ is ([0-9a-f]+);/.exec(result.msg) ?? [];
      expect(found).not.toBe(expected);
      expect(expected?.length).toBe(what === 'md5' ? 32 : 64);
      if (checksumHeaders) expect(expected).toBe(published.sha256);
      expect(await site.glance.list()).toEqual([old]);
      await expectUntouched(site, old);
      site.storeProxy.clearFaults();
      await site.deploy();
      await expectUpgraded(site, old, published);
    })(),
);

test.concurrent(
  'asks by GET where the store refuses HEAD',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ method: 'HEAD', status: 405 });

    await site.deploy();

    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'asks again where the store answers 503 before any transfer',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    for (const path of [/current$/, /manifest$/, /qcow2$/]) site.storeProxy.addFault({ path, nth: 1, status: 503 });

    await site.deploy();

    await expectDeployed(site, published);
  }),
);
