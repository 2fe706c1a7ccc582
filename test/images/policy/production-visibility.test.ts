// Production images that are not public, and what only looks like one.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { archiveEdits, productionMarks, putBackEdits } from '../../../modules/images/policy/holds.js';
import { editsToward, withEdits } from '../../../modules/images/policy/image-edits.js';
import { productionNamesakes, settleProduction } from '../../../modules/images/policy/production.js';
import {
  isProduction,
  markers,
  type ProductionTraits,
  type SiteImage,
} from '../../../modules/images/policy/site-image.js';
import { now, owner, siteImage } from './image-fixtures.js';

const name = 'CC-Ubuntu22.04';

/** As a run leaves it: with the marks of a production image of this visibility and status. */
function promoted(id: string, wanted: ProductionTraits = {}, changes: Partial<SiteImage> = {}): SiteImage {
  const { visibility = 'public', status = 'active' } = wanted;
  const properties = { [markers.id]: id, [markers.name]: name, [markers.promoted]: id };
  const image = siteImage({ id, visibility, status, properties });
  const marked = withEdits(image, editsToward(image, productionMarks(image, wanted)));
  return { ...marked, ...changes, properties: { ...marked.properties, ...changes.properties } };
}

const community = promoted('own', { visibility: 'community' });

test.each<[string, boolean, SiteImage, ProductionTraits]>([
  ['a public image', true, siteImage(), {}],
  ['an unmarked community image', false, siteImage({ visibility: 'community' }), {}],
  [
    'the same, where the catalogue wants one',
    true,
    siteImage({ visibility: 'community' }),
    { visibility: 'community' },
  ],
  ['a marked community image, whatever the catalogue wants', true, community, {}],
  ['the same after the catalogue has changed', true, community, { visibility: 'private' }],
  ['the same, made public by hand', true, { ...community, visibility: 'public' }, {}],
  ['the same, set aside by hand', false, { ...community, visibility: 'private' }, {}],
  ['the same, hidden', false, { ...community, os_hidden: true }, {}],
  ['the same of another project', false, { ...community, owner: 'others' }, {}],
  ['a copy of it, with all its marks', false, { ...community, id: 'copy' }, {}],
  ['a private image', true, promoted('own', { visibility: 'private' }), {}],
  [
    'a private image that the cleaner has hidden',
    false,
    promoted('own', { visibility: 'private' }, { properties: { [markers.hiddenAt]: 'x' } }),
    {},
  ],
  [
    'a private snapshot, where the catalogue wants a private image',
    false,
    siteImage({ visibility: 'private', properties: { image_type: 'snapshot' } }),
    { visibility: 'private' },
  ],
  ['an image that somebody has deactivated', false, siteImage({ status: 'deactivated' }), {}],
  ['the same, where the catalogue wants that', true, siteImage({ status: 'deactivated' }), { status: 'deactivated' }],
  ['an image that a run has deactivated', true, promoted('own', { status: 'deactivated' }), {}],
  ['one that a run is about to deactivate', true, promoted('own', { status: 'deactivated' }, { status: 'active' }), {}],
])('%s: %s', (_, expected, image, wanted) => {
  expect(isProduction(image, name, owner, wanted)).toBe(expected);
});

describe('in the way', () => {
  test.each<[string, SiteImage, ProductionTraits, boolean]>([
    ['a public image of others', siteImage({ owner: 'others' }), { visibility: 'private' }, true],
    [
      'a community image of others',
      siteImage({ owner: 'others', visibility: 'community' }),
      { visibility: 'community' },
      false,
    ],
    [
      'our queued image of that visibility',
      siteImage({ visibility: 'shared', status: 'queued' }),
      { visibility: 'shared' },
      true,
    ],
    ['our queued image of another visibility', siteImage({ visibility: 'shared', status: 'queued' }), {}, false],
    ['our marked image that somebody has deactivated', { ...community, status: 'deactivated' }, {}, true],
  ])('%s: %j', (_, image, wanted, expected) => {
    expect(productionNamesakes([image], name, owner, wanted)).toEqual({
      own: [],
      conflicting: expected ? [image] : [],
    });
  });
});

test('an archived image keeps its visibility, and goes back with that of the image in its place', () => {
  const archiving = { name: `${name}_old`, metadataField: 'chameleon-supported', managerTag: 'm', now };
  const hold = { releases: ['x'], since: now.toISOString(), imageId: 'new' };

  const archived = withEdits(community, archiveEdits(community, archiving));
  const back = (visibility: string) =>
    withEdits(archived, putBackEdits(archived, { name, metadataField: 'chameleon-supported', hold, visibility }));

  expect(archived.visibility).toBe('community');
  expect(isProduction(archived, name, owner)).toBe(false);
  for (const visibility of ['public', 'shared', 'private', 'community']) {
    expect(back(visibility).visibility).toBe(visibility);
    expect(isProduction(back(visibility), name, owner)).toBe(true);
  }
});

test('a protection ends with the time in production only if a run has set it', () => {
  const archiving = { name: `${name}_old`, metadataField: 'chameleon-supported', managerTag: 'm', now };
  const byUs = promoted('a', {}, { protected: true, properties: { [markers.protected]: 'yes' } });
  const byHand = promoted('a', {}, { protected: true });
  const copied = { ...byUs, id: 'copy' };

  const [ours, theirs, copy] = [byUs, byHand, copied].map((image) => withEdits(image, archiveEdits(image, archiving)));

  expect([ours?.protected, theirs?.protected, copy?.protected]).toEqual([false, true, true]);
  expect(ours?.properties).not.toHaveProperty(markers.protected);
});

const visibilities = ['public', 'community', 'shared', 'private'] as const;

test('whatever their visibilities, every host settles the same of our images, and of no other', () => {
  const generation = fc.record({
    visibility: fc.constantFrom(...visibilities),
    replaces: fc.constantFrom('a', 'b', 'gone', undefined),
    built: fc.constantFrom('2025-06-01 10:00:00', '2025-07-01 10:00:00', ''),
  });
  const noise = fc.constantFrom<SiteImage>(
    siteImage({ id: 'x', owner: 'others' }),
    siteImage({ id: 'x', owner: 'others', visibility: 'community' }),
    siteImage({ id: 'x', visibility: 'shared' }),
    { ...community, id: 'x' },
    promoted('x', { visibility: 'private' }, { properties: { [markers.hiddenAt]: 'x' } }),
    promoted('x', { visibility: 'community' }, { name: `${name}_old` }),
  );
  fc.assert(
    fc.property(fc.array(generation, { minLength: 1, maxLength: 4 }), noise, fc.nat(4), (generations, other, turn) => {
      const own = generations.map(({ visibility, replaces, built }, at) => {
        const properties = { 'build-timestamp': built, ...(replaces ? { [markers.replaces]: replaces } : {}) };
        return promoted('abcd'[at] ?? '', { visibility }, { properties });
      });
      const site = [...own, other];
      const turned = [...site.slice(turn), ...site.slice(0, turn)].reverse();

      const [found, foundTurned] = [site, turned].map((images) => productionNamesakes(images, name, owner));
      const [settled, settledTurned] = [
        settleProduction(found?.own ?? [], site),
        settleProduction(foundTurned?.own ?? [], turned),
      ];
      const public_ = own.map((image) => ({ ...image, visibility: 'public' }));

      expect(found?.own.map(({ id }) => id)).toEqual(own.map(({ id }) => id));
      expect(settledTurned).toEqual(settled);
      // The visibilities decide which images count, never which of them stays.
      expect(settled?.present.id).toBe(settleProduction(public_)?.present.id);
    }),
  );
});
