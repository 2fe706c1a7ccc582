import { describe, expect, test } from '@jest/globals';
import { assertFormat, formatOf, minDiskGib } from '../../modules/operations/image-deploy/format.js';

const gib = 2 ** 30;
const object = { url: 'http://store/image', bytes: 10 * gib + 1 };

/** A qcow2 header, as docs/interop/qcow2.txt of QEMU describes it. */
function qcow2(fields: { version?: number; backingFileOffset?: bigint; virtualBytes?: bigint; incompatible?: bigint } = {}): Buffer {
  const head = Buffer.alloc(512);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(fields.version ?? 3, 4);
  head.writeBigUInt64BE(fields.backingFileOffset ?? 0n, 8);
  head.writeBigUInt64BE(fields.virtualBytes ?? BigInt(10 * gib), 24);
  head.writeBigUInt64BE(fields.incompatible ?? 0n, 72);
  return head;
}

function beginning(text: string | number[]): Buffer {
  const head = Buffer.alloc(512);
  Buffer.from(text as string, 'latin1').copy(head);
  return head;
}

test.each([
  ['qcow2', qcow2()],
  ['raw', Buffer.alloc(512)],
  ['vmdk', beginning('KDMV')],
  ['vmdk', beginning('# Disk DescriptorFile\n')],
  ['vhdx', beginning('vhdxfile')],
  ['vhd', beginning('conectix')],
  ['gzip', beginning([0x1f, 0x8b])],
  ['xz', beginning([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
  ['zstd', beginning([0x28, 0xb5, 0x2f, 0xfd])],
  ['bzip2', beginning('BZh9')],
  ['HTML', beginning('\n<!DOCTYPE html>')],
  ['HTML', beginning('<html>')],
])('%s is told by its first bytes', (format, head) => {
  expect(formatOf(head)).toBe(format);
});

describe('an object', () => {
  test.each([['qcow2', qcow2()], ['qcow2', qcow2({ version: 2 })], ['raw', Buffer.alloc(512, 7)]])('that is %s as it says is taken', (format, head) => {
    expect(() => assertFormat(object, head, format)).not.toThrow();
  });

  test.each([
    ['HTML for a qcow2', beginning('<html>'), 'qcow2', 'http://store/image is HTML, not qcow2'],
    ['a qcow2 for a raw', qcow2(), 'raw', 'http://store/image is qcow2, not raw'],
    ['a compressed raw', beginning([0x1f, 0x8b]), 'raw', 'is gzip, not raw'],
    ['a raw for a qcow2', Buffer.alloc(512), 'qcow2', 'is raw, not qcow2'],
    ['a qcow2 with a backing file', qcow2({ backingFileOffset: 512n }), 'qcow2', 'refers to a backing file'],
    ['a qcow2 with an external data file', qcow2({ incompatible: 4n }), 'qcow2', 'refers to an external data file'],
  ])('that is %s is refused', (_, head, format, message) => {
    expect(() => assertFormat(object, head, format)).toThrow(message);
  });

  test.each([0, 1, 71])('of %i bytes is no disk image', (bytes) => {
    expect(() => assertFormat({ url: object.url, bytes }, qcow2().subarray(0, bytes), 'qcow2')).toThrow(`has only ${bytes} bytes`);
  });

  test.each([
    [qcow2({ virtualBytes: BigInt(10 * gib) }), 10],
    [qcow2({ virtualBytes: BigInt(10 * gib + 1) }), 11],
    [qcow2({ virtualBytes: 1n }), 1],
    [Buffer.alloc(512), 11],
  ])('needs a disk of its virtual size, rounded up', (head, expected) => {
    expect(minDiskGib(object, head)).toBe(expected);
  });
});
