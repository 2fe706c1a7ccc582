// Takes a new image away whose bytes must not be used.
import { deleteImage } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import type { Run, Work } from './job.js';
import { whyNotDeleted } from './leftovers.js';

/** The image is of no use to anybody: another attempt with the same bytes would end in the same way. */
const hopeless: ReadonlySet<string> = new Set([
  'CHECKSUM_MISMATCH',
  'FORMAT_MISMATCH',
  'FORMAT_UNSAFE',
  'IMAGE_REFUSED',
]);

/**
 * The error to throw in place of one that was met while an image was brought in or verified. Where it says that the bytes themselves are wrong
 * the image, which was never public, is deleted where nobody uses it; after any other error a later run goes on with it.
 */
export async function discarded(id: string, error: unknown, { run }: Work): Promise<unknown> {
  if (!(error instanceof OperationError) || !hopeless.has(error.code)) return error;
  const fate = await discard(id, run);
  return new OperationError(
    error.code,
    `${error.message}; ${fate}, and the present one was left as it is`,
    error.facts,
    error,
  );
}

/** An image that an earlier run has left may be in use, private though it is. */
async function discard(id: string, run: Run): Promise<string> {
  const kept = (await whyNotDeleted([id], run)).get(id);
  if (kept !== undefined) return `the new image ${id} is still there, private: ${kept}`;
  return deleteImage(run.cloud, id).then(
    () => 'the new image was deleted',
    (failure: unknown) =>
      `the new image ${id} is still there, private, since it could not be deleted (${messageOf(failure)})`,
  );
}
