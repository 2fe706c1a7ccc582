// Deletes images that earlier runs left behind, and new images whose data must not be used, but
// only if nobody uses them.
import { deleteImage } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { type ImageResult, leftoverResult } from '../policy/deploy-results.js';
import type { Leftover } from '../policy/deployment.js';
import { describeUse } from '../policy/image-uses.js';
import { markers, type SiteImage } from '../policy/site-image.js';
import { readUses } from '../uses.js';
import type { DeployRun } from './run.js';

/** The leftovers that nobody uses, and a warning about each of the others. */
export async function unusedLeftovers(
  leftovers: readonly Leftover[],
  run: DeployRun,
): Promise<{ readonly leftovers: readonly Leftover[]; readonly warnings: readonly string[] }> {
  const images = leftovers.map(({ image }) => image);
  const reasons = await reasonsToKeep(images, run);
  return {
    leftovers: leftovers.filter(({ image }) => !reasons.has(image.id)),
    warnings: keepWarnings(images, reasons),
  };
}

export async function deleteLeftover(leftover: Leftover, run: DeployRun): Promise<ImageResult> {
  const result = leftoverResult(leftover);
  try {
    await deleteImage(run.cloud, leftover.image.id);
    return result;
  } catch (error) {
    const reason = `leftover ${leftover.image.id} could not be deleted: ${messageOf(error)}`;
    return { ...result, action: 'failed', reason };
  }
}

/** Deletes an image that cannot be resumed. Returns a warning if somebody uses it. */
export async function deleteIfUnused(image: SiteImage, run: DeployRun): Promise<readonly string[]> {
  const reasons = await reasonsToKeep([image], run);
  if (!reasons.has(image.id)) await deleteImage(run.cloud, image.id);
  return keepWarnings([image], reasons);
}

function keepWarnings(images: readonly SiteImage[], reasons: ReadonlyMap<string, string>): string[] {
  return images.flatMap(({ id, name, properties }) => {
    const reason = reasons.get(id);
    if (reason === undefined) return [];
    return `${properties[markers.name] ?? name}: ${name} (${id}), left by an earlier run, was not deleted: ${reason}`;
  });
}

/** Why an image must be kept, for each image that somebody uses or may use. */
async function reasonsToKeep(
  images: readonly Pick<SiteImage, 'id'>[],
  run: DeployRun,
): Promise<ReadonlyMap<string, string>> {
  const ids = images.map(({ id }) => id);
  if (ids.length === 0) return new Map();
  try {
    const uses = await readUses(run.cloud, (id) => ids.includes(id));
    return new Map([...uses].map(([id, use]) => [id, `it is used by ${describeUse(use, new Map())}`]));
  } catch (error) {
    run.context.signal.throwIfAborted();
    return new Map(ids.map((id) => [id, `it is not known whether it is in use: ${messageOf(error)}`]));
  }
}

/**
 * Errors that say that the data themselves are wrong: another attempt with the same data would fail
 * in the same way.
 */
const dataErrors: ReadonlySet<string> = new Set([
  'CHECKSUM_MISMATCH',
  'FORMAT_MISMATCH',
  'FORMAT_UNSAFE',
  'IMAGE_REFUSED',
  'SOURCE_DAMAGED',
  'SOURCE_TOO_LARGE',
  'TAR_UNUSABLE',
]);

/**
 * The error to throw instead of one that occurred while an image was transferred or verified. If
 * the data are wrong, the image, which was never public, is deleted unless somebody uses it; after
 * any other error a later run resumes it.
 */
export async function discardWrongData(id: string, error: unknown, run: DeployRun): Promise<unknown> {
  return error instanceof OperationError && dataErrors.has(error.code) ? discarded(id, error, run) : error;
}

/** Deletes a new image that is of no more use, unless somebody uses it. Returns the error with what became of it. */
export async function discarded(id: string, error: OperationError, run: DeployRun): Promise<OperationError> {
  const fate = await discardImage(id, run);
  return new OperationError(
    error.code,
    `${error.message}; ${fate}, and the production image was not changed`,
    error.facts,
    error,
  );
}

/** An image that an earlier run left may be in use although it is private. */
async function discardImage(id: string, run: DeployRun): Promise<string> {
  const kept = (await reasonsToKeep([{ id }], run)).get(id);
  if (kept !== undefined) return `the new image ${id} is kept, private: ${kept}`;
  return deleteImage(run.cloud, id).then(
    () => 'the new image was deleted',
    (failure: unknown) =>
      `the new image ${id} is still there, private: it could not be deleted (${messageOf(failure)})`,
  );
}
