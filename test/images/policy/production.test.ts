import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { markers, type SiteImage } from '../../../modules/images/policy/site-image.js';
import { settleProduction } from '../../../modules/images/policy/production.js';
import { siteImage } from './image-fixtures.js';

/** A public image that a run of this system has promoted. */
function promoted(
  id: string,
  {
    replaces,
    built = '2025-04-22 10:00:00',
    ...changes
  }: Partial<SiteImage> & { replaces?: string; built?: string } = {},
): SiteImage {
  const properties = {
    [markers.id]: id,
    [markers.name]: 'CC-Ubuntu22.04',
    'build-timestamp': built,
    current: built.slice(0, 10),
    ...(replaces ? { [markers.replaces]: replaces } : {}),
  };
  return siteImage({ id, ...changes, properties: { ...properties, ...changes.properties } });
}

const [june, july, august] = ['2025-06-01 10:00:00', '2025-07-01 10:00:00', '2025-08-01 10:00:00'];

test.each<[string, SiteImage[], string, string[]]>([
  ['a single image is the present one', [siteImage()], 'old', []],
  [
    'an image replaces the one that its marker names',
    [siteImage(), promoted('new', { replaces: 'old' })],
    'new',
    ['old'],
  ],
  [
    'an older build replaces a newer one where its marker says so',
    [promoted('newer', { built: july }), promoted('again', { built: june, replaces: 'newer' })],
    'again',
    ['newer'],
  ],
  [
    'of two that replace the same image the newer build counts',
    [siteImage(), promoted('a', { built: june, replaces: 'old' }), promoted('b', { built: july, replaces: 'old' })],
    'b',
    ['a', 'old'],
  ],
  [
    'so it does when that image has been archived',
    [promoted('b', { built: july, replaces: 'old' }), promoted('a', { built: june, replaces: 'old' })],
    'b',
    ['a'],
  ],
  [
    'so it does when it is gone',
    [promoted('b', { built: july, replaces: 'gone' }), promoted('a', { built: june, replaces: 'gone' })],
    'b',
    ['a'],
  ],
  [
    'of two first ones the newer build counts',
    [promoted('a', { built: june }), promoted('b', { built: july })],
    'b',
    ['a'],
  ],
  [
    'of three at once the newest build counts',
    [
      promoted('a', { built: june, replaces: 'old' }),
      promoted('c', { built: august, replaces: 'old' }),
      promoted('b', { built: july, replaces: 'old' }),
    ],
    'c',
    ['a', 'b'],
  ],
  [
    'of one build twice the one that was created later counts',
    [promoted('a', { created_at: '2025-09-01T00:00:01Z' }), promoted('b', { created_at: '2025-09-01T00:00:00Z' })],
    'a',
    ['b'],
  ],
  ['of equals the greater id counts', [promoted('a'), promoted('b')], 'b', ['a']],
  [
    'a release that sorts later counts where no build tells its time',
    [
      promoted('a', { properties: { 'build-timestamp': '', current: 'v10' } }),
      promoted('b', { properties: { 'build-timestamp': '', current: 'v9' } }),
    ],
    'a',
    ['b'],
  ],
  [
    'a chain of promotions has one end',
    [siteImage(), promoted('a', { replaces: 'old' }), promoted('b', { replaces: 'a' })],
    'b',
    ['a', 'old'],
  ],
  [
    'an archived image that was put back by hand is replaced again by what replaced it',
    [promoted('a', { properties: { [markers.supersededAt]: 'x' } }), promoted('b', { replaces: 'a' })],
    'b',
    ['a'],
  ],
])('%s', (_, candidates, present, replaced) => {
  const settled = settleProduction(candidates);

  expect(settled?.present.id).toBe(present);
  expect(settled?.replaced.map(({ id }) => id).sort()).toEqual([...replaced].sort());
});

test('the lineage continues through images that are already archived', () => {
  const archived = promoted('a', {
    name: 'CC-Ubuntu22.04_2025',
    replaces: 'old',
    properties: { [markers.supersededAt]: 'x' },
  });
  const [late, next] = [promoted('b', { built: june, replaces: 'old' }), promoted('c', { built: july, replaces: 'a' })];

  expect(settleProduction([late, next])).toBeUndefined();
  expect(settleProduction([late, next], [late, next, archived])).toMatchObject({
    present: { id: 'c' },
    replaced: [{ id: 'b' }],
  });
});

describe('a person has to decide', () => {
  test.each<[string, SiteImage[]]>([
    ['between two images without markers', [siteImage({ id: 'one' }), siteImage({ id: 'two' })]],
    ['between an image without markers and a first one of ours', [siteImage({ id: 'one' }), promoted('two')]],
    ['between two that replace different images', [promoted('a', { replaces: 'x' }), promoted('b', { replaces: 'y' })]],
    ['between a first one and one that replaces another', [promoted('a'), promoted('b', { replaces: 'y' })]],
    [
      'where a copy has the markers',
      [siteImage(), siteImage({ id: 'copy', properties: { [markers.id]: 'new', [markers.replaces]: 'old' } })],
    ],
    [
      'where one of two rivals was archived before',
      [
        promoted('a', { replaces: 'old' }),
        promoted('b', { replaces: 'old', properties: { [markers.supersededAt]: 'x' } }),
      ],
    ],
    ['where two replace each other', [promoted('a', { replaces: 'b' }), promoted('b', { replaces: 'a' })]],
  ])('%s', (_, candidates) => {
    expect(settleProduction(candidates)).toBeUndefined();
  });
});

test('every host decides the same, whatever the order of the images, and one image always stays', () => {
  const image = fc.record({
    replaces: fc.constantFrom('old', 'a', 'b', undefined),
    built: fc.constantFrom(june, july, ''),
  });
  fc.assert(
    fc.property(fc.tuple(image, image, image), fc.boolean(), fc.integer({ min: 0, max: 3 }), (rows, withOld, turn) => {
      const own = rows.map(({ replaces, built = '' }, at) =>
        promoted('abc'[at] as string, { built: built as string, ...(replaces === undefined ? {} : { replaces }) }),
      );
      const candidates = withOld ? [siteImage(), ...own] : own;
      const turned = [...candidates.slice(turn), ...candidates.slice(0, turn)].reverse();

      const [settled, other] = [settleProduction(candidates), settleProduction(turned)];

      expect(other).toEqual(settled);
      if (settled) expect([settled.present, ...settled.replaced]).toHaveLength(candidates.length);
    }),
  );
});
