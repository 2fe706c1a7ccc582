import { expect, test } from '@jest/globals';
import { parseObject } from '../../modules/clients/store/object.js';

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function parse(headers: Readonly<Record<string, string>>) {
  return parseObject('http://store/image.qcow2', {
    header: (name) => headers[name],
    headers: () => Object.entries(headers),
  });
}

test.each([
  ['Swift’s ETag is the MD5 of a plain object', { etag: md5 }, { md5 }],
  ['an ETag in quotes may be one too', { etag: `"${md5}"` }, { md5 }],
  ['not that of a static large object', { etag: `"${md5}"`, 'x-static-large-object': 'True' }, {}],
  ['nor that of a dynamic one', { etag: md5, 'x-object-manifest': 'container/prefix' }, {}],
  ['nor that of a multipart upload', { etag: `"${md5}-12"` }, {}],
  ['nor that of a web server', { etag: '"5f3c1a2b-1000"' }, {}],
  ['nor a weak one', { etag: `W/"${md5}"` }, {}],
  [
    'the producer’s own MD5 holds for segmented objects',
    { etag: '"x"', 'x-static-large-object': 'True', 'x-object-meta-x-sdk-md5': md5.toUpperCase() },
    { md5 },
  ],
  ['and so does its SHA-256', { 'x-object-meta-x-sdk-sha256': sha256 }, { sha256 }],
  [
    'nor that of an object that S3 encrypts by its key service',
    { etag: `"${md5}"`, 'x-amz-server-side-encryption': 'aws:kms' },
    {},
  ],
  ['nor by both of its layers', { etag: `"${md5}"`, 'x-amz-server-side-encryption': 'aws:kms:dsse' }, {}],
  [
    'nor by the key of a customer',
    { etag: `"${md5}"`, 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
    {},
  ],
  ['nor by a key of Google’s service', { etag: `"${md5}"`, 'x-goog-encryption-kms-key-name': 'projects/p/keys/k' }, {}],
  ['but with the store’s own key it is one', { etag: `"${md5}"`, 'x-amz-server-side-encryption': 'AES256' }, { md5 }],
  [
    'nor that of a large object which Ceph shows by S3',
    { etag: `"${md5}"`, 'x-object-meta-static-large-object': 'True' },
    {},
  ],
  ['nor under the name that S3 gives it', { etag: `"${md5}"`, 'x-amz-meta-static-large-object': 'True' }, {}],
  [
    'a gateway to S3 has another prefix',
    { etag: '"x"', 'x-amz-meta-x-sdk-md5': md5, 'x-amz-meta-x-sdk-sha256': sha256 },
    { md5, sha256 },
  ],
  ['Google’s another', { 'x-goog-meta-x-sdk-sha256': sha256 }, { sha256 }],
  ['and Azure has no hyphens', { 'X-Ms-Meta-x_sdk_sha256': sha256 }, { sha256 }],
  [
    'two spellings may say the same',
    { 'x-object-meta-x-sdk-sha256': sha256, 'x-amz-meta-x-sdk-sha256': sha256.toUpperCase() },
    { sha256 },
  ],
  ['the producer’s MD5 counts more than an ETag', { etag: '0'.repeat(32), 'x-object-meta-x-sdk-md5': md5 }, { md5 }],
  ['an empty one neither', { 'x-object-meta-x-sdk-md5': '' }, {}],
])('%s', (_, headers, checksums) => {
  const {
    md5: foundMd5,
    sha256: foundSha256,
    bytes,
  } = parse({ 'content-length': '1000', ...headers } as Record<string, string>);

  expect({ ...(foundMd5 ? { md5: foundMd5 } : {}), ...(foundSha256 ? { sha256: foundSha256 } : {}) }).toEqual(
    checksums,
  );
  expect(bytes).toBe(1000);
});

test.each([
  ['of the wrong length', { 'x-object-meta-x-sdk-sha256': md5 }, `publishes "${md5}" as its sha256`],
  ['that is none', { 'x-amz-meta-x-sdk-md5': 'abc' }, 'publishes "abc" as its md5'],
  [
    'beside another one',
    { 'x-object-meta-x-sdk-sha256': sha256, 'x-amz-meta-x-sdk-sha256': '0'.repeat(64) },
    'several different sha256 checksums of it',
  ],
])('a checksum %s is a fault of the object, not of the list that it is in', (_, headers, fault) => {
  expect(parse({ 'content-length': '1000', ...headers } as Record<string, string>).checksumFault).toContain(fault);
});

test.each([[{}], [{ 'content-length': 'many' }]])('an object of unknown size is refused: %j', (headers) => {
  expect(() => parse(headers as Record<string, string>)).toThrow(
    'the store does not report the size of http://store/image.qcow2',
  );
});
