// Brings one node to its desired state, or deletes it, and reports what became of it. Never throws
// on purpose: what stops the work is part of the result.
import { isDenied } from '../clients/ironic/api.js';
import { deleteNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { failureOfPart } from '../core/errors.js';
import type { Permission } from '../core/rights.js';
import type { DesiredNode } from './policy/desired-node.js';
import { permissionsForNode, permissionsOn } from './policy/node-permissions.js';
import type { NodePlan } from './policy/node-plan.js';
import {
  appliedVerdict,
  nodeResult,
  nothingDone,
  plannedVerdict,
  type NodeProgress,
  type NodeResult,
  type NodeVerdict,
  type ResultParts,
} from './policy/node-result.js';
import { nodeTitle } from './policy/provision-states.js';
import { isDeletable, refusalToDelete, stateToDeleteFrom } from './policy/deploy-checks.js';
import { applyNodePlan } from './apply.js';
import { readFindings } from './findings.js';
import { bringTo, statePolling, waitUntilStable } from './provision.js';
import { planNode } from './read.js';
import { retryUndecided } from './retries.js';
import { realmOf, type NodeRun } from './run.js';

/**
 * Reads the node and all that belongs to it, decides, and applies the plan unless this is a dry
 * run.
 */
export async function reconcileNode(run: NodeRun, desired: DesiredNode): Promise<NodeResult> {
  let progress = nothingDone;
  let plan: NodePlan | undefined;
  let requires: readonly Permission[] = [];
  const parts = (): ResultParts => ({
    desired,
    progress,
    differences: plan?.differences ?? [],
    warnings: plan?.warnings ?? [],
    uncompared: plan?.unknown ?? [],
    requires,
  });
  try {
    const existing = await run.existing.find(desired);
    progress = { ...progress, node: existing?.node };
    plan = await planNode(run, desired, existing);
    requires = permissionsForNode(plan, existing?.node.record, realmOf(run.ironic));
    if (plan.faults.length > 0)
      return nodeResult(parts(), { action: 'failed', reason: plan.faults.join('; '), code: 'CHANGE_REFUSED' });
    const planned = plannedVerdict(plan.isNew, plan.differences);
    if (run.context.checkMode || plan.differences.length === 0) {
      progress = { ...progress, ...(await readFindings(run, desired, existing)) };
      return { ...nodeResult(parts(), planned), changed: plan.differences.length > 0 };
    }
    run.context.signal.throwIfAborted();
    for await (const { warnings = [], ...step } of applyNodePlan(run, plan, existing))
      progress = { ...progress, ...step, warnings: [...progress.warnings, ...warnings] };
    return nodeResult(parts(), appliedVerdict(planned, progress));
  } catch (error) {
    return nodeResult(parts(), failedVerdict(run, error, progress));
  }
}

/** Deletes the node that is meant, with its ports, if it exists. */
export async function removeNode(run: NodeRun, desired: DesiredNode): Promise<NodeResult> {
  let progress = nothingDone;
  try {
    const existing = await run.existing.find(desired);
    if (!existing) return nodeResult({ desired, progress }, { action: 'up_to_date', reason: 'there is no such node' });
    const { node } = existing;
    progress = { ...progress, node };
    const refusal = refusalToDelete(node, run.settings);
    if (refusal !== undefined)
      return nodeResult({ desired, progress }, { action: 'failed', reason: refusal, code: 'CHANGE_REFUSED' });
    const differences = [{ field: 'uuid', before: node.uuid, after: undefined }];
    const requires = [permissionsOn(node.record, realmOf(run.ironic)).remove];
    if (run.context.checkMode)
      return {
        ...nodeResult({ desired, progress, differences, requires }, { action: 'delete', reason: 'it exists' }),
        changed: true,
      };
    for await (const step of deleteExisting(run, node)) progress = { ...progress, ...step };
    return nodeResult({ desired, progress, differences }, { action: 'delete', reason: 'it existed' });
  } catch (error) {
    return nodeResult({ desired, progress }, failedVerdict(run, error, progress));
  }
}

/** Yields what has changed so far. */
async function* deleteExisting(run: NodeRun, node: NodeDetails): AsyncGenerator<Partial<NodeProgress>> {
  const { ironic, context, settings } = run;
  const change = { ...statePolling, timeoutSeconds: settings.stateTimeoutSeconds, signal: context.signal };
  const stable = isDeletable(node) ? node : await waitUntilStable(ironic, node.uuid, change);
  if (!isDeletable(stable)) {
    context.progress({ subject: nodeTitle(stable), stage: `leaving ${stable.provision_state}` });
    yield { changed: true };
    yield { node: await bringTo(ironic, node.uuid, stateToDeleteFrom(stable), change) };
  }
  await retryUndecided(run, `deleting node ${nodeTitle(node)}`, () => deleteNode(ironic, node.uuid));
  yield { changed: true };
}

function failedVerdict({ context }: NodeRun, error: unknown, { node }: NodeProgress): NodeVerdict {
  const { code, reason, facts } = failureOfPart(error, context.log);
  return {
    action: 'failed',
    reason,
    code,
    namesNode: node !== undefined && facts.node === node.uuid,
    isDenied: isDenied(error),
  };
}
