// Transfers the data of one image into Glance, with as many attempts as allowed.
import { uploadImage } from '../../clients/glance/data.js';
import type { Image } from '../../clients/glance/images.js';
import { HttpError, statusOf } from '../../clients/http/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { isWorthRepeating, retryAfterSeconds } from '../../clients/http/retry.js';
import { hasCode, messageOf, OperationError } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import { methodFor } from '../policy/import-methods.js';
import { isBrokenImport } from '../policy/site-image.js';
import type { TransferredData } from '../policy/verification.js';
import { importObject, stageAndImport } from './import.js';
import { discarded, discardWrongData } from './leftovers.js';
import type { DeployRun, TransferJob } from './run.js';
import { waitUntilSettled } from './settle.js';
import { streamOnce } from './stream.js';

export interface TransferredImage {
  readonly image: Image;
  /** Absent if this run did not send the data. */
  readonly sent?: TransferredData;
}

/**
 * Returns the active image. After each failed attempt the image's own status decides how to
 * continue: a response may be lost although the upload succeeded. Throws the last failure when
 * `attempts` are used up, or at once if another attempt cannot help.
 * `isNew`: this run has just created the image, so that its status is known.
 */
export async function transferData(
  found: Image,
  { isNew }: { readonly isNew: boolean },
  transfer: TransferJob,
): Promise<TransferredImage> {
  const { job, run } = transfer;
  const { id } = found;
  let failure: unknown;
  let sent: TransferredData | undefined;
  for (let attempt = 1; ; attempt++) {
    const image = isNew && attempt === 1 ? found : await waitUntilSettled(id, transfer);
    if (image.status === 'active') return { image, ...(sent ? { sent } : {}) };
    const spent = spentBy(image, failure, transfer.source.diskFormat);
    if (spent) throw await discarded(id, spent, run);
    if (attempt > run.args.attempts) throw failure;
    if (failure !== undefined) {
      run.context.log(
        'info',
        `${job.planned.name}: attempt ${attempt - 1} failed: ${messageOf(failure)}; trying again`,
      );
      await pause(attempt - 1, failure, run);
    }
    try {
      await sendOnce(image, sent, transfer, (data) => (sent = data));
      failure = new OperationError(
        'UPLOAD_LOST',
        `Glance confirmed the data of image ${id}, but the image is still queued`,
        { id },
      );
    } catch (error) {
      run.context.signal.throwIfAborted();
      if (!mayRecover(error))
        throw await discardWrongData(id, statusOf(error) === 415 ? imageRefused(error, transfer) : error, run);
      failure = error;
    }
  }
}

/** Sends the data, or has Glance fetch them, by the method of this image. */
async function sendOnce(
  image: Image,
  sent: TransferredData | undefined,
  transfer: TransferJob,
  onSent: (data: TransferredData) => void,
): Promise<void> {
  const method = methodFor(transfer.run.args.import_method, transfer.source.diskFormat);
  if (method === 'web-download') await importObject(image.id, transfer);
  else if (method === 'glance-direct') await stageAndImport(image, sent, transfer, onSent);
  else await streamOnce(uploadImage, image.id, transfer, onSent);
}

/**
 * Why an image cannot be sent again: a failed import has left it so that Glance accepts nothing but
 * its deletion, its place among the staged data is taken by a part of them, which only the deletion
 * frees, or it was converted before its import failed, and has another format now. Undefined if it
 * can.
 */
function spentBy(image: Image, failure: unknown, diskFormat: string): OperationError | undefined {
  const isStageTaken = image.status === 'queued' && statusOf(failure) === 409 && /staging/.test(messageOf(failure));
  const isConverted = image.status === 'queued' && image.disk_format !== diskFormat;
  if (!isBrokenImport(image) && !isStageTaken && !isConverted) return undefined;
  const { id } = image;
  const why = failure === undefined ? `Glance has failed to import the data of image ${id}` : messageOf(failure);
  return new OperationError('IMPORT_FAILED', why, { id }, failure);
}

async function pause(failures: number, failure: unknown, run: DeployRun): Promise<void> {
  const seconds = Math.min(2 ** (failures - 1), 60) * (0.5 + run.context.random() / 2);
  await sleep(Math.max(seconds, retryAfterSeconds(failure)) * 1000, run.context.signal);
}

/**
 * Glance has inspected the data, or accepts no such data at all; its own message is often that of
 * its web framework.
 */
function imageRefused(error: unknown, { source }: TransferJob): OperationError {
  const url = withoutCredentials(source.object.url);
  return new OperationError(
    'IMAGE_REFUSED',
    `Glance refuses the data of ${url} as not being ${source.diskFormat} or not being safe to use as such ` +
      `(${messageOf(error)})`,
    { url },
    error,
  );
}

/** 401: the token is renewed before the next attempt. 404, 409, 410: the image's status decides. */
const recoverableStatuses: ReadonlySet<number> = new Set([401, 404, 409, 410]);
/** `UPLOAD_LOST`: what was staged is not there. */
const recoverableCodes = ['SOURCE_BROKEN', 'IMPORT_FAILED', 'UPLOAD_LOST'] as const;

function mayRecover(error: unknown): boolean {
  if (error instanceof HttpError) return isWorthRepeating(error) || recoverableStatuses.has(statusOf(error) ?? 0);
  return isWorthRepeating(error) || recoverableCodes.some((code) => hasCode(error, code));
}
