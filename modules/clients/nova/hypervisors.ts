// The Compute service's hypervisors (https://docs.openstack.org/api-ref/compute/): reads only.
import { statusOf } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages } from '../paging.js';
import { versionHeaders } from './microversions.js';

/** Lists are paged from 2.33 on, and ids are UUIDs from 2.53 on. */
const headers = versionHeaders('2.53');

/**
 * The number of bare-metal nodes that Nova has as hypervisors; undefined if this login may not list
 * them.
 */
export async function countBaremetalHypervisors(cloud: Cloud): Promise<number | undefined> {
  let count = 0;
  try {
    const pages = {
      service: 'compute',
      path: '/os-hypervisors/detail?limit=1000',
      headers,
      key: 'hypervisors',
      id: 'id',
    };
    for await (const row of readPages({ ...pages, next: (page) => nextOf(page.hypervisors_links) }, cloud))
      if (row.hypervisor_type === 'ironic') count += 1;
    return count;
  } catch (error) {
    if ([403, 404].includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}
