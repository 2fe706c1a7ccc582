// References to images on nodes, their pairs and their checksums.
import { describe, expect, test } from '@jest/globals';
import { defaultAllowedPaths } from '../../../modules/images/policy/image-urls.js';
import {
  checkImage,
  checksumOf,
  halfPairs,
  parseNodeImage,
  withChecksum,
} from '../../../modules/nodes/policy/node-images.js';

const id = '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e';
const sha256 = 'AB'.repeat(32);

test.each<[string, Record<string, unknown>]>([
  [id, { kind: 'glance', id }],
  [`glance://${id}`, { kind: 'glance', id }],
  ['http://h/k', { kind: 'http', url: 'http://h/k' }],
  ['file:///var/lib/ironic/k', { kind: 'file', path: '/var/lib/ironic/k' }],
  ['file:///var/lib/ironic-other/k', { refusal: expect.stringContaining('not allowed') }],
  ['file:///etc/shadow', { refusal: expect.stringContaining('not permitted') }],
  ['file:///var/lib/ironic/../../../etc/shadow', { refusal: expect.any(String) }],
  ['file:///var/lib/ironic/a%20b', { refusal: expect.stringContaining('do not encode it') }],
  ['file://var/lib/ironic/k', { refusal: expect.stringContaining('three slashes') }],
  ['ftp://h/k', { refusal: expect.stringContaining('not supported') }],
  ['kernel', { refusal: expect.any(String) }],
])('%s', (text, expected) => expect(parseNodeImage(text, defaultAllowedPaths)).toEqual(expected));

test('an image of a registry is left to an Ironic that knows it', () => {
  expect(parseNodeImage('oci://registry/x:tag', defaultAllowedPaths, 99)).toEqual({ kind: 'registry' });
  expect(parseNodeImage('oci://registry/x:tag', defaultAllowedPaths, 82)).toEqual({
    refusal: 'oci:// needs version 1.96 of the Bare Metal API, and this server speaks 1.82',
  });
});

test.each<[Record<string, string>, readonly string[]]>([
  [{}, []],
  [{ deploy_kernel: 'k', deploy_ramdisk: 'r' }, []],
  [{ deploy_kernel: 'k' }, ['driver_info.deploy_kernel is set without deploy_ramdisk: Ironic needs both or neither']],
  [
    { rescue_ramdisk: 'r', deploy_kernel: 'k', deploy_ramdisk: 'r' },
    ['driver_info.rescue_ramdisk is set without rescue_kernel: Ironic needs both or neither'],
  ],
])('half pairs of %j', (driverInfo, expected) => expect(halfPairs(driverInfo)).toEqual(expected));

describe('a checksum', () => {
  test.each<[Record<string, string>, unknown]>([
    [{}, undefined],
    [
      { image_os_hash_algo: 'SHA256', image_os_hash_value: sha256 },
      { algorithm: 'sha256', digest: sha256.toLowerCase() },
    ],
    [
      { image_checksum: 'D41D8CD98F00B204E9800998ECF8427E' },
      { algorithm: 'md5', digest: 'd41d8cd98f00b204e9800998ecf8427e' },
    ],
    [{ image_checksum: `sha256:${sha256}` }, { algorithm: 'sha256', digest: sha256.toLowerCase() }],
    [{ image_checksum: 'http://h/SHA256SUMS' }, 'elsewhere'],
    [{ image_os_hash_algo: 'sha256' }, { fault: expect.stringContaining('require each other') }],
    [{ image_checksum: 'abc' }, { fault: expect.stringContaining('no algorithm has 3 digits') }],
    [
      { image_os_hash_algo: 'sha512', image_os_hash_value: sha256 },
      { fault: expect.stringContaining('it has 64 digits, and sha512 has 128') },
    ],
    ...['sha3_512', 'blake2b', 'sha384', 'sha224', 'sha1', 'md5', 'sha512_256', 'SHA3_224', 'sm3'].map(
      (image_os_hash_algo): [Record<string, string>, unknown] => [
        { image_os_hash_algo, image_os_hash_value: 'ab' },
        { fault: expect.stringContaining('it has 2 digits') },
      ],
    ),
    [
      { image_os_hash_algo: 'blake2b', image_os_hash_value: sha256.repeat(2) },
      { algorithm: 'blake2b', digest: sha256.repeat(2).toLowerCase() },
    ],
    [
      { image_os_hash_algo: 'shake_128', image_os_hash_value: 'ab' },
      { fault: expect.stringContaining('whose length is not fixed') },
    ],
    [{ image_checksum: 'sha3_512:ab' }, { fault: expect.stringContaining('sha3_512 has 128') }],
  ])('of %j', (instanceInfo, expected) => expect(checksumOf(instanceInfo)).toEqual(expected));

  test('is sent as every part of Ironic reads it', () => {
    expect(
      withChecksum({ image_checksum: 'sha256:x', image_source: 'u' }, { algorithm: 'sha256', digest: 'x' }),
    ).toEqual({
      image_source: 'u',
      image_os_hash_algo: 'sha256',
      image_os_hash_value: 'x',
    });
    expect(withChecksum({}, { algorithm: 'md5', digest: 'x' })).toEqual({
      image_checksum: 'x',
      image_os_hash_algo: 'md5',
      image_os_hash_value: 'x',
    });
  });
});

test('a file as image_source needs a server that deploys from files, unless another interface deploys', () => {
  const named = { mapping: 'instance_info', key: 'image_source', text: 'file:///var/lib/ironic/k' } as const;
  const findings = (minor: number, deployInterface: string) =>
    checkImage(named, { kind: 'file', isFile: true }, { minor, allowedPaths: defaultAllowedPaths, deployInterface });

  expect(findings(67, 'direct').faults).toEqual([
    'instance_info.image_source: file:///var/lib/ironic/k: a file with the deploy interface direct needs version ' +
      '1.68 of the Bare Metal API, and this server speaks 1.67',
  ]);
  expect([findings(68, 'direct').faults, findings(67, 'ansible').faults]).toEqual([[], []]);
});
