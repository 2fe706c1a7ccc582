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
import { isGone } from './policy/site-image.js';

/**
 * Two lists, since Glance never shows hidden images beside the others. An image that changes sides
 * in between counts once.
 */
export async function readSiteImages(cloud: Cloud, filter: Omit<ImageFilter, 'hidden'> = {}): Promise<Image[]> {
  const lists = await Promise.all([
    listImages(cloud, { ...filter, hidden: false }),
    listImages(cloud, { ...filter, hidden: true }),
  ]);
  return [...new Map(lists.flat().map((image) => [image.id, image])).values()].filter((image) => !isGone(image));
}

/** Empty where Keystone does not tell this login. */
export async function readProjectNames(cloud: Cloud, context: Context): Promise<ReadonlyMap<string, string>> {
  try {
    return await listProjectNames(cloud);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log('debug', `projects are called by their ids: ${messageOf(error)}`);
    return new Map();
  }
}

const attempts = 3;
const pauseMs = 500;

export interface ChangeOptions {
  /** Ends a pause between two attempts, with its reason. */
  readonly signal: AbortSignal;
  /**
   * Whether somebody else has brought the image further than these changes would: then they are not
   * sent again.
   */
  readonly isOvertaken?: (image: Image) => boolean;
}

/**
 * Makes all changes of an image and gives it as it then is; what was lost is sent again, which is
 * safe, since values are absolute. Throws CHANGE_LOST when it does not last, IMAGE_GONE, or
 * Glance's refusal.
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
      throw new OperationError('IMAGE_GONE', `image ${id} was deleted by somebody while it was being changed`, { id });
    // All of them, not only those sent last: a later writer may undo what an earlier look has seen.
    missing = changes.filter((wanted) => !isInEffect(wanted, image));
    if (missing.length === 0 || isOvertaken?.(image)) return image;
    if (attempt === attempts) throw failure ?? changeLost(id, missing);
  }
}

/**
 * One PATCH. Gives a failure that leaves open whether the changes were made, for a look at the
 * image to decide; throws any other.
 */
async function send(cloud: Cloud, id: string, changes: readonly ImageChange[]): Promise<unknown> {
  try {
    await patchImage(cloud, id, changes);
    return undefined;
  } catch (error) {
    // 409: another writer was at the image, or a property to be removed is gone already.
    if (statusOf(error) === 409) return error;
    // A PATCH that removes is never repeated by the client, since after a lost answer Glance would
    // refuse it.
    if (changes.some(({ op }) => op === 'remove') && isWorthRepeating(error)) return error;
    throw error;
  }
}

function changeLost(id: string, lost: readonly ImageChange[]): OperationError {
  const names = lost.map(({ attribute }) => attribute).join(', ');
  return new OperationError('CHANGE_LOST', `image ${id}: Glance accepted a change of ${names} and did not keep it`, {
    id,
  });
}

function isInEffect({ op, attribute, value }: ImageChange, image: Image): boolean {
  const present =
    attribute === 'name' || attribute === 'visibility' || attribute === 'os_hidden'
      ? image[attribute]
      : image.properties[attribute];
  return op === 'remove' ? present === undefined : present === value;
}
