// What an object's bytes say that it is: looked at before the transfer, while it passes, and in Glance where nothing passed through this host.
import { downloadImage } from '../../clients/glance/images.js';
import { readBody } from '../../clients/http/body.js';
import { withoutCredentials } from '../../core/urls.js';
import type { StoreObject } from '../../clients/store/object.js';
import { OperationError } from '../../core/errors.js';
import { headBytes, tailBytes } from '../policy/disk-formats.js';
import { contentFault, startInspection, type ContentFault } from '../policy/disk-inspection.js';
import { qcow2VirtualBytes } from '../policy/qcow2.js';
import type { Work } from './job.js';

export { headBytes };

/** Checks by its beginning that an object is what its name or its metadata say. Throws FORMAT_MISMATCH, FORMAT_UNSAFE, STORE_CHECKSUM_UNUSABLE. */
export function assertFormat(object: StoreObject, head: Buffer, expected: string): void {
  if (object.checksumFault !== undefined) {
    const url = withoutCredentials(object.url);
    throw new OperationError('STORE_CHECKSUM_UNUSABLE', `${url} cannot be verified: ${object.checksumFault}`, { url });
  }
  const fault = contentFault({ head, bytes: object.bytes }, expected);
  if (fault) throw formatError(object, fault);
}

/** Passes the bytes of an object on, and breaks off before its last one where they are not what they are said to be. */
export function formatGuard({ object, diskFormat }: Work['source']): (chunk: Buffer) => void {
  const inspection = startInspection({ bytes: object.bytes, expected: diskFormat });
  return (chunk) => {
    const fault = inspection.update(chunk);
    if (fault) throw formatError(object, fault);
  };
}

/** Looks at what Glance has of an image that this run did not send: its first and its last bytes. Throws FORMAT_MISMATCH, FORMAT_UNSAFE. */
export async function assertStoredFormat(id: string, { source, run }: Work): Promise<void> {
  const { object, diskFormat } = source;
  const read = async (from: number, length: number): Promise<Buffer> => {
    const answer = await downloadImage(run.cloud, id, {
      headers: { Range: `bytes=${from}-${from + length - 1}` },
      expect: [200, 206],
    });
    return readPart(
      answer.status === 206 ? 0 : from,
      length,
      readBody(answer, { url: answer.url, stallSeconds: run.args.stall_timeout }),
    );
  };
  const head = await read(0, Math.min(headBytes, object.bytes));
  const tail =
    diskFormat === 'raw'
      ? await read(Math.max(0, object.bytes - tailBytes), Math.min(tailBytes, object.bytes))
      : undefined;
  const fault = contentFault({ head, ...(tail ? { tail } : {}), bytes: object.bytes }, diskFormat);
  if (fault) throw formatError(object, fault);
}

/** So many bytes of a body from an offset; what comes after them is not read. */
async function readPart(skip: number, length: number, body: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let offset = 0;
  for await (const chunk of body) {
    if (offset + chunk.length > skip) parts.push(chunk.subarray(Math.max(0, skip - offset)));
    offset += chunk.length;
    if (offset >= skip + length) break;
  }
  return Buffer.concat(parts).subarray(0, length);
}

function formatError({ url: source }: StoreObject, { code, why }: ContentFault): OperationError {
  const url = withoutCredentials(source);
  return new OperationError(code, `${url} ${why}`, { url });
}

/** The smallest disk that the image fits on, in GiB. */
export function minDiskGib(object: StoreObject, head: Buffer, diskFormat: string): number {
  const virtualBytes = diskFormat === 'qcow2' ? (qcow2VirtualBytes(head) ?? object.bytes) : object.bytes;
  return Math.ceil(virtualBytes / 2 ** 30);
}
