// Asks whether Glance lets this login make an image public, without doing it.
import { randomUUID } from 'node:crypto';
import { HttpError, statusOf } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';

/**
 * Glance's refusal to make this image public; undefined if it would do it. Nothing is changed:
 * Glance applies all operations of a PATCH or none, checks them in their order, and answers 409 to
 * the removal of a property that does not exist, which is the last one.
 */
export async function publishingRefusal(cloud: Cloud, id: string): Promise<HttpError | undefined> {
  const body = JSON.stringify([
    { op: 'replace', path: '/visibility', value: 'public' },
    { op: 'remove', path: `/image_tools_absent_${randomUUID()}` },
  ]);
  try {
    const answer = await cloud.request('image', {
      method: 'PATCH',
      path: `/v2/images/${encodeURIComponent(id)}`,
      headers: { 'Content-Type': 'application/openstack-images-v2.1-json-patch' },
      body,
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
