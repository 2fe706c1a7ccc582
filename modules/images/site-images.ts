// The images of the site: all that Glance lists, the names of the projects that own them, and a
// change to one of them.
import {
  getImage,
  listImages,
  patchImage,
  type Image,
  type ImageChange,
  type ImageFilter,
} from '../clients/glance/images.js';
import { statusOf } from '../clients/http/errors.js';
import { isWorthRepeating } from '../clients/http/retry.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { listProjectNames } from '../clients/keystone/projects.js';
import { messageOf, OperationError } from '../core/errors.js';
import type { Context } from '../core/operation.js';
import { sleep } from '../core/waiting.js';
import { isSameValue, valueIn } from './policy/image-edits.js';
import { isGone } from './policy/site-image.js';

/**
 * All images of the site, including hidden ones. Reads two lists, because Glance lists hidden
 * images only separately; an image that moves between them counts once.
 */
export async function readSiteImages(cloud: Cloud, filter: Omit<ImageFilter, 'hidden'> = {}): Promise<Image[]> {
  const lists = await Promise.all([
    listImages(cloud, { ...filter, hidden: false }),
    listImages(cloud, { ...filter, hidden: true }),
  ]);
  return [...new Map(lists.flat().map((image) => [image.id, image])).values()].filter((image) => !isGone(image));
}

/** Names of projects by id; empty if Keystone does not list them for this login. */
export async function readProjectNames(cloud: Cloud, context: Context): Promise<ReadonlyMap<string, string>> {
  try {
    return await listProjectNames(cloud);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log('debug', `projects are shown by their ids: ${messageOf(error)}`);
    return new Map();
  }
}

const attempts = 3;
const pauseMs = 500;

export interface ChangeOptions {
  /** Ends a pause between two attempts. */
  readonly signal: AbortSignal;
  /**
   * Whether somebody else has already moved the image beyond these changes; they are not sent again
   * then.
   */
  readonly isOvertaken?: (image: Image) => boolean;
}

/**
 * Applies all changes to an image, reads it back and returns it: concurrent writers can undo each
 * other's changes although both get 200. Lost changes are sent again, which is safe because values
 * are absolute. Throws CHANGE_LOST if they do not persist, IMAGE_GONE, or Glance's refusal.
 */
export async function changeImage(
  cloud: Cloud,
  id: string,
  changes: readonly ImageChange[],
  { signal, isOvertaken }: ChangeOptions,
): Promise<Image> {
  let missing = changes;
  for (let attempt = 1; ; attempt++) {
    const failure = await send(cloud, id, missing);
    if (failure) await sleep(pauseMs * attempt, signal);
    const image = await getImage(cloud, id);
    if (!image)
      throw new OperationError('IMAGE_GONE', `image ${id} was deleted by somebody else while it was being changed`, {
        id,
      });
    // All of them, not only those sent last: another writer may undo changes that were already in
    // effect.
    missing = changes.filter((change) => !isInEffect(change, image));
    if (missing.length === 0 || isOvertaken?.(image)) return image;
    if (attempt === attempts) throw failure ?? changeLost(id, missing);
  }
}

/**
 * One PATCH. Returns an error that leaves open whether the changes were made, so that reading the
 * image decides; throws any other.
 */
async function send(cloud: Cloud, id: string, changes: readonly ImageChange[]): Promise<unknown> {
  try {
    await patchImage(cloud, id, changes);
    return undefined;
  } catch (error) {
    // 409: another writer changed the image, or a property to remove is already gone.
    if (statusOf(error) === 409) return error;
    // The client never repeats a PATCH that removes properties: after a lost response Glance would
    // refuse it.
    if (changes.some(({ op }) => op === 'remove') && isWorthRepeating(error)) return error;
    throw error;
  }
}

function changeLost(id: string, lost: readonly ImageChange[]): OperationError {
  const names = lost.map(({ attribute }) => attribute).join(', ');
  return new OperationError('CHANGE_LOST', `image ${id}: Glance accepted a change of ${names} but did not keep it`, {
    id,
  });
}

function isInEffect({ op, attribute, value }: ImageChange, image: Image): boolean {
  const present = valueIn(image, attribute);
  return op === 'remove' ? present === undefined : isSameValue(present, value);
}
