// Carries out the plan for one node. Each step may be repeated by the next run, and yields how far
// the work has come, so that a failure hides nothing.
import { randomUUID } from 'node:crypto';
import { optionText } from '../core/option-text.js';
import { isUndecided, statusOf } from '../clients/http/errors.js';
import { conflictOf } from '../clients/ironic/api.js';
import {
  createNode,
  patchNode,
  setMaintenance,
  setTraits,
  validateNode,
  type NodeDetails,
  type Validation,
} from '../clients/ironic/nodes.js';
import { messageOf, OperationError } from '../core/errors.js';
import { sleep } from '../core/waiting.js';
import { missingChanges, type NodeChange } from './policy/node-differences.js';
import { inspectFault } from './policy/inspection.js';
import { contradictions } from './policy/inspection-findings.js';
import { hasWrites, type NodePlan } from './policy/node-plan.js';
import { ownerWarnings, type NodeProgress } from './policy/node-result.js';
import { inspectedAt, isEditable, nodeTitle, type Verb } from './policy/provision-states.js';
import { deploymentFaults, isWorthValidating } from './policy/deploy-checks.js';
import { applyPortGroups, applyPorts } from './apply-ports.js';
import { readFindings } from './findings.js';
import { bringTo, statePolling, waitUntilStable, type StateChange } from './provision.js';
import { planNode } from './read.js';
import { maxAttempts, retryPauseMs, retryUndecided, waitForLock } from './retries.js';
import type { ExistingNode, NodeRun } from './run.js';

type PartialProgress = Partial<NodeProgress>;

interface Begun {
  readonly plan: NodePlan;
  readonly node: NodeDetails;
  /** Whether this run has created the node. */
  readonly isCreated: boolean;
}

/** Throws what stops the work. */
export async function* applyNodePlan(
  run: NodeRun,
  plan: NodePlan,
  existing: ExistingNode | undefined,
): AsyncGenerator<PartialProgress> {
  yield* change(run, existing ? { plan, node: existing.node, isCreated: false } : yield* create(run, plan));
}

async function* create(run: NodeRun, plan: NodePlan): AsyncGenerator<PartialProgress, Begun> {
  const { uuid, attributes } = plan.desired;
  const given = uuid ?? (typeof attributes.name === 'string' ? attributes.name : undefined);
  // With a UUID of our own the request can be repeated when its answer is lost.
  const ident = given ?? randomUUID();
  const body = given === undefined ? { ...plan.body, uuid: ident } : plan.body;
  for (let attempt = 1; ; attempt++) {
    const made = await createNode(run.ironic, body).catch((error: unknown) => ({ error }));
    if (!('error' in made)) {
      yield { node: made, created: true, changed: true, warnings: ownerWarnings(plan.desired, made.record) };
      run.context.log('info', `node ${nodeTitle(made)}: created as ${made.uuid}`);
      return { plan, node: made, isCreated: true };
    }
    const { error } = made;
    const isLost = isUndecided(error);
    if (statusOf(error) !== 409 && !isLost) throw error;
    // Another run was faster, or the answer was lost.
    const node = (await run.existing.reread(ident))?.node;
    if (node) {
      // If the answer was lost, the node is the one that this run has created.
      yield { node, ...(isLost ? { created: true, changed: true } : {}) };
      return { plan: (await planAgain(run, plan, node.uuid)).plan, node, isCreated: isLost };
    }
    if (!isLost) throw given === undefined ? error : hiddenNode(error, ident);
    if (attempt === maxAttempts) throw error;
    await sleep(retryPauseMs * attempt, run.context.signal);
  }
}

/**
 * Ironic accepts no second node of a name or UUID, and answers 404 to a login that cannot see the
 * first.
 */
function hiddenNode(error: unknown, ident: string): unknown {
  const message =
    `a node ${ident} already exists, but this login cannot see it: it belongs to another project or to none; ` +
    `log in with a role on the system (${optionText('system_scope', 'all')}), ` +
    `or choose another name (${messageOf(error)})`;
  return new OperationError('NODE_HIDDEN', message, { node: ident }, error);
}

/**
 * A new plan for the node as it is now. Throws CHANGE_REFUSED if it must not be carried out any
 * more.
 */
async function planAgain(
  run: NodeRun,
  { desired }: NodePlan,
  uuid: string,
): Promise<{ readonly plan: NodePlan; readonly existing: ExistingNode }> {
  const existing = await run.existing.reread(uuid);
  if (!existing) throw new OperationError('NODE_GONE', `node ${uuid} does not exist any more`, { node: uuid });
  const plan = await planNode(run, desired, existing);
  if (plan.faults.length > 0) throw new OperationError('CHANGE_REFUSED', plan.faults.join('; '));
  return { plan, existing };
}

async function* change(run: NodeRun, begun: Begun): AsyncGenerator<PartialProgress> {
  let { plan, node } = begun;
  const { uuid } = node;
  yield { node };
  if (hasWrites(plan) && !isEditable(node)) {
    node = await stableNode(run, uuid);
    yield { node };
    plan = (await planAgain(run, plan, uuid)).plan;
  }
  node = yield* write(run, plan, node);
  const journey = {
    deadline: performance.now() + run.settings.stateTimeoutSeconds * 1000,
    known: begun.isCreated ? node : undefined,
  };
  if (plan.inspects) {
    yield* travel(run, node, { ...journey, untilInspected: true });
    ({ plan, node } = yield* correct(run, plan, uuid));
    journey.known = undefined;
  } else if (plan.desired.inspect) yield await readFindings(run, plan.desired, await run.existing.reread(uuid));
  if (plan.changesState) yield* provision(run, node, journey);
  if (plan.later.length > 0) yield { node: await patch(run, uuid, plan.later), changed: true };
  if (plan.maintenance === true) yield await maintain(run, plan, uuid);
}

/** Everything but the state. Returns the node as it is then. */
async function* write(run: NodeRun, plan: NodePlan, before: NodeDetails): AsyncGenerator<PartialProgress, NodeDetails> {
  const { uuid } = before;
  let node = before;
  if (plan.maintenance === false) yield await maintain(run, plan, uuid);
  if (plan.now.length > 0) {
    node = await patch(run, uuid, plan.now);
    yield { node, changed: true };
  }
  for await (const _ of applyPortGroups(run, uuid, plan.portGroups)) yield { changed: true };
  for await (const _ of applyPorts(run, node, plan.ports)) yield { changed: true };
  if (plan.traits) {
    const { traits } = plan;
    await retryUndecided(run, `setting the traits of node ${nodeTitle(node)}`, () =>
      setTraits(run.ironic, uuid, traits),
    );
    yield { changed: true };
  }
  return node;
}

/**
 * An inspection overwrites properties and switches of ports, and creates ports: what it found is
 * reported, and what the request says otherwise is written again.
 */
async function* correct(
  run: NodeRun,
  before: NodePlan,
  uuid: string,
): AsyncGenerator<PartialProgress, { plan: NodePlan; node: NodeDetails }> {
  const { plan, existing } = await planAgain(run, before, uuid);
  const { inspection, warnings } = await readFindings(run, plan.desired, existing);
  const told = inspection ? contradictions(inspection, plan.desired) : plan.warnings;
  yield { inspection, warnings: [...warnings, ...told] };
  return { plan, node: yield* write(run, plan, existing.node) };
}

function stableNode({ ironic, context, settings }: NodeRun, uuid: string): Promise<NodeDetails> {
  const timing = { ...statePolling, timeoutSeconds: settings.stateTimeoutSeconds, signal: context.signal };
  return waitUntilStable(ironic, uuid, timing);
}

async function maintain(run: NodeRun, { desired, maintenance }: NodePlan, uuid: string): Promise<PartialProgress> {
  const reason = maintenance ? (desired.maintenanceReason ?? '') : undefined;
  await retryUndecided(run, `${maintenance ? 'setting' : 'ending'} maintenance of node ${uuid}`, () =>
    setMaintenance(run.ironic, uuid, reason),
  );
  return { changed: true };
}

/**
 * One PATCH. If it is unknown whether it was accepted, the node is read again and what is still
 * missing is sent.
 */
async function patch(run: NodeRun, uuid: string, changes: readonly NodeChange[]): Promise<NodeDetails> {
  const { ironic } = run;
  const resetInterfaces = ironic.minor >= 45 && changes.some(({ attribute }) => attribute === 'driver');
  const steps = changes.flatMap((change) => change.steps);
  for (let attempt = 1; ; attempt++) {
    try {
      return await waitForLock(run, `changing node ${uuid}`, () => patchNode(ironic, uuid, steps, { resetInterfaces }));
    } catch (error) {
      if (attempt === maxAttempts || (conflictOf(error) !== 'transition' && !isUndecided(error))) throw error;
      await stableNode(run, uuid);
      const now = await run.existing.reread(uuid);
      if (!now) continue;
      const missing = missingChanges(now.node.record, changes);
      if (missing.length === 0) return now.node;
      // A removal that was already made would be refused.
      if (missing.length < changes.length) return patch(run, uuid, missing);
    }
  }
}

type Journey = Pick<StateChange, 'deadline' | 'known' | 'untilInspected'>;

async function* provision(run: NodeRun, node: NodeDetails, journey: Journey): AsyncGenerator<PartialProgress> {
  const { ironic, settings } = run;
  const { goal } = settings;
  if ((settings.validates || goal === 'active') && isWorthValidating(node.provision_state, goal, ironic.minor))
    yield { validation: await validate(run, node) };
  yield* travel(run, node, journey);
}

/** Brings the node to its goal, or only as far as it has been inspected. */
async function* travel(run: NodeRun, node: NodeDetails, journey: Journey): AsyncGenerator<PartialProgress> {
  const { ironic, context, settings } = run;
  const { goal } = settings;
  if (goal === undefined) return;
  // Only the node itself tells its interface to a login that may not list drivers.
  const fault = journey.untilInspected ? inspectFault(node.record.inspect_interface) : undefined;
  if (fault !== undefined) throw new OperationError('CHANGE_REFUSED', fault);
  let seen = node;
  let hasMoved = false;
  const follow = (now: NodeDetails): void => {
    seen = now;
    hasMoved ||= now.provision_state !== node.provision_state || inspectedAt(now) !== inspectedAt(node);
  };
  try {
    const arrived = await bringTo(ironic, node.uuid, goal, {
      ...statePolling,
      timeoutSeconds: settings.stateTimeoutSeconds,
      signal: context.signal,
      ...journey,
      onState: (now) => {
        follow(now);
        context.progress({ subject: nodeTitle(now), stage: now.provision_state });
      },
      bodyOf: (verb: Verb) =>
        verb === 'active' && settings.configdrive !== undefined ? { configdrive: settings.configdrive } : {},
    });
    follow(arrived);
    context.log('info', `node ${nodeTitle(arrived)}: ${arrived.provision_state}`);
  } finally {
    yield { node: seen, ...(hasMoved ? { changed: true } : {}) };
  }
}

/** Throws NODE_INVALID if a deployment would fail. */
async function validate(run: NodeRun, node: NodeDetails): Promise<Readonly<Record<string, Validation>>> {
  const found = await validateNode(run.ironic, node.uuid);
  const faults = deploymentFaults(found);
  if (run.settings.goal === 'active' && faults.length > 0)
    throw new OperationError('NODE_INVALID', `node ${nodeTitle(node)} cannot be deployed: ${faults.join('; ')}`, {
      node: node.uuid,
    });
  return found;
}
