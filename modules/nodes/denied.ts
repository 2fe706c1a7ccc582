// What Ironic will not permit to the login, and what its refusals mean for the rest of a run.
import { permissionWarnings } from '../core/rights.js';
import type { DesiredNode } from './policy/desired-node.js';
import { refusedToo } from './policy/node-permissions.js';
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

export interface Refusals {
  /** Begins no node that Ironic would refuse like one before: undefined, or the result of that one. */
  alike(desired: DesiredNode): Promise<NodeResult | undefined>;
  note(result: NodeResult): Promise<void>;
}

export function watchRefusals({ ironic, existing }: Pick<NodeRun, 'ironic' | 'existing'>): Refusals {
  const first = new Map<'new' | 'all', NodeResult>();
  return {
    alike: async (desired) => {
      const ofNew = first.get('new');
      // What cannot be found without a doubt fails by itself.
      const isNew = ofNew !== undefined && (await existing.find(desired).catch(() => 'unclear')) === undefined;
      return first.get('all') ?? (isNew ? ofNew : undefined);
    },
    note: async (result) => {
      if (!result.isDenied) return;
      const others = refusedToo(result.requires, await ironic.cloud.rights('baremetal'));
      if (others !== undefined && !first.has(others)) first.set(others, result);
    },
  };
}
