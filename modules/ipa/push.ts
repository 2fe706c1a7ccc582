// Rolls a pair out to all nodes of a type, batch by batch, and takes it back where too many fail.
import pLimit from 'p-limit';
import { getNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { hasCode, messageOf, OperationError, rethrowProgramFault } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import type { ImageSettings } from './policy/image-settings.js';
import { byName } from './policy/node-choice.js';
import { batchesOf, isFailure, stepFor, type RolloutStep } from './policy/rollout.js';
import { nodeTitle } from '../nodes/policy/node-states.js';
import type { FormerImages, RolloutEntry } from './journal.js';
import { nodesOfType } from './node.js';
import type { Plan } from './plan.js';
import { pace, type Run } from './run.js';
import { applyImages, formerImages, imagesFor } from './settings.js';

export interface NodeResult {
  readonly uuid: string;
  readonly name: string;
  readonly result: 'updated' | 'unchanged' | 'skipped' | 'failed' | 'rolled back' | 'update';
  readonly reason: string;
  /** What it had. */
  readonly former?: ImageSettings;
}

export interface Rollout {
  readonly nodes: readonly NodeResult[];
  /** Why it was stopped, and what could not be rolled back. */
  readonly failures: readonly string[];
}

/** What a roll-out would do, for check mode. */
export async function planRollout(run: Run, plan: Plan): Promise<NodeResult[]> {
  const nodes = await nodesOfType(run, run.args.node_type ?? '');
  return nodes.sort(byName).map((node) => {
    const { action, reason } = stepFor(node, wishOf(run, plan));
    const base = { uuid: node.uuid, name: node.name, reason };
    if (action === 'update') return { ...base, result: 'update' };
    return {
      ...base,
      result: action === 'unchanged' ? 'unchanged' : 'skipped',
      reason: action === 'wait' ? `would be waited for: ${reason}` : reason,
    };
  });
}

/** Gives each node the images, and reads them back. Nodes in use come last, so that nobody waits for them. */
export async function rollOut(run: Run, plan: Plan, earlier: readonly RolloutEntry[]): Promise<Rollout> {
  const { args, context, journal } = run;
  const nodes = (await nodesOfType(run, args.node_type ?? '')).sort(byName);
  const record = await openRecord(run, plan, earlier);
  const isWaiting = (node: NodeDetails): boolean =>
    args.in_use === 'wait' && stepFor(node, { ...wishOf(run, plan), inUse: 'skip' }).action === 'skip';
  // Those that are waited for are all watched at once, and take their turns as they become free.
  const batches = [
    ...batchesOf(
      nodes.filter((node) => !isWaiting(node)),
      args.batch_size,
    ),
    ...[nodes.filter(isWaiting)].filter((batch) => batch.length > 0),
  ];
  const results: NodeResult[] = [];
  const isStopped = (): boolean => context.signal.aborted || isFailure(countFailed(results), args.max_failures);
  const turn = pLimit(args.batch_size);
  for (const [index, batch] of batches.entries()) {
    if (isStopped()) break;
    context.log('info', `batch ${index + 1} of ${batches.length}: ${batch.map(nodeTitle).join(', ')}`);
    await settled(
      batch.map((node) =>
        updateNode(run, { plan, node, record, isStopped, turn, note: (result) => void results.push(result) }),
      ),
    );
  }
  results.sort(byName);
  if (context.signal.aborted)
    return {
      nodes: [...results, ...left(nodes, results, 'the run was interrupted before')],
      failures: [interruption(run, record.entry)],
    };
  if (!isFailure(countFailed(results), args.max_failures)) {
    await journal.remove(record.entry);
    return { nodes: results, failures: [] };
  }
  const stop = `the roll-out was stopped, since ${countFailed(results)} nodes failed and max_failures is ${args.max_failures}`;
  const undone = await undo(run, await record.rollBack());
  const byUuid = new Map(undone.map((result) => [result.uuid, result]));
  const nodesNow = results.map((result) =>
    result.result === 'updated' ? (byUuid.get(result.uuid) ?? result) : result,
  );
  // Those of an interrupted run before this one.
  const others = undone.filter(({ uuid }) => !results.some((result) => result.uuid === uuid));
  return { nodes: [...nodesNow, ...others, ...left(nodes, [...results, ...others], stop)], failures: [stop] };
}

function left(nodes: readonly NodeDetails[], results: readonly NodeResult[], reason: string): NodeResult[] {
  const known = new Set(results.map(({ uuid }) => uuid));
  return nodes
    .filter(({ uuid }) => !known.has(uuid))
    .map(({ uuid, name }) => ({ uuid, name, result: 'skipped', reason }));
}

function interruption({ context, journal }: Run, entry: RolloutEntry): string {
  return `${messageOf(context.signal.reason)}: the roll-out is not complete; push again goes on with it, restore takes it back (${journal.pathOf(entry)})`;
}

function countFailed(results: readonly NodeResult[]): number {
  return results.filter(({ result }) => result === 'failed').length;
}

function wishOf({ args }: Run, { wanted, pair }: Plan): Parameters<typeof stepFor>[1] {
  return { wanted, inUse: args.in_use, architecture: pair.architecture };
}

interface RolloutRecord {
  readonly entry: RolloutEntry;
  /** Notes what a node had, before it is changed. */
  add(node: NodeDetails, former: FormerImages): Promise<void>;
  rollBack(): Promise<RolloutEntry>;
}

/** A roll-out that was broken off is taken over: what nodes had before it counts. */
async function openRecord(
  { args, context, cloud, journal }: Run,
  { wanted }: Plan,
  earlier: readonly RolloutEntry[],
): Promise<RolloutRecord> {
  const own = earlier.filter(({ nodeType }) => nodeType === args.node_type);
  const name =
    own[0]?.name ?? `push-${(args.node_type ?? '').replace(/[^\w.-]/g, '_').slice(0, 50)}-${context.now().getTime()}`;
  const nodes = Object.assign({}, ...[...own].reverse().map((entry) => entry.nodes)) as RolloutEntry['nodes'];
  const record = {
    entry: {
      kind: 'rollout',
      name,
      cloud: cloud.identity,
      startedAt: own[0]?.startedAt ?? context.now().toISOString(),
      step: 'push',
      nodeType: args.node_type ?? '',
      wanted,
      isRollingBack: false,
      nodes,
    } as RolloutEntry,
    add: async (node: NodeDetails, former: FormerImages) => {
      if (node.uuid in record.entry.nodes) return;
      record.entry = { ...record.entry, nodes: { ...record.entry.nodes, [node.uuid]: { name: node.name, former } } };
      await write();
    },
    rollBack: async () => {
      record.entry = { ...record.entry, isRollingBack: true };
      await write();
      return record.entry;
    },
  };
  // One after the other: of two renames the last must have the most.
  let writing: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    writing = writing.then(() => journal.write(record.entry));
    return writing;
  };
  await write();
  for (const entry of own.slice(1)) await journal.remove(entry);
  return record;
}

/** Waits for all of them, also where one fails: a fault of the program is thrown when no request is under way any more. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

interface Update {
  readonly plan: Plan;
  readonly node: NodeDetails;
  readonly record: RolloutRecord;
  /** True once too many nodes have failed, or the run is being ended: no other node is changed then. */
  isStopped(): boolean;
  /** At most `batch_size` nodes are changed at a time. */
  turn(work: () => Promise<boolean>): Promise<boolean>;
  note(result: NodeResult): void;
}

/** Notes what became of the node; nothing where the roll-out was stopped before it was changed. */
async function updateNode(run: Run, update: Update): Promise<void> {
  const deadline = performance.now() + waitSeconds(run) * 1000;
  // A failure is noted before the next one has its turn, which may not come any more then.
  const attempt = (): Promise<boolean> =>
    noted(run, update, async () => (update.isStopped() ? undefined : tryUpdate(run, update)));
  // Those that are ready have their turn in the order in which they are listed.
  let isOver = await update.turn(attempt);
  while (!isOver && !update.isStopped()) {
    const ready = await noted(run, update, () => untilReady(run, update, deadline));
    // It may be in use again when its turn comes.
    isOver = ready || (await update.turn(attempt));
  }
}

/** True where the work has come to a result, or failed. */
async function noted(
  run: Run,
  { node: { uuid, name }, note }: Update,
  work: () => Promise<NodeResult | undefined>,
): Promise<boolean> {
  try {
    const result = await work();
    if (result) note(result);
    return result !== undefined;
  } catch (error) {
    if (!run.context.signal.aborted) rethrowProgramFault(error);
    note({ uuid, name, result: run.context.signal.aborted ? 'skipped' : 'failed', reason: messageOf(error) });
    return true;
  }
}

/** Undefined where it has to be waited for once more. */
async function tryUpdate(run: Run, { plan, node: { uuid, name }, record }: Update): Promise<NodeResult | undefined> {
  const { args, context, ironic } = run;
  const base = { uuid, name };
  const node = await getNode(ironic, uuid);
  const step = node && stepFor(node, wishOf(run, plan));
  if (!step || step.action === 'wait' || step.action === 'skip') return undefined;
  const former = await formerImages(run, node, Object.keys(plan.wanted));
  // What Doni has may differ where Ironic's is right already.
  if (step.action === 'unchanged' && isInDoni(plan.wanted, former))
    return { ...base, result: 'unchanged', reason: step.reason };
  await record.add(node, former);
  await applyImages(run, uuid, imagesFor(plan.wanted, former), {
    timeoutSeconds: args.lock_timeout,
    signal: context.signal,
  });
  const read = await getNode(ironic, uuid);
  if (!read || stepFor(read, wishOf(run, plan)).action !== 'unchanged')
    throw new OperationError(
      'NOT_KEPT',
      `node ${name || uuid} does not have its images any more right after it was given them: something else sets them`,
      { node: uuid },
    );
  context.log('info', `node ${name || uuid} is updated`);
  context.progress({ subject: name || uuid, stage: 'updated' });
  return { ...base, result: 'updated', reason: step.reason, former: former.node };
}

function isInDoni(wanted: ImageSettings, { doni }: FormerImages): boolean {
  return (
    doni === undefined || (doni.deployKernel === wanted.deploy_kernel && doni.deployRamdisk === wanted.deploy_ramdisk)
  );
}

function waitSeconds({ args }: Run): number {
  return args.in_use === 'wait' ? args.in_use_timeout : args.lock_timeout;
}

/** Waits for a node that is in use, where that is wished, and for one that is on its way. Its result where it is not to be changed. */
async function untilReady(
  run: Run,
  { plan, node: { uuid, name }, isStopped }: Update,
  deadline: number,
): Promise<NodeResult | undefined> {
  const { context, ironic } = run;
  const skipped = (reason: string): NodeResult => ({ uuid, name, result: 'skipped', reason });
  let last: RolloutStep | undefined;
  const look = async (): Promise<{ result: NodeResult | undefined } | undefined> => {
    if (isStopped()) return { result: undefined };
    const node = await getNode(ironic, uuid);
    if (!node) return { result: skipped('it does not exist any more') };
    last = stepFor(node, wishOf(run, plan));
    if (last.action === 'wait') return undefined;
    return { result: last.action === 'skip' ? skipped(last.reason) : undefined };
  };
  const timeoutSeconds = Math.max(deadline - performance.now(), 0) / 1000;
  try {
    return (
      await waitFor(look, { subject: `node ${uuid} to be free`, timeoutSeconds, ...pace, signal: context.signal })
    ).result;
  } catch (error) {
    if (context.signal.aborted || !last || !hasCode(error, 'WAIT_TIMEOUT')) throw error;
    return skipped(`still so after ${waitSeconds(run)} s: ${last.reason}`);
  }
}

/** Gives every node of a roll-out what it had; the entry goes when all have it. */
export async function undo(run: Run, entry: RolloutEntry): Promise<NodeResult[]> {
  const turn = pLimit(run.args.batch_size);
  const results: NodeResult[] = [];
  await settled(
    Object.entries(entry.nodes).map(([uuid, before]) =>
      turn(async () => void results.push(await giveBack(run, uuid, before))),
    ),
  );
  if (results.every(({ result }) => result === 'rolled back')) await run.journal.remove(entry);
  return results;
}

async function giveBack(run: Run, uuid: string, { name, former }: RolloutEntry['nodes'][string]): Promise<NodeResult> {
  try {
    if (await getNode(run.ironic, uuid))
      await applyImages(run, uuid, former, { timeoutSeconds: run.args.lock_timeout, signal: run.lastSignal });
    return { uuid, name, result: 'rolled back', reason: 'it has its former images' };
  } catch (error) {
    rethrowProgramFault(error);
    return { uuid, name, result: 'failed', reason: `it could not be rolled back: ${messageOf(error)}` };
  }
}
