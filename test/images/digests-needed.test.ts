import { expect, test } from '@jest/globals';
import { digestsNeeded } from '../../modules/images/deploy/verify.js';

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
  'where the store tells %s%.0s, and Glance %s%.0s, a transfer computes %j',
  (_store, checksums, _glance, glance, expected) => {
    const source = {
      object: { url: 'http://store/image', bytes: 1, ...checksums },
      diskFormat: 'qcow2',
      properties: {},
      minDiskGib: undefined,
    };

    expect(digestsNeeded(source, glance)).toEqual(expected);
  },
);
