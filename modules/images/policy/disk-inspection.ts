// Whether the data of an image have the format that they are said to have. Inspects their beginning
// and their end while they pass, and keeps nothing else.
import { OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import type { Checksum } from './checksums.js';
import { formatsIn, headBytes, isCompression, tailBytes, type ContentSample } from './disk-formats.js';
import { qcow2Fault, qcow2VirtualBytes } from './qcow2.js';

export interface ContentFault {
  readonly code: 'FORMAT_MISMATCH' | 'FORMAT_UNSAFE';
  /** A predicate for the name of the file: `is HTML, not qcow2`. */
  readonly why: string;
}

/** No header of a disk image is smaller. */
const smallestDiskBytes = 72;

const isBootFile = (expected: string): boolean => expected === 'aki' || expected === 'ari';

/**
 * Judges a file of `bytes` bytes by a sample. `expected` is Glance's disk_format. A raw disk that a
 * later probe would recognise as another format is refused: it would be opened as that format, with
 * everything that its header refers to. A kernel or an initramfs must only not be a disk or a web
 * page.
 */
export function contentFault(
  { head, tail, bytes }: ContentSample & { readonly bytes: number },
  expected: string,
): ContentFault | undefined {
  if (bytes === 0 || head.length === 0) return mismatch(`is empty, not ${expected}`);
  const formats = formatsIn({ head, ...(tail && expected === 'raw' ? { tail } : {}) });
  if (isBootFile(expected)) {
    const wrong = formats.filter((format) => !isCompression(format));
    return wrong.length > 0 ? mismatch(`is ${together(wrong)}, not ${expected}`) : undefined;
  }
  const wrong = formats.filter((format) => format !== expected);
  if (wrong.length > 0)
    return mismatch(
      `is ${together(formats)}, not ${expected === 'qcow2' && formats.includes('qcow2') ? 'qcow2 alone' : expected}`,
    );
  if (bytes < smallestDiskBytes) return mismatch(`has only ${bytes} bytes and is not ${expected}`);
  if (expected !== 'qcow2') return undefined;
  if (formats.length === 0) return mismatch('is raw, not qcow2');
  const fault = qcow2Fault(head);
  return fault?.kind === 'unsafe' ? { code: 'FORMAT_UNSAFE', why: fault.why } : fault && mismatch(fault.why);
}

function mismatch(why: string): ContentFault {
  return { code: 'FORMAT_MISMATCH', why };
}

function together(formats: readonly string[]): string {
  return formats.join(' and ');
}

export interface Inspection {
  /** Takes the next chunk. Returns a fault of the beginning as soon as that is complete. */
  update(chunk: Buffer): ContentFault | undefined;
  /** Judges the complete file, with its last bytes. */
  finish(): ContentFault | undefined;
}

/** Inspects a file of any size that passes in chunks of any size. */
export function startInspection(expected: string): Inspection {
  const head = Buffer.alloc(headBytes);
  let tail = Buffer.alloc(0);
  let bytes = 0;
  return {
    update: (chunk) => {
      const isHeadComplete = bytes >= headBytes;
      if (!isHeadComplete) chunk.copy(head, bytes);
      const last = chunk.subarray(-tailBytes);
      tail = last.length === tailBytes ? Buffer.from(last) : Buffer.concat([tail, last]).subarray(-tailBytes);
      bytes += chunk.length;
      return !isHeadComplete && bytes >= headBytes ? contentFault({ head, bytes }, expected) : undefined;
    },
    finish: () => contentFault({ head: head.subarray(0, bytes), tail, bytes }, expected),
  };
}

/** An object of a store, as far as its content is judged. */
export interface InspectedObject {
  readonly url: string;
  readonly bytes: number;
  /** Why its published checksums cannot be trusted. */
  readonly checksumFault?: string;
  readonly md5?: string;
  readonly sha256?: string;
  readonly published?: readonly Checksum[];
}

/**
 * Throws STORE_CHECKSUM_UNUSABLE if the checksums that are published cannot be trusted, or
 * contradict each other.
 */
export function assertTrustedChecksums(object: InspectedObject): void {
  const checksumFault = object.checksumFault ?? contradiction(object);
  if (checksumFault === undefined) return;
  const shown = withoutCredentials(object.url);
  throw new OperationError('STORE_CHECKSUM_UNUSABLE', `${shown} cannot be verified: ${checksumFault}`, { url: shown });
}

function contradiction({ md5, sha256, published = [] }: InspectedObject): string | undefined {
  const all = [
    ...(sha256 ? [{ algorithm: 'sha256', digest: sha256 }] : []),
    ...(md5 ? [{ algorithm: 'md5', digest: md5 }] : []),
    ...published,
  ];
  for (const { algorithm } of published) {
    const digests = new Set(all.filter((each) => each.algorithm === algorithm).map(({ digest }) => digest));
    if (digests.size > 1) return `several different ${algorithm} are published of it: ${[...digests].join(', ')}`;
  }
  return undefined;
}

/**
 * Throws FORMAT_MISMATCH or FORMAT_UNSAFE if a sample of an object is not what its name or its
 * metadata say.
 */
export function assertContent(object: InspectedObject, sample: ContentSample, expected: string): void {
  const fault = contentFault({ ...sample, bytes: object.bytes }, expected);
  if (fault) throw contentError(object, fault);
}

export interface ContentGuard {
  update(chunk: Buffer): void;
  /** To be called before the last chunk is handed over. */
  finish(): void;
}

/** Inspects the data of an object, and throws if they are not what they are said to be. */
export function contentGuard(object: Pick<InspectedObject, 'url'>, diskFormat: string): ContentGuard {
  const inspection = startInspection(diskFormat);
  const throwIf = (fault: ContentFault | undefined): void => {
    if (fault) throw contentError(object, fault);
  };
  return { update: (chunk) => throwIf(inspection.update(chunk)), finish: () => throwIf(inspection.finish()) };
}

function contentError({ url }: Pick<InspectedObject, 'url'>, { code, why }: ContentFault): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError(code, `${shown} ${why}`, { url: shown });
}

/**
 * The smallest disk that an image fits on, in GiB; undefined if its size is not known. `head`: its
 * first bytes.
 */
export function minimumDiskGib(bytes: number | undefined, head: Buffer, diskFormat: string): number | undefined {
  const virtualBytes = diskFormat === 'qcow2' ? (qcow2VirtualBytes(head) ?? bytes) : bytes;
  return virtualBytes === undefined ? undefined : Math.ceil(virtualBytes / 2 ** 30);
}
