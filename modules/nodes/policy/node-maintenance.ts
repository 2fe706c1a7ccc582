// Maintenance that Ironic itself has set. It names a fault then (ironic/common/faults.py, told from 1.42 on), which an operator's maintenance does not.
import type { NodeGoal } from './node-states.js';

export interface MaintainedNode {
  readonly maintenance: boolean;
  readonly maintenance_reason: string | null;
  readonly fault: string | null;
}

/**
 * Faults of work that is begun anew on the way to the goal: should it fail again, Ironic sets maintenance again. Those of power it ends by
 * itself once it can control the power, and until then nobody is to be sent there.
 */
const endable: ReadonlySet<string> = new Set(['clean failure', 'rescue abort failure', 'service failure']);

/** Why Ironic itself has put the node into maintenance; undefined where it is an operator's, or none. */
export function maintenanceFault({ maintenance, fault }: MaintainedNode): string | undefined {
  return maintenance && fault ? fault : undefined;
}

/** Whether maintenance that Ironic itself has set may be ended with what is done about its fault. */
export function canEndMaintenance(node: MaintainedNode): boolean {
  const fault = maintenanceFault(node);
  return fault !== undefined && endable.has(fault);
}

/** Whether such maintenance stands in the way of a goal: a cleaning or deployment does not go on in it, and nobody can use the node. */
export function isBlockedByMaintenance(goal: NodeGoal | undefined): boolean {
  return goal === 'available' || goal === 'active';
}

/** What is to be told of maintenance that Ironic itself has set, and that stays. */
export function adviceOnMaintenance(node: MaintainedNode): string {
  const fault = maintenanceFault(node) ?? 'fault';
  const why = node.maintenance_reason ? `: ${node.maintenance_reason}` : '';
  const help =
    fault === 'power failure'
      ? 'Ironic ends it as soon as it can control the power again; see to the controller of the node'
      : 'mend that';
  return `it is in maintenance, and used by nobody, since Ironic itself found a ${fault}${why}; ${help}, or end it with maintenance: false`;
}
