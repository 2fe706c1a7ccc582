import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  copyFault,
  decideFreshness,
  isSameFile,
  type Copy,
  type Remote,
} from '../../../modules/cache/policy/freshness.js';

const at = (day: number): number => Date.UTC(2025, 4, day);
const copy = (more: Partial<Copy> = {}): Copy => ({
  modifiedMs: at(10),
  bytes: 100,
  source: 'http://h/a',
  etag: '"1"',
  ...more,
});
const remote = (more: Partial<Remote> = {}): Remote => ({
  source: 'http://h/a',
  modifiedMs: at(10),
  bytes: 100,
  etag: '"1"',
  ...more,
});

/** Each row: what there is, then what the rule says, then what the strict one says. */
const cases: readonly (readonly [string, Copy | undefined, Remote, string, string])[] = [
  ['no copy', undefined, remote(), 'fetch absent', 'fetch absent'],
  ['the same date', copy(), remote(), 'fresh fresh', 'fresh fresh'],
  ['a newer date', copy(), remote({ modifiedMs: at(11) }), 'fetch newer', 'fetch newer'],
  ['a second newer', copy(), remote({ modifiedMs: at(10) + 1000 }), 'fetch newer', 'fetch newer'],
  ['an older date', copy(), remote({ modifiedMs: at(9) }), 'fresh fresh', 'fetch older'],
  [
    'no date',
    copy({ etag: undefined }),
    remote({ modifiedMs: undefined, etag: undefined }),
    'fetch no-last-modified',
    'fetch no-last-modified',
  ],
  ['no date, the same ETag', copy(), remote({ modifiedMs: undefined }), 'fetch no-last-modified', 'fresh by-etag'],
  [
    'no date, the same weak ETag',
    copy({ etag: 'W/"1"' }),
    remote({ modifiedMs: undefined, etag: 'W/"1"' }),
    'fetch no-last-modified',
    'fetch no-last-modified',
  ],
  [
    'no date, another ETag',
    copy(),
    remote({ modifiedMs: undefined, etag: '"2"' }),
    'fetch no-last-modified',
    'fetch by-etag',
  ],
  ['the same date, another ETag', copy(), remote({ etag: '"2"' }), 'fresh fresh', 'fetch by-etag'],
  ['the same date, another size', copy(), remote({ bytes: 101 }), 'fresh fresh', 'fetch size'],
  ['a newer date, the same ETag', copy(), remote({ modifiedMs: at(11) }), 'fetch newer', 'fetch newer'],
  ['no-store', copy(), remote({ noStore: true }), 'fetch no-store', 'fetch no-store'],
  ['bytes that are not right', copy({ fault: 'its md5 is 1, not 2' }), remote(), 'fetch checksum', 'fetch checksum'],
  ['a copy of something else', copy({ source: 'http://h/b' }), remote(), 'fetch other-source', 'fetch other-source'],
  [
    'a copy that somebody put there',
    copy({ source: undefined, etag: undefined }),
    remote(),
    'fresh fresh',
    'fresh fresh',
  ],
  [
    'an image of Glance',
    copy({ source: 'glance:1' }),
    remote({ source: 'glance:1', isImmutable: true, modifiedMs: at(11) }),
    'fresh fresh',
    'fresh fresh',
  ],
  [
    'another image of Glance',
    copy({ source: 'glance:1' }),
    remote({ source: 'glance:2', isImmutable: true }),
    'fetch other-source',
    'fetch other-source',
  ],
  [
    'an image of Glance, and a copy of nobody knows what',
    copy({ source: undefined }),
    remote({ source: 'glance:1', isImmutable: true }),
    'fetch other-source',
    'fetch other-source',
  ],
];

describe.each(cases)('%s', (_, present, source, usual, strict) => {
  test.each([
    ['last_modified', usual],
    ['strict', strict],
  ] as const)('is decided by %s: %s', (rule, expected) => {
    const { fetch, reason, detail } = decideFreshness(present, source, { rule, force: false });

    expect(`${fetch ? 'fetch' : 'fresh'} ${reason}`).toBe(expected);
    expect(detail).not.toBe('');
  });
});

const anyCopy = fc.record({
  modifiedMs: fc.nat(),
  bytes: fc.nat(9),
  source: fc.constantFrom('http://h/a', 'http://h/b', undefined),
  etag: fc.constantFrom('"1"', 'W/"1"', undefined),
  fault: fc.constantFrom('wrong', undefined),
});
const anyRemote = fc.record({
  source: fc.constant('http://h/a'),
  modifiedMs: fc.option(fc.nat(), { nil: undefined }),
  bytes: fc.option(fc.nat(9), { nil: undefined }),
  etag: fc.constantFrom('"1"', '"2"', undefined),
  noStore: fc.boolean(),
});

test('a copy that is absent or forced is always fetched', () => {
  fc.assert(
    fc.property(
      fc.option(anyCopy, { nil: undefined }),
      anyRemote,
      fc.constantFrom('last_modified', 'strict'),
      (present, source, rule) => {
        expect(decideFreshness(undefined, source, { rule, force: false })).toMatchObject({
          fetch: true,
          reason: 'absent',
        });
        expect(decideFreshness(present, source, { rule, force: true }).fetch).toBe(true);
      },
    ),
  );
});

test('`last_modified` fetches a dated source only if it is newer, unless the copy cannot be kept', () => {
  fc.assert(
    fc.property(anyCopy, anyRemote, (present, source) => {
      fc.pre(
        source.modifiedMs !== undefined &&
          !source.noStore &&
          present.fault === undefined &&
          present.source !== 'http://h/b',
      );

      expect(decideFreshness(present, source, { rule: 'last_modified', force: false }).fetch).toBe(
        (source.modifiedMs ?? 0) > present.modifiedMs,
      );
    }),
  );
});

test('what `strict` considers fresh by date, `last_modified` does too', () => {
  fc.assert(
    fc.property(anyCopy, anyRemote, (present, source) => {
      fc.pre(source.modifiedMs !== undefined);
      const [usual, strict] = (['last_modified', 'strict'] as const).map((rule) =>
        decideFreshness(present, source, { rule, force: false }),
      );

      expect(!strict?.fetch && usual?.fetch).toBe(false);
    }),
  );
});

describe('two answers are about the same file', () => {
  test.each([
    ['with the same ETag', { etag: '"1"' }, { etag: '"1"', modifiedMs: 1 }, true],
    ['not with another ETag', { etag: '"1"', modifiedMs: 1 }, { etag: '"2"', modifiedMs: 1 }, false],
    ['not with another date', { modifiedMs: 1 }, { etag: '"2"', modifiedMs: 2 }, false],
    ['not with another size', { etag: '"1"', bytes: 1 }, { etag: '"1"', bytes: 2 }, false],
    ['where nothing speaks against it', {}, { etag: '"1"', modifiedMs: 1, bytes: 1 }, true],
  ])('%s', (_, one, other, expected) => {
    expect(isSameFile(one, other)).toBe(expected);
    expect(isSameFile(other, one)).toBe(expected);
  });
});

const recorded = { digests: { sha256: 'aa', md5: '11' }, bytes: 5 };

test.each([
  ['as it was fetched', recorded, {}, undefined],
  [
    'not what the checksum requires',
    recorded,
    { checksum: { algorithm: 'md5', digest: '22' } },
    'its md5 is 11, not 22',
  ],
  ['longer', { digests: { sha256: 'bb' }, bytes: 6 }, {}, 'it has 6 bytes, but 5 were fetched'],
  ['changed', { digests: { sha256: 'bb' }, bytes: 5 }, {}, 'its content is not what was fetched'],
  ['not recorded', recorded, { recorded: undefined }, undefined],
  [
    'possibly put there by others',
    recorded,
    { isTrusted: false },
    'this cache did not put it there, and other users may write to its folder',
  ],
])('a copy that is %s', (_, found, evidence, fault) => {
  expect(copyFault(found, { recorded, checksum: undefined, isTrusted: true, ...evidence })).toBe(fault);
});
