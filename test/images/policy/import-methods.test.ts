import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  compareStaged,
  methodFor,
  notOffered,
  readStagedMark,
  stagedMark,
} from '../../../modules/images/policy/import-methods.js';
import type { TransferredData } from '../../../modules/images/policy/verification.js';

test.each([
  ['stream', 'qcow2', 'stream'],
  ['web-download', 'qcow2', 'web-download'],
  ['web-download', 'ari', 'web-download'],
  ['glance-direct', 'qcow2', 'glance-direct'],
  ['glance-direct', 'raw', 'glance-direct'],
  ['glance-direct', 'aki', 'stream'],
  ['glance-direct', 'ari', 'stream'],
] as const)('where %s is wanted, %s is sent by %s', (wanted, format, method) => {
  expect(methodFor(wanted, format)).toBe(method);
});

test('a method that Glance does not offer is named with those that it offers; an upload needs none', () => {
  expect(notOffered('stream', [])).toBeUndefined();
  expect(notOffered('glance-direct', ['glance-direct'])).toBeUndefined();
  expect(notOffered('glance-direct', ['web-download', 'copy-image'])).toMatch(
    /glance-direct.* is not offered by this Glance; it offers: web-download, copy-image$/,
  );
  expect(notOffered('web-download', [])).toMatch(/it offers: none$/);
});

describe('staged data', () => {
  const image = { id: 'x', created_at: '2026-06-01T12:00:00Z', size: 9 };
  const passed = (read: readonly (readonly [string, string])[], bytes = 9): TransferredData => ({
    bytes,
    read: new Map(read),
    sent: new Map(read),
  });

  test('are compared by their size and by the published digests', () => {
    const data = passed([
      ['sha256', 'aa'],
      ['md5', 'bb'],
    ]);

    expect(compareStaged(image, { object: { bytes: 9, sha256: 'cc' } }, data)).toMatchObject([
      { what: 'size', found: 9, expected: 9 },
      { what: "store's sha256", found: 'aa', expected: 'cc' },
    ]);
    expect(compareStaged(image, { object: { bytes: 8, md5: 'bb' } }, { ...data, bytes: 8 })).toMatchObject([
      { what: 'size', found: 9, expected: 8 },
      { what: "store's md5", found: 'bb', expected: 'bb' },
    ]);
    expect(compareStaged(image, { object: { bytes: 9 } }, data)).toMatchObject([{ what: 'size' }]);
  });

  test('are noted by a digest, a published one if there is any, which a later run reads', () => {
    const algorithm = fc.constantFrom('sha256', 'md5', 'sha512', 'md5-sha1');
    const digest = fc.stringMatching(/^[0-9a-f]{32,128}$/);
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(algorithm, digest), { minLength: 1, selector: ([name]) => name }), (read) => {
        const mark = stagedMark(passed(read), { object: { bytes: 9 } });
        const noted = readStagedMark(mark, 9);
        expect(noted?.bytes).toBe(9);
        expect([...(noted?.read ?? [])]).toEqual([read[0]]);
      }),
    );
    const both = passed([
      ['md5', 'aa'],
      ['sha256', 'bb'],
    ]);
    expect(stagedMark(both, { object: { bytes: 9, sha256: 'bb', md5: 'aa' } })).toBe('sha256:bb');
    expect(stagedMark(both, { object: { bytes: 9, md5: 'aa' } })).toBe('md5:aa');
    const published = [{ algorithm: 'sha256', digest: 'bb' }];
    expect(stagedMark(both, { object: { bytes: 9, md5: 'aa', published } })).toBe('sha256:bb');
  });

  test.each([undefined, '', 'sha256', 'sha256:', ':aa', 'sha256:XYZ', 'a b:aa'])(
    'are unknown by the mark %j',
    (mark) => {
      expect(readStagedMark(mark, 9)).toBeUndefined();
    },
  );
});
