// Waits until Glance is not busy with an image.
import { getImage, type Image } from '../../clients/glance/images.js';
import { OperationError } from '../../core/errors.js';
import { waitFor } from '../../core/waiting.js';
import { isBrokenImport, isInMotion, isStaged } from '../policy/site-image.js';
import type { TransferJob } from './run.js';

/**
 * The image as soon as Glance is not busy with it: active, without data, with staged data, or left by an import that
 * has failed. An import in progress counts as busy, a failed one does not.
 */
export async function waitUntilSettled(id: string, { job, run }: Pick<TransferJob, 'job' | 'run'>): Promise<Image> {
  return waitFor(
    async () => {
      const image = await getImage(run.cloud, id);
      if (!image)
        throw new OperationError('IMAGE_GONE', `image ${id} was deleted by somebody else during the transfer`, { id });
      if (isInMotion(image)) {
        run.context.progress({ subject: job.planned.name, stage: 'wait' });
        return undefined;
      }
      if (image.status === 'active' || image.status === 'queued' || isStaged(image) || isBrokenImport(image))
        return image;
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
