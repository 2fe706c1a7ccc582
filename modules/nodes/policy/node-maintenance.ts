// Maintenance that Ironic itself has set: the node then has a fault (ironic/common/faults.py,
// returned since API version 1.42), which a node in an operator's maintenance does not have.
import type { NodeGoal } from './provision-states.js';

export interface MaintainedNode {
  readonly maintenance: boolean;
  readonly maintenance_reason: string | null;
  readonly fault: string | null;
}

/**
 * Faults of work that is repeated on the way to the goal: if it fails again, Ironic sets
 * maintenance again. After a power failure Ironic ends the maintenance itself when it can control
 * the power again, and until then nobody should use the node.
 */
const endable: ReadonlySet<string> = new Set(['clean failure', 'rescue abort failure', 'service failure']);

/** Why Ironic itself has put the node into maintenance; undefined if it has not. */
export function maintenanceFault({ maintenance, fault }: MaintainedNode): string | undefined {
  return maintenance && fault ? fault : undefined;
}

/**
 * Whether maintenance that Ironic itself has set may be ended, since the work that failed is
 * repeated.
 */
export function canEndMaintenance(node: MaintainedNode): boolean {
  const fault = maintenanceFault(node);
  return fault !== undefined && endable.has(fault);
}

/**
 * Whether such maintenance prevents a goal: it stops cleaning and deployment, and nobody can use
 * the node.
 */
export function isBlockedByMaintenance(goal: NodeGoal | undefined): boolean {
  return goal === 'available' || goal === 'active';
}

/** The warning about maintenance that Ironic itself has set, and that stays. */
export function adviceOnMaintenance(node: MaintainedNode): string {
  const fault = maintenanceFault(node) ?? 'fault';
  const why = node.maintenance_reason ? `: ${node.maintenance_reason}` : '';
  const help =
    fault === 'power failure'
      ? 'Ironic ends it as soon as it can control the power again; check the BMC of the node'
      : 'fix that';
  return (
    `it is in maintenance and cannot be used, since Ironic itself detected a ${fault}${why}; ` +
    `${help}, or end it with maintenance: false`
  );
}
