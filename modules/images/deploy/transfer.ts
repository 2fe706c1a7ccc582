// Brings the data of one image into Glance, however often that has to be begun again.
import { getImage, importFailure, importFromUrl, type Image } from '../../clients/glance/images.js';
import { HttpError, statusOf } from '../../clients/http/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { isWorthRepeating, retryAfterSeconds } from '../../clients/http/retry.js';
import { hasCode, messageOf, OperationError } from '../../core/errors.js';
import { sleep, waitFor } from '../../core/waiting.js';
import { isInMotion } from '../policy/site-image.js';
import { discarded } from './discard.js';
import type { Run, Work } from './job.js';
import { streamOnce } from './stream.js';

export interface Transferred {
  readonly image: Image;
  /** Digests of what was sent; absent where this run did not send it. */
  readonly streamed?: ReadonlyMap<string, string>;
}

/**
 * Returns the active image. After every failed attempt the image's own status decides how to go on: an answer may be lost although the
 * upload succeeded. Throws the last failure once `attempts` are used up, or at once where repeating is of no use.
 */
export async function transfer(id: string, work: Work): Promise<Transferred> {
  const { job, run } = work;
  let failure: unknown;
  let streamed: ReadonlyMap<string, string> | undefined;
  for (let attempt = 1; ; attempt++) {
    const image = await settled(id, work);
    if (image.status === 'active') return { image, ...(streamed ? { streamed } : {}) };
    if (attempt > run.args.attempts) throw failure;
    if (failure !== undefined) {
      run.context.log(
        'info',
        `${job.planned.name}: attempt ${attempt - 1} failed: ${messageOf(failure)}; trying again`,
      );
      await pause(attempt - 1, failure, run);
    }
    try {
      if (run.args.import_method === 'web-download') await importOnce(id, work);
      else await streamOnce(id, work, (digests) => (streamed = digests));
      failure = new OperationError(
        'UPLOAD_LOST',
        `Glance answered that it has the data of image ${id}, but the image is still queued`,
        { id },
      );
    } catch (error) {
      run.context.signal.throwIfAborted();
      if (!mayRecover(error)) throw await discarded(id, statusOf(error) === 415 ? refused(error, work) : error, work);
      failure = error;
    }
  }
}

/** The image once Glance is not busy with it. A web-download that is still going on counts as busy; one that failed does not. */
async function settled(id: string, { job, run }: Pick<Work, 'job' | 'run'>): Promise<Image> {
  return waitFor(
    async () => {
      const image = await getImage(run.cloud, id);
      if (!image)
        throw new OperationError('IMAGE_GONE', `image ${id} was deleted by somebody during the transfer`, { id });
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

/** Asks Glance to fetch the object, and waits until it has, or says that it failed. */
async function importOnce(id: string, work: Work): Promise<void> {
  const { source, run, job } = work;
  run.context.progress({ subject: job.planned.name, stage: 'import', totalBytes: source.object.bytes });
  await (await importFromUrl(run.cloud, id, source.object.url)).text();
  const image = await settled(id, work);
  if (image.status === 'active') return;
  const reason = await failureReason(id, run);
  throw new OperationError(
    'IMPORT_FAILED',
    `Glance could not import ${source.object.url}${reason ? `: ${reason}` : ''}`,
    { id },
  );
}

/** Glance writes the task's message a moment after the image's status. */
async function failureReason(id: string, run: Run): Promise<string> {
  const look = async (): Promise<string | undefined> => (await importFailure(run.cloud, id)) || undefined;
  try {
    return await waitFor(look, {
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

async function pause(failures: number, failure: unknown, run: Run): Promise<void> {
  const seconds = Math.min(2 ** (failures - 1), 60) * (0.5 + run.context.random() / 2);
  await sleep(Math.max(seconds, retryAfterSeconds(failure)) * 1000, run.context.signal);
}

/** Glance has looked into the bytes, or takes no such data at all; its own words are often those of its web framework. */
function refused(error: unknown, { source }: Work): OperationError {
  const url = withoutCredentials(source.object.url);
  return new OperationError(
    'IMAGE_REFUSED',
    `Glance found that the bytes of ${url} are not ${source.diskFormat}, or not safe to use as that (${messageOf(error)})`,
    { url },
    error,
  );
}

/** 401: the token has been renewed meanwhile. 409: the image's status will tell. 410 and 404 too. */
const statusesToLookInto: ReadonlySet<number> = new Set([401, 404, 409, 410]);

function mayRecover(error: unknown): boolean {
  if (error instanceof HttpError) return isWorthRepeating(error) || statusesToLookInto.has(statusOf(error) ?? 0);
  return isWorthRepeating(error) || hasCode(error, 'SOURCE_BROKEN') || hasCode(error, 'IMPORT_FAILED');
}
