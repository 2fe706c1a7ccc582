// The Compute service's key pairs (https://docs.openstack.org/api-ref/compute/): reads only.
import type { Cloud } from '../keystone/cloud.js';

/**
 * Whether the user of the login has a key pair with this name: key pairs belong to users, not to
 * projects.
 */
export async function hasKeyPair(cloud: Cloud, name: string): Promise<boolean> {
  const answer = await cloud.request('compute', {
    method: 'GET',
    path: `/os-keypairs/${encodeURIComponent(name)}`,
    expect: [200, 404],
  });
  await answer.text();
  return answer.status === 200;
}
