// The Networking service's networks (https://docs.openstack.org/api-ref/network/v2/): reads only.
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';

export interface Network {
  readonly id: string;
  readonly name: string;
}

/** The network with this id, or else all with this name: names need not be unique. */
export async function findNetworks(cloud: Cloud, idOrName: string): Promise<Network[]> {
  const byId = await listNetworks(cloud, 'id', idOrName);
  return byId.length > 0 ? byId : listNetworks(cloud, 'name', idOrName);
}

async function listNetworks(cloud: Cloud, filter: 'id' | 'name', value: string): Promise<Network[]> {
  const path = `/v2.0/networks?fields=id&fields=name&${filter}=${encodeURIComponent(value)}`;
  const networks: Network[] = [];
  for await (const row of readPages(
    { service: 'network', path, key: 'networks', id: 'id', next: (page) => nextOf(page.networks_links) },
    cloud,
  )) {
    networks.push({ id: textAt(row, 'id'), name: textAt(row, 'name') });
  }
  return networks;
}
