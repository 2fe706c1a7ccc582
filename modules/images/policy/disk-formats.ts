// Which formats the content of a file may be recognised as. The signatures are those of QEMU's
// block drivers (block/*.c, *_probe), of format_inspector in oslo.utils, and of libmagic.

/** A sample of a file: its beginning and, if read, its last bytes. */
export interface ContentSample {
  readonly head: Buffer;
  readonly tail?: Buffer;
}

/**
 * Size of the sample of the beginning: an ISO 9660 volume descriptor ends at 34 KiB, and the
 * comments of a VMDK descriptor may be long.
 */
export const headBytes = 64 * 1024;

/**
 * Size of the sample of the end: the footer of a fixed VHD is the last sector, which older tools
 * truncate to 511 bytes.
 */
export const tailBytes = 512;

interface Signature {
  readonly format: string;
  readonly matches: (head: Buffer) => boolean;
}

const disks: readonly Signature[] = [
  { format: 'QCOW version 1', matches: (head) => startsWith(head, 'QFI\xfb') && wordAt(head, 4) === 1 },
  { format: 'qcow2', matches: (head) => startsWith(head, 'QFI\xfb') && wordAt(head, 4) !== 1 },
  { format: 'QED', matches: (head) => startsWith(head, 'QED\0') },
  { format: 'VMDK', matches: (head) => startsWith(head, 'KDMV') || startsWith(head, 'COWD') || isVmdkDescriptor(head) },
  { format: 'VHDX', matches: (head) => startsWith(head, 'vhdxfile') },
  { format: 'VHD', matches: (head) => startsWith(head, 'conectix') },
  { format: 'VDI', matches: (head) => head.length >= 68 && head.readUInt32LE(64) === 0xbeda107f },
  { format: 'LUKS', matches: (head) => startsWith(head, 'LUKS\xba\xbe') },
  {
    format: 'Parallels',
    matches: (head) => startsWith(head, 'WithoutFreeSpace') || startsWith(head, 'WithouFreSpacExt'),
  },
  { format: 'Bochs', matches: (head) => startsWith(head, 'Bochs Virtual HD Image') },
  { format: 'cloop', matches: (head) => startsWith(head, '#!/bin/sh\n#V2.0 Format\n') },
  { format: 'Android sparse', matches: (head) => head.length >= 4 && head.readUInt32LE(0) === 0xed26ff3a },
];

/** Kernels and initramfs are often compressed, so these say nothing about them. */
const compressions: readonly Signature[] = [
  { format: 'gzip', matches: (head) => startsWith(head, '\x1f\x8b') },
  { format: 'xz', matches: (head) => startsWith(head, '\xfd7zXZ\0') },
  { format: 'zstd', matches: (head) => startsWith(head, '\x28\xb5\x2f\xfd') },
  { format: 'bzip2', matches: (head) => /^BZh[1-9]/.test(latin(head, 4)) },
  { format: 'lz4', matches: (head) => startsWith(head, '\x04\x22\x4d\x18') || startsWith(head, '\x02\x21\x4c\x18') },
  { format: 'lzop', matches: (head) => startsWith(head, '\x89LZO\0\r\n\x1a\n') },
  { format: 'lzip', matches: (head) => startsWith(head, 'LZIP') },
  {
    format: 'LZMA',
    matches: (head) => startsWith(head, '\x5d\0\0') && /^(\xff{8}|[^]{5}\0{3})/.test(latin(head.subarray(5), 8)),
  },
];

const archives: readonly Signature[] = [
  { format: 'zip', matches: (head) => startsWith(head, 'PK\x03\x04') || startsWith(head, 'PK\x05\x06') },
  { format: '7-Zip', matches: (head) => startsWith(head, '7z\xbc\xaf\x27\x1c') },
  { format: 'RAR', matches: (head) => startsWith(head, 'Rar!\x1a\x07') },
  { format: 'tar', matches: (head) => latin(head.subarray(257), 5) === 'ustar' },
  { format: 'WIM', matches: (head) => startsWith(head, 'MSWIM\0\0\0') },
];

/**
 * The formats that the sample of a file matches; none for an unrecognised file such as a raw disk.
 * A file with more than one is suspicious.
 */
export function formatsIn({ head, tail }: ContentSample): string[] {
  const found = [...disks, ...compressions, ...archives]
    .filter(({ matches }) => matches(head))
    .map(({ format }) => format);
  if (isIso(head)) found.push('ISO');
  if (tail && hasFooter(tail, 'conectix') && !found.includes('VHD')) found.push('VHD');
  if (tail && hasFooter(tail, 'koly')) found.push('DMG');
  if (isWebPage(head)) found.push('HTML');
  else if (found.length === 0 && isJson(head)) found.push('JSON');
  return found;
}

const compressionNames: ReadonlySet<string> = new Set(compressions.map(({ format }) => format));

/** True for compressions that a boot loader handles. */
export function isCompression(format: string): boolean {
  return compressionNames.has(format);
}

/**
 * A text that QEMU would read as a VMDK, or that is intended as one: comments and blank lines, then
 * fields in any order. It may name any file of the host that opens it as an extent. Only the part
 * that looks like text is read.
 */
function isVmdkDescriptor(head: Buffer): boolean {
  const zero = head.indexOf(0);
  const text = latin(zero === -1 ? head : head.subarray(0, zero), headBytes).replace(/^\xef\xbb\xbf/, '');
  if (/^[ \t\r\n]*#[ \t]*disk[ \t]*descriptorfile/i.test(text)) return true;
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const [first] = lines.filter((line) => !line.startsWith('#'));
  if (first !== undefined && /^version[ \t]*=[ \t]*"?\d/i.test(first)) return true;
  return lines.some(
    (line) =>
      /^createtype[ \t]*=/i.test(line) || /^(rw|rdonly|noaccess)[ \t]+\d+[ \t]+[a-z0-9]+([ \t]+"|$)/i.test(line),
  );
}

/**
 * ISO 9660 and UDF have their first volume descriptor in the sixteenth sector of 2 KiB; in High
 * Sierra the name has a larger offset.
 */
function isIso(head: Buffer): boolean {
  const name = latin(head.subarray(32769), 5);
  return ['CD001', 'BEA01', 'NSR02', 'NSR03', 'TEA01'].includes(name) || latin(head.subarray(32777), 5) === 'CDROM';
}

/** A footer at the start of the last sector, or of the last 511 bytes. */
function hasFooter(tail: Buffer, name: string): boolean {
  const last = tail.subarray(Math.max(0, tail.length - tailBytes));
  return startsWith(last, name) || startsWith(last.subarray(1), name);
}

function isWebPage(head: Buffer): boolean {
  return /^(\xef\xbb\xbf)?\s*<(!doctype|!--|html|head|body|\?xml|error|listbucketresult)/i.test(latin(head, 1024));
}

/** Many stores return JSON instead of a missing file. */
function isJson(head: Buffer): boolean {
  const first = head.subarray(0, 512);
  return (
    /^(\xef\xbb\xbf)?\s*[{[]/.test(latin(first, 512)) &&
    first.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d))
  );
}

function startsWith(bytes: Buffer, text: string): boolean {
  return latin(bytes, text.length) === text;
}

function latin(bytes: Buffer, length: number): string {
  return bytes.subarray(0, length).toString('latin1');
}

function wordAt(bytes: Buffer, offset: number): number | undefined {
  return bytes.length >= offset + 4 ? bytes.readUInt32BE(offset) : undefined;
}
