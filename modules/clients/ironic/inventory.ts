// What inspections of nodes have found
// (https://docs.openstack.org/api-ref/baremetal/#node-inventory-nodes).
import { isMapping } from '../../core/mapping.js';
import type { Ironic } from './api.js';

/**
 * With `inventory` and `plugin_data`. From version 1.81 on; undefined if Ironic keeps none of this
 * node, or does not show it to this login.
 */
export async function getInventory(
  ironic: Ironic,
  uuid: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (ironic.minor < 81) return undefined;
  const path = `/v1/nodes/${encodeURIComponent(uuid)}/inventory`;
  const answer = await ironic.request({ method: 'GET', path, expect: [200, 403, 404] });
  if (answer.status === 200) {
    const content = await answer.json();
    return isMapping(content) ? content : undefined;
  }
  await answer.text();
  return undefined;
}
