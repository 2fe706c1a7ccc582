import { describe, expect, test } from '@jest/globals';
import { markers } from '../../../modules/images/policy/site-image.js';
import type { RetentionImage } from '../../../modules/images/policy/retention.js';
import { incomingImage } from './image-fixtures.js';
import { aged, hiddenByUs, oldImage, ourImage, planOf, type PlanChanges } from './retention-fixtures.js';

describe('by its age an archived image', () => {
  test.each([
    [
      'is kept a moment before it is twelve months old',
      { created_at: aged(12, -1) },
      'keep',
      '11 months old; due to be hidden on 2026-06-01',
    ],
    ['is hidden at twelve months', { created_at: aged(12) }, 'hide', '12 months old, hidden at 12'],
    [
      'is hidden a moment before it is eighteen months old',
      { created_at: aged(18, -1) },
      'hide',
      '17 months old, hidden at 12',
    ],
    ['is deleted at eighteen months', { created_at: aged(18) }, 'delete', '18 months old, deleted at 18'],
    [
      'is kept when it is hidden already',
      { created_at: aged(13), visibility: 'private' },
      'keep',
      '13 months old and hidden; due to be deleted on 2026-11-01',
    ],
    [
      'is kept when it is hidden the other way',
      { created_at: aged(13), os_hidden: true },
      'keep',
      '13 months old and hidden; due to be deleted on 2026-11-01',
    ],
    [
      'is deleted when it was hidden before (17)',
      { created_at: aged(18), visibility: 'private' },
      'delete',
      '18 months old, deleted at 18',
    ],
    [
      'is deleted when it was made a community image (17)',
      { created_at: aged(18), visibility: 'community' },
      'delete',
      '18 months old, deleted at 18',
    ],
    ['is kept where the age cannot be read', { created_at: '' }, 'keep', 'its age cannot be determined'],
  ])('%s', (_, changes, action, reason) => {
    expect(planOf(oldImage(changes))).toMatchObject({ state: 'archived', action, reason });
  });

  test.each([
    ['less than a month old', 0, 1, { hideMonths: 0 }, 'hide', 'less than a month old, hidden at any age'],
    ['one month old', 1, 0, { hideMonths: 1 }, 'hide', '1 month old, hidden at 1'],
    [
      'one day before it may be deleted',
      18,
      0,
      { graceDays: 1 },
      'hide',
      '18 months old, hidden at 12; due to be deleted 1 day later',
    ],
  ])('says so when it is %s', (_, months, olderMs, settings, action, reason) => {
    const image = oldImage({ created_at: aged(months, olderMs) });

    expect(planOf(image, { settings })).toMatchObject({ action, reason });
  });

  test('ages from the day it was replaced, if requested and known (22)', () => {
    const replaced = ourImage({ properties: { [markers.supersededAt]: '2026-05-31T00:00:00Z' } });

    expect(planOf(replaced)).toMatchObject({ action: 'delete', ageMonths: 26 });
    expect(planOf(replaced, { settings: { ageFrom: 'superseded' } })).toMatchObject({ action: 'keep', ageMonths: 0 });
    expect(planOf(oldImage(), { settings: { ageFrom: 'superseded' } })).toMatchObject({ action: 'delete' });
    expect(
      planOf(ourImage({ properties: { [markers.supersededAt]: 'yesterday' } }), {
        settings: { ageFrom: 'superseded' },
      }),
    ).toMatchObject({ action: 'keep' });
  });

  test.each([
    [
      'is hidden first',
      { visibility: 'public' },
      'hide',
      '26 months old, hidden at 12; due to be deleted 7 days later',
    ],
    [
      'is kept during it',
      { visibility: 'private', updated_at: '2026-05-30T12:00:00Z' },
      'keep',
      '26 months old and hidden; due to be deleted on 2026-06-06, after 7 days of grace',
    ],
    [
      'is deleted after it',
      { visibility: 'private', updated_at: '2026-05-25T12:00:00Z' },
      'delete',
      '26 months old, deleted at 18',
    ],
    [
      'is kept where its last change cannot be read',
      { visibility: 'private', updated_at: '' },
      'keep',
      expect.stringContaining('an unknown date'),
    ],
  ])('and with days of grace %s (22)', (_, changes, action, reason) => {
    expect(planOf(oldImage(changes), { settings: { graceDays: 7 } })).toMatchObject({ action, reason });
  });
});

describe('a production name', () => {
  test.each<[string, Partial<RetentionImage>, PlanChanges, string, string]>([
    ['of the catalogue', { name: 'CC-Ubuntu22.04' }, {}, 'current', 'keep'],
    ['of the catalogue, though deactivated', { name: 'CC-Ubuntu22.04', status: 'deactivated' }, {}, 'current', 'keep'],
    ['of the catalogue, though hidden by somebody', { name: 'CC-Ubuntu22.04', os_hidden: true }, {}, 'current', 'keep'],
    [
      'of the catalogue, on an image that was made private by somebody',
      { name: 'CC-Ubuntu22.04', visibility: 'private' },
      {},
      'archived',
      'hide',
    ],
    [
      'of the catalogue, on one that was replaced and then put back by hand',
      { name: 'CC-Ubuntu22.04', properties: { current: '1', [markers.supersededAt]: '2024-05-01T00:00:00Z' } },
      {},
      'current',
      'keep',
    ],
    ['that has left the catalogue', { name: 'CC-CentOS7' }, {}, 'deprecated', 'hide'],
    [
      'that has left the catalogue, hidden by somebody',
      { name: 'CC-CentOS7', visibility: 'private' },
      {},
      'deprecated',
      'hide',
    ],
    [
      'that has left the catalogue, hidden by somebody the other way',
      { name: 'CC-CentOS7', os_hidden: true },
      {},
      'deprecated',
      'hide',
    ],
    [
      'that has left the catalogue, hidden by us',
      { name: 'CC-CentOS7', visibility: 'private', properties: hiddenByUs },
      {},
      'deprecated',
      'delete',
    ],
    [
      'that has left the catalogue, hidden by us and published again',
      { name: 'CC-CentOS7', properties: hiddenByUs },
      {},
      'deprecated',
      'hide',
    ],
    ['that has left the catalogue, young', { name: 'CC-CentOS7', created_at: aged(3) }, {}, 'deprecated', 'keep'],
    [
      'that has left the catalogue, where such are kept',
      { name: 'CC-CentOS7' },
      { settings: { keepDeprecated: true } },
      'deprecated',
      'keep',
    ],
    [
      'that a catalogue from a mirror does not have',
      { name: 'CC-CentOS7' },
      { isMirrored: true },
      'deprecated',
      'keep',
    ],
    ['without a catalogue', { name: 'CC-CentOS7' }, { catalogue: undefined }, 'current', 'keep'],
    ['with an empty catalogue', { name: 'CC-CentOS7' }, { catalogue: new Set() }, 'deprecated', 'keep'],
    [
      'of an IPA image, of which the catalogue tells nothing (21)',
      { name: 'CC-IPA-Debian11-AMD64.kernel' },
      {},
      'current',
      'keep',
    ],
    [
      'of an IPA image, which the catalogue has no more',
      { name: 'CC-IPA-Debian11.kernel' },
      { catalogue: new Set(['CC-IPA-Debian12.kernel']) },
      'deprecated',
      'hide',
    ],
    [
      'of an ARM image beside its sister of the same build (24)',
      { name: 'CC-Ubuntu24.04-ARM64', properties: { 'build-variant': 'base' } },
      { catalogue: new Set(['CC-Ubuntu24.04', 'CC-Ubuntu24.04-ARM64']) },
      'current',
      'keep',
    ],
  ])('%s', (_, changes, context, state, action) => {
    expect(planOf(oldImage(changes), context)).toMatchObject({ state, action });
  });
});

describe('a name', () => {
  test.each([
    ['CC-Ubuntu22.04_2025-04-22 15:30:45.123456', 'CC-Ubuntu22.04'],
    ['CC-Ubuntu22.04_2025-04-22 15:30:45.123456.2', 'CC-Ubuntu22.04'],
    ['CC-Ubuntu22.04_20240322 153045.123456', 'CC-Ubuntu22.04'],
    ['CC-Ubuntu20.04-CUDA-20230302-1677628504.897832', 'CC-Ubuntu20.04-CUDA'],
    ['CC-CentOS8-stream-8.20230301-1677628504.89', 'CC-CentOS8-stream'],
    ['CC-IPA-Debian11-AMD64.kernel-20230302-2023-03-02 10:11:12.5', 'CC-IPA-Debian11-AMD64.kernel'],
    ['CC-Ubuntu22.04-20230302', 'CC-Ubuntu22.04'],
    ['CC-Ubuntu22.04-20230302.2', 'CC-Ubuntu22.04'],
  ])('of an archived image, %s, is taken apart', (name, productionName) => {
    expect(planOf(oldImage({ name }))).toMatchObject({ productionName, state: 'archived', action: 'delete' });
  });

  test.each([
    'CC-Ubuntu22.04 of Bob',
    'CC-Ubuntu22.04_old',
    'CC-Ubuntu22.04:old',
    'CC-Ubuntu22.04-99999999',
    'CC_Foo-20230302',
    '_2025-04-22 15:30:45',
    '',
    'CC-Ubuntu22.04_2025-44-22 15:30:45',
  ])('that says nothing, "%s", saves the image', (name) => {
    expect(planOf(oldImage({ name }))).toMatchObject({
      action: 'keep',
      reason: 'left alone: its name is neither a production name nor an archive name',
    });
  });

  test('that somebody gave to an image of ours protects it', () => {
    expect(planOf(ourImage({ name: 'keep-for-the-course' }))).toMatchObject({ action: 'keep' });
    expect(planOf(ourImage({ name: 'CC-Other_2024-03-22 15:30:45' }))).toMatchObject({ action: 'keep' });
    expect(planOf(ourImage())).toMatchObject({ action: 'delete' });
  });
});

test.each<[string, RetentionImage]>([
  ["another project's image with a build's properties (23)", oldImage({ owner: 'stranger' })],
  ["another project's image with our marker", ourImage({ owner: 'stranger' })],
  [
    "a server's snapshot that inherited every property (23)",
    oldImage({ properties: { current: '20240322-v1-amd', image_type: 'snapshot', base_image_ref: 'old' } }),
  ],
  [
    'a snapshot that tells only its base',
    oldImage({ properties: { current: '20240322-v1-amd', base_image_ref: 'old' } }),
  ],
  ['a copy of ours', oldImage({ properties: { current: '20240322-v1-amd', [markers.id]: 'the-original' } })],
  ['an image without a build', oldImage({ properties: {} })],
  ['one that is being brought in', { ...incomingImage({ created_at: '2024-01-01T00:00:00Z' }), protected: false }],
  ['one that an earlier tool was bringing in', oldImage({ name: 'testing_CC-Ubuntu22.04', visibility: 'private' })],
  ['one that the earliest tool was bringing in', oldImage({ name: 'img-cc-prod-01H2XYZ', visibility: 'private' })],
  ['one that is deleted already', oldImage({ status: 'pending_delete' })],
])('%s is not ours to clean', (_, image) => {
  expect(planOf(image)).toBeUndefined();
});
