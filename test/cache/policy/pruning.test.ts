import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planPruning, type CacheEntry, type PruningLimits } from '../../../modules/cache/policy/pruning.js';

const entry = (path: string, lastUsedMs: number, more: Partial<CacheEntry> = {}): CacheEntry => ({
  path,
  bytes: 10,
  lastUsedMs,
  isLinked: false,
  isCurrent: false,
  ...more,
});
const version = (path: string, lastUsedMs: number, more: Partial<CacheEntry> = {}): CacheEntry =>
  entry(path, lastUsedMs, { set: 'ipa', ...more });
const removed = (entries: readonly CacheEntry[], limits: Partial<PruningLimits>): string[] =>
  planPruning(entries, { keep: 1, nowMs: 1000, ...limits })
    .remove.map(({ entry: { path } }) => path)
    .sort();

describe('is removed', () => {
  const versions = [version('v1', 1), version('v2', 2), version('v3', 3), version('v4', 4, { isCurrent: true })];

  test.each([
    ['what is beyond keep', versions, { keep: 1 }, ['v1', 'v2']],
    ['all but the current version', versions, { keep: 0 }, ['v1', 'v2', 'v3']],
    ['nothing within keep', versions, { keep: 3 }, []],
    [
      'no version that is linked, which counts as kept all the same',
      [version('v1', 1, { isLinked: true }), ...versions.slice(1)],
      { keep: 1 },
      ['v2'],
    ],
    [
      'of each set its own',
      [version('v1', 1), version('v2', 2), version('w1', 1, { set: 'other' })],
      { keep: 1 },
      ['v1'],
    ],
    ['no file for keep', [entry('a', 1), entry('b', 2)], { keep: 0 }, []],
    ['what is too old', [entry('a', 100), entry('b', 900)], { maxAgeMs: 500 }, ['a']],
    ['nothing that is just old enough to stay', [entry('a', 500)], { maxAgeMs: 500 }, []],
    [
      'nothing old that is current or linked',
      [entry('a', 1, { isCurrent: true }), entry('b', 1, { isLinked: true })],
      { maxAgeMs: 5 },
      [],
    ],
    ['the oldest of what is too much', [entry('a', 3), entry('b', 1), entry('c', 2)], { maxBytes: 10 }, ['b', 'c']],
    [
      'the next where the oldest is in use',
      [entry('a', 1, { isLinked: true }), entry('b', 2), entry('c', 3)],
      { maxBytes: 20 },
      ['b'],
    ],
    ['nothing where all fits', [entry('a', 1), entry('b', 2)], { maxBytes: 20 }, []],
  ])('%s', (_, entries, limits, expected) => {
    expect(removed(entries, limits)).toEqual(expected);
  });
});

test('reports how much exceeds the limit and may not be removed', () => {
  const entries = [entry('a', 1, { isCurrent: true }), entry('b', 2, { isLinked: true }), entry('c', 3)];

  expect(planPruning(entries, { keep: 1, maxBytes: 5, nowMs: 10 })).toMatchObject({
    excessBytes: 15,
    remove: [{ entry: { path: 'c' } }],
  });
});

const anyEntry = fc
  .record({
    path: fc.uuid(),
    bytes: fc.nat(100),
    lastUsedMs: fc.nat(1000),
    isLinked: fc.boolean(),
    isCurrent: fc.boolean(),
  })
  .chain((base) => fc.constantFrom<CacheEntry[]>({ ...base }, { ...base, set: 'a' }, { ...base, set: 'b' }));
const anyLimits = fc.record({
  keep: fc.nat(3),
  maxAgeMs: fc.option(fc.nat(1000), { nil: undefined }),
  maxBytes: fc.option(fc.nat(500), { nil: undefined }),
  nowMs: fc.constant(1000),
});

test('nothing current or linked is removed, and max_size holds unless all the rest is in use', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 12 }), anyLimits, (entries, limits) => {
      const { remove, excessBytes } = planPruning(entries, limits);
      const gone = new Set(remove.map(({ entry: { path } }) => path));
      const left = entries.filter(({ path }) => !gone.has(path));
      const leftBytes = left.reduce((total, { bytes }) => total + bytes, 0);

      expect(remove.filter(({ entry: { isCurrent, isLinked } }) => isCurrent || isLinked)).toEqual([]);
      expect(gone.size).toBe(remove.length);
      if (limits.maxBytes !== undefined) {
        expect(excessBytes).toBe(Math.max(leftBytes - limits.maxBytes, 0));
        if (excessBytes > 0)
          expect(left.filter(({ isCurrent, isLinked, bytes }) => !isCurrent && !isLinked && bytes > 0)).toEqual([]);
      }
    }),
  );
});
