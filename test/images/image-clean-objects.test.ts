// The cleaner knows the names of both catalogues: what supports.yaml lists has not left, the
// agent's halves neither.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { imageClean } from '../../modules/images/clean/operation.js';
import { supports } from '../sandbox/builds.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import { now, resultOf, seedOld } from './image-clean-site.js';
import { initramfsName, kernelName, startObjectsSite, type ObjectsSite } from './objects-site.js';

let site: ObjectsSite;

beforeEach(async () => {
  site = await startObjectsSite({ services: ['compute', 'baremetal'], now: () => now.getTime() });
  site.store.put('prod/current', JSON.stringify({ 'CC-Ubuntu24.04': '20250422-v1-amd' }));
});

afterEach(() => site.close());

const clean = (args: Readonly<Record<string, unknown>> = {}) =>
  site.run(imageClean, { catalog: 'releases,objects', supports_yaml: site.supportsYaml, ...args }, { now });

/** A production image of the older store, old enough to be deleted. */
function seedProduction(name: string, ipa = 'na'): StoredImage {
  const { current: _current, ...properties } = seedOld(site, { name: 'template' }).properties;
  for (const { id, name: seeded } of site.glance.state.images.values())
    if (seeded === 'template') site.glance.state.images.delete(id);
  return site.glance.seed({
    name,
    created_at: '2024-03-22T16:00:00Z',
    properties: { ...properties, 'build-distro': 'ubuntu', 'build-ipa': ipa },
  });
}

test('the names of supports.yaml are current, both halves of an agent too; one that neither catalogue has is deprecated', async () => {
  const current = [
    seedProduction('CC-Ubuntu20.04'),
    seedProduction('CC-Ubuntu20.04-CUDA'),
    seedProduction(kernelName, 'kernel'),
    seedProduction(initramfsName, 'initramfs'),
  ];
  const ofReleases = seedOld(site, { name: 'CC-Ubuntu24.04' });
  const [unlisted, silent] = [seedProduction('CC-Ubuntu16.04'), seedProduction('CC-Ubuntu18.04')];
  const oldAgent = seedProduction('CC-IPA-Debian10-AMD64.kernel', 'kernel');

  const outcome = await clean();

  for (const image of [...current, ofReleases, silent])
    expect(resultOf(outcome, image)).toMatchObject({ state: 'current', action: 'keep' });
  for (const image of [unlisted, oldAgent])
    expect(resultOf(outcome, image)).toMatchObject({ state: 'deprecated', action: 'hide' });
});

test('archive names of the older store are known, with a revision that has a dash too', async () => {
  const archived = ['CC-Ubuntu20.04-20230302-1677628504.897832', `${kernelName}-20230124-1270-1677628504.897832.2`].map(
    (name) => seedProduction(name),
  );

  const outcome = await clean();

  expect(archived.map((image) => resultOf(outcome, image)?.state)).toEqual(['archived', 'archived']);
  expect(archived.map((image) => resultOf(outcome, image)?.action)).toEqual(['delete', 'delete']);
});

test('the older store itself is not asked, and need not exist', async () => {
  site.objectsStore.refusals.set('', 500);
  const image = seedProduction('CC-Ubuntu20.04');

  const outcome = await clean({ catalog: 'objects', object_store_url: null });

  expect(resultOf(outcome, image)?.state).toBe('current');
  expect([...site.objectsStore.requests, ...site.store.requests]).toEqual([]);
});

test('if the URL of the other store is unknown, no name counts as deprecated', async () => {
  const image = seedProduction('CC-Ubuntu16.04');

  expect(resultOf(await clean({ object_store_url: null }), image)).toMatchObject({ state: 'current', action: 'keep' });
});

test.each<[string, () => Record<string, unknown>, string]>([
  ['is missing', () => ({ supports_yaml: '/nonexistent.yaml' }), 'supports_yaml: /nonexistent.yaml cannot be read'],
  [
    'has a fault',
    () => {
      site.writeSupports({ ...supports, supported_variants: { base: null } });
      return {};
    },
    'which is not in supported_variants',
  ],
])('where supports.yaml %s the run fails and nothing is touched', async (_, prepare, message) => {
  seedProduction('CC-Ubuntu16.04');

  await expect(clean(prepare())).rejects.toThrow(message);
  expect(site.writes()).toEqual([]);
});

test('if the catalogue of releases cannot be read, the run fails and changes nothing', async () => {
  seedProduction('CC-Ubuntu16.04');
  site.store.refusals.set('prod/current', 403);

  await expect(clean()).rejects.toThrow('403');
  expect(site.writes()).toEqual([]);
});
