// Asks whether Glance lets this login change an image, without doing it.
import { randomUUID } from 'node:crypto';
import { HttpError, statusOf } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { patchRequest, type ImageChange } from './images.js';

/** Glance's refusal to make this image public; undefined if it would do it. Nothing is changed. */
export async function publishingRefusal(cloud: Cloud, id: string): Promise<HttpError | undefined> {
  return refusalOfChanges(cloud, id, [{ op: 'replace', attribute: 'visibility', value: 'public' }]);
}

/**
 * Glance's refusal of the first of these changes that it does not permit; undefined if it would make
 * them all. Nothing is changed: Glance applies all operations of a PATCH or none, checks them in
 * their order, and answers 409 to the removal of a property that does not exist, which is the last
 * one.
 */
export async function refusalOfChanges(
  cloud: Cloud,
  id: string,
  changes: readonly ImageChange[],
): Promise<HttpError | undefined> {
  const impossible: ImageChange = { op: 'remove', attribute: `image_tools_absent_${randomUUID()}` };
  try {
    const answer = await cloud.request('image', {
      ...patchRequest(id, [...changes, impossible]),
      expect: [409],
      repeatable: true,
    });
    await answer.text();
    return undefined;
  } catch (error) {
    if (error instanceof HttpError && statusOf(error) === 403) return error;
    throw error;
  }
}
