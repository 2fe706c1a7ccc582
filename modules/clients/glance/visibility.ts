// Whether this login sees the images of all projects.
import { statusOf } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';

/**
 * Glance lists for everybody but an admin only the project's images and those that are for all, and answers 200. Its tasks are shown to
 * admins alone. A Glance that has no such list any more (404) says nothing.
 */
export async function seesAllImages(cloud: Cloud): Promise<boolean> {
  try {
    await (await cloud.request('image', { method: 'GET', path: '/v2/tasks?limit=1', expect: [200, 404] })).text();
    return true;
  } catch (error) {
    if ([401, 403].includes(statusOf(error) ?? 0)) return false;
    throw error;
  }
}
