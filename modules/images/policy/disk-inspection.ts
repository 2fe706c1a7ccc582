// Whether the data of an image have the format that they are said to have. Inspects their beginning
// and their end while they pass, and keeps nothing else.
import { OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';
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
  /**
   * Takes the next chunk. Returns a fault as soon as it is found, at the latest with the chunk that
   * contains the last byte of the file.
   */
  update(chunk: Buffer): ContentFault | undefined;
}

/** Inspects a file of `bytes` bytes that passes in chunks of any size. */
export function startInspection({
  bytes,
  expected,
}: {
  readonly bytes: number;
  readonly expected: string;
}): Inspection {
  const head = Buffer.alloc(Math.min(headBytes, bytes));
  const tail = Buffer.alloc(Math.min(tailBytes, bytes));
  const tailFrom = bytes - tail.length;
  let offset = 0;
  return {
    update: (chunk) => {
      const isHeadComplete = offset >= head.length;
      if (!isHeadComplete) chunk.copy(head, offset, 0, Math.min(chunk.length, head.length - offset));
      if (offset + chunk.length > tailFrom)
        chunk.copy(tail, Math.max(0, offset - tailFrom), Math.max(0, tailFrom - offset));
      offset += chunk.length;
      if (offset >= bytes) return contentFault({ head, tail, bytes }, expected);
      return !isHeadComplete && offset >= head.length ? contentFault({ head, bytes }, expected) : undefined;
    },
  };
}

/** An object of a store, as far as its content is judged. */
export interface InspectedObject {
  readonly url: string;
  readonly bytes: number;
  /** Why its published checksums cannot be trusted. */
  readonly checksumFault?: string;
}

/** Throws STORE_CHECKSUM_UNUSABLE if the store publishes checksums that cannot be trusted. */
export function assertTrustedChecksums({ url, checksumFault }: InspectedObject): void {
  if (checksumFault === undefined) return;
  const shown = withoutCredentials(url);
  throw new OperationError('STORE_CHECKSUM_UNUSABLE', `${shown} cannot be verified: ${checksumFault}`, { url: shown });
}

/**
 * Throws FORMAT_MISMATCH or FORMAT_UNSAFE if a sample of an object is not what its name or its
 * metadata say.
 */
export function assertContent(object: InspectedObject, sample: ContentSample, expected: string): void {
  const fault = contentFault({ ...sample, bytes: object.bytes }, expected);
  if (fault) throw contentError(object, fault);
}

/**
 * Takes the data of an object chunk by chunk, and throws before the last byte if they are not what
 * they are said to be.
 */
export function contentGuard(object: InspectedObject, diskFormat: string): (chunk: Buffer) => void {
  const inspection = startInspection({ bytes: object.bytes, expected: diskFormat });
  return (chunk) => {
    const fault = inspection.update(chunk);
    if (fault) throw contentError(object, fault);
  };
}

function contentError({ url }: InspectedObject, { code, why }: ContentFault): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError(code, `${shown} ${why}`, { url: shown });
}

/** The smallest disk that an image fits on, in GiB. `head`: its first bytes. */
export function minimumDiskGib(bytes: number, head: Buffer, diskFormat: string): number {
  const virtualBytes = diskFormat === 'qcow2' ? (qcow2VirtualBytes(head) ?? bytes) : bytes;
  return Math.ceil(virtualBytes / 2 ** 30);
}
