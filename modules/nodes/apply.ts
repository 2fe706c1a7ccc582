// Carries out the plan for one node, step by step, each of which may be repeated by the next run.
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
import { isUndecided, statusOf } from '../clients/http/errors.js';
import { messageOf, OperationError } from '../core/errors.js';
import { sleep } from '../core/waiting.js';
import type { NodeChange } from './policy/node-differences.js';
import { isEditable, nodeTitle } from './policy/node-states.js';
import { applyPortGroups } from './apply-port-groups.js';
import { applyPorts, insistently, patiently } from './apply-ports.js';
import { isWorthValidating, planNode, type NodePlan } from './plan.js';
import { bringTo, untilAtRest } from './provision.js';
import { looking, type NodeRun } from './run.js';

/** What has become of a node so far: filled in while the work goes on, so that a failure hides nothing. */
export interface Done {
  node: NodeDetails | undefined;
  created: boolean;
  changed: boolean;
  validation: Readonly<Record<string, Validation>> | undefined;
  readonly warnings?: string[];
}

const attempts = 4;
const pauseMs = 500;

/** Throws what stops it; `done` then says how far it came. */
export async function applyPlan(run: NodeRun, plan: NodePlan, done: Done): Promise<void> {
  const begun = plan.found ? { plan, node: plan.found.node } : await create(run, plan, done);
  await change(run, begun.plan, begun.node, done);
}

async function create(
  run: NodeRun,
  plan: NodePlan,
  done: Done,
  attempt = 1,
): Promise<{ plan: NodePlan; node: NodeDetails }> {
  const { uuid } = plan.wish;
  const name = plan.wish.attributes.name as string | undefined;
  try {
    const node = await createNode(run.ironic, plan.body);
    Object.assign(done, { node, created: true, changed: true });
    done.warnings?.push(...ownerWarnings(plan, node));
    run.context.log('info', `node ${nodeTitle(node)}: created as ${node.uuid}`);
    return { plan, node };
  } catch (error) {
    if (statusOf(error) !== 409 && !isUndecided(error)) throw error;
    // Another run was faster, or the answer was lost.
    const found = (uuid ?? name) ? await run.world.reread(uuid ?? name ?? '') : undefined;
    if (!found) {
      if (statusOf(error) === 409) throw hiddenNode(error, uuid ?? name);
      if (attempt === attempts || !isUndecided(error) || (uuid ?? name) === undefined) throw error;
      await sleep(pauseMs * attempt, run.context.signal);
      return create(run, plan, done, attempt + 1);
    }
    done.node = found.node;
    // Not an existing node that is changed, but our own, if the answer was lost.
    if (isUndecided(error)) Object.assign(done, { created: true, changed: true });
    return { plan: await replanned(run, plan, found.node.uuid), node: found.node };
  }
}

/** To a token of a project Ironic gives each node that it creates; nobody asked for that. */
function ownerWarnings({ wish }: NodePlan, { record }: NodeDetails): string[] {
  const { owner } = record;
  if (typeof owner !== 'string' || owner === '' || wish.attributes.owner !== undefined) return [];
  return [
    `Ironic has made project ${owner}, that of the login, the owner of the node: give owner if that is meant, else log in with a role on the system (system_scope: all), by which a node has no owner`,
  ];
}

/** Ironic takes no second node of a name or UUID, and answers 404 to who may not see the first. */
function hiddenNode(error: unknown, ident: string | undefined): unknown {
  if (ident === undefined) return error;
  const message = `there is a node ${ident} already, which this login does not see: it belongs to another project or to none; log in with a role on the system (system_scope: all), or choose another name (${messageOf(error)})`;
  return new OperationError('NODE_HIDDEN', message, { node: ident }, error);
}

/** A new plan for the node as it is now. Throws CHANGE_REFUSED where it cannot be carried out any more. */
async function replanned(run: NodeRun, { wish }: NodePlan, uuid: string): Promise<NodePlan> {
  const found = await run.world.reread(uuid);
  if (!found) throw new OperationError('NODE_GONE', `node ${uuid} does not exist any more`, { node: uuid });
  const plan = await planNode(run, wish, found);
  if (plan.faults.length > 0) throw new OperationError('CHANGE_REFUSED', plan.faults.join('; '));
  return plan;
}

async function change(run: NodeRun, first: NodePlan, firstNode: NodeDetails, done: Done): Promise<void> {
  const { ironic, context, settings } = run;
  const { uuid } = firstNode;
  let plan = first;
  let node = firstNode;
  const moveOn = (to: NodeDetails): void => void (node = done.node = to);
  moveOn(node);
  const hasWrites =
    plan.now.length > 0 ||
    plan.portGroups.length > 0 ||
    plan.ports.length > 0 ||
    plan.traits !== undefined ||
    plan.maintenance !== undefined;
  if (hasWrites && !isEditable(node)) {
    moveOn(
      await untilAtRest(ironic, uuid, {
        ...looking,
        timeoutSeconds: settings.stateTimeoutSeconds,
        signal: context.signal,
      }),
    );
    plan = await replanned(run, plan, uuid);
  }
  if (plan.maintenance === false) await maintain(run, plan, uuid, done);
  if (plan.now.length > 0) moveOn(await patch(run, uuid, plan.now, done));
  await applyPortGroups(run, uuid, plan.portGroups, () => void (done.changed = true));
  await applyPorts(run, node, plan.ports, () => void (done.changed = true));
  if (plan.traits) {
    const { traits } = plan;
    await insistently(run, `setting the traits of node ${nodeTitle(node)}`, () => setTraits(ironic, uuid, traits));
    done.changed = true;
  }
  if (plan.travels) moveOn(await travel(run, node, done));
  if (plan.later.length > 0) moveOn(await patch(run, uuid, plan.later, done));
  if (plan.maintenance === true) await maintain(run, plan, uuid, done);
}

async function maintain(run: NodeRun, { wish, maintenance }: NodePlan, uuid: string, done: Done): Promise<void> {
  const reason = maintenance ? (wish.maintenanceReason ?? '') : undefined;
  await insistently(run, `${maintenance ? 'setting' : 'ending'} maintenance of node ${uuid}`, () =>
    setMaintenance(run.ironic, uuid, reason),
  );
  done.changed = true;
}

/** One PATCH. Where it is open whether it was taken, the node is looked at again and what is still missing is sent. */
async function patch(run: NodeRun, uuid: string, changes: readonly NodeChange[], done: Done): Promise<NodeDetails> {
  const { ironic, context, settings } = run;
  const resetInterfaces = ironic.minor >= 45 && changes.some(({ attribute }) => attribute === 'driver');
  const steps = changes.flatMap((change) => change.steps);
  for (let attempt = 1; ; attempt++) {
    try {
      let patched: NodeDetails | undefined;
      await patiently(
        run,
        `changing node ${uuid}`,
        async () => void (patched = await patchNode(ironic, uuid, steps, { resetInterfaces })),
      );
      done.changed = true;
      if (patched) return patched;
    } catch (error) {
      if (attempt === attempts || (conflictOf(error) !== 'transition' && !isUndecided(error))) throw error;
      await untilAtRest(ironic, uuid, {
        ...looking,
        timeoutSeconds: settings.stateTimeoutSeconds,
        signal: context.signal,
      });
      const now = await run.world.reread(uuid);
      const missing = now && stillMissing(now.node, changes);
      if (now && missing?.length === 0) {
        done.changed = true;
        return now.node;
      }
      // A removal that was made already would be refused.
      if (missing && missing.length < changes.length) return patch(run, uuid, missing, done);
    }
  }
}

/** The changes that a node does not show yet: a wanted value that is not there, or one to be removed that is. */
function stillMissing({ record }: NodeDetails, changes: readonly NodeChange[]): NodeChange[] {
  const valueAt = (path: string): unknown =>
    path
      .split('/')
      .slice(1)
      .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], record);
  const isMade = ({ path, value, op }: NodeChange['steps'][number]): boolean =>
    op === 'remove'
      ? (valueAt(path) ?? undefined) === undefined
      : JSON.stringify(valueAt(path)) === JSON.stringify(value);
  return changes
    .map((change) => ({ ...change, steps: change.steps.filter((step) => !isMade(step)) }))
    .filter(({ steps }) => steps.length > 0);
}

/** Interfaces without which Ironic can deploy nothing. */
const neededToDeploy = ['boot', 'deploy', 'power'];

async function travel(run: NodeRun, node: NodeDetails, done: Done): Promise<NodeDetails> {
  const { ironic, context, settings } = run;
  const { goal } = settings;
  if (goal === undefined) return node;
  if ((settings.validates || goal === 'active') && isWorthValidating(node.provision_state, run))
    done.validation = await validate(run, node);
  const onState = (seen: NodeDetails): void => {
    if (seen.provision_state !== node.provision_state) done.changed = true;
    done.node = seen;
    context.progress({ subject: nodeTitle(seen), stage: seen.provision_state });
  };
  const bodyOf = (verb: string): Record<string, unknown> =>
    verb === 'active' && settings.configdrive !== undefined ? { configdrive: settings.configdrive } : {};
  const arrived = await bringTo(ironic, node.uuid, goal, {
    ...looking,
    timeoutSeconds: settings.stateTimeoutSeconds,
    signal: context.signal,
    known: done.created ? node : undefined,
    onState,
    bodyOf,
  });
  if (arrived.provision_state !== node.provision_state) done.changed = true;
  context.log('info', `node ${nodeTitle(arrived)}: ${arrived.provision_state}`);
  return arrived;
}

/** What the interfaces say. Throws NODE_INVALID where a deployment could only fail. */
async function validate(run: NodeRun, node: NodeDetails): Promise<Done['validation']> {
  const found = await validateNode(run.ironic, node.uuid);
  const failing = Object.entries(found).filter(
    ([name, { result }]) => result === false && neededToDeploy.includes(name),
  );
  if (run.settings.goal === 'active' && failing.length > 0) {
    const reasons = failing.map(([name, { reason }]) => `${name}: ${reason}`).join('; ');
    throw new OperationError('NODE_INVALID', `node ${nodeTitle(node)} cannot be deployed: ${reasons}`, {
      node: node.uuid,
    });
  }
  return found;
}
