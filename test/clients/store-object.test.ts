import { expect, test } from '@jest/globals';
import { parseObject } from '../../modules/clients/store/object.js';

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function parse(headers: Readonly<Record<string, string>>) {
  return parseObject('http://store/image.qcow2', { header: (name) => headers[name] });
}

test.each([
  ['Swift’s ETag is the MD5 of a plain object', { etag: md5 }, { md5 }],
  ['an ETag in quotes may be one too', { etag: `"${md5}"` }, { md5 }],
  ['not that of a static large object', { etag: `"${md5}"`, 'x-static-large-object': 'True' }, {}],
  ['nor that of a dynamic one', { etag: md5, 'x-object-manifest': 'container/prefix' }, {}],
  ['nor that of a multipart upload', { etag: `"${md5}-12"` }, {}],
  ['nor that of a web server', { etag: '"5f3c1a2b-1000"' }, {}],
  ['nor a weak one', { etag: `W/"${md5}"` }, {}],
  ['the producer’s own MD5 holds for segmented objects', { etag: '"x"', 'x-static-large-object': 'True', 'x-object-meta-x-sdk-md5': md5.toUpperCase() }, { md5 }],
  ['and so does its SHA-256', { 'x-object-meta-x-sdk-sha256': sha256 }, { sha256 }],
  ['a checksum of the wrong length is none', { 'x-object-meta-x-sdk-md5': 'abc', 'x-object-meta-x-sdk-sha256': md5 }, {}],
  ['an empty one neither', { 'x-object-meta-x-sdk-md5': '' }, {}],
])('%s', (_, headers, checksums) => {
  const { md5: foundMd5, sha256: foundSha256, bytes } = parse({ 'content-length': '1000', ...headers } as Record<string, string>);

  expect({ ...(foundMd5 ? { md5: foundMd5 } : {}), ...(foundSha256 ? { sha256: foundSha256 } : {}) }).toEqual(checksums);
  expect(bytes).toBe(1000);
});

test.each([[{}], [{ 'content-length': 'many' }]])('an object of unknown size is refused: %j', (headers) => {
  expect(() => parse(headers as Record<string, string>)).toThrow('the store does not tell the size of http://store/image.qcow2');
});
