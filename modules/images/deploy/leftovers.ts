// What earlier runs left behind is deleted only where it is known that nobody uses it.
import { deleteImage } from '../../clients/glance/images.js';
import { messageOf } from '../../core/errors.js';
import type { Leftover } from '../policy/deployment.js';
import { markers, type SiteImage } from '../policy/site-image.js';
import { describeUse } from '../policy/image-uses.js';
import { readUses } from '../uses.js';
import type { Run } from './job.js';

/** Those that nobody uses. Of each other one it is said why it stays. */
export async function withoutUsed(leftovers: readonly Leftover[], run: Run): Promise<Leftover[]> {
  const reasons = await reasonsToKeep(
    leftovers.map(({ image }) => image),
    run,
  );
  return leftovers.filter(({ image }) => !reasons.has(image.id));
}

/** Deletes an image that cannot be gone on with. */
export async function clearAway(image: SiteImage, run: Run): Promise<void> {
  const reasons = await reasonsToKeep([image], run);
  if (!reasons.has(image.id)) await deleteImage(run.cloud, image.id);
}

/** Warns of each reason. */
async function reasonsToKeep(images: readonly SiteImage[], run: Run): Promise<ReadonlyMap<string, string>> {
  const reasons = await whyNotDeleted(
    images.map(({ id }) => id),
    run,
  );
  for (const { id, name, properties } of images) {
    const reason = reasons.get(id);
    if (reason !== undefined)
      run.warnings.push(
        `${properties[markers.name] ?? name}: ${name} (${id}), which an earlier run has left, was not deleted: ${reason}`,
      );
  }
  return reasons;
}

/** Of each image that somebody uses, or may use, the reason why it must stay. */
export async function whyNotDeleted(ids: readonly string[], run: Run): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  try {
    const uses = await readUses(run.cloud, (id) => ids.includes(id));
    return new Map([...uses].map(([id, use]) => [id, `it is used by ${describeUse(use, new Map())}`]));
  } catch (error) {
    run.context.signal.throwIfAborted();
    return new Map(ids.map((id) => [id, `it is not known whether anybody uses it: ${messageOf(error)}`]));
  }
}
