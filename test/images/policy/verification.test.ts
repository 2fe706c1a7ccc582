import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canDigest } from '../../../modules/images/digests.js';
import {
  digestsNeeded,
  planVerification,
  type TransferredData,
  type VerificationStep,
} from '../../../modules/images/policy/verification.js';

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
    const source = { object: { bytes: 1, ...checksums } };

    expect(digestsNeeded(source, glance, canDigest)).toEqual({ read: expected, sent: [] });
  },
);

const published = (...algorithms: string[]) => ({
  published: algorithms.map((algorithm) => ({ algorithm, digest: algorithm })),
});
const noMd5 = (algorithm: string): boolean => algorithm !== 'md5' && canDigest(algorithm);

test.each([
  ['SHA-512', published('sha512'), usual, canDigest, ['sha512']],
  ['SHA-256', published('sha256'), usual, canDigest, ['sha256', 'md5']],
  ['SHA-256, and the store MD5', { md5, ...published('sha256') }, usual, canDigest, ['sha256']],
  ['SHA-256 and MD5', published('sha256', 'md5'), usual, canDigest, ['sha256', 'md5']],
  ['MD5', published('md5'), usual, canDigest, ['md5']],
  ['MD5, which is forbidden here', published('md5'), usual, noMd5, ['sha512']],
  ['SHA-512 where the store has SHA-256', { sha256, ...published('sha512') }, usual, canDigest, ['sha256', 'sha512']],
  ['BLAKE2 and SHA-1', published('blake2b', 'sha1'), usual, canDigest, ['blake2b', 'sha1', 'md5']],
])('where a publisher has %s%.0s%.0s%.0s, a transfer computes %j', (_, checksums, glance, can, expected) => {
  expect(digestsNeeded({ object: { bytes: 1, ...checksums } }, glance, can)).toEqual({ read: expected, sent: [] });
});

test.each([
  ['SHA-512', published('sha512'), usual, { read: ['sha512'], sent: ['md5'] }],
  ['nothing', {}, { md5: false, algorithm: 'sha512' }, { read: [], sent: ['sha512'] }],
  ['MD5 in the store', { md5 }, undefined, { read: ['md5'], sent: ['sha512', 'md5'] }],
])('of compressed data with %s, what is read and what is sent is digested', (_, checksums, glance, expected) => {
  expect(digestsNeeded({ object: { bytes: 1, ...checksums }, compression: 'xz' }, glance, canDigest)).toEqual(expected);
});

describe('an image is verified', () => {
  const image = { id: 'i', created_at: '2026-06-01T12:00:00Z', size: 1 };
  const glanceMd5 = { ...image, checksum: md5 };
  const glanceSha512 = { ...image, os_hash_algo: 'sha512', os_hash_value: 'v' };
  const everything = () => true;
  const sent = (...digests: [string, string][]): TransferredData => ({
    bytes: 1,
    read: new Map(digests),
    sent: new Map(digests),
  });
  const namesIn = (steps: readonly VerificationStep[]): string[] =>
    steps.flatMap((step) =>
      step.kind === 'read-image'
        ? step.digests.map(({ what }) => `${what} of the image`)
        : [step.kind === 'compare' ? step.what : step.kind],
    );

  test.each<[string, Parameters<typeof planVerification>, readonly string[]]>([
    [
      'by both checksums when it was sent',
      [glanceMd5, { object: { bytes: 1, md5, sha256 } }, sent(['sha256', sha256]), everything],
      ["store's sha256", "Glance's md5"],
    ],
    [
      'by the same when it was the first, and both digests of Glance were computed',
      [
        { ...glanceSha512, checksum: md5 },
        { object: { bytes: 1, sha256 } },
        sent(['sha256', sha256], ['sha512', 'v'], ['md5', md5]),
        everything,
      ],
      ["store's sha256", "Glance's md5"],
    ],
    [
      "by Glance's data when nothing it reports was computed",
      [image, { object: { bytes: 1 } }, sent(['sha512', 'x']), everything],
      ["Glance's data by sha512 of the image"],
    ],
    [
      'by reading it back when the store has SHA-256 and Glance fetched it',
      [glanceSha512, { object: { bytes: 1, sha256 } }, undefined, everything],
      ["store's sha256 of the image"],
    ],
    [
      'by its format and its MD5 when Glance fetched it',
      [glanceMd5, { object: { bytes: 1, md5 } }, undefined, everything],
      ['inspect', "store's md5"],
    ],
    [
      'by reading the object again when the store publishes nothing',
      [glanceSha512, { object: { bytes: 1 } }, undefined, everything],
      ['inspect', 'read-object'],
    ],
    [
      'by nothing when only MD5 is left and forbidden',
      [image, { object: { bytes: 1, md5 } }, undefined, noMd5],
      ['inspect', 'impossible'],
    ],
    [
      "by the publisher's digest, which Glance reports too",
      [
        { ...glanceSha512, checksum: 'other' },
        { object: { bytes: 1, ...published('sha512') } },
        sent(['sha512', 'v']),
        everything,
      ],
      ["publisher's sha512", "Glance's sha512"],
    ],
    [
      'by each of several published digests',
      [glanceMd5, { object: { bytes: 1, ...published('sha256', 'md5') } }, sent(['sha256', 's'], ['md5', md5]), noMd5],
      ["publisher's sha256", "publisher's md5", "Glance's md5"],
    ],
    [
      'by the MD5 that Glance reports where this host cannot compute it',
      [glanceMd5, { object: { bytes: 1, ...published('md5') } }, sent(['sha512', 'v']), noMd5],
      ["publisher's md5", "Glance's data by sha512 of the image"],
    ],
    [
      'by what Glance reports and by reading it back when another run has sent it',
      [glanceSha512, { object: { bytes: 1, ...published('sha512', 'sha256') } }, undefined, everything],
      ["publisher's sha512", "publisher's sha256 of the image"],
    ],
    [
      "by the publisher's digest alone when it is Glance's",
      [glanceSha512, { object: { bytes: 1, ...published('sha512') } }, undefined, everything],
      ['inspect', "publisher's sha512"],
    ],
  ])('%s', (_, args, expected) => {
    const [size, ...steps] = planVerification(...args);

    expect(size).toEqual({ kind: 'compare', what: 'size', found: 1, expected: 1 });
    expect(namesIn(steps)).toEqual(expected);
  });

  test('of compressed data by what was read, by what was sent, and by its size', () => {
    const data = { bytes: 7, read: new Map([['sha256', 'r']]), sent: new Map([['md5', 'm']]) };
    const source = { object: { bytes: 1, ...published('sha256') }, compression: 'xz' };

    expect(planVerification({ ...glanceMd5, size: 7 }, source, data, everything)).toEqual([
      { kind: 'compare', what: 'size', found: 7, expected: 7 },
      { kind: 'compare', what: "publisher's sha256", found: 'r', expected: 'sha256' },
      { kind: 'compare', what: "Glance's md5", found: md5, expected: 'm' },
    ]);
    expect(planVerification({ ...glanceMd5, size: 7 }, source, undefined, everything)).toEqual([
      { kind: 'read-object', digests: { read: ['sha256'], sent: ['md5'] } },
    ]);
  });

  test('never without comparing each published digest that can be computed', () => {
    const names = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'blake2b'];
    const some = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 });
    const glances = fc.constantFrom(usual, { md5: false, algorithm: 'sha512' }, { md5: true }, undefined);
    fc.assert(
      fc.property(some, glances, fc.boolean(), (algorithms, glance, isCompressed) => {
        const source = {
          object: { bytes: 1, ...published(...algorithms) },
          ...(isCompressed ? { compression: 'gz' } : {}),
        };
        const plan = digestsNeeded(source, glance, canDigest);
        const read = new Map(plan.read.map((name) => [name, name]));
        const data = { bytes: 1, read, sent: isCompressed ? new Map(plan.sent.map((name) => [name, name])) : read };
        const reported = {
          ...image,
          ...(glance?.md5 ? { checksum: 'md5' } : {}),
          ...(glance && 'algorithm' in glance ? { os_hash_algo: 'sha512', os_hash_value: 'sha512' } : {}),
        };
        const found = namesIn(planVerification(reported, source, data, canDigest));

        expect(found).toEqual(expect.arrayContaining(['size', ...algorithms.map((name) => `publisher's ${name}`)]));
        expect(found.some((name) => name.startsWith("Glance's"))).toBe(true);
        expect(new Set(plan.read).size).toBe(plan.read.length);
      }),
    );
  });
});
