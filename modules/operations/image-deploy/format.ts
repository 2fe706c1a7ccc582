// What the first bytes of a disk image say that it is.
import { OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../../clients/http/errors.js';
import type { StoreObject } from '../../clients/store/object.js';

/** Enough for the headers of every format that is told apart here. */
export const headBytes = 512;

/** No disk image is smaller: a qcow2 header of version 2 has 72 bytes. */
const smallestHeaderBytes = 72;

const signatures: readonly { readonly format: string; readonly matches: (head: Buffer) => boolean }[] = [
  { format: 'qcow2', matches: (head) => head.subarray(0, 4).equals(Buffer.from('QFI\xfb', 'latin1')) },
  { format: 'vmdk', matches: (head) => head.subarray(0, 4).toString('latin1') === 'KDMV' || head.toString('latin1').startsWith('# Disk DescriptorFile') },
  { format: 'vhdx', matches: (head) => head.toString('latin1').startsWith('vhdxfile') },
  { format: 'vhd', matches: (head) => head.toString('latin1').startsWith('conectix') },
  { format: 'vdi', matches: (head) => head.length >= 68 && head.readUInt32LE(64) === 0xbeda107f },
  { format: 'gzip', matches: (head) => head.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])) },
  { format: 'xz', matches: (head) => head.subarray(0, 6).equals(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])) },
  { format: 'zstd', matches: (head) => head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])) },
  { format: 'bzip2', matches: (head) => head.subarray(0, 3).toString('latin1') === 'BZh' },
  { format: 'HTML', matches: (head) => /^\s*<(!doctype|html|\?xml)/i.test(head.toString('latin1')) },
];

/** The format of a disk image; `raw` is whatever bears no other's signature. */
export function formatOf(head: Buffer): string {
  return signatures.find(({ matches }) => matches(head))?.format ?? 'raw';
}

/** What a kernel or an initramfs may look like: it has no signature of its own, or is compressed. */
const bootFormats: ReadonlySet<string> = new Set(['raw', 'gzip', 'xz', 'zstd', 'bzip2']);

/**
 * Checks that an object is what its name or its metadata say. Throws FORMAT_MISMATCH, and for a qcow2 that would read other files of the host
 * (a backing file, an external data file: docs/interop/qcow2.txt of QEMU) FORMAT_UNSAFE.
 */
export function assertFormat(object: StoreObject, head: Buffer, expected: string): void {
  const url = withoutCredentials(object.url);
  const found = formatOf(head);
  const isExpected = expected === 'aki' || expected === 'ari' ? bootFormats.has(found) : found === expected;
  if (!isExpected || head.length < smallestHeaderBytes) {
    const what = head.length < smallestHeaderBytes ? `has only ${object.bytes} bytes` : `is ${found}`;
    throw new OperationError('FORMAT_MISMATCH', `${url} ${what}, not ${expected}`, { url, found, expected });
  }
  if (expected !== 'qcow2') return;
  const backingFileOffset = head.readBigUInt64BE(8);
  const version = head.readUInt32BE(4);
  const externalData = version >= 3 && head.length >= 80 && (head.readBigUInt64BE(72) & 4n) !== 0n;
  if (backingFileOffset !== 0n || externalData) {
    throw new OperationError('FORMAT_UNSAFE', `${url} is a qcow2 that refers to ${externalData ? 'an external data file' : 'a backing file'}`, { url });
  }
}

/** The smallest disk that the image fits on, in GiB. */
export function minDiskGib(object: StoreObject, head: Buffer): number {
  const virtualBytes = formatOf(head) === 'qcow2' ? Number(head.readBigUInt64BE(24)) : object.bytes;
  return Math.ceil(virtualBytes / 2 ** 30);
}
