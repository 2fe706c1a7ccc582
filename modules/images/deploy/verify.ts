// Compares what Glance has stored with the store's object, before anyone can see the image.
import { downloadImage, type Image } from '../../clients/glance/images.js';
import { readBody } from '../../clients/http/body.js';
import type { HttpClient } from '../../clients/http/client.js';
import type { StoreObject } from '../../clients/store/object.js';
import { readSource, type SourceOptions } from '../../clients/store/source.js';
import { OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { canDigest, startDigests } from '../digests.js';
import { headBytes, tailBytes } from '../policy/disk-formats.js';
import { assertContent, contentGuard } from '../policy/disk-inspection.js';
import {
  compareReported,
  nothingComparable,
  planVerification,
  type Comparison,
  type DigestValues,
  type VerificationStep,
} from '../policy/verification.js';
import { discardWrongData } from './leftovers.js';
import type { TransferJob } from './run.js';

/**
 * Verifies an active image and returns what was compared. `sent`: digests of the data that were
 * sent, if this run sent them. A mismatch deletes the image and throws CHECKSUM_MISMATCH,
 * FORMAT_MISMATCH or FORMAT_UNSAFE.
 */
export async function verify(image: Image, sent: DigestValues | undefined, transfer: TransferJob): Promise<string[]> {
  try {
    if (image.size === 0)
      throw new OperationError('FORMAT_MISMATCH', 'Glance has stored no data for the image', { id: image.id });
    const verifiedBy: string[] = [];
    for (const step of planVerification(image, transfer.source.object, sent, canDigest)) {
      const comparison = await takeStep(step, image, transfer);
      if (!comparison) continue;
      if (comparison.found !== comparison.expected) throw mismatch(comparison, transfer);
      verifiedBy.push(comparison.what);
    }
    return verifiedBy;
  } catch (error) {
    throw await discardWrongData(image.id, error, transfer.run);
  }
}

async function takeStep(step: VerificationStep, image: Image, transfer: TransferJob): Promise<Comparison | undefined> {
  if (step.kind === 'compare') return step;
  if (step.kind === 'impossible') throw unverifiable(step.why, image);
  if (step.kind === 'inspect') {
    await assertStoredFormat(image.id, transfer);
    return undefined;
  }
  if (step.kind === 'read-image') {
    const digests = await digestImage(image.id, step.algorithm, transfer);
    return { what: step.what, found: digests.get(step.algorithm), expected: step.expected };
  }
  const digests = await digestAll(transfer.source.object, transfer.run.http, step.algorithms, transfer);
  const comparison = compareReported(image, digests);
  if (!comparison) throw unverifiable(nothingComparable(image), image);
  return comparison;
}

function unverifiable(why: string, { id }: Image): OperationError {
  return new OperationError('UNVERIFIABLE', why, { id });
}

function mismatch({ what, found, expected }: Comparison, { source }: TransferJob): OperationError {
  const url = withoutCredentials(source.object.url);
  return new OperationError(
    'CHECKSUM_MISMATCH',
    `the ${what} of the image is ${found}, but that of ${url} is ${expected}`,
    { url, found, expected },
  );
}

/**
 * Inspects the first and last bytes of an image that this run did not send. Throws FORMAT_MISMATCH,
 * FORMAT_UNSAFE.
 */
async function assertStoredFormat(id: string, { source, run }: TransferJob): Promise<void> {
  const { object, diskFormat } = source;
  const read = async (from: number, length: number): Promise<Buffer> => {
    const answer = await downloadImage(run.cloud, id, {
      headers: { Range: `bytes=${from}-${from + length - 1}` },
      expect: [200, 206],
    });
    const body = readBody(answer, { url: answer.url, stallSeconds: run.args.stall_timeout });
    return readPart(answer.status === 206 ? 0 : from, length, body);
  };
  const head = await read(0, Math.min(headBytes, object.bytes));
  const tail =
    diskFormat === 'raw'
      ? await read(Math.max(0, object.bytes - tailBytes), Math.min(tailBytes, object.bytes))
      : undefined;
  assertContent(object, { head, ...(tail ? { tail } : {}) }, diskFormat);
}

/** `length` bytes of a body from an offset; the rest is not read. */
async function readPart(offset: number, length: number, body: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let position = 0;
  for await (const chunk of body) {
    if (position + chunk.length > offset) parts.push(chunk.subarray(Math.max(0, offset - position)));
    position += chunk.length;
    if (position >= offset + length) break;
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** Reads the image back from Glance and inspects its format at the same time. */
async function digestImage(id: string, algorithm: string, transfer: TransferJob): Promise<DigestValues> {
  const { run, source } = transfer;
  // With the checksums an interrupted download can be continued: Glance shows no validators, and
  // its data never change.
  const { bytes, sha256, md5 } = source.object;
  const http: HttpClient = ({ headers = {}, expect = [200] }) => downloadImage(run.cloud, id, { headers, expect });
  const image = { url: `glance://${id}`, bytes, ...(sha256 ? { sha256 } : {}), ...(md5 ? { md5 } : {}) };
  return digestAll(image, http, [algorithm], transfer, contentGuard(source.object, source.diskFormat));
}

async function digestAll(
  object: StoreObject,
  http: HttpClient,
  algorithms: readonly string[],
  { job, run }: TransferJob,
  inspect: (chunk: Buffer) => void = () => undefined,
): Promise<DigestValues> {
  const digests = startDigests(algorithms);
  const totalBytes = object.bytes;
  let doneBytes = 0;
  const options: SourceOptions = {
    http,
    signal: run.context.signal,
    stallSeconds: run.args.stall_timeout,
    budgetSeconds: run.args.stall_timeout * 3,
    onInterruption: (reason) => run.context.log('info', `${job.planned.name}: ${reason}; continuing`),
  };
  for await (const chunk of readSource(object, options)) {
    inspect(chunk);
    digests.update(chunk);
    doneBytes += chunk.length;
    run.context.progress({ subject: job.planned.name, stage: 'verify', doneBytes, totalBytes });
  }
  return digests.finish();
}
