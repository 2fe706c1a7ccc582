// One test from the choice of the node to its return; whatever happens on the way, everything is put back.
import { getNode, patchNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { whileLocked } from '../clients/ironic/api.js';
import { hasCode, messageOf, OperationError, rethrowProgramFault } from '../core/errors.js';
import { imageKeys } from './policy/image-settings.js';
import { countStates, mismatchOf, nodeArchitecture, obstacleOf } from './policy/node-choice.js';
import { nodeTitle } from '../nodes/policy/node-states.js';
import type { TestEntry } from './journal.js';
import { deploymentMark, isOurs, steer, taken, untilUnlocked } from './node.js';
import type { Plan, TestPlan } from './plan.js';
import { reserve } from './reserve.js';
import { restoreTest } from './restore.js';
import { testFailure, timed, type Run } from './run.js';
import { applyImages, formerImages, imagesFor } from './settings.js';
import { deployServer, removeServer } from './test-server.js';

export interface Trial {
  readonly passed: boolean;
  /** False where nothing can be said of the images, as no node or no lease was to be had. */
  readonly isVerdict: boolean;
  readonly reason?: string;
  readonly lastError?: string;
  readonly node?: { readonly uuid: string; readonly name: string };
  readonly server?: string;
  readonly lease?: string;
  /** What could not be put back. */
  readonly leftover?: string;
}

/** What the images may be at fault for. */
const verdicts = ['TEST_FAILED', 'NODE_FAILED', 'WAIT_TIMEOUT'];

/** How often another node is taken when somebody was faster, or does not let go of it. */
const attempts = 3;

/** Tests the pair on a node, and on another one where somebody else was faster. Throws where there was nothing to test on. */
export async function runTrial(run: Run, plan: Plan & { readonly test: TestPlan }): Promise<Trial> {
  for (let attempt = 1; ; attempt++) {
    const candidate = plan.test.candidates[attempt - 1];
    const { trial, error } = await tryOnce(run, plan, candidate);
    const isLast =
      attempt === attempts ||
      trial.leftover !== undefined ||
      (plan.test.resourceProperties === undefined && plan.test.candidates.length <= attempt);
    const isElsewhere = hasCode(error, 'NODE_TAKEN') || (hasCode(error, 'NODE_LOCKED') && trial.node === undefined);
    if (!isElsewhere || isLast) return trial;
    run.warnings.push(messageOf(error));
  }
}

interface Progress {
  entry: TestEntry;
  note(change: Partial<TestEntry> & { readonly step: string }): Promise<void>;
}

async function tryOnce(
  run: Run,
  plan: Plan & { readonly test: TestPlan },
  candidate: NodeDetails | undefined,
): Promise<{ trial: Trial; error?: unknown }> {
  const { context, cloud, journal } = run;
  const progress: Progress = {
    entry: {
      kind: 'test',
      name: nameFor(plan.test.type, context),
      cloud: cloud.identity,
      startedAt: context.now().toISOString(),
      step: 'begin',
    },
    note: async (change) => {
      context.signal.throwIfAborted();
      progress.entry = { ...progress.entry, ...change };
      await journal.write(progress.entry);
      context.log('info', `${progress.entry.name}: ${change.step}`);
    },
  };
  let error: unknown;
  try {
    await goThrough(run, { plan, candidate, progress });
  } catch (thrown) {
    error = thrown;
  }
  const leftover = await timed(run, 'restore', () => putBack(run, progress.entry));
  if (error !== undefined && !(error instanceof OperationError)) throw error;
  const { node, server, lease, instanceKeys } = progress.entry;
  const lastError = error instanceof OperationError ? error.facts.last_error : undefined;
  const trial: Trial = {
    passed: error === undefined,
    isVerdict: error === undefined || verdicts.includes(error.code),
    ...(error === undefined ? {} : { reason: messageOf(error) }),
    ...(typeof lastError === 'string' ? { lastError } : {}),
    ...(node ? { node } : {}),
    ...(server || instanceKeys ? { server: server?.id ?? progress.entry.name } : {}),
    ...(lease?.id === undefined ? {} : { lease: lease.id }),
    ...(leftover === undefined ? {} : { leftover }),
  };
  return { trial, error };
}

/** What is left, where something is. */
async function putBack(run: Run, entry: TestEntry): Promise<string | undefined> {
  try {
    run.context.log('info', await restoreTest(run, entry));
    return undefined;
  } catch (error) {
    rethrowProgramFault(error);
    return messageOf(error);
  }
}

interface Attempt {
  readonly plan: Plan & { readonly test: TestPlan };
  readonly candidate: NodeDetails | undefined;
  readonly progress: Progress;
}

async function goThrough(run: Run, { plan, candidate, progress }: Attempt): Promise<void> {
  const { test } = plan;
  const { node, reservationId } = await timed(run, 'reserve', () => takeNode(run, { plan, candidate, progress }));
  const former = await formerImages(run, node, imageKeys(run.args.rescue));
  await progress.note({ step: 'prepare', node: { uuid: node.uuid, name: node.name }, former, wanted: plan.wanted });
  await timed(run, 'prepare', async () => {
    const { uuid } = node;
    const patience = { timeoutSeconds: run.args.lock_timeout, signal: run.context.signal };
    const journey = { timeoutSeconds: run.args.clean_timeout, signal: run.context.signal, entry: progress.entry };
    // Nobody else can take a manageable node; one that is leased nobody else can take anyway.
    if (reservationId === undefined) await steer(run, uuid, { ...journey, goal: 'manageable' });
    await applyImages(run, uuid, imagesFor(plan.wanted, former), patience);
    await steer(run, uuid, { ...journey, goal: 'available' });
  });
  if (test.deployment.by === 'nova') await tryNova(run, { plan, candidate, progress }, { node, reservationId });
  else await tryIronic(run, { plan, candidate, progress }, node);
}

async function takeNode(
  run: Run,
  { plan, candidate, progress }: Attempt,
): Promise<{ node: NodeDetails; reservationId?: string }> {
  const { test, pair } = plan;
  const keys = imageKeys(run.args.rescue);
  if (!test.resourceProperties) {
    const node = await untilUnlocked(run, candidate?.uuid ?? '');
    const why = obstacleOf(node, keys);
    if (why) throw taken(node, why);
    return { node };
  }
  await progress.note({ step: 'reserve', lease: {} });
  const wish = {
    name: progress.entry.name,
    resourceProperties: test.resourceProperties,
    onCreated: (id: string) => progress.note({ step: 'reserve', lease: { id } }),
  };
  const { node: uuid, reservationId } = await reserve(run, wish).catch((error: unknown) => {
    if (!hasCode(error, 'NO_HOST_FREE')) throw error;
    throw new OperationError(
      'NO_HOST_FREE',
      `${messageOf(error)}; Ironic has ${countStates(plan.nodes, keys, pair.architecture)}`,
      {},
      error,
    );
  });
  if (!(await getNode(run.ironic, uuid)))
    throw new OperationError('NODE_GONE', `Blazar leased host ${uuid}, and Ironic has no such node`, { node: uuid });
  const node = await untilUnlocked(run, uuid);
  const why = mismatchOf(node, pair.architecture) ?? obstacleOf(node, keys);
  if (why)
    throw new OperationError(
      'NO_NODE_FREE',
      `Blazar leased node ${nodeTitle(node)}, which cannot be tested on: ${why}`,
      {
        node: uuid,
      },
    );
  return { node, reservationId };
}

interface Place {
  readonly node: NodeDetails;
  readonly reservationId: string | undefined;
}

async function tryNova(
  run: Run,
  { plan: { test, pair }, progress }: Attempt,
  { node, reservationId }: Place,
): Promise<void> {
  const { deployment } = test;
  if (deployment.by !== 'nova') return;
  const { flavorId, keyName, networks } = deployment;
  const place = reservationId === undefined ? { hypervisorHostname: node.uuid } : { reservationId };
  const image = deployment.imageFor(nodeArchitecture(node) ?? pair.architecture);
  const request = { name: progress.entry.name, imageId: image.id, flavorId, keyName, networks, ...place };
  await progress.note({ step: 'deploy', server: {} });
  await timed(run, 'deploy', () =>
    deployServer(run, { request, node, onCreated: (id) => progress.note({ step: 'deploy', server: { id } }) }),
  );
  await progress.note({ step: 'tear down' });
  await timed(run, 'tear_down', async () => {
    await removeServer(run, progress.entry, run.context.signal);
    await untilAvailable(run, node.uuid, progress.entry);
  });
}

async function tryIronic(run: Run, { plan: { test, pair }, progress }: Attempt, node: NodeDetails): Promise<void> {
  const { deployment } = test;
  if (deployment.by !== 'ironic') return;
  const { args, context, ironic } = run;
  const info: Readonly<Record<string, unknown>> = {
    ...deployment.instanceInfoFor(nodeArchitecture(node) ?? pair.architecture),
    [deploymentMark]: progress.entry.name,
  };
  await progress.note({ step: 'deploy', instanceKeys: Object.keys(info) });
  await timed(run, 'deploy', async () => {
    const patch = Object.entries(info).map(([key, value]) => ({
      op: 'add' as const,
      path: `/instance_info/${key}`,
      value,
    }));
    await whileLocked(() => patchNode(ironic, node.uuid, patch), {
      subject: `the instance_info of node ${nodeTitle(node)}`,
      timeoutSeconds: args.lock_timeout,
      signal: context.signal,
    });
    const active = await steer(run, node.uuid, {
      goal: 'active',
      timeoutSeconds: args.deploy_timeout,
      signal: context.signal,
      entry: progress.entry,
    });
    if (!isOurs(active, progress.entry))
      throw testFailure(`node ${nodeTitle(node)} is active with a deployment of somebody else`);
  });
  await progress.note({ step: 'tear down' });
  await timed(run, 'tear_down', () => untilAvailable(run, node.uuid, progress.entry));
}

/** Cleaning is a part of the test; that somebody takes the node right after it is none. */
async function untilAvailable(run: Run, uuid: string, entry: TestEntry): Promise<void> {
  try {
    await steer(run, uuid, {
      goal: 'available',
      timeoutSeconds: run.args.clean_timeout,
      signal: run.context.signal,
      entry,
    });
  } catch (error) {
    if (!hasCode(error, 'NODE_TAKEN')) throw error;
  }
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

function nameFor(type: string, { random }: Run['context']): string {
  const tag = Array.from({ length: 6 }, () => letters[Math.floor(random() * letters.length)]).join('');
  // Blazar takes 80 characters, and whatever the file system takes is no slash.
  return `CC-IPA-TEST-${type.replace(/[^\w.-]/g, '_').slice(0, 50)}-${tag}`;
}
