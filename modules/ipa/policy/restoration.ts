// What restores a node after a test, whatever state the test was interrupted in: decided from the
// node as it is now, so that it can be repeated at any time.
import { adviceOnMaintenance, canEndMaintenance, maintenanceFault } from '../../nodes/policy/node-maintenance.js';
import {
  abortVerb,
  isStable,
  isEditable,
  nodeTitle,
  stepsTo,
  type Step,
  type Verb,
} from '../../nodes/policy/provision-states.js';
import { hasSettings, presentSettings, type ImageSettings } from './image-settings.js';
import { foreignUse, isOwnDeployment, type DeploymentOwner, type TestableNode } from './node-choice.js';

export interface RestorableNode extends TestableNode {
  readonly maintenance_reason: string | null;
}

export interface TestTraces extends DeploymentOwner {
  /** The images that the node had before the test. */
  readonly former?: { readonly node: ImageSettings };
  /** Keys of instance_info that the test has set. */
  readonly instanceKeys?: readonly string[];
}

/**
 * Whether the former images can be applied now; if not, what ends the wait for a ramdisk that may
 * never call.
 */
export interface ImageRestoration {
  readonly action: 'apply' | 'wait' | 'stuck';
  readonly abort?: Verb | undefined;
}

/** The first step: to get the node where its images can be changed. */
export function planImageRestoration(node: RestorableNode, traces: TestTraces, minor: number): ImageRestoration {
  const canBeChanged = isEditable(node);
  if (canBeChanged && isFree(node, traces)) return { action: 'apply' };
  const ownsWait = isWaitOfTest(node, traces);
  const abort = ownsWait && node.reservation === null ? abortVerb(node, minor) : undefined;
  if (canBeChanged) return { action: 'apply', abort };
  // An operator holds it there, with its former images.
  return { action: !ownsWait && isStable(node) ? 'stuck' : 'wait', abort };
}

export type RestorationStep =
  | { readonly kind: 'done'; readonly text: string; readonly warning?: string }
  | { readonly kind: 'wait' | 'endMaintenance' | 'stuck' }
  | { readonly kind: 'removeKeys'; readonly keys: readonly string[] }
  | { readonly kind: 'failed' | 'request'; readonly step: Step };

/**
 * The next step once the node has its former images. `requested` is the step that led to its
 * present state.
 */
export function nextRestorationStep(
  node: RestorableNode,
  traces: TestTraces,
  { requested, minor }: { readonly requested: Step | undefined; readonly minor: number },
): RestorationStep {
  const { provision_state: state } = node;
  const subject = `node ${nodeTitle(node)} has its former images`;
  const foreign = state === 'manageable' ? undefined : foreignUse(node, traces);
  if (foreign) return { kind: 'done', text: `${subject} and is left to its present user: ${foreign}` };
  if (!isFree(node, traces)) return { kind: 'wait' };
  // Nodes in maintenance are not tested on; Ironic sets it when cleaning fails.
  if (canEndMaintenance(node)) return { kind: 'endMaintenance' };
  const keys = (traces.instanceKeys ?? []).filter((key) => key in node.instance_info);
  if (keys.length > 0 && (state === 'available' || state === 'manageable')) return { kind: 'removeKeys', keys };
  if (node.maintenance) return leftInMaintenance(node, `${subject} and is left ${state}`);
  if (requested && state !== requested.to) return { kind: 'failed', step: requested };
  if (state === 'available') return { kind: 'done', text: `${subject} and is available` };
  const [step] = stepsTo(state, 'available', minor) ?? [];
  if (!step || (step.verb === 'deleted' && !isOwnDeployment(node, traces))) return { kind: 'stuck' };
  return { kind: 'request', step };
}

/**
 * At rest with its lock free, so that a verb can be requested. A manageable node was made
 * manageable by the test: even if Nova has just selected it for a server, that server cannot be on
 * it.
 */
function isFree(node: RestorableNode, traces: TestTraces): boolean {
  const isIdle = node.provision_state === 'manageable' || foreignUse(node, traces) === undefined;
  return isStable(node) && node.reservation === null && isIdle;
}

/**
 * Whether the ramdisk that the node waits for belongs to the test: to its deployment, or to its
 * images. During cleaning Ironic lets nobody change the images, so those that the node has are
 * those that it boots. A cleaning with the former images was started to restore the node, by this
 * run or an earlier one: if it were aborted here, it would start again each time.
 */
function isWaitOfTest(node: RestorableNode, traces: TestTraces): boolean {
  if (foreignUse(node, traces) !== undefined) return false;
  if (isOwnDeployment(node, traces)) return true;
  const { former } = traces;
  const isKnown = presentSettings(node.driver_info, Object.keys(former?.node ?? {})) !== undefined;
  return former !== undefined && isKnown && !hasSettings(node.driver_info, former.node);
}

function leftInMaintenance(node: RestorableNode, left: string): RestorationStep {
  const fault = maintenanceFault(node);
  if (fault === undefined)
    return {
      kind: 'done',
      text: `${left} because somebody set maintenance: ${node.maintenance_reason ?? 'no reason given'}`,
    };
  return {
    kind: 'done',
    text: `${left} because Ironic itself set maintenance: ${fault}`,
    warning:
      `node ${nodeTitle(node)} is left ${node.provision_state}: ${adviceOnMaintenance(node)}; ` +
      'then bring it to available',
  };
}
