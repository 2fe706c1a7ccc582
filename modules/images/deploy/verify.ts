// Compares what Glance has stored with the store's object, before anyone can see the image.
import { downloadImage, type Image } from '../../clients/glance/images.js';
import { readBody } from '../../clients/http/body.js';
import type { HttpClient } from '../../clients/http/client.js';
import { readSource, type SourceOptions } from '../../clients/store/source.js';
import { OperationError } from '../../core/errors.js';
import { sizeInBytes } from '../../core/sizes.js';
import { withoutCredentials } from '../../core/urls.js';
import { canDigest, startDigests } from '../digests.js';
import { compareConverted, describeConversion, type Conversion } from '../policy/conversion.js';
import { headBytes, tailBytes } from '../policy/disk-formats.js';
import { assertContent, contentGuard } from '../policy/disk-inspection.js';
import {
  planVerification,
  type Comparison,
  type DigestPlan,
  type DigestValues,
  type ExpectedDigest,
  type TransferredData,
  type VerificationStep,
} from '../policy/verification.js';
import { readImageData } from './data.js';
import { discardWrongData } from './leftovers.js';
import { conversionIn, type TransferJob } from './run.js';

/**
 * Verifies an active image and returns what was compared. `sent`: what this run sent, if it did. A
 * mismatch deletes the image and throws CHECKSUM_MISMATCH, FORMAT_MISMATCH or FORMAT_UNSAFE.
 */
export async function verify(
  image: Image,
  sent: TransferredData | undefined,
  transfer: TransferJob,
): Promise<string[]> {
  try {
    if (image.size === 0)
      throw new OperationError('FORMAT_MISMATCH', 'Glance has stored no data for the image', { id: image.id });
    const conversion = conversionIn(image, transfer);
    const verifiedBy = conversion
      ? await compareAllConverted(image, sent, conversion, transfer)
      : await compareAll(image, sent, transfer);
    return [...new Set(verifiedBy)];
  } catch (error) {
    throw await discardWrongData(image.id, error, transfer.run);
  }
}

/** Of an image that Glance has converted: see `compareConverted`. Then inspects it in its new format. */
async function compareAllConverted(
  image: Image,
  data: TransferredData | undefined,
  conversion: Conversion,
  transfer: TransferJob,
): Promise<string[]> {
  const { source } = transfer;
  // The object is read and decompressed here, and compared as a whole.
  if (conversion.from === 'gzip')
    return compareAll(image, undefined, { ...transfer, source: { ...source, compression: 'gz' } });
  const comparisons = compareConverted(image, source, conversion, data);
  if (comparisons.length === 0) {
    const how = `Glance has converted it ${describeConversion(conversion)}, and nothing tells the size of its disk`;
    throw unverifiable(`image ${image.id} cannot be verified: ${how}`, image);
  }
  assertEqual(comparisons, transfer);
  const object = { url: source.object.url, bytes: image.size ?? 0 };
  await assertStoredFormat(image.id, { ...transfer, source: { ...source, object, diskFormat: conversion.to } });
  return comparisons.map(({ what }) => what);
}

/** Throws CHECKSUM_MISMATCH: the stored, or staged, data are not the store's object. */
export function assertEqual(comparisons: readonly Comparison[], transfer: TransferJob): void {
  for (const comparison of comparisons)
    if (comparison.found !== comparison.expected) throw mismatch(comparison, transfer);
}

async function compareAll(image: Image, data: TransferredData | undefined, transfer: TransferJob): Promise<string[]> {
  const verifiedBy: string[] = [];
  for (const step of planVerification(image, transfer.source, data, canDigest)) {
    if (step.kind === 'read-object')
      return [...verifiedBy, ...(await compareAll(image, await readAgain(step.digests, transfer), transfer))];
    const comparisons = await takeStep(step, image, transfer);
    assertEqual(comparisons, transfer);
    verifiedBy.push(...comparisons.map(({ what }) => what));
  }
  return verifiedBy;
}

async function takeStep(
  step: Exclude<VerificationStep, { kind: 'read-object' }>,
  image: Image,
  transfer: TransferJob,
): Promise<readonly Comparison[]> {
  if (step.kind === 'compare') return [step];
  if (step.kind === 'impossible') throw unverifiable(step.why, image);
  if (step.kind === 'inspect') {
    await assertStoredFormat(image.id, transfer);
    return [];
  }
  const digests = await digestImage(image, step.digests, transfer);
  return step.digests.map(({ what, algorithm, expected }) => ({ what, found: digests.get(algorithm), expected }));
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
async function digestImage(
  image: Image,
  expected: readonly ExpectedDigest[],
  transfer: TransferJob,
): Promise<DigestValues> {
  const { run, source } = transfer;
  const http: HttpClient = ({ headers = {}, expect = [200] }) =>
    downloadImage(run.cloud, image.id, { headers, expect });
  const digests = startDigests(expected.map(({ algorithm }) => algorithm));
  const guard = contentGuard(source.object, source.diskFormat);
  const bytes = image.size ?? source.object.bytes;
  const progress = verifyProgress(bytes, transfer);
  let doneBytes = 0;
  // With the digests an interrupted download can be continued: Glance shows no validators, and its
  // data never change.
  const published = expected.map(({ algorithm, expected: digest }) => ({ algorithm, digest }));
  for await (const chunk of readSource({ url: `glance://${image.id}`, bytes, published }, patient(http, transfer))) {
    guard.update(chunk);
    digests.update(chunk);
    progress((doneBytes += chunk.length));
  }
  guard.finish();
  return digests.finish();
}

/** Reads the source again, as for a transfer. */
async function readAgain(digests: DigestPlan, transfer: TransferJob): Promise<TransferredData> {
  const { source, run } = transfer;
  let data: TransferredData | undefined;
  const options = {
    ...patient(run.http, transfer),
    connections: run.args.connections,
    digests,
    maxBytes: sizeInBytes(run.args.max_size),
    onRead: verifyProgress(source.object.bytes, transfer),
    onEnd: (all: TransferredData) => (data = all),
  };
  for await (const chunk of readImageData(source, options)) void chunk;
  if (!data) throw new Error('the data ended without their digests');
  return data;
}

/** Nobody waits for the data meanwhile. */
function patient(http: HttpClient, { job, run }: TransferJob): SourceOptions {
  return {
    http,
    signal: run.context.signal,
    stallSeconds: run.args.stall_timeout,
    budgetSeconds: run.args.stall_timeout * 3,
    onInterruption: (reason) => run.context.log('info', `${job.planned.name}: ${reason}; continuing`),
  };
}

function verifyProgress(totalBytes: number, { job, run }: TransferJob): (doneBytes: number) => void {
  return (doneBytes) => run.context.progress({ subject: job.planned.name, stage: 'verify', doneBytes, totalBytes });
}
