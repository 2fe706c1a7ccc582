// Names of projects by their ids, for people; without them ids will do.
import type { Cloud } from '../clients/keystone/cloud.js';
import { listProjectNames } from '../clients/keystone/projects.js';
import { messageOf } from '../core/errors.js';
import type { Context } from '../core/operation.js';

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
