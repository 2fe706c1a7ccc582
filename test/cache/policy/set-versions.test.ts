import { expect, test } from '@jest/globals';
import { newVersionName, planSet, sortVersions, type FoundSet } from '../../../modules/cache/policy/set-versions.js';

const now = new Date('2026-11-02T08:00:00.123Z');

test('a version is named by its time, and by a number if the name exists', () => {
  expect(newVersionName(now, [])).toBe('20261102T080000Z');
  expect(newVersionName(now, ['20261102T080000Z', '20261102T080000Z-2'])).toBe('20261102T080000Z-3');
});

test('versions are sorted by age, and other names are left out', () => {
  const names = [
    '20261102T080000Z-10',
    'incoming',
    '20261102T080000Z-2',
    '20261103T000000Z',
    '20261102T080000Z',
    'link',
  ];

  expect(sortVersions(names)).toEqual([
    '20261102T080000Z',
    '20261102T080000Z-2',
    '20261102T080000Z-10',
    '20261103T000000Z',
  ]);
});

const same = { before: {}, after: {} };
const other = { before: { mode: '0640' }, after: { mode: '0644' } };

test.each<[string, Partial<FoundSet>, object]>([
  ['fresh', {}, { action: 'fresh', before: {}, after: {} }],
  ['stale', { isStale: true }, { action: 'fetch', before: { version: 'v1' }, after: { version: 'a new one' } }],
  [
    'complete but not linked',
    { current: 'v2' },
    { action: 'fetch', before: { version: 'v1' }, after: { version: 'v2' } },
  ],
  ['absent', { linked: undefined, current: undefined }, { action: 'fetch' }],
  [
    'of another mode',
    { ownership: { kernel: same, ramdisk: other } },
    { action: 'adjust', before: { ramdisk: other.before }, after: { ramdisk: other.after } },
  ],
])('a set that is %s', (_, changes, plan) => {
  const found = { linked: 'v1', current: 'v1', isStale: false, ownership: { kernel: same, ramdisk: same } };

  expect(planSet({ ...found, ...changes })).toMatchObject(plan);
});
