// The Compute service's flavors (https://docs.openstack.org/api-ref/compute/): reads only.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { isNotFound } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';

export interface Flavor {
  readonly id: string;
  readonly name: string;
}

/**
 * The flavor with this id, or else with this name, which is unique in Nova; undefined if there is
 * none.
 */
export async function findFlavor(cloud: Cloud, idOrName: string): Promise<Flavor | undefined> {
  try {
    const answer = await cloud.request('compute', { method: 'GET', path: `/flavors/${encodeURIComponent(idOrName)}` });
    return flavorIn(await answer.json());
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  // By default an admin's list has public flavors only.
  const pages = { service: 'compute', path: '/flavors?is_public=None&limit=1000', key: 'flavors', id: 'id' };
  for await (const row of readPages({ ...pages, next: (page) => nextOf(page.flavors_links) }, cloud))
    if (row.name === idOrName) return parseFlavor(row);
  return undefined;
}

function flavorIn(answer: unknown): Flavor {
  const flavor = isMapping(answer) ? answer.flavor : undefined;
  if (!isMapping(flavor) || textAt(flavor, 'id') === '')
    throw new OperationError('UNEXPECTED_ANSWER', 'the compute service answered no flavor', { service: 'compute' });
  return parseFlavor(flavor);
}

function parseFlavor(row: Readonly<Record<string, unknown>>): Flavor {
  return { id: textAt(row, 'id'), name: textAt(row, 'name') };
}
