// What a roll-out does with each node of a type, in which order, and when it stops.
import { optionText } from '../../core/option-text.js';
import { isEditable, inUseReason } from '../../nodes/policy/provision-states.js';
import { hasSettings, presentSettings, type ImageSettings } from './image-settings.js';
import type { Architecture } from './ipa-images.js';
import { byName, mismatchOf, type TestableNode } from './node-choice.js';

export interface RolloutStep {
  /** `wait`: the node cannot be changed now, but it can later. */
  readonly action: 'update' | 'unchanged' | 'skip' | 'wait';
  readonly reason: string;
}

export interface RolloutGoal {
  readonly settings: ImageSettings;
  /**
   * What to do with nodes in use: skip them, wait for them, or update them, which takes effect with
   * their next deployment.
   */
  readonly inUse: 'skip' | 'wait' | 'update';
  readonly architecture: Architecture | undefined;
}

export interface RolloutResult {
  readonly uuid: string;
  readonly name: string;
  readonly result: 'updated' | 'unchanged' | 'skipped' | 'failed' | 'rolled back' | 'update';
  readonly reason: string;
  /** The images that the node had before. */
  readonly former?: ImageSettings;
  readonly warnings?: readonly string[];
}

export function rolloutStep(node: TestableNode, { settings, inUse, architecture }: RolloutGoal): RolloutStep {
  const mismatch = mismatchOf(node, architecture);
  if (mismatch) return { action: 'skip', reason: mismatch };
  if (presentSettings(node.driver_info, Object.keys(settings)) === undefined)
    return { action: 'skip', reason: 'Ironic masks one of its images, so that the former value could not be restored' };
  if (hasSettings(node.driver_info, settings)) return { action: 'unchanged', reason: 'it already has these images' };
  const use = inUseReason(node);
  if (use && inUse !== 'update') return { action: inUse, reason: use };
  if (!isEditable(node)) return { action: 'wait', reason: `it is ${node.provision_state}` };
  return {
    action: 'update',
    reason: use ? `${use}; the images take effect with its next deployment` : `it is ${node.provision_state}`,
  };
}

/** The results that check mode predicts. */
export function predictResults(nodes: readonly TestableNode[], goal: RolloutGoal): RolloutResult[] {
  return [...nodes].sort(byName).map((node) => {
    const { action, reason } = rolloutStep(node, goal);
    const base = { uuid: node.uuid, name: node.name };
    if (action === 'update' || action === 'unchanged') return { ...base, reason, result: action };
    return { ...base, result: 'skipped', reason: action === 'wait' ? `would be waited for: ${reason}` : reason };
  });
}

/**
 * Batches by name. Nodes in use that are waited for are the last batch: all are watched at once,
 * and updated as they become free.
 */
export function planBatches<N extends TestableNode>(nodes: readonly N[], goal: RolloutGoal, size: number): N[][] {
  const isWaitedFor = (node: N): boolean =>
    goal.inUse === 'wait' && rolloutStep(node, { ...goal, inUse: 'skip' }).action === 'skip';
  const sorted = [...nodes].sort(byName);
  const waitedFor = sorted.filter(isWaitedFor);
  return [
    ...batchesOf(
      sorted.filter((node) => !isWaitedFor(node)),
      size,
    ),
    ...(waitedFor.length > 0 ? [waitedFor] : []),
  ];
}

/** Batches of at most `size` elements, in order. */
function batchesOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** Why the roll-out stops; undefined while no more than `maxFailures` nodes have failed. */
export function stopReason(results: readonly RolloutResult[], maxFailures: number): string | undefined {
  const failed = results.filter(({ result }) => result === 'failed').length;
  return failed > maxFailures
    ? `the roll-out was stopped because ${failed} ${failed === 1 ? 'node' : 'nodes'} failed and ` +
        `${optionText('max_failures')} is ${maxFailures}`
    : undefined;
}

/** The nodes that have no result yet, as skipped for this reason. */
export function skippedResults(
  nodes: readonly TestableNode[],
  results: readonly RolloutResult[],
  reason: string,
): RolloutResult[] {
  const known = new Set(results.map(({ uuid }) => uuid));
  return nodes
    .filter(({ uuid }) => !known.has(uuid))
    .map(({ uuid, name }) => ({ uuid, name, result: 'skipped', reason }));
}

/**
 * The results after a rollback, including those of nodes that an earlier, interrupted run had
 * changed.
 */
export function resultsAfterRollback(
  results: readonly RolloutResult[],
  undone: readonly RolloutResult[],
): RolloutResult[] {
  const byUuid = new Map(undone.map((result) => [result.uuid, result]));
  const known = new Set(results.map(({ uuid }) => uuid));
  return [
    ...results.map((result) => (result.result === 'updated' ? (byUuid.get(result.uuid) ?? result) : result)),
    ...undone.filter(({ uuid }) => !known.has(uuid)),
  ];
}
