// Takes a new image away whose bytes must not be used.
import { deleteImage } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import type { Work } from './job.js';

/** The image is of no use to anybody: another attempt with the same bytes would end in the same way. */
const hopeless: ReadonlySet<string> = new Set(['CHECKSUM_MISMATCH', 'FORMAT_MISMATCH', 'FORMAT_UNSAFE', 'IMAGE_REFUSED']);

/**
 * The error to throw in place of one that was met while an image was brought in or verified. Where it says that the bytes themselves are wrong
 * the image, which nobody has seen yet, is deleted; after any other error a later run goes on with it.
 */
export async function discarded(id: string, error: unknown, { job, run }: Work): Promise<unknown> {
  if (!(error instanceof OperationError) || !hopeless.has(error.code)) return error;
  const fate = await deleteImage(run.cloud, id).then(
    () => 'the new image was deleted',
    (failure: unknown) => `the new image ${id} is still there, private, since it could not be deleted (${messageOf(failure)})`,
  );
  const { name } = job.planned;
  const message = error.message.startsWith(`${name}: `) ? error.message : `${name}: ${error.message}`;
  return new OperationError(error.code, `${message}; ${fate}, and the present one was left as it is`, error.facts, error);
}
