// What a roll-out records before it changes a node, and how its nodes get their former images back.
import pLimit from 'p-limit';
import { getNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { messageOf, OperationError, rethrowProgramFault } from '../core/errors.js';
import { nodeTitle } from '../nodes/policy/provision-states.js';
import type { RolloutEntry } from './journal.js';
import type { ImageSettings, NodeImageSettings } from './policy/image-settings.js';
import type { RolloutResult } from './policy/rollout.js';
import type { Restoration } from './restore.js';
import type { IpaRun } from './run.js';
import { applyImages } from './settings.js';

export interface RolloutRecord {
  readonly entry: RolloutEntry;
  /** Records the former images of a node, before it is changed. */
  add(node: NodeDetails, former: NodeImageSettings): Promise<void>;
  startRollback(): Promise<RolloutEntry>;
}

/**
 * The record of a roll-out, which takes over that of an interrupted one: the images that nodes had
 * before that count as former.
 */
export async function openRolloutRecord(
  { args, context, cloud, journal }: IpaRun,
  settings: ImageSettings,
  interrupted: readonly RolloutEntry[],
): Promise<RolloutRecord> {
  const nodeType = args.node_type ?? '';
  const own = interrupted.filter((entry) => entry.nodeType === nodeType);
  const name = own[0]?.name ?? `push-${nodeType.replace(/[^\w.-]/g, '_').slice(0, 50)}-${context.now().getTime()}`;
  let nodes: RolloutEntry['nodes'] = {};
  for (const entry of [...own].reverse()) nodes = { ...nodes, ...entry.nodes };
  let entry: RolloutEntry = {
    kind: 'rollout',
    name,
    cloud: cloud.identity,
    startedAt: own[0]?.startedAt ?? context.now().toISOString(),
    step: 'push',
    nodeType,
    wanted: settings,
    isRollingBack: false,
    nodes,
  };
  // One at a time, so that the last rename is that of the latest entry.
  let writing: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    writing = writing.then(() => journal.write(entry));
    return writing;
  };
  await write();
  for (const other of own.slice(1)) await journal.remove(other);
  return {
    get entry() {
      return entry;
    },
    add: async (node, former) => {
      if (node.uuid in entry.nodes) return;
      entry = { ...entry, nodes: { ...entry.nodes, [node.uuid]: { name: node.name, former } } };
      await write();
    },
    startRollback: async () => {
      entry = { ...entry, isRollingBack: true };
      await write();
      return entry;
    },
  };
}

/**
 * Rolls back a roll-out that an earlier run has left. If a node fails, `failure` is
 * RESTORE_INCOMPLETE.
 */
export async function restoreRollout(run: IpaRun, entry: RolloutEntry): Promise<Restoration> {
  const results = await undoRollout(run, entry);
  const warnings = results.flatMap((result) => result.warnings ?? []);
  const failed = results.filter(({ result }) => result === 'failed');
  if (failed.length === 0) return { text: `${entry.name}: ${results.length} nodes have their former images`, warnings };
  const reasons = failed.map((result) => `node ${nodeTitle(result)}: ${result.reason}`).join('; ');
  const message = `${entry.name}: ${reasons}; ${run.journal.pathOf(entry)} has the details`;
  return { failure: new OperationError('RESTORE_INCOMPLETE', message), warnings };
}

/**
 * Restores the former images of every node of a roll-out; the entry is removed when all have them.
 */
export async function undoRollout(run: IpaRun, entry: RolloutEntry): Promise<RolloutResult[]> {
  const limit = pLimit(run.args.batch_size);
  const results = await allSettled(
    Object.entries(entry.nodes).map(([uuid, before]) => limit(() => restoreNodeImages(run, uuid, before))),
  );
  if (results.every(({ result }) => result === 'rolled back')) await run.journal.remove(entry);
  return results;
}

async function restoreNodeImages(
  run: IpaRun,
  uuid: string,
  { name, former }: RolloutEntry['nodes'][string],
): Promise<RolloutResult> {
  try {
    const patience = { timeoutSeconds: run.args.lock_timeout, signal: run.graceSignal };
    const warnings = (await getNode(run.ironic, uuid)) ? await applyImages(run, uuid, former, patience) : [];
    return { uuid, name, result: 'rolled back', reason: 'it has its former images', warnings };
  } catch (error) {
    rethrowProgramFault(error);
    return { uuid, name, result: 'failed', reason: `it could not be rolled back: ${messageOf(error)}` };
  }
}

/**
 * Waits for all even if one fails, so that no request is in progress when the failure is thrown.
 */
export async function allSettled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
