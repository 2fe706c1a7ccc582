import { expect, test } from '@jest/globals';
import { assertFormat, minDiskGib } from '../../modules/images/deploy/format.js';
import { qcow2, sample } from './policy/disk-samples.js';

const gib = 2 ** 30;
const object = { url: 'http://user:password@store/image', bytes: 10 * gib + 1 };

test('an object is refused with its URL, without credentials', () => {
  expect(() => assertFormat(object, sample('<html>'), 'qcow2')).toThrow('http://store/image is HTML, not qcow2');
  expect(() => assertFormat(object, qcow2(), 'qcow2')).not.toThrow();
});

test('an object whose checksums cannot be believed is refused', () => {
  expect(() => assertFormat({ ...object, checksumFault: 'the store publishes nonsense' }, qcow2(), 'qcow2')).toThrow(
    'cannot be verified: the store publishes nonsense',
  );
});

test.each([
  [qcow2({ virtualBytes: BigInt(10 * gib) }), 'qcow2', 10],
  [qcow2({ virtualBytes: BigInt(10 * gib + 1) }), 'qcow2', 11],
  [qcow2({ virtualBytes: 1n }), 'qcow2', 1],
  [Buffer.alloc(512), 'raw', 11],
])('an image needs a disk of its virtual size, rounded up', (head, format, expected) => {
  expect(minDiskGib(object, head, format)).toBe(expected);
});
