// What monitoring learns of deployments and clean-ups.
import { utimesSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { Measurements, Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { usualMetadata } from '../sandbox/builds.js';
import { publishRelease } from '../sandbox/releases.js';
import { clean, seedOld, startOldSite } from './image-clean-site.js';
import { startListSite } from './list-site.js';
import { disk, startObjectsSite } from './objects-site.js';
import { startSite, type TestSite } from './site.js';

const seconds = (text: string): number => Math.floor(Date.parse(text) / 1000);
const catalogueDate = '2025-05-01T00:00:00Z';

async function withSite<S extends TestSite>(start: () => Promise<S>, use: (site: S) => Promise<void>): Promise<void> {
  const site = await start();
  try {
    await use(site);
  } finally {
    await site.close();
  }
}

function publish(site: TestSite, name: string, release: string, content = disk()): string {
  const object = publishRelease(site.store, { name, release, content });
  const { content: current } = site.store.objects.get('prod/current') ?? {};
  site.store.put('prod/current', current ?? '', { modified: Date.parse(catalogueDate) });
  return object;
}

const measured = ({ measurements }: Outcome): Measurements | undefined => measurements;

test('a deployment measures the image that it brings in: release, catalogue, size, bytes', async () => {
  await withSite(startSite, async (site) => {
    publish(site, 'CC-One', '20250422-v1-amd');
    const one = {
      name: 'CC-One',
      release: '20250422-v1-amd',
      builtAt: seconds('2025-04-22T15:30:45Z'),
      catalogueChangedAt: seconds(catalogueDate),
      bytes: disk().length,
    };

    const first = await site.run(imageDeploy);

    expect(measured(first)).toEqual({
      ...{ failureCodes: [], actions: ['deploy'], transferredBytes: disk().length, production: [one] },
    });
    expect(measured(await site.run(imageDeploy))).toEqual({
      ...{ failureCodes: [], actions: ['up_to_date'], transferredBytes: 0, production: [one] },
    });
  });
});

test('an image whose new release fails is still the one before, and the failure has its code', async () => {
  await withSite(startSite, async (site) => {
    publish(site, 'CC-One', '20250422-v1-amd');
    await site.run(imageDeploy);
    site.store.objects.delete(publish(site, 'CC-One', '20250601-v1-amd'));

    expect(measured(await site.run(imageDeploy))).toMatchObject({
      ...{ failureCodes: ['STORE_OBJECT_MISSING'], actions: ['failed'], transferredBytes: 0 },
      production: [{ name: 'CC-One', release: '20250422-v1-amd' }],
    });
  });
});

test('a conflict is a failure of its own kind', async () => {
  await withSite(startSite, async (site) => {
    publish(site, 'CC-One', '20250422-v1-amd');
    site.glance.seed({ name: 'CC-One', visibility: 'public', owner: 'somebody-else' });

    expect(measured(await site.run(imageDeploy))).toMatchObject({
      ...{ failureCodes: ['NAME_CONFLICT'], actions: ['conflict'], production: [] },
    });
  });
});

test('what is measured is no part of the values that playbooks read', async () => {
  await withSite(startSite, async (site) => {
    publish(site, 'CC-One', '20250422-v1-amd');

    const { values } = await site.run(imageDeploy);

    const [image] = values.images as Record<string, unknown>[];
    expect(Object.keys(image ?? {})).not.toContain('promoted');
  });
});

test('the catalogue of an object of the older store changed when that was stored', async () => {
  await withSite(startObjectsSite, async (site) => {
    const stored = '2025-03-04T05:06:07Z';
    const id = site.put();
    site.objectsStore.put(id, disk(), { modified: Date.parse(stored), metadata: usualMetadata });

    const { production } = measured(await site.deploy()) ?? {};

    expect(production).toContainEqual(expect.objectContaining({ catalogueChangedAt: seconds(stored) }));
  });
});

test('the catalogue of an image of a list changed when the list did', async () => {
  await withSite(startListSite, async (site) => {
    site.web.serve('/debian.qcow2', disk());
    const image = { name: 'Debian 12', url: `${site.web.url}/debian.qcow2`, version: '20250203' };
    const path = site.write('list.json', [image]);
    utimesSync(path, seconds(catalogueDate), seconds(catalogueDate));

    const { production } = measured(await site.deploy()) ?? {};

    expect(production).toEqual([
      {
        ...{ name: 'Debian 12', release: '20250203', builtAt: seconds('2025-02-03T00:00:00Z') },
        ...{ catalogueChangedAt: seconds(catalogueDate), bytes: disk().length },
      },
    ]);
  });
});

test('a clean-up measures what it did, and what the limit refused', async () => {
  await withSite(startOldSite, async (site) => {
    for (const name of ['one', 'two']) seedOld(site, { properties: { 'build-tag': name } });

    expect(measured(await clean(site, { max_deletes: 1 }))).toEqual({
      ...{ failureCodes: ['DELETIONS_REFUSED'], actions: ['skip', 'skip'], refusedDeletions: 2 },
    });
    expect(measured(await clean(site))).toEqual({
      ...{ failureCodes: [], actions: ['delete', 'delete'], refusedDeletions: 0 },
    });
  });
});

test('a clean-up that doubts the catalogue says so by a code', async () => {
  await withSite(startOldSite, async (site) => {
    for (const name of ['CC-A', 'CC-B', 'CC-C'])
      seedOld(site, { name, visibility: 'public', properties: { current: '20240322-v1-amd' } });

    expect(measured(await clean(site))).toMatchObject({ failureCodes: ['CATALOGUE_DOUBTED'] });
  });
});
