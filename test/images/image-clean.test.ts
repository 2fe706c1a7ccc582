import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { imageClean } from '../../modules/images/clean/operation.js';
import { takeRunLock } from '../../modules/runtime/run-lock.js';
import { lockContext } from '../runtime/lock-context.js';
import { clean, resultOf, resultsOf, seedOld, startOldSite } from './image-clean-site.js';
import type { TestSite } from './site.js';

let site: TestSite;

beforeEach(async () => {
  site = await startOldSite();
});

afterEach(() => site.close());

const archived = (day: string) => ({ name: `CC-Ubuntu22.04_${day} 15:30:45.123456`, created_at: `${day}T16:00:00Z` });

describe('a cleaning', () => {
  test('hides and deletes in the first run and changes nothing in the second', async () => {
    const current = seedOld(site, { name: 'CC-Ubuntu22.04' });
    const [toDelete, toHide, young] = [
      seedOld(site),
      seedOld(site, archived('2025-05-20')),
      seedOld(site, archived('2025-12-01')),
    ];

    const first = await clean(site);
    const writes = site.writes();
    const second = await clean(site);

    expect(first).toMatchObject({
      ...{ changed: true, failures: [], message: '1 delete, 1 hide, 2 keep' },
      summary: expect.stringMatching(/^1 image deleted( \(.*\))?, 1 hidden, 2 kept at 127\.0\.0\.1; nothing failed/),
    });
    expect(writes).toEqual([`DELETE /v2/images/${toDelete.id}`, `PATCH /v2/images/${toHide.id}`]);
    expect(site.glance.state.images.get(toHide.id)).toMatchObject({
      visibility: 'private',
      os_hidden: false,
      properties: toHide.properties,
    });
    expect([resultOf(first, current)?.action, resultOf(first, young)?.action]).toEqual(['keep', 'keep']);
    expect(second).toMatchObject({ changed: false, failures: [], message: '3 keep' });
    expect(site.writes()).toEqual(writes);
  });

  test('in check mode reports the same, with differences, and sends no write', async () => {
    const [toDelete, toHide] = [seedOld(site), seedOld(site, archived('2025-05-20'))];

    const planned = await clean(site, {}, { checkMode: true });

    expect(planned).toMatchObject({ changed: true, message: 'planned: 1 delete, 1 hide' });
    expect(planned.differences).toEqual([
      {
        header: `image ${toDelete.name} (${toDelete.id})`,
        before: { id: toDelete.id, name: toDelete.name, visibility: 'public' },
        after: {},
      },
      {
        header: `image ${toHide.name} (${toHide.id})`,
        before: { visibility: 'public' },
        after: { visibility: 'private' },
      },
    ]);
    expect(planned.table.rows).toEqual([
      [toDelete.name, 'archived', '26 mo', 'delete', '26 months old, deleted at 18', toDelete.id],
      [toHide.name, 'archived', '12 mo', 'hide', '12 months old, hidden at 12', toHide.id],
    ]);
    expect(site.writes()).toEqual([]);
  });

  test('hides by os_hidden on request, and leaves images that are hidden otherwise', async () => {
    const toHide = seedOld(site, archived('2025-05-20'));
    seedOld(site, { ...archived('2025-05-21'), visibility: 'private' });

    await clean(site, { hide_mode: 'os_hidden' });

    expect(site.writes()).toEqual([`PATCH /v2/images/${toHide.id}`]);
    expect(toHide).toMatchObject({ visibility: 'public', os_hidden: true });
    expect(await clean(site, { hide_mode: 'private' })).toMatchObject({ changed: false });
  });

  test('reads ages, and what to skip, from the site.yaml of older sites', () => {
    const keys = Object.entries(imageClean.fields).flatMap(([name, field]) =>
      'siteYaml' in field && field.siteYaml ? [[name, field.siteYaml[0]]] : [],
    );

    expect(Object.fromEntries(keys)).toMatchObject({
      hide_image_age_in_month: 'hide_image_age_in_month',
      delete_image_age_in_month: 'delete_image_age_in_month',
      skip_images: 'skip_images',
      object_store_url: 'object_store_url',
    });
    // There they say which images are deployed.
    expect(keys.map(([name]) => name)).not.toEqual(expect.arrayContaining(['images']));
    expect(keys.map(([name]) => name)).not.toEqual(expect.arrayContaining(['exclude']));
  });

  test('reports which services the cloud lacks', async () => {
    await site.close();
    site = await startOldSite(['baremetal']);
    seedOld(site);

    const outcome = await clean(site);

    expect(outcome.message).toBe(
      '1 delete (services that this cloud does not have: compute, block-storage, inventory)',
    );
    expect(outcome.values).toMatchObject({ sources: ['baremetal'], absent: ['compute', 'block-storage', 'inventory'] });
  });

  test('deprecates nothing without a catalogue, or with an empty one', async () => {
    const centos = seedOld(site, { name: 'CC-CentOS7' });

    expect(resultOf(await clean(site, { object_store_url: undefined }), centos)).toMatchObject({
      state: 'current',
      action: 'keep',
    });
    site.store.put('prod/current', '{}');
    const empty = await clean(site);
    expect(resultOf(empty, centos)).toMatchObject({ state: 'deprecated', action: 'keep' });
    expect(empty.warnings).toEqual(['the catalogue is empty, so no name counts as deprecated']);
    site.store.put('prod/current', '{"CC-Ubuntu22.04": "20250422-v1-amd", "CC-CentOS7": 7}');
    expect(resultOf(await clean(site), centos)).toMatchObject({ state: 'current', action: 'keep' });
    site.store.put('prod/current', '{"CC-Ubuntu22.04": "20250422-v1-amd"}');
    expect(resultOf(await clean(site), centos)).toMatchObject({ state: 'deprecated', action: 'hide' });
  });

  test('deprecates nothing by a catalogue from a mirror, which may lack new names', async () => {
    const centos = seedOld(site, { name: 'CC-CentOS7' });

    const outcome = await clean(site, { object_store_url: ['http://127.0.0.1:9/store', site.store.objectStoreUrl] });

    expect(resultOf(outcome, centos)).toMatchObject({ action: 'keep', reason: expect.stringContaining('mirror') });
    expect(outcome.warnings).toEqual([
      'the catalogue came from a mirror, so an image whose name it does not have is kept',
    ]);
  });

  test('with a catalogue that cannot be read changes nothing', async () => {
    seedOld(site);
    site.store.put('prod/current', '["CC-Ubuntu22.04"]');

    await expect(clean(site)).rejects.toMatchObject({ code: 'CATALOGUE_UNUSABLE' });
    site.store.objects.delete('prod/current');
    await expect(clean(site)).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
    expect(site.writes()).toEqual([]);
  });

  test('is refused completely if it would delete more than max_deletes', async () => {
    for (const day of ['2024-01-01', '2024-01-02', '2025-05-20']) seedOld(site, archived(day));

    const outcome = await clean(site, { max_deletes: 1 });

    expect(outcome).toMatchObject({
      changed: false,
      message: '3 skip',
      failures: [expect.stringContaining('deletes 2 images, more than max_deletes (1)')],
    });
    expect(site.writes()).toEqual([]);
    expect(await clean(site, { max_deletes: 2 })).toMatchObject({ changed: true, failures: [] });
  });

  test('runs once at a time on a host, and a dry run ignores other runs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'clean-lock-'));
    const lock = await takeRunLock({
      context: lockContext(),
      directory: folder,
      operation: 'image_clean',
      cloud: `${site.keystone.url} ${site.keystone.admin.project.id} ${site.keystone.region}`,
    });

    await expect(clean(site, { lock_dir: folder })).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    await expect(clean(site, { lock_dir: folder }, { checkMode: true })).resolves.toMatchObject({ failures: [] });
    await lock.release();
    await expect(clean(site, { lock_dir: folder })).resolves.toMatchObject({ failures: [] });
    rmSync(folder, { recursive: true });
  });
});

describe('a selection', () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    ['a pattern', { images: ['CC-Cent*'] }, ['CC-CentOS7-20240101']],
    ['a production name', { images: 'CC-Debian11' }, ['CC-Debian11_2024-01-01 10:00:00']],
    [
      'a whole archive name with colons',
      { images: ['CC-Debian11_2024-01-01 10:00:00'] },
      ['CC-Debian11_2024-01-01 10:00:00'],
    ],
    ['an exclusion', { exclude: ['*Debian*', 'CC-Rocky9*'] }, ['CC-CentOS7-20240101']],
    ['nothing', { images: [] }, []],
  ])('by %s', async (_, args, names) => {
    for (const name of ['CC-CentOS7-20240101', 'CC-Debian11_2024-01-01 10:00:00', 'CC-Rocky9-20240101'])
      seedOld(site, { name });

    const outcome = await clean(site, args);

    expect(resultsOf(outcome).map(({ name }) => name)).toEqual(names);
    expect(site.writes()).toHaveLength(names.length);
  });

  test('by id', async () => {
    const [one] = [seedOld(site), seedOld(site)];

    expect(resultsOf(await clean(site, { images: one.id })).map(({ id }) => id)).toEqual([one.id]);
  });

  test.each<[string, (id: string) => string]>([
    ['id', (id) => id],
    ['id in capitals', (id) => id.toUpperCase()],
    ['name', () => 'CC-Debian11_2024-01-01 10:00:00'],
    ['production name', () => 'CC-Debian11'],
    ['pattern', () => '*[0-9] 10:*'],
  ])('of what to skip goes by %s', async (_, entryOf) => {
    const image = seedOld(site, { name: 'CC-Debian11_2024-01-01 10:00:00' });

    const outcome = await clean(site, { skip_images: [entryOf(image.id)] });

    expect(resultOf(outcome, image)).toMatchObject({
      action: 'skip',
      reason: 'listed in skip_images; 26 months old, deleted at 18',
    });
    expect(site.writes()).toEqual([]);
  });

  test('of what to skip warns of an entry that matches nothing', async () => {
    const { warnings } = await clean(site, { skip_images: ['CC-Ubuntu22', '0b2e35ba-4c0b-4c0e-9d8f-6b0a4c9a7f11'] });

    expect(warnings).toEqual([
      'skip_images: no image of the site matches CC-Ubuntu22, 0b2e35ba-4c0b-4c0e-9d8f-6b0a4c9a7f11',
    ]);
  });
});

test.each([
  [{ hide_image_age_in_month: 18 }, 'hide_image_age_in_month (18) must be smaller than delete_image_age_in_month (18)'],
  [
    { hide_image_age_in_month: 20, delete_image_age_in_month: 6 },
    'hide_image_age_in_month (20) must be smaller than delete_image_age_in_month (6)',
  ],
  [{ hide_image_age_in_month: -1 }, 'hide_image_age_in_month: -1 is out of range; allowed: 0 to 1200'],
  [
    { delete_image_age_in_month: '18.5' },
    'delete_image_age_in_month: 18.5 is of the wrong type; it must be a whole number',
  ],
  [{ hide_image_age_in_month: 'twelve' }, 'hide_image_age_in_month'],
  [{ hide_mode: 'deactivate' }, 'hide_mode'],
  [{ age_from: 'updated' }, 'age_from'],
  [{ max_deletes: -1 }, 'max_deletes'],
  [{ grace_days: -1 }, 'grace_days'],
  [{ images: [''] }, 'images[0]: "" is not allowed'],
])('%j is refused before anything is asked', async (args, message) => {
  await expect(clean(site, args)).rejects.toThrow(message);

  expect([...site.keystone.requests, ...site.glance.requests, ...site.store.requests]).toEqual([]);
});
