// The cleaner and image_info know the names and the images of image lists.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { imageClean } from '../../modules/images/clean/operation.js';
import { imageInfo } from '../../modules/images/info/operation.js';
import { markers } from '../../modules/images/policy/site-image.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import { now, resultOf } from './image-clean-site.js';
import { startListSite, type ListTestSite } from './list-site.js';

let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite({ services: ['compute', 'baremetal'], now: () => now.getTime() });
});

afterEach(() => site.close());

const clean = (args: Readonly<Record<string, unknown>> = {}) =>
  site.run(imageClean, { catalog: ['list'], image_lists: [site.folder], ...args }, { now });

/** An image that a run brought in from a list long ago. */
function seed(productionName: string, name = productionName, more: Readonly<Record<string, string>> = {}): StoredImage {
  const id = randomUUID();
  return site.glance.seed({
    id,
    name,
    created_at: '2024-03-22T16:00:00Z',
    properties: {
      current: 'sha256-0123456789abcdef',
      [markers.id]: id,
      [markers.name]: productionName,
      [markers.promoted]: id,
      [markers.origin]: 'list',
      ...more,
    },
  });
}

const url = 'https://example.org/a.qcow2';

test('a name is deprecated when it has left all lists, and not while a list has it disabled or without versions', async () => {
  site.write('a.yml', [
    { name: 'Debian 12 (ARM)', url },
    { name: 'Debian 11', url, enable: false },
    { name: 'Fedora', multi: true, versions: [] },
    { name: 'Cirros', multi: false, versions: [{ version: '0.6.3', url }] },
  ]);
  const kept = ['Debian 12 (ARM)', 'Debian 11', 'Fedora', 'Cirros 0.6.3'].map((name) => seed(name));
  const [gone, older] = [seed('Debian 10'), seed('Cirros 0.6.2')];

  const outcome = await clean();

  for (const image of kept) expect(resultOf(outcome, image)).toMatchObject({ state: 'current', action: 'keep' });
  for (const image of [gone, older]) expect(resultOf(outcome, image)).toMatchObject({ state: 'deprecated' });
});

test('the archive name of an image with spaces in its name is known', async () => {
  site.write('a.yml', [{ name: 'Debian 12 (ARM)', url }]);
  const archived = seed('Debian 12 (ARM)', 'Debian 12 (ARM)_2024-03-22 16:00:00', {
    [markers.supersededAt]: '2024-05-01T00:00:00Z',
  });

  expect(resultOf(await clean(), archived)).toMatchObject({ state: 'archived', action: 'delete' });
});

test('nothing is changed if a list cannot be read or has a fault', async () => {
  site.write('a.yml', [{ name: 'Debian 12', url }]);
  const image = seed('Debian 10');
  const unreachable = { image_lists: [site.folder, `${site.web.url}/none.yml`] };

  await expect(clean(unreachable)).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
  site.write('b.yml', [{ name: 'Debian 12', url }]);
  await expect(clean()).rejects.toThrow('the name "Debian 12" is already given at');

  expect(site.writes()).toEqual([]);
  expect(site.glance.state.images.has(image.id)).toBe(true);
});

test('image_info shows the release and where it came from', async () => {
  site.write('a.yml', [{ name: 'Debian 12', url }]);
  seed('Debian 12');
  site.glance.seed({ name: 'CC-Ubuntu22.04', properties: { current: '20250422-v1-amd' } });
  site.glance.seed({ name: 'CC-Ubuntu20.04', properties: { 'build-timestamp': '2025-04-22 15:30:45' } });
  site.glance.seed({ name: 'unknown' });

  const { values } = await site.run(imageInfo, {
    catalog: ['list'],
    image_lists: [site.folder],
    plan: true,
    state: ['current', 'unmanaged'],
  });

  expect(values.images).toMatchObject([
    { name: 'CC-Ubuntu20.04', origin: 'objects' },
    { name: 'CC-Ubuntu22.04', origin: 'releases', release: '20250422-v1-amd' },
    { name: 'Debian 12', origin: 'list', release: 'sha256-0123456789abcdef', plan: { action: 'keep' } },
    expect.not.objectContaining({ origin: expect.anything() }),
  ]);
});
