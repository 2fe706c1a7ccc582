// A double of Neutron's list of networks: https://docs.openstack.org/api-ref/network/v2/.

import { randomUUID } from 'node:crypto';

import { Refusal, startHttpDouble } from './http-double.js';
import type { HttpDouble } from './http-double.js';
import { refuseStrangers } from './service-list.js';
import type { Intervention, ServiceOptions } from './service-list.js';

export interface StoredNetwork {
  readonly id: string;
  readonly name: string;
}

export interface NeutronDouble extends HttpDouble {
  readonly networks: StoredNetwork[];
  intervene: Intervention;
  seed(network: Partial<StoredNetwork>): StoredNetwork;
}

export async function startNeutron(options: ServiceOptions): Promise<NeutronDouble> {
  const server = await startHttpDouble((call) => {
    const intervention = double.intervene(call);
    if (intervention) return intervention;
    refuseStrangers(options, call);
    if (call.segments.join('/') !== 'v2.0/networks')
      throw new Refusal({ status: 404, body: { message: 'The resource could not be found.' } });
    const { query } = call;
    const isAsked = (network: StoredNetwork): boolean =>
      [null, network.id].includes(query.get('id')) && [null, network.name].includes(query.get('name'));
    return { status: 200, body: { networks: double.networks.filter(isAsked) } };
  });
  const double: NeutronDouble = {
    ...server,
    networks: [],
    intervene: () => undefined,
    seed: (given) => {
      const stored = { id: randomUUID(), name: 'sharednet1', ...given };
      double.networks.push(stored);
      return stored;
    },
  };
  return double;
}
