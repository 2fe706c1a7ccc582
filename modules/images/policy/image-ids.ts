// The ids of images that this system creates: the same everywhere, so that of many runs exactly one can create an image.
import { uuid5 } from '../../core/uuid.js';

/** Fixed for ever: another value would make other ids. */
const namespace = '6f6e0c9c-51a5-5a0e-9d6c-2f3a4d0f7f1b';

/** `attempt` counts from 0, and goes up where an id was used before: Glance never gives a deleted image's id again. */
export function imageId(image: { project: string; name: string; release: string; attempt: number }): string {
  return uuid5(JSON.stringify([image.project, image.name, image.release, image.attempt]), namespace);
}
