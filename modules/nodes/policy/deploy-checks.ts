// What is checked before a node is deployed or deleted.
import { optionText } from '../../core/option-text.js';
import { inUseReason, stepsTo, type NodeGoal, type NodeUse } from './provision-states.js';

/** What an interface of a node says of its settings. */
export interface InterfaceValidation {
  /** Null if the driver has no such interface. */
  readonly result: boolean | null;
  readonly reason: string;
}

/** The interfaces without which Ironic cannot deploy. */
const neededToDeploy: ReadonlySet<string> = new Set(['boot', 'deploy', 'power']);

/**
 * Whether verbs on the way deploy or clean the node, so that its interfaces should be validated
 * first.
 */
export function isWorthValidating(state: string, goal: NodeGoal | undefined, minor: number): boolean {
  return (
    goal !== undefined &&
    (stepsTo(state, goal, minor) ?? []).some(({ verb }) => verb === 'provide' || verb === 'active')
  );
}

/** Why a deployment would fail; empty if nothing is known against it. */
export function deploymentFaults(found: Readonly<Record<string, InterfaceValidation>>): string[] {
  return Object.entries(found)
    .filter(([name, { result }]) => result === false && neededToDeploy.has(name))
    .map(([name, { reason }]) => `${name}: ${reason}`);
}

/**
 * The states in which Ironic deletes a node (`DELETE_ALLOWED_STATES`, and `available`, which it
 * allows by default).
 */
const deletable: ReadonlySet<string> = new Set(['enroll', 'manageable', 'adopt failed', 'available']);

export function isDeletable({ provision_state: state }: { readonly provision_state: string }): boolean {
  return deletable.has(state);
}

/** The state to bring a node to so that it can be deleted: one in use is undeployed. */
export function stateToDeleteFrom(node: NodeUse): NodeGoal {
  return inUseReason(node) === undefined ? 'manageable' : 'available';
}

/** Why a node must not be deleted; undefined if it may be. */
export function refusalToDelete(
  node: NodeUse & { readonly protected: boolean },
  { forceInUse }: { readonly forceInUse: boolean },
): string | undefined {
  if (node.protected) return 'the node is protected: set protected: false first';
  const use = inUseReason(node);
  return use === undefined || forceInUse
    ? undefined
    : `the node is in use: ${use} (${optionText('force_in_use', true)} undeploys and deletes it)`;
}
