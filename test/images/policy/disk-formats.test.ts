import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatsIn, headBytes, isCompression } from '../../../modules/images/policy/disk-formats.js';
import { bootSector, qcow2, sample } from './disk-samples.js';

const descriptor = [
  '# Disk DescriptorFile',
  'version=1',
  'CID=fffffffe',
  'createType="monolithicFlat"',
  'RW 2048 FLAT "/etc/shadow" 0',
  '',
].join('\n');

test.each<[format: string, how: string, head: Buffer]>([
  ['qcow2', 'of version 3', qcow2()],
  ['qcow2', 'of version 2', qcow2({ version: 2 })],
  ['qcow2', 'of a version to come', qcow2({ version: 9 })],
  ['QCOW version 1', 'by its magic', qcow2({ version: 1 })],
  ['QED', 'by its magic', sample('QED\0')],
  ['VMDK', 'sparse', sample('KDMV')],
  ['VMDK', 'of version 3', sample('COWD')],
  ['VMDK', 'as a descriptor', sample(descriptor)],
  ['VMDK', 'as a descriptor without its first comment', sample(descriptor.replace(/^.*\n/, ''))],
  ['VMDK', 'behind other comments', sample(`#\n# mine\n\n \n${descriptor.replace(/^.*\n/, '')}`)],
  [
    'VMDK',
    'behind comments of many kilobytes',
    sample(`${`# ${'x'.repeat(70)}\n`.repeat(500)}version=1\n`, { bytes: headBytes }),
  ],
  ['VMDK', 'with line ends of Windows', sample(descriptor.replaceAll('\n', '\r\n'))],
  ['VMDK', 'in other letters and spaces', sample('\n  # disk descriptorfile\n  Version = 2\n')],
  ['VMDK', 'with fields in another order', sample('CID=fffffffe\nCreateType = "twoGbMaxExtentFlat"\n')],
  ['VMDK', 'with an extent alone', sample('encoding="UTF-8"\nRW 63 FLAT "x-flat.vmdk" 0\n')],
  ['VMDK', 'behind a byte order mark', sample(`\xef\xbb\xbf${descriptor}`)],
  ['VHDX', 'by its magic', sample('vhdxfile')],
  ['VHD', 'dynamic', sample('conectix')],
  ['VDI', 'by its magic, of any creator', sample([0x7f, 0x10, 0xda, 0xbe], { at: 64 })],
  ['LUKS', 'of version 1', sample('LUKS\xba\xbe\0\x01')],
  ['LUKS', 'of version 2', sample('LUKS\xba\xbe\0\x02')],
  ['Parallels', 'by its magic', sample('WithoutFreeSpace')],
  ['Parallels', 'extended', sample('WithouFreSpacExt')],
  ['Bochs', 'by its magic', sample('Bochs Virtual HD Image')],
  ['ISO', 'ISO 9660', sample('\x01CD001', { at: 32768 })],
  ['ISO', 'UDF', sample('\0BEA01', { at: 32768 })],
  ['ISO', 'hybrid, with a partition table', Buffer.concat([bootSector, sample('\x01CD001', { at: 32768 - 512 })])],
  ['gzip', 'by its magic', sample([0x1f, 0x8b])],
  ['xz', 'by its magic', sample([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
  ['zstd', 'by its magic', sample([0x28, 0xb5, 0x2f, 0xfd])],
  ['bzip2', 'by its magic', sample('BZh9')],
  ['lz4', 'by its magic', sample([0x04, 0x22, 0x4d, 0x18])],
  ['zip', 'by its magic', sample('PK\x03\x04')],
  ['tar', 'such as an OVA', sample('ustar', { at: 257 })],
  ['7-Zip', 'by its magic', sample('7z\xbc\xaf\x27\x1c')],
  ['HTML', 'with its type', sample('\n<!DOCTYPE html>')],
  ['HTML', 'without', sample('<html>')],
  ['HTML', 'as S3 answers', sample('<?xml version="1.0"?><Error>')],
  ['JSON', 'as many stores answer', sample('{"error": "not here"}'.padEnd(512))],
  ['Android sparse', 'by its magic', sample([0x3a, 0xff, 0x26, 0xed])],
])('%s is told, %s', (format, _, head) => {
  expect(formatsIn({ head })).toEqual([format]);
});

describe('a raw disk has none of these formats', () => {
  test.each<[string, Buffer]>([
    ['empty', Buffer.alloc(headBytes)],
    ['with a partition table', bootSector],
    ['with GRUB', Buffer.concat([sample([0xeb, 0x63, 0x90]), sample('EFI PART')])],
    ['of a file system without partitions', sample([0x53, 0xef], { at: 1080, bytes: 4096 })],
    ['of one byte', Buffer.from([1])],
    ['of none', Buffer.alloc(0)],
  ])('%s', (_, head) => {
    expect(formatsIn({ head })).toEqual([]);
  });
});

describe('the end of a file', () => {
  test.each([
    ['VHD', 'a fixed VHD', sample('conectix')],
    ['VHD', 'one of older tools, a byte shorter', sample('\0conectix')],
    ['DMG', 'an Apple disk image', sample('koly')],
  ])('tells %s: %s', (format, _, tail) => {
    expect(formatsIn({ head: bootSector, tail })).toEqual([format]);
  });

  test('of a dynamic VHD adds nothing', () => {
    expect(formatsIn({ head: sample('conectix'), tail: sample('conectix') })).toEqual(['VHD']);
  });
});

test('both formats of an ambiguous file are reported', () => {
  const head = Buffer.alloc(headBytes);
  qcow2().copy(head);
  head.write('CD001', 32769);

  expect(formatsIn({ head })).toEqual(['qcow2', 'ISO']);
});

test('what a boot loader unpacks is recognized as compressed', () => {
  expect(['gzip', 'xz', 'zstd', 'lz4', 'LZMA', 'zip', 'qcow2', 'HTML'].filter(isCompression)).toEqual([
    'gzip',
    'xz',
    'zstd',
    'lz4',
    'LZMA',
  ]);
});

test('no input makes it throw', () => {
  const magic = fc.constantFrom(
    'QFI\xfb',
    'KDMV',
    'COWD',
    '# Disk DescriptorFile\n',
    'version=1',
    'conectix',
    'LUKS\xba\xbe',
    '<html',
    'BZh',
    '\x5d\0\0',
    '',
  );
  const content = fc
    .tuple(magic, fc.uint8Array({ maxLength: 700 }))
    .map(([text, bytes]) => Buffer.concat([Buffer.from(text, 'latin1'), bytes]));
  fc.assert(
    fc.property(content, fc.option(content, { nil: undefined }), (head, tail) =>
      Array.isArray(formatsIn({ head, ...(tail ? { tail } : {}) })),
    ),
  );
});
