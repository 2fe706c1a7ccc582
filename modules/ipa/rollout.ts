// Rolls a pair out to all nodes of a type, batch by batch, and rolls it back if too many nodes
// fail.
import pLimit from 'p-limit';
import { getNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { hasCode, messageOf, OperationError, rethrowProgramFault } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import { nodeTitle } from '../nodes/policy/provision-states.js';
import type { RolloutEntry } from './journal.js';
import { nodesOfType } from './node.js';
import { hasDoniSettings, nodeSettingsFor } from './policy/image-settings.js';
import { byName } from './policy/node-choice.js';
import {
  planBatches,
  predictResults,
  resultsAfterRollback,
  rolloutStep,
  skippedResults,
  stopReason,
  type RolloutGoal,
  type RolloutResult,
  type RolloutStep,
} from './policy/rollout.js';
import type { IpaPlan } from './policy/test-plan.js';
import { allSettled, openRolloutRecord, undoRollout, type RolloutRecord } from './rollback.js';
import { pollInterval, type IpaRun } from './run.js';
import { applyImages, readImageSettings } from './settings.js';

export interface Rollout {
  readonly nodes: readonly RolloutResult[];
  /** Why it was stopped. */
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

/** What a roll-out would do, for check mode. */
export async function planRollout(run: IpaRun, plan: IpaPlan): Promise<RolloutResult[]> {
  return predictResults(await nodesOfType(run, run.args.node_type ?? ''), goalOf(run, plan));
}

/**
 * Gives each node the images and reads them back. Nodes in use come last, so that no other node
 * waits for them.
 */
export async function rollOut(run: IpaRun, plan: IpaPlan, interrupted: readonly RolloutEntry[]): Promise<Rollout> {
  const { args, context, journal } = run;
  const goal = goalOf(run, plan);
  const nodes = await nodesOfType(run, args.node_type ?? '');
  const record = await openRolloutRecord(run, plan.settings, interrupted);
  const results: RolloutResult[] = [];
  const isStopped = (): boolean => context.signal.aborted || stopReason(results, args.max_failures) !== undefined;
  const limit = pLimit(args.batch_size);
  const onResult = (result: RolloutResult): void => void results.push(result);
  const batches = planBatches(nodes, goal, args.batch_size);
  for (const [index, batch] of batches.entries()) {
    if (isStopped()) break;
    context.log('info', `batch ${index + 1} of ${batches.length}: ${batch.map(nodeTitle).join(', ')}`);
    await allSettled(batch.map((node) => updateNode(run, { goal, node, record, isStopped, limit, onResult })));
  }
  results.sort(byName);
  const warnings = warningsOf(results);
  if (context.signal.aborted) {
    const skipped = skippedResults(nodes, results, 'the run was interrupted before its turn');
    return { nodes: [...results, ...skipped], failures: [interruption(run, record.entry)], warnings };
  }
  const stop = stopReason(results, args.max_failures);
  if (stop === undefined) {
    await journal.remove(record.entry);
    return { nodes: results, failures: [], warnings };
  }
  const undone = await undoRollout(run, await record.startRollback());
  const after = resultsAfterRollback(results, undone);
  return {
    nodes: [...after, ...skippedResults(nodes, after, stop)],
    failures: [stop],
    warnings: [...warnings, ...warningsOf(undone)],
  };
}

function warningsOf(results: readonly RolloutResult[]): string[] {
  return results.flatMap((result) => result.warnings ?? []);
}

function interruption({ context, journal }: IpaRun, entry: RolloutEntry): string {
  return (
    `${messageOf(context.signal.reason)}: the roll-out is incomplete; ` +
    `another push continues it, restore rolls it back (${journal.pathOf(entry)})`
  );
}

function goalOf({ args }: IpaRun, { settings, pair }: IpaPlan): RolloutGoal {
  return { settings, inUse: args.in_use, architecture: pair.architecture };
}

interface NodeUpdate {
  readonly goal: RolloutGoal;
  readonly node: NodeDetails;
  readonly record: RolloutRecord;
  /**
   * True once too many nodes have failed or the run is interrupted: no other node is changed then.
   */
  isStopped(): boolean;
  /** At most `batch_size` nodes are changed at a time. */
  limit(work: () => Promise<boolean>): Promise<boolean>;
  onResult(result: RolloutResult): void;
}

/**
 * Ends with a result for the node, or without one if the roll-out was stopped before the node was
 * changed.
 */
async function updateNode(run: IpaRun, update: NodeUpdate): Promise<void> {
  const deadline = performance.now() + waitSeconds(run) * 1000;
  // A failure is counted within its turn, so that it can prevent the next one.
  const attempt = (): Promise<boolean> =>
    finishes(run, update, async () => (update.isStopped() ? undefined : tryUpdate(run, update)));
  // Nodes that are ready take their turns in the order of the list.
  let isFinished = await update.limit(attempt);
  while (!isFinished && !update.isStopped()) {
    isFinished = await finishes(run, update, () => untilReady(run, update, deadline));
    // The node may be in use again when its turn comes.
    isFinished ||= await update.limit(attempt);
  }
}

/** True if the work has led to a result, or failed. */
async function finishes(
  run: IpaRun,
  { node: { uuid, name }, onResult }: NodeUpdate,
  work: () => Promise<RolloutResult | undefined>,
): Promise<boolean> {
  try {
    const result = await work();
    if (result) onResult(result);
    return result !== undefined;
  } catch (error) {
    if (!run.context.signal.aborted) rethrowProgramFault(error);
    onResult({ uuid, name, result: run.context.signal.aborted ? 'skipped' : 'failed', reason: messageOf(error) });
    return true;
  }
}

/** Undefined if the node is not ready. */
async function tryUpdate(
  run: IpaRun,
  { goal, node: { uuid, name }, record }: NodeUpdate,
): Promise<RolloutResult | undefined> {
  const { args, context, ironic } = run;
  const title = nodeTitle({ uuid, name });
  const node = await getNode(ironic, uuid);
  const step = node && rolloutStep(node, goal);
  if (!step || step.action === 'wait' || step.action === 'skip') return undefined;
  const former = await readImageSettings(run, node, Object.keys(goal.settings));
  // Doni's images may differ although Ironic's are right.
  if (step.action === 'unchanged' && hasDoniSettings(former, goal.settings))
    return { uuid, name, result: 'unchanged', reason: step.reason };
  await record.add(node, former);
  const warnings = await applyImages(run, uuid, nodeSettingsFor(goal.settings, former), {
    timeoutSeconds: args.lock_timeout,
    signal: context.signal,
  });
  const updated = await getNode(ironic, uuid);
  if (!updated || rolloutStep(updated, goal).action !== 'unchanged')
    throw new OperationError(
      'NOT_KEPT',
      [`node ${title} lost its images immediately after they were set: something else sets them`, ...warnings].join(
        '; ',
      ),
      { node: uuid },
    );
  context.log('info', `node ${title} is updated`);
  context.progress({ subject: title, stage: 'updated' });
  return { uuid, name, result: 'updated', reason: step.reason, former: former.node, warnings };
}

function waitSeconds({ args }: IpaRun): number {
  return args.in_use === 'wait' ? args.in_use_timeout : args.lock_timeout;
}

/**
 * Waits for a node that is changing its state, or that is in use if requested. Returns its result
 * if it must not be changed.
 */
async function untilReady(
  run: IpaRun,
  { goal, node: { uuid, name }, isStopped }: NodeUpdate,
  deadline: number,
): Promise<RolloutResult | undefined> {
  const { context, ironic } = run;
  const skipped = (reason: string): RolloutResult => ({ uuid, name, result: 'skipped', reason });
  let last: RolloutStep | undefined;
  const look = async (): Promise<{ result: RolloutResult | undefined } | undefined> => {
    if (isStopped()) return { result: undefined };
    const node = await getNode(ironic, uuid);
    if (!node) return { result: skipped('it no longer exists') };
    last = rolloutStep(node, goal);
    if (last.action === 'wait') return undefined;
    return { result: last.action === 'skip' ? skipped(last.reason) : undefined };
  };
  const subject = `node ${uuid} to be free`;
  const timeoutSeconds = Math.max(deadline - performance.now(), 0) / 1000;
  try {
    return (await waitFor(look, { subject, timeoutSeconds, ...pollInterval, signal: context.signal })).result;
  } catch (error) {
    if (context.signal.aborted || !last || !hasCode(error, 'WAIT_TIMEOUT')) throw error;
    return skipped(`unchanged after ${waitSeconds(run)} s: ${last.reason}`);
  }
}
