// Beginnings of files of many formats, as small as their readers take them.

const gib = 2 ** 30;

/** Bytes at an offset of a sample. */
export function sample(
  content: string | readonly number[],
  { at = 0, bytes = 512 }: { at?: number; bytes?: number } = {},
): Buffer {
  const buffer = Buffer.alloc(Math.max(bytes, at + content.length));
  Buffer.from(content as string, 'latin1').copy(buffer, at);
  return buffer;
}

export interface Qcow2Fields {
  readonly version?: number;
  readonly backingFileOffset?: bigint;
  readonly virtualBytes?: bigint;
  readonly encryption?: number;
  readonly incompatible?: bigint;
  /** Type of a header extension. */
  readonly extension?: number;
}

/** A qcow2 header, as docs/interop/qcow2.txt of QEMU describes it. */
export function qcow2(fields: Qcow2Fields = {}): Buffer {
  const head = Buffer.alloc(512);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(fields.version ?? 3, 4);
  head.writeBigUInt64BE(fields.backingFileOffset ?? 0n, 8);
  head.writeUInt32BE(16, 20);
  head.writeBigUInt64BE(fields.virtualBytes ?? BigInt(10 * gib), 24);
  head.writeUInt32BE(fields.encryption ?? 0, 32);
  if ((fields.version ?? 3) >= 3) {
    head.writeBigUInt64BE(fields.incompatible ?? 0n, 72);
    head.writeUInt32BE(104, 100);
  }
  if (fields.extension !== undefined) {
    head.writeUInt32BE(fields.extension, (fields.version ?? 3) >= 3 ? 104 : 72);
    head.writeUInt32BE(8, (fields.version ?? 3) >= 3 ? 108 : 76);
  }
  return head;
}

/** The first sector of an empty disk with a partition table. */
export const bootSector = sample([0x55, 0xaa], { at: 510 });
