import { describe, expect, test } from '@jest/globals';
import { canDigest } from '../../../modules/images/digests.js';
import { digestsNeeded, planVerification } from '../../../modules/images/policy/verification.js';

const md5 = 'm'.repeat(32);
const sha256 = 's'.repeat(64);
const usual = { md5: true, algorithm: 'sha512' };

test.each([
  ['nothing', {}, 'MD5 and SHA-512', usual, ['md5']],
  ['MD5', { md5 }, 'MD5 and SHA-512', usual, ['md5']],
  ['SHA-256', { sha256 }, 'MD5 and SHA-512', usual, ['sha256', 'md5']],
  ['both', { md5, sha256 }, 'MD5 and SHA-512', usual, ['sha256']],
  ['both', { md5, sha256 }, 'SHA-512 alone', { md5: false, algorithm: 'sha512' }, ['sha256', 'sha512']],
  ['both', { md5, sha256 }, 'SHA-256 alone', { md5: false, algorithm: 'sha256' }, ['sha256']],
  ['MD5', { md5 }, 'SHA-512 alone', { md5: false, algorithm: 'sha512' }, ['md5', 'sha512']],
  [
    'nothing',
    {},
    'an algorithm that Node.js does not know',
    { md5: false, algorithm: 'whirlpool9' },
    ['sha512', 'md5'],
  ],
  ['both', { md5, sha256 }, 'nothing yet', undefined, ['sha256', 'sha512', 'md5']],
])(
  'where the store publishes %s%.0s, and Glance %s%.0s, a transfer computes %j',
  (_store, checksums, _glance, glance, expected) => {
    expect(digestsNeeded({ bytes: 1, ...checksums }, glance, canDigest)).toEqual(expected);
  },
);

describe('an image is verified', () => {
  const image = { id: 'i', created_at: '2026-06-01T12:00:00Z', size: 1 };
  const glanceMd5 = { ...image, checksum: md5 };
  const glanceSha512 = { ...image, os_hash_algo: 'sha512', os_hash_value: 'v' };
  const everything = () => true;
  const noMd5 = (algorithm: string): boolean => algorithm !== 'md5';

  test.each<[string, Parameters<typeof planVerification>, readonly string[]]>([
    [
      'by both checksums when it was sent',
      [glanceMd5, { bytes: 1, md5, sha256 }, new Map([['sha256', sha256]]), everything],
      ["store's sha256", "Glance's md5"],
    ],
    [
      'by the same when it was the first, and both digests of Glance were computed',
      [
        { ...glanceSha512, checksum: md5 },
        { bytes: 1, sha256 },
        new Map([
          ['sha256', sha256],
          ['sha512', 'v'],
          ['md5', md5],
        ]),
        everything,
      ],
      ["store's sha256", "Glance's md5"],
    ],
    [
      "by Glance's data when nothing it reports was computed",
      [image, { bytes: 1 }, new Map([['sha512', 'x']]), everything],
      ["Glance's data by sha512"],
    ],
    [
      'by reading it back when the store has SHA-256 and Glance fetched it',
      [glanceSha512, { bytes: 1, sha256 }, undefined, everything],
      ["store's sha256"],
    ],
    [
      'by its format and its MD5 when Glance fetched it',
      [glanceMd5, { bytes: 1, md5 }, undefined, everything],
      ['inspect', "store's md5"],
    ],
    [
      'by reading the object again when the store publishes nothing',
      [glanceSha512, { bytes: 1 }, undefined, everything],
      ['inspect', 'read-object'],
    ],
    [
      'by nothing when only MD5 is left and forbidden',
      [image, { bytes: 1, md5 }, undefined, noMd5],
      ['inspect', 'impossible'],
    ],
  ])('%s', (_, args, expected) => {
    const [size, ...steps] = planVerification(...args);

    expect(size).toEqual({ kind: 'compare', what: 'size', found: 1, expected: 1 });
    expect(steps.map((step) => ('what' in step ? step.what : step.kind))).toEqual(expected);
  });
});
