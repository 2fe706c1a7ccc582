// The Bare Metal service's nodes (https://docs.openstack.org/api-ref/baremetal/): reads only.
import type { Cloud } from '../keystone/cloud.js';
import { readPages, textAt } from '../paging.js';

/** `fields` came with 1.8; from 1.11 on nodes in the state `enroll` are told as such. Liberty has it. */
export const fieldsMicroversion = '1.11';

export interface Node {
  readonly uuid: string;
  readonly name: string;
  readonly driver_info: Readonly<Record<string, unknown>>;
  readonly instance_info: Readonly<Record<string, unknown>>;
}

/** Every node, with what it boots and deploys. */
export async function* listNodes(cloud: Cloud): AsyncGenerator<Node> {
  const headers = { 'X-OpenStack-Ironic-API-Version': fieldsMicroversion };
  const path = '/v1/nodes?fields=uuid,name,driver_info,instance_info&limit=1000';
  const next = (page: Readonly<Record<string, unknown>>): string | undefined => textAt(page, 'next') || undefined;
  for await (const row of readPages({ service: 'baremetal', path, headers, key: 'nodes', id: 'uuid', next }, cloud)) {
    yield { uuid: textAt(row, 'uuid'), name: textAt(row, 'name'), driver_info: mappingAt(row, 'driver_info'), instance_info: mappingAt(row, 'instance_info') };
  }
}

function mappingAt(row: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const value = row[key];
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
