// What Ironic will not permit to the login, and what its refusals mean for the rest of a run.
import { isGranted, permissionWarnings } from '../core/rights.js';
import { isCreation } from './policy/node-permissions.js';
import { usesOfNodes, type NodeResult } from './policy/node-result.js';
import type { NodeRun } from './run.js';

/** For check mode: what the login lacks for the planned changes. */
export async function deniedWarnings(
  { ironic }: Pick<NodeRun, 'ironic'>,
  results: readonly Pick<NodeResult, 'title' | 'requires' | 'action'>[],
): Promise<string[]> {
  const planned = results.filter(({ action }) => action !== 'failed');
  return permissionWarnings(usesOfNodes(planned), await ironic.cloud.rights('baremetal'));
}

/**
 * Whether the same policy will refuse the other nodes too, since the login lacks its role or may
 * not create nodes; a node of another project says nothing about the others.
 */
export async function concernsAll({ ironic }: NodeRun, { isDenied, requires }: NodeResult): Promise<boolean> {
  if (!isDenied) return false;
  const rights = await ironic.cloud.rights('baremetal');
  return requires.some((permission) => isCreation(permission) || !isGranted(permission, rights));
}
