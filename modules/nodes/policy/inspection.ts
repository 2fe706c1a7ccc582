// Decides whether a node is inspected on its way to its goal: once, and only where it passes
// `manageable` anyway.
import { optionText } from '../../core/option-text.js';
import type { DriverOffer } from './driver-checks.js';
import type { NodeComparison, NodeSituation, ServedNode } from './node-comparison.js';
import type { NodeDifference } from './node-differences.js';
import { inspectedAt, passesManageable, type NodeGoal } from './provision-states.js';

export interface InspectionPlan {
  readonly isDue: boolean;
  readonly differences: readonly NodeDifference[];
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

const nothing: InspectionPlan = { isDue: false, differences: [], faults: [], warnings: [] };

export function decideInspection(
  situation: NodeSituation,
  comparison: NodeComparison,
  offer: DriverOffer | undefined,
): InspectionPlan {
  const { existing, desired, rules, minor } = situation;
  const { goal } = rules;
  const node = existing?.node;
  if (!desired.inspect || !leadsToInspection(goal) || (node && inspectedAt(node) !== undefined)) return nothing;
  if (node && !passesManageable(node, goal, minor)) return { ...nothing, warnings: [adviceOnInspection(node)] };
  const fault = inspectFault(inspectInterface(situation, comparison, offer), offer);
  return {
    isDue: true,
    differences: [{ field: 'inspection', before: node && progressOf(node), after: 'finished' }],
    faults: fault === undefined ? [] : [fault],
    warnings: [],
  };
}

function leadsToInspection(goal: NodeGoal | undefined): goal is Exclude<NodeGoal, 'enroll'> {
  return goal !== undefined && goal !== 'enroll';
}

function progressOf({ provision_state: state }: ServedNode): string {
  if (state === 'inspect failed') return 'failed';
  return state.startsWith('inspect') ? 'in progress' : 'none';
}

function adviceOnInspection({ provision_state: state }: ServedNode): string {
  const help =
    state === 'available'
      ? `: no node is taken out of use only for that; ${optionText('state', 'manageable')} takes it back for it`
      : '';
  return `it has never been inspected, and is not inspected now, since it is ${state}${help}`;
}

/** The interface that the node will have; undefined if it is unknown. */
function inspectInterface(
  { existing }: NodeSituation,
  { desired, changes }: NodeComparison,
  offer: DriverOffer | undefined,
): unknown {
  const { inspect_interface: given } = desired.attributes;
  if (typeof given === 'string') return given;
  const isReset = given === null || changes.some(({ attribute }) => attribute === 'driver');
  return existing && !isReset ? existing.node.record.inspect_interface : offer?.defaults.inspect;
}

const none = 'no-inspect';

/** Why a node with this inspect interface cannot be inspected; undefined if nothing is known against it. */
export function inspectFault(name: unknown, offer?: DriverOffer): string | undefined {
  if (name !== none) return undefined;
  const others = offer?.interfaces.inspect?.filter((other) => other !== none) ?? [];
  const help =
    offer === undefined
      ? 'set inspect_interface to one that can'
      : others.length > 0
        ? `set inspect_interface to one of: ${others.join(', ')}`
        : "no conductor offers another one for its driver (enabled_inspect_interfaces in the conductors' ironic.conf)";
  return `inspect: the inspect interface of the node is ${none}, which inspects nothing; ${help}, or leave inspect out`;
}
