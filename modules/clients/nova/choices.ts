// What a server may be made with (https://docs.openstack.org/api-ref/compute/): flavors and key pairs. Reads only.
import { isNotFound } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';

export interface Flavor {
  readonly id: string;
  readonly name: string;
}

/** The flavor of this id, or else of this name, which Nova keeps unique; undefined where there is none. */
export async function findFlavor(cloud: Cloud, idOrName: string): Promise<Flavor | undefined> {
  try {
    const answer = await cloud.request('compute', { method: 'GET', path: `/flavors/${encodeURIComponent(idOrName)}` });
    return parseFlavor(((await answer.json()) as { flavor: Readonly<Record<string, unknown>> }).flavor);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  // An admin's list has only public ones unless told otherwise.
  const pages = { service: 'compute', path: '/flavors?is_public=None&limit=1000', key: 'flavors', id: 'id' };
  for await (const row of readPages({ ...pages, next: (page) => nextOf(page.flavors_links) }, cloud))
    if (row.name === idOrName) return parseFlavor(row);
  return undefined;
}

/** Whether the user has a key pair of this name: key pairs belong to users, not to projects. */
export async function hasKeyPair(cloud: Cloud, name: string): Promise<boolean> {
  const answer = await cloud.request('compute', {
    method: 'GET',
    path: `/os-keypairs/${encodeURIComponent(name)}`,
    expect: [200, 404],
  });
  await answer.text();
  return answer.status === 200;
}

function parseFlavor(row: Readonly<Record<string, unknown>>): Flavor {
  return { id: textAt(row, 'id'), name: textAt(row, 'name') };
}
