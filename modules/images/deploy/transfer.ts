// Transfers the data of one image into Glance, with as many attempts as allowed.
import { getImage, importFailure, importFromUrl, type Image } from '../../clients/glance/images.js';
import { HttpError, statusOf } from '../../clients/http/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { isWorthRepeating, retryAfterSeconds } from '../../clients/http/retry.js';
import { hasCode, messageOf, OperationError } from '../../core/errors.js';
import { sleep, waitFor } from '../../core/waiting.js';
import { isInMotion } from '../policy/site-image.js';
import type { DigestValues } from '../policy/verification.js';
import { discardWrongData } from './leftovers.js';
import type { DeployRun, TransferJob } from './run.js';
import { streamOnce } from './stream.js';

export interface TransferredImage {
  readonly image: Image;
  /** DigestValues of the data that were sent; absent if this run did not send them. */
  readonly sent?: DigestValues;
}

/**
 * Returns the active image. After each failed attempt the image's own status decides how to
 * continue: a response may be lost although the upload succeeded. Throws the last failure when
 * `attempts` are used up, or at once if another attempt cannot help.
 */
export async function transferData(id: string, transfer: TransferJob): Promise<TransferredImage> {
  const { job, run } = transfer;
  let failure: unknown;
  let sent: DigestValues | undefined;
  for (let attempt = 1; ; attempt++) {
    const image = await waitUntilSettled(id, transfer);
    if (image.status === 'active') return { image, ...(sent ? { sent } : {}) };
    if (attempt > run.args.attempts) throw failure;
    if (failure !== undefined) {
      run.context.log(
        'info',
        `${job.planned.name}: attempt ${attempt - 1} failed: ${messageOf(failure)}; trying again`,
      );
      await pause(attempt - 1, failure, run);
    }
    try {
      if (run.args.import_method === 'web-download') await importOnce(id, transfer);
      else await streamOnce(id, transfer, (digests) => (sent = digests));
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

/**
 * The image as soon as Glance is not busy with it. A web-download in progress counts as busy, a
 * failed one does not.
 */
async function waitUntilSettled(id: string, { job, run }: Pick<TransferJob, 'job' | 'run'>): Promise<Image> {
  return waitFor(
    async () => {
      const image = await getImage(run.cloud, id);
      if (!image)
        throw new OperationError('IMAGE_GONE', `image ${id} was deleted by somebody else during the transfer`, { id });
      if (isInMotion(image)) {
        run.context.progress({ subject: job.planned.name, stage: 'wait' });
        return undefined;
      }
      if (image.status === 'active' || image.status === 'queued') return image;
      throw new OperationError('IMAGE_UNUSABLE', `image ${id} is ${image.status}`, { id, status: image.status });
    },
    {
      subject: `Glance to finish image ${id}`,
      timeoutSeconds: run.args.upload_timeout,
      intervalSeconds: 0.5,
      signal: run.context.signal,
    },
  );
}

/** Asks Glance to fetch the object, and waits until it has succeeded or failed. */
async function importOnce(id: string, transfer: TransferJob): Promise<void> {
  const { source, run, job } = transfer;
  run.context.progress({ subject: job.planned.name, stage: 'import', totalBytes: source.object.bytes });
  await (await importFromUrl(run.cloud, id, source.object.url)).text();
  const image = await waitUntilSettled(id, transfer);
  if (image.status === 'active') return;
  const reason = await failureReason(id, run);
  throw new OperationError(
    'IMPORT_FAILED',
    `Glance could not import ${source.object.url}${reason ? `: ${reason}` : ''}`,
    { id },
  );
}

/** Glance writes the task's message shortly after the image's status. */
async function failureReason(id: string, run: DeployRun): Promise<string> {
  const read = async (): Promise<string | undefined> => (await importFailure(run.cloud, id)) || undefined;
  try {
    return await waitFor(read, {
      subject: 'the reason of a failed import',
      timeoutSeconds: 3,
      intervalSeconds: 0.2,
      signal: run.context.signal,
    });
  } catch (error) {
    if (hasCode(error, 'WAIT_TIMEOUT')) return '';
    throw error;
  }
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

function mayRecover(error: unknown): boolean {
  if (error instanceof HttpError) return isWorthRepeating(error) || recoverableStatuses.has(statusOf(error) ?? 0);
  return isWorthRepeating(error) || hasCode(error, 'SOURCE_BROKEN') || hasCode(error, 'IMPORT_FAILED');
}
