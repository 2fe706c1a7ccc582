// One test, from taking the node to releasing it; whatever happens in between, everything is
// restored.
import { getNode, patchNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { whileLocked } from '../clients/ironic/api.js';
import { hasCode, messageOf, OperationError } from '../core/errors.js';
import type { Context } from '../core/operation.js';
import { nodeTitle } from '../nodes/policy/provision-states.js';
import type { TestEntry } from './journal.js';
import { moveNode, nodeTaken, untilUnlocked } from './node.js';
import { ipaImageKeys, nodeSettingsFor } from './policy/image-settings.js';
import {
  countStates,
  deploymentMark,
  isOwnDeployment,
  mismatchOf,
  nodeArchitecture,
  obstacleOf,
  type TestableNode,
} from './policy/node-choice.js';
import type { IpaPlan, TestDeployment, TestPlan } from './policy/test-plan.js';
import { assertLeaseLasts, blameEndedLease, leaseNode } from './lease.js';
import { restoreTest } from './restore.js';
import type { IpaRun } from './run.js';
import { applyImages, readImageSettings } from './settings.js';
import { deployServer, removeServer, testFailure } from './test-server.js';

export interface Trial {
  readonly passed: boolean;
  /** False if the test says nothing about the images because there was no node or no lease. */
  readonly isVerdict: boolean;
  readonly reason?: string;
  readonly lastError?: string;
  readonly node?: { readonly uuid: string; readonly name: string };
  readonly server?: string;
  readonly lease?: string;
  /** What could not be restored. */
  readonly leftover?: string;
  /** How long each step took, whether it failed or not. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

/** Failures that the images may have caused. */
const verdicts = ['TEST_FAILED', 'NODE_FAILED', 'WAIT_TIMEOUT'];

/** How many nodes are tried if somebody else takes them first or their locks are not released. */
const attempts = 3;

interface Stopwatch {
  readonly seconds: Readonly<Record<string, number>>;
  /** Measures a step, whether it fails or not; repetitions add up. */
  time<T>(step: string, work: () => Promise<T>): Promise<T>;
}

function startStopwatch(context: Context): Stopwatch {
  const seconds: Record<string, number> = {};
  return {
    seconds,
    time: async (step, work) => {
      const startMs = context.now().getTime();
      try {
        return await work();
      } finally {
        seconds[step] = Math.round((context.now().getTime() - startMs) / 100) / 10 + (seconds[step] ?? 0);
      }
    },
  };
}

interface Attempt {
  readonly plan: IpaPlan;
  readonly test: TestPlan;
  readonly candidate: TestableNode | undefined;
  readonly stopwatch: Stopwatch;
  readonly record: TestRecord;
}

/**
 * Tests the pair on a node, or on another one if somebody else was faster. Throws only on a fault
 * of this program.
 */
export async function runTrial(run: IpaRun, plan: IpaPlan, test: TestPlan): Promise<Trial> {
  const stopwatch = startStopwatch(run.context);
  let warnings: readonly string[] = [];
  for (let attempt = 1; ; attempt++) {
    const candidate = test.candidates[attempt - 1];
    const { trial, error } = await tryOnce(run, { plan, test, candidate, stopwatch });
    warnings = [...warnings, ...trial.warnings];
    const isLast =
      attempt === attempts ||
      trial.leftover !== undefined ||
      (test.resourceProperties === undefined && test.candidates.length <= attempt);
    const isUnavailable = hasCode(error, 'NODE_TAKEN') || (hasCode(error, 'NODE_LOCKED') && trial.node === undefined);
    if (!isUnavailable || isLast) return { ...trial, warnings };
    warnings = [...warnings, messageOf(error)];
  }
}

interface TestRecord {
  readonly entry: TestEntry;
  /** Writes the next step to the journal, before it is taken. */
  write(change: Partial<TestEntry> & { readonly step: string }): Promise<void>;
}

function startRecord({ context, cloud, journal }: IpaRun, type: string): TestRecord {
  let entry: TestEntry = {
    kind: 'test',
    name: testName(type, context),
    cloud: cloud.identity,
    startedAt: context.now().toISOString(),
    step: 'begin',
  };
  return {
    get entry() {
      return entry;
    },
    write: async (change) => {
      context.signal.throwIfAborted();
      entry = { ...entry, ...change };
      await journal.write(entry);
      context.log('info', `${entry.name}: ${change.step}`);
    },
  };
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

function testName(type: string, { random }: Context): string {
  const tag = Array.from({ length: 6 }, () => letters[Math.floor(random() * letters.length)]).join('');
  // Blazar accepts 80 characters, and a file name has no slash.
  return `CC-IPA-TEST-${type.replace(/[^\w.-]/g, '_').slice(0, 50)}-${tag}`;
}

async function tryOnce(
  run: IpaRun,
  given: Omit<Attempt, 'record'>,
): Promise<{ readonly trial: Trial; readonly error?: unknown }> {
  const record = startRecord(run, given.test.type);
  const { stopwatch } = given;
  const { error, warnings } = await takeSteps(run, { ...given, record });
  const restoration = await stopwatch.time('restore', () => restoreTest(run, record.entry));
  if (restoration.text !== undefined) run.context.log('info', restoration.text);
  if (error !== undefined && !(error instanceof OperationError)) throw error;
  const { name, node, server, lease, instanceKeys } = record.entry;
  const lastError = error?.facts.last_error;
  const trial: Trial = {
    passed: error === undefined,
    isVerdict: error === undefined || verdicts.includes(error.code),
    ...(error === undefined ? {} : { reason: messageOf(error) }),
    ...(typeof lastError === 'string' ? { lastError } : {}),
    ...(node ? { node } : {}),
    ...(server || instanceKeys ? { server: server?.id ?? name } : {}),
    ...(lease?.id === undefined ? {} : { lease: lease.id }),
    ...(restoration.failure === undefined ? {} : { leftover: restoration.failure.message }),
    seconds: stopwatch.seconds,
    warnings: [...warnings, ...restoration.warnings],
  };
  return { trial, error };
}

/** All steps up to the first that fails. */
async function takeSteps(
  run: IpaRun,
  attempt: Attempt,
): Promise<{ readonly error?: unknown; readonly warnings: readonly string[] }> {
  const { plan, test, record, stopwatch } = attempt;
  const { args, context } = run;
  const warnings: string[] = [];
  try {
    const { node, reservationId } = await stopwatch.time('reserve', () => takeNode(run, attempt));
    const former = await readImageSettings(run, node, ipaImageKeys(args.rescue));
    const { uuid, name } = node;
    await record.write({ step: 'prepare', node: { uuid, name }, former, wanted: plan.settings });
    await stopwatch.time('prepare', async () => {
      const { signal } = context;
      const move = { timeoutSeconds: args.clean_timeout, signal, owner: record.entry };
      // Nobody else can take a manageable node, or a leased one.
      if (reservationId === undefined) await moveNode(run, uuid, { ...move, goal: 'manageable' });
      const settings = nodeSettingsFor(plan.settings, former);
      warnings.push(...(await applyImages(run, uuid, settings, { timeoutSeconds: args.lock_timeout, signal })));
      await moveNode(run, uuid, { ...move, goal: 'available' });
    });
    const { deployment } = test;
    if (deployment.by === 'nova') await testWithNova(run, attempt, { deployment, node, reservationId });
    else await testWithIronic(run, attempt, { deployment, node });
    return { warnings };
  } catch (error) {
    return { error: await blameEndedLease(run, record.entry, error), warnings };
  }
}

async function takeNode(
  run: IpaRun,
  { plan, test, candidate, record }: Attempt,
): Promise<{ node: NodeDetails; reservationId?: string }> {
  const { pair } = plan;
  const keys = ipaImageKeys(run.args.rescue);
  if (!test.resourceProperties) {
    const node = await untilUnlocked(run, candidate?.uuid ?? '');
    const why = obstacleOf(node, keys);
    if (why) throw nodeTaken(node, why);
    return { node };
  }
  await record.write({ step: 'reserve', lease: {} });
  const { nodeUuid, reservationId } = await leaseNode(run, {
    name: record.entry.name,
    resourceProperties: test.resourceProperties,
    onCreated: (id) => record.write({ step: 'reserve', lease: { id } }),
  }).catch((error: unknown) => {
    if (!hasCode(error, 'NO_HOST_FREE')) throw error;
    const message = `${messageOf(error)}; Ironic has ${countStates(plan.nodes, keys, pair.architecture)}`;
    throw new OperationError('NO_HOST_FREE', message, {}, error);
  });
  const facts = { node: nodeUuid };
  if (!(await getNode(run.ironic, nodeUuid)))
    throw new OperationError('NODE_GONE', `Blazar leased host ${nodeUuid}, and Ironic has no such node`, facts);
  const node = await untilUnlocked(run, nodeUuid);
  const why = mismatchOf(node, pair.architecture) ?? obstacleOf(node, keys);
  if (why) {
    const message = `Blazar leased node ${nodeTitle(node)}, which cannot be tested on: ${why}`;
    throw new OperationError('NO_NODE_FREE', message, facts);
  }
  return { node, reservationId };
}

interface DeploymentTarget<By extends TestDeployment['by']> {
  readonly deployment: Extract<TestDeployment, { readonly by: By }>;
  readonly node: NodeDetails;
}

async function testWithNova(
  run: IpaRun,
  { plan: { pair }, record, stopwatch }: Attempt,
  { deployment, node, reservationId }: DeploymentTarget<'nova'> & { readonly reservationId: string | undefined },
): Promise<void> {
  const { flavorId, keyName, networks } = deployment;
  const place = reservationId === undefined ? { hypervisorHostname: node.uuid } : { reservationId };
  const image = deployment.imageFor(nodeArchitecture(node) ?? pair.architecture);
  const request = { name: record.entry.name, imageId: image.id, flavorId, keyName, networks, ...place };
  await record.write({ step: 'deploy', server: {} });
  await stopwatch.time('deploy', () =>
    deployServer(run, {
      ...{ request, node },
      onCreated: (id) => record.write({ step: 'deploy', server: { id } }),
      onUnscheduled: () => assertLeaseLasts(run, record.entry),
    }),
  );
  await record.write({ step: 'tear down' });
  await stopwatch.time('tear_down', async () => {
    await removeServer(run, record.entry, run.context.signal);
    await untilAvailable(run, node.uuid, record.entry);
  });
}

async function testWithIronic(
  run: IpaRun,
  { plan: { pair }, record, stopwatch }: Attempt,
  { deployment, node }: DeploymentTarget<'ironic'>,
): Promise<void> {
  const { args, context, ironic } = run;
  const { signal } = context;
  const info: Readonly<Record<string, unknown>> = {
    ...deployment.instanceInfoFor(nodeArchitecture(node) ?? pair.architecture),
    [deploymentMark]: record.entry.name,
  };
  await record.write({ step: 'deploy', instanceKeys: Object.keys(info) });
  await stopwatch.time('deploy', async () => {
    const patch = Object.entries(info).map(([key, value]) => ({
      op: 'add' as const,
      path: `/instance_info/${key}`,
      value,
    }));
    const subject = `the instance_info of node ${nodeTitle(node)}`;
    await whileLocked(() => patchNode(ironic, node.uuid, patch), {
      subject,
      timeoutSeconds: args.lock_timeout,
      signal,
    });
    const move = { goal: 'active', timeoutSeconds: args.deploy_timeout, signal, owner: record.entry } as const;
    if (!isOwnDeployment(await moveNode(run, node.uuid, move), record.entry))
      throw testFailure(`node ${nodeTitle(node)} is active with somebody else's deployment`);
  });
  await record.write({ step: 'tear down' });
  await stopwatch.time('tear_down', () => untilAvailable(run, node.uuid, record.entry));
}

/**
 * Cleaning is a part of the test, but it is no failure if somebody takes the node right after it.
 */
async function untilAvailable(run: IpaRun, uuid: string, owner: TestEntry): Promise<void> {
  const { signal } = run.context;
  try {
    await moveNode(run, uuid, { goal: 'available', timeoutSeconds: run.args.clean_timeout, signal, owner });
  } catch (error) {
    if (!hasCode(error, 'NODE_TAKEN')) throw error;
  }
}
