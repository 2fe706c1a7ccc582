// The newest images of each name, and images that are hidden because they were replaced.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { textFor } from '../../../modules/core/option-text.js';
import type { PlannedRetention, RetentionImage } from '../../../modules/images/policy/retention.js';
import { markers } from '../../../modules/images/policy/site-image.js';
import { aged, oldImage, ourImage, plan, planOf, type PlanChanges } from './retention-fixtures.js';

const production = oldImage({ id: 'production', name: 'CC-Ubuntu22.04', created_at: aged(1) });

/** Archived images of one name, each a month older than the one before; the first is 20 months old. */
function archivedImages(count: number, changes: (index: number) => Partial<RetentionImage> = () => ({})) {
  return Array.from({ length: count }, (_, index) =>
    oldImage({ id: `old-${index}`, created_at: aged(20 + index), properties: { current: 'x' }, ...changes(index) }),
  );
}

const actionsOf = (images: readonly PlannedRetention[]) =>
  Object.fromEntries(images.map(({ image, action }) => [image.id, action]));

const reasonOf = (planned: PlannedRetention | undefined) => textFor('ansible', planned?.reason ?? '');

describe('keep', () => {
  test.each([
    [0, ['delete', 'delete', 'delete']],
    [1, ['delete', 'delete', 'delete']],
    [2, ['keep', 'delete', 'delete']],
    [3, ['keep', 'keep', 'delete']],
    [100, ['keep', 'keep', 'keep']],
  ])('%i counts the production image as the newest', (keep, [first, second, third]) => {
    const { images } = plan([production, ...archivedImages(3)], { settings: { keep } });

    expect(actionsOf(images)).toEqual({ production: 'keep', 'old-0': first, 'old-1': second, 'old-2': third });
  });

  test('says which images it protects, and that they are never due', () => {
    const planned = plan([production, ...archivedImages(1)], { settings: { keep: 2 } }).images[1];

    expect(reasonOf(planned)).toBe('one of the 2 newest images of CC-Ubuntu22.04, which keep protects');
    expect(planned).not.toHaveProperty('hideFrom');
    expect(planned).not.toHaveProperty('deleteFrom');
    expect(reasonOf(planOf(oldImage(), { settings: { keep: 1 } }))).toBe(
      'the newest image of CC-Ubuntu22.04, which keep protects',
    );
  });

  test('counts each name by itself, and images that are not selected too', () => {
    const other = oldImage({ id: 'other', name: 'CC-Ubuntu24.04_2024-03-22 15:30:45' });
    const images = [production, ...archivedImages(2), other];

    expect(actionsOf(plan(images, { settings: { keep: 2 } }).images)).toEqual({
      production: 'keep',
      'old-0': 'keep',
      'old-1': 'delete',
      other: 'keep',
    });
    expect(actionsOf(plan(images, { settings: { keep: 2 }, isSelected: ({ id }) => id === 'old-1' }).images)).toEqual({
      'old-1': 'delete',
    });
  });

  test.each<[string, (index: number) => Partial<RetentionImage>]>([
    [
      'the time of the build',
      (index) => ({
        created_at: aged(20),
        properties: { current: 'x', 'build-timestamp': `2024-0${9 - index}-01 00:00:00` },
      }),
    ],
    [
      'the day of the release',
      (index) => ({ created_at: aged(20), properties: { current: `20240${9 - index}01-v1` } }),
    ],
    [
      'the number of the release, if the build is of the same time',
      (index) => ({
        created_at: aged(30 - index),
        properties: { current: `20240401-v${10 - index}`, 'build-timestamp': '2024-04-01 00:00:00' },
      }),
    ],
    ['the creation', (index) => ({ created_at: aged(20 + index), properties: { current: `sha256:${index}` } })],
  ])('orders by %s', (_, changes) => {
    const images = archivedImages(3, changes);

    for (const site of [images, [...images].reverse()])
      expect(actionsOf(plan(site, { settings: { keep: 1 } }).images)).toEqual({
        'old-0': 'keep',
        'old-1': 'delete',
        'old-2': 'delete',
      });
  });

  test('does not count images without data, of other projects, snapshots and those whose name says nothing', () => {
    const younger = (id: string, changes: Partial<RetentionImage>) => oldImage({ id, created_at: aged(2), ...changes });
    const site = [
      ...archivedImages(1),
      younger('killed', { status: 'killed' }),
      younger('foreign', { owner: 'stranger' }),
      younger('snapshot', { properties: { current: 'x', image_type: 'snapshot' } }),
      younger('unparseable', { name: 'my own Ubuntu' }),
    ];

    expect(plan(site, { settings: { keep: 1 } }).images).toMatchObject([
      { image: { id: 'old-0' }, action: 'keep' },
      { image: { id: 'killed' }, action: 'keep', reason: expect.stringContaining('due to be hidden') },
      { image: { id: 'unparseable' }, action: 'keep', reason: expect.stringContaining('left alone') },
    ]);
  });

  test('includes a production image whose name has left the catalogue', () => {
    const deprecated = oldImage({ name: 'CC-CentOS7' });

    expect(planOf(deprecated)).toMatchObject({ state: 'deprecated', action: 'hide' });
    expect(planOf(deprecated, { settings: { keep: 1 } })).toMatchObject({ state: 'deprecated', action: 'keep' });
  });

  test('counts an older build in production as the newest', () => {
    const back = oldImage({ id: 'back', name: 'CC-Ubuntu22.04', created_at: aged(30) });

    expect(actionsOf(plan([...archivedImages(2), back], { settings: { keep: 2 } }).images)).toEqual({
      'old-0': 'keep',
      'old-1': 'delete',
      back: 'keep',
    });
  });
});

describe('hide_at: replacement', () => {
  const replacement = { settings: { hideAt: 'replacement' } } as const;
  const replaced = (changes: Partial<RetentionImage> = {}) =>
    ourImage({
      created_at: aged(3),
      ...changes,
      properties: { [markers.supersededAt]: '2026-05-31T00:00:00Z', ...changes.properties },
    });

  test.each<[string, RetentionImage, PlanChanges, string, string]>([
    ['is hidden', replaced(), {}, 'hide', '3 months old, hidden because it was replaced'],
    [
      'is hidden if an older tool replaced it on a day that is not known',
      oldImage({ created_at: aged(3) }),
      {},
      'hide',
      '3 months old, hidden because it was replaced',
    ],
    [
      'is hidden if the day cannot be read',
      replaced({ properties: { [markers.supersededAt]: 'yesterday' } }),
      {},
      'hide',
      '3 months old, hidden because it was replaced',
    ],
    [
      'is kept once it is hidden',
      replaced({ os_hidden: true }),
      {},
      'keep',
      '3 months old and hidden; due to be deleted on 2027-09-01',
    ],
    [
      'is hidden before the days of grace, if it is old enough to be deleted',
      replaced({ created_at: aged(19) }),
      { settings: { graceDays: 7 } },
      'hide',
      '19 months old, hidden because it was replaced; due to be deleted 7 days later',
    ],
    ['is deleted at its age', replaced({ created_at: aged(18) }), {}, 'delete', '18 months old, deleted at 18'],
    [
      'is hidden even if keep protects it, but not deleted',
      replaced({ created_at: aged(30) }),
      { settings: { keep: 1 } },
      'hide',
      '30 months old, hidden because it was replaced; not deleted: the newest image of CC-Ubuntu22.04, which keep protects',
    ],
    [
      'is kept once it is hidden, if keep protects it',
      replaced({ created_at: aged(30), visibility: 'private' }),
      { settings: { keep: 1 } },
      'keep',
      'the newest image of CC-Ubuntu22.04, which keep protects',
    ],
    [
      'is kept while it is in use',
      replaced(),
      { uses: new Map([['ours', { named: [{ what: 'server web' }], count: 1 }]]) },
      'skip',
      'used by server web; 3 months old, hidden because it was replaced',
    ],
    [
      'is kept while it is held',
      replaced(),
      { heldImages: { reasonToKeep: () => 'held since yesterday' } },
      'keep',
      'held since yesterday',
    ],
  ])('a replaced image %s', (_, image, changes, action, reason) => {
    const planned = planOf(image, { ...changes, settings: { ...replacement.settings, ...changes.settings } });

    expect(planned).toMatchObject({ action });
    expect(reasonOf(planned)).toBe(reason);
  });

  test('is about replaced images only, not about the name of production', () => {
    expect(planOf(production, replacement)).toMatchObject({ state: 'current', action: 'keep' });
    expect(planOf(oldImage({ name: 'CC-CentOS7', created_at: aged(3) }), replacement)).toMatchObject({
      state: 'deprecated',
      action: 'keep',
    });
  });

  test('says from which day the image is hidden', () => {
    expect(planOf(replaced(), replacement)?.hideFrom).toEqual(new Date('2026-05-31T00:00:00Z'));
  });
});

const anyVersion: fc.Arbitrary<Partial<RetentionImage>> = fc.record({
  name: fc.constantFrom(
    'CC-Ubuntu22.04',
    'CC-CentOS7',
    'CC-Ubuntu22.04_2024-03-22 15:30:45',
    'CC-CentOS7_2024-03-22 15:30:45',
  ),
  status: fc.constantFrom('active', 'active', 'deactivated', 'killed'),
  visibility: fc.constantFrom('public', 'private', 'community'),
  os_hidden: fc.boolean(),
  created_at: fc.integer({ min: 0, max: 40 }).map((months) => aged(months)),
  properties: fc
    .option(fc.integer({ min: 1, max: 40 }))
    .map((built) => ({ current: '1', ...(built === null ? {} : { 'build-timestamp': aged(built).replace('Z', '') }) })),
});

const anySite = fc
  .array(anyVersion, { maxLength: 8 })
  .map((versions) => versions.map((version, index) => oldImage({ id: `image-${index}`, ...version })));

const anySettings = fc.record({
  hideAt: fc.constantFrom('age' as const, 'replacement' as const),
  graceDays: fc.constantFrom(0, 7),
  ageFrom: fc.constantFrom('created' as const, 'superseded' as const),
});

/** Written down a second time: what the documentation promises. */
function newestOf(site: readonly RetentionImage[], name: string, count: number): RetentionImage[] {
  const when = ({ properties, created_at }: RetentionImage) =>
    Date.parse(properties['build-timestamp'] === undefined ? created_at : `${properties['build-timestamp']}Z`);
  const isCurrent = (image: RetentionImage) =>
    image.name === name && image.visibility === 'public' && image.status === 'active' && !image.os_hidden;
  return site
    .filter((image) => image.name.split('_')[0] === name && image.status !== 'killed')
    .sort(
      (one, other) =>
        Number(isCurrent(other)) - Number(isCurrent(one)) ||
        when(other) - when(one) ||
        Date.parse(other.created_at) - Date.parse(one.created_at) ||
        (one.id < other.id ? -1 : 1),
    )
    .slice(0, count);
}

describe('whatever the site has', () => {
  test('none of the newest images of a name is deleted, nor hidden because of its age', () => {
    fc.assert(
      fc.property(anySite, fc.nat(5), anySettings, (site, keep, settings) => {
        const planned = plan(site, { settings: { ...settings, keep, acceptLosses: true } }).images;

        const going = planned.filter(
          ({ action }) => action === 'delete' || (settings.hideAt === 'age' && action === 'hide'),
        );
        for (const name of ['CC-Ubuntu22.04', 'CC-CentOS7'])
          for (const image of newestOf(site, name, keep)) expect(going.map((each) => each.image)).not.toContain(image);
      }),
      { numRuns: 2000 },
    );
  });

  test('a larger number never changes more images', () => {
    fc.assert(
      fc.property(anySite, fc.nat(5), anySettings, (site, keep, settings) => {
        const changedWith = (count: number, actions: readonly string[]) =>
          plan(site, { settings: { ...settings, keep: count, acceptLosses: true } })
            .images.filter(({ action }) => actions.includes(action))
            .map(({ image }) => image.id);

        for (const actions of [['delete'], ['delete', 'hide']])
          expect(changedWith(keep, actions)).toEqual(expect.arrayContaining(changedWith(keep + 1, actions)));
      }),
      { numRuns: 2000 },
    );
  });
});
