// A site that openstack-image-manager filled changes to these tools.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { imageClean } from '../../modules/images/clean/operation.js';
import { imageInfo } from '../../modules/images/info/operation.js';
import { imageRollback } from '../../modules/images/rollback/operation.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import { now, resultOf } from './image-clean-site.js';
import { hashOf, startListSite, type ListTestSite } from './list-site.js';
import { disk } from './objects-site.js';
import { listedResults } from './rollback-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(60_000);

let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite({ services: ['compute', 'baremetal'], now: () => now.getTime() });
});

afterEach(() => site.close());

const newer = disk('newer');
const checksums = `${hashOf(newer, 'sha512')}  noble.img\n`;

/** As that tool leaves an image of an entry with `multi: true`. */
function seed(name: string, version: string, changes: Partial<StoredImage> = {}): StoredImage {
  return site.glance.seed({
    id: randomUUID(),
    name,
    tags: ['managed_by_osism', 'os:ubuntu'],
    created_at: '2024-03-22T16:00:00Z',
    ...changes,
    properties: {
      image_description: 'Ubuntu 24.04',
      internal_version: version,
      os_distro: 'ubuntu',
      ...changes.properties,
    },
  });
}

function list(
  version: string,
  more: Readonly<Record<string, unknown>> = {},
  visibility = 'public',
  entry: Readonly<Record<string, unknown>> = {},
): void {
  const url = `${site.web.url}/${version}/noble.img`;
  site.write('ubuntu.json', [
    {
      name: 'Ubuntu 24.04',
      format: 'qcow2',
      login: 'ubuntu',
      status: 'active',
      visibility,
      multi: true,
      meta: { os_distro: 'ubuntu' },
      tags: [],
      versions: [{ version, url, ...more }],
      ...entry,
    },
  ]);
  site.web.serve(`/${version}/noble.img`, newer);
}

const uploads = (): string[] => site.writes().filter((write) => write.startsWith('PUT'));

test('what it has of the list gets what the list says once more, and nothing is uploaded', async () => {
  const image = seed('Ubuntu 24.04', '20251112');
  list('20251112');

  const first = await site.deploy();
  const second = await site.deploy();

  expect(first.failures).toEqual([]);
  expect(listedResults(first)).toMatchObject([
    {
      action: 'update',
      reason: expect.stringContaining('the site has version 20251112 of openstack-image-manager'),
    },
  ]);
  expect(second).toMatchObject({ changed: false });
  expect(uploads()).toEqual([]);
  expect(site.production('Ubuntu 24.04').id).toBe(image.id);
});

test('so is the content of the version latest, and a new one replaces it', async () => {
  const image = seed('Ubuntu 24.04', '20251101', { properties: { upstream_checksum: hashOf(newer, 'sha512') } });
  site.web.serve('/SHA512SUMS', checksums);
  list('latest', { checksums_url: `${site.web.url}/SHA512SUMS` });
  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'update' }]);
  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'up_to_date' }]);

  const newest = disk('newest');
  site.web.serve('/latest/noble.img', newest);
  site.web.serve('/SHA512SUMS', `${hashOf(newest, 'sha512')}  noble.img\n`);

  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'deploy', archived_id: image.id }]);
  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'up_to_date' }]);
});

test('a newer version replaces its image as it replaces ours, and a rollback puts it back', async () => {
  const image = seed('Ubuntu 24.04', '20240321');
  list('20251112');

  const outcome = await site.deploy();

  const archived = 'Ubuntu 24.04_2024-03-22 16:00:00';
  expect(listedResults(outcome)).toMatchObject([
    {
      action: 'deploy',
      archived_id: image.id,
      archived_name: archived,
      reason: expect.stringContaining('version 20240321'),
    },
  ]);
  expect(site.production('Ubuntu 24.04')).toMatchObject({
    properties: { current: '20251112', internal_version: '20251112' },
  });
  expect(image).toMatchObject({ name: archived, properties: { current: '20240321', image_tools_origin: 'list' } });
  const back = await site.run(imageRollback, { image: 'Ubuntu 24.04' });
  expect(back.failures).toEqual([]);
  expect(site.production('Ubuntu 24.04').id).toBe(image.id);
  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'held' }]);
});

test('an image that was private goes back as a private one, even if nothing is left in its place', async () => {
  const image = seed('Ubuntu 24.04', '20240321', { visibility: 'private' });
  list('20251112', {}, 'private');
  expect((await site.deploy({ reconcile: false })).failures).toEqual([]);
  const replacement = [...site.glance.state.images.values()].find(({ name }) => name === 'Ubuntu 24.04');
  expect(replacement).toMatchObject({ visibility: 'private', properties: { current: '20251112' } });
  site.glance.state.images.delete(replacement!.id);

  const back = await site.run(imageRollback, { image: 'Ubuntu 24.04' });

  expect(back.failures).toEqual([]);
  expect(image).toMatchObject({ name: 'Ubuntu 24.04', visibility: 'private' });
});

test('a copy that an operator has made is replaced, and never deleted', async () => {
  const copy = seed('Ubuntu 24.04', '20240321', { tags: [] });
  list('20251112');
  expect(listedResults(await site.deploy())).toMatchObject([{ action: 'deploy', archived_id: copy.id }]);

  const outcome = await site.run(imageClean, { catalog: ['list'], image_lists: [site.folder] }, { now });

  expect(resultOf(outcome, copy)).toBeUndefined();
  expect(copy.properties).not.toHaveProperty('current');
});

test('the cleaner leaves all images of a name alone that a list has disabled', async () => {
  const images = [seed('Ubuntu 24.04', '20240321'), seed('Ubuntu 24.04 (20230101)', '20230101')];
  list('20251112', {}, 'public', { enable: false });

  const outcome = await site.run(imageClean, { catalog: ['list'], image_lists: [site.folder] }, { now });

  for (const image of images) expect(resultOf(outcome, image)).toBeUndefined();
  expect(site.writes()).toEqual([]);
});

test('an image without its tag, or of a tag that is not the one of the site, is replaced like any other', async () => {
  seed('Ubuntu 24.04', '20251112', { tags: ['others'] });
  list('20251112');

  expect(listedResults(await site.deploy({}, { checkMode: true }))).toMatchObject([{ action: 'deploy' }]);
  expect(listedResults(await site.deploy({ image_manager_tag: 'others' }, { checkMode: true }))).toMatchObject([
    { action: 'update' },
  ]);
});

test('the cleaner retires what it has replaced, keep counts it, and info shows it', async () => {
  const production = seed('Ubuntu 24.04', '20251112', { created_at: '2025-11-13T00:00:00Z' });
  const [first, second] = ['20230101', '20240101'].map((version) => seed(`Ubuntu 24.04 (${version})`, version));
  const unknown = seed('Debian 12 (20230101)', '20230101');
  list('20251112');
  const args = { catalog: ['list'], image_lists: [site.folder], keep: 2 };

  const planned = await site.run(imageInfo, { ...args, plan: true }, { now });
  const outcome = await site.run(imageClean, args, { now });
  const again = await site.run(imageClean, args, { now });

  expect(outcome.failures).toEqual([]);
  expect(resultOf(outcome, production)).toMatchObject({ state: 'current', action: 'keep' });
  expect(resultOf(outcome, second!)).toMatchObject({ state: 'archived', action: 'keep' });
  expect(resultOf(outcome, first!)).toMatchObject({ state: 'archived', action: 'delete' });
  expect(resultOf(outcome, unknown)).toBeUndefined();
  expect(site.writes()).toEqual([`DELETE /v2/images/${first!.id}`]);
  expect(again).toMatchObject({ changed: false });
  expect(planned.values.images).toMatchObject([
    { id: production.id, state: 'current', release: '20251112' },
    { state: 'archived', production_name: 'Ubuntu 24.04' },
    { state: 'archived', production_name: 'Ubuntu 24.04' },
  ]);
});
