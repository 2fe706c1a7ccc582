// The header of a qcow2 (docs/interop/qcow2.txt of QEMU): its virtual size, and why it must not be
// opened.

/** The header of version 2; that of version 3 has at least 104 bytes. */
const smallestHeaderBytes = 72;

/**
 * Incompatible features as Glance treats them: dirty, corrupt and compression type are harmless,
 * all others are refused.
 */
const harmlessFeatures = 0b1011n;
const dataFileFeature = 1n << 2n;
const extendedL2Feature = 1n << 4n;

const extensions = { end: 0, dataFile: 0x44415441, encryption: 0x0537be77 } as const;

export interface Qcow2Fault {
  /**
   * `unsafe`: opening it reads other files, or content that cannot be inspected. `damaged`: it is
   * not a usable qcow2.
   */
  readonly kind: 'unsafe' | 'damaged';
  /** A predicate for the name of the file. */
  readonly why: string;
}

/** What is wrong with a qcow2 according to its first bytes; undefined if nothing is. */
export function qcow2Fault(head: Buffer): Qcow2Fault | undefined {
  if (head.length < smallestHeaderBytes) return damaged(`has only ${head.length} bytes`);
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) return damaged(`is a qcow2 of the unknown version ${version}`);
  if (version === 3 && head.length < 104) return damaged(`has only ${head.length} bytes`);
  if (head.readBigUInt64BE(8) !== 0n || head.readUInt32BE(16) !== 0)
    return unsafe('is a qcow2 that refers to a backing file');
  if (head.readUInt32BE(32) !== 0) return unsafe('is a qcow2 whose content is encrypted');
  const features = version === 3 ? featureFault(head.readBigUInt64BE(72)) : undefined;
  if (features !== undefined) return unsafe(features);
  const named = extensionsIn(head, version === 3 ? head.readUInt32BE(100) : smallestHeaderBytes);
  if (named.has(extensions.dataFile)) return unsafe('is a qcow2 that names an external data file');
  if (named.has(extensions.encryption)) return unsafe('is a qcow2 whose content is encrypted');
  return undefined;
}

function featureFault(features: bigint): string | undefined {
  if ((features & dataFileFeature) !== 0n) return 'is a qcow2 that refers to an external data file';
  if ((features & extendedL2Feature) !== 0n)
    return 'is a qcow2 with extended L2 entries, which Glance and Nova refuse; convert it with extended_l2=off';
  const unknown = features & ~harmlessFeatures;
  return unknown === 0n ? undefined : `is a qcow2 with unknown incompatible features (0x${unknown.toString(16)})`;
}

/**
 * The types of the header extensions within the sample: each consists of a type, a length, and
 * content padded to 8 bytes.
 */
function extensionsIn(head: Buffer, headerBytes: number): ReadonlySet<number> {
  const types = new Set<number>();
  for (let offset = headerBytes; offset >= smallestHeaderBytes && offset + 8 <= head.length; ) {
    const type = head.readUInt32BE(offset);
    if (type === extensions.end) break;
    types.add(type);
    offset += 8 + Math.ceil(head.readUInt32BE(offset + 4) / 8) * 8;
  }
  return types;
}

/** The virtual size of the disk; undefined if the sample is too short. */
export function qcow2VirtualBytes(head: Buffer): number | undefined {
  return head.length < 32 ? undefined : Number(head.readBigUInt64BE(24));
}

function unsafe(why: string): Qcow2Fault {
  return { kind: 'unsafe', why };
}

function damaged(why: string): Qcow2Fault {
  return { kind: 'damaged', why };
}
