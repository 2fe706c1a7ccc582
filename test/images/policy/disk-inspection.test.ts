import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  assertContent,
  assertTrustedChecksums,
  contentFault,
  minimumDiskGib,
  startInspection,
  type ContentFault,
} from '../../../modules/images/policy/disk-inspection.js';
import { bootSector, qcow2, sample, type Qcow2Fields } from './disk-samples.js';

const faultOf = (head: Buffer, expected: string, tail?: Buffer): ContentFault | undefined =>
  contentFault({ head, bytes: 10 ** 9, ...(tail ? { tail } : {}) }, expected);

describe('a file is accepted', () => {
  test.each<[string, Buffer, string]>([
    ['a qcow2', qcow2(), 'qcow2'],
    ['a qcow2 of version 2', qcow2({ version: 2 }), 'qcow2'],
    ['a qcow2 that was not closed', qcow2({ incompatible: 1n }), 'qcow2'],
    ['a qcow2 compressed with zstd', qcow2({ incompatible: 8n }), 'qcow2'],
    ['a qcow2 with the table of its features', qcow2({ extension: 0x6803f857 }), 'qcow2'],
    ['a raw disk', bootSector, 'raw'],
    ['a compressed initramfs', sample([0x1f, 0x8b]), 'ari'],
    ['a plain initramfs', sample('070701'), 'ari'],
    ['a kernel, which looks like a partition table', bootSector, 'aki'],
  ])('%s', (_, head, expected) => {
    expect(faultOf(head, expected)).toBeUndefined();
  });
});

describe('a file is refused', () => {
  test.each<[string, Buffer, string, string]>([
    ['HTML for a qcow2', sample('<html>'), 'qcow2', 'is HTML, not qcow2'],
    ['a qcow2 for a raw disk', qcow2(), 'raw', 'is qcow2, not raw'],
    ['a compressed raw disk', sample([0x1f, 0x8b]), 'raw', 'is gzip, not raw'],
    ['a raw disk for a qcow2', bootSector, 'qcow2', 'is raw, not qcow2'],
    ['a LUKS volume for a raw disk', sample('LUKS\xba\xbe'), 'raw', 'is LUKS, not raw'],
    ['COWD for a raw disk', sample('COWD'), 'raw', 'is VMDK, not raw'],
    ['QED for a raw disk', sample('QED\0'), 'raw', 'is QED, not raw'],
    ['an ISO for a raw disk', sample('\x01CD001', { at: 32768 }), 'raw', 'is ISO, not raw'],
    ['an answer in JSON for a raw disk', sample('{"error": "not here"}'.padEnd(512)), 'raw', 'is JSON, not raw'],
    ['a qcow2 of version 1', qcow2({ version: 1 }), 'qcow2', 'is QCOW version 1, not qcow2'],
    ['a page for a kernel', sample('<!DOCTYPE html>'), 'aki', 'is HTML, not aki'],
    ['a disk for an initramfs', qcow2(), 'ari', 'is qcow2, not ari'],
  ])('%s', (_, head, expected, why) => {
    expect(faultOf(head, expected)).toEqual({ code: 'FORMAT_MISMATCH', why });
  });

  test('also by its end, if that makes it a fixed VHD', () => {
    expect(faultOf(bootSector, 'raw', sample('conectix'))).toMatchObject({ why: 'is VHD, not raw' });
    expect(faultOf(qcow2(), 'qcow2', sample('conectix'))).toBeUndefined();
  });

  test('as a qcow2 that is also an ISO', () => {
    const head = Buffer.alloc(40_000);
    qcow2().copy(head);
    head.write('CD001', 32769);

    expect(faultOf(head, 'qcow2')).toMatchObject({ code: 'FORMAT_MISMATCH', why: 'is qcow2 and ISO, not qcow2 alone' });
  });

  test.each<[string, Qcow2Fields, string]>([
    ['a backing file', { backingFileOffset: 512n }, 'refers to a backing file'],
    ['a backing file, in version 2', { version: 2, backingFileOffset: 104n }, 'refers to a backing file'],
    ['an external data file', { incompatible: 4n }, 'refers to an external data file'],
    ['the name of a data file', { extension: 0x44415441 }, 'names an external data file'],
    ['extended L2 entries', { incompatible: 16n }, 'extended L2 entries'],
    ['features to come', { incompatible: 1n << 40n }, 'unknown incompatible features (0x10000000000)'],
    ['AES', { encryption: 1 }, 'content is encrypted'],
    ['LUKS inside', { encryption: 2 }, 'content is encrypted'],
    ['the header of an encryption', { extension: 0x0537be77 }, 'content is encrypted'],
  ])('as a qcow2 with %s', (_, fields, why) => {
    expect(faultOf(qcow2(fields), 'qcow2')).toEqual({ code: 'FORMAT_UNSAFE', why: expect.stringContaining(why) });
  });

  test('as a qcow2 of a future version', () => {
    expect(faultOf(qcow2({ version: 4 }), 'qcow2')).toEqual({
      code: 'FORMAT_MISMATCH',
      why: 'is a qcow2 of the unknown version 4',
    });
  });

  test.each([['qcow2'], ['raw'], ['aki'], ['ari']])('for %s if it is empty', (expected) => {
    expect(contentFault({ head: Buffer.alloc(0), bytes: 0 }, expected)).toMatchObject({
      why: `is empty, not ${expected}`,
    });
    expect(contentFault({ head: qcow2(), bytes: 0 }, expected)).toMatchObject({ why: `is empty, not ${expected}` });
  });

  test.each([[1], [71], [103]])('for a qcow2 if it has %i bytes', (bytes) => {
    expect(contentFault({ head: qcow2().subarray(0, bytes), bytes }, 'qcow2')?.why).toMatch(
      /has only \d+ bytes|is raw/,
    );
  });
});

describe('a file that passes', () => {
  /** Where the fault showed: after how many bytes; undefined where none did. */
  function passes(
    content: Buffer,
    expected: string,
    sizes: readonly number[],
  ): { fault: ContentFault; after: number } | undefined {
    const inspection = startInspection(expected);
    for (let offset = 0, turn = 0; offset < content.length; turn++) {
      const end = Math.min(content.length, offset + (sizes[turn % sizes.length] as number));
      const fault = inspection.update(content.subarray(offset, end));
      if (fault) return { fault, after: end };
      offset = end;
    }
    const fault = inspection.finish();
    return fault && { fault, after: content.length };
  }

  const chunkSizes = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 6 });
  const file = fc.record({
    magic: fc.constantFrom('QFI\xfb\0\0\0\x03', 'KDMV', 'LUKS\xba\xbe', '# Disk DescriptorFile\n', '', '\0\0'),
    bytes: fc.integer({ min: 1, max: 140_000 }),
    isIso: fc.boolean(),
    isVhd: fc.boolean(),
  });

  function contentOf({
    magic,
    bytes,
    isIso,
    isVhd,
  }: {
    magic: string;
    bytes: number;
    isIso: boolean;
    isVhd: boolean;
  }): Buffer {
    const content = Buffer.alloc(bytes);
    content.write(magic, 0, 'latin1');
    if (isIso && bytes > 32_774) content.write('CD001', 32_769);
    if (isVhd && bytes >= 512) content.write('conectix', bytes - 512);
    return content;
  }

  test('is judged the same however it is chunked', () => {
    fc.assert(
      fc.property(file, fc.constantFrom('qcow2', 'raw', 'aki'), chunkSizes, (described, expected, sizes) => {
        const content = contentOf(described);
        const whole = passes(content, expected, [content.length]);
        expect(passes(content, expected, sizes)?.fault.code).toEqual(whole?.fault.code);
      }),
      { numRuns: 300 },
    );
  });

  test('is refused by its beginning as soon as that is read, by its end with the last chunk', () => {
    const vmdk = Buffer.concat([sample('KDMV'), Buffer.alloc(200_000)]);
    const vhd = Buffer.concat([Buffer.alloc(200_000), sample('conectix')]);

    expect(passes(vmdk, 'raw', [1000])?.after).toBe(66_000);
    expect(passes(vhd, 'raw', [1000])?.after).toBe(vhd.length);
    expect(passes(Buffer.concat([Buffer.alloc(200_000), bootSector]), 'raw', [1000])).toBeUndefined();
  });
});

const gib = 2 ** 30;
const object = { url: 'http://user:password@store/image', bytes: 10 * gib + 1 };

test('an object is refused with its URL, without credentials', () => {
  expect(() => assertContent(object, { head: sample('<html>') }, 'qcow2')).toThrow(
    'http://store/image is HTML, not qcow2',
  );
  expect(() => assertContent(object, { head: qcow2() }, 'qcow2')).not.toThrow();
});

test('an object whose checksums cannot be trusted is refused', () => {
  const published = [{ algorithm: 'sha256', digest: 'b'.repeat(64) }];
  expect(() => assertTrustedChecksums({ ...object, sha256: 'b'.repeat(64), published })).not.toThrow();
  expect(() => assertTrustedChecksums({ ...object, sha256: 'a'.repeat(64), published })).toThrow(
    /cannot be verified: several different sha256 are published of it: a{64}, b{64}/,
  );
  expect(() => assertTrustedChecksums({ ...object, checksumFault: 'the store publishes nonsense' })).toThrow(
    'cannot be verified: the store publishes nonsense',
  );
});

test.each([
  [qcow2({ virtualBytes: BigInt(10 * gib) }), 'qcow2', 10],
  [qcow2({ virtualBytes: BigInt(10 * gib + 1) }), 'qcow2', 11],
  [qcow2({ virtualBytes: 1n }), 'qcow2', 1],
  [Buffer.alloc(512), 'raw', 11],
])('an image needs a disk of its virtual size, rounded up', (head, format, expected) => {
  expect(minimumDiskGib(object.bytes, head, format)).toBe(expected);
});
