// Carries out what was planned for ports and port groups. What another run has done to them
// meanwhile is accepted.
import { optionText } from '../core/option-text.js';
import { isUndecided, statusOf } from '../clients/http/errors.js';
import { conflictOf, whileLocked } from '../clients/ironic/api.js';
import { setMaintenance } from '../clients/ironic/nodes.js';
import { createPortGroup, getPortGroup, patchPortGroup } from '../clients/ironic/port-groups.js';
import { createPort, deletePort, patchPort, type Port } from '../clients/ironic/ports.js';
import { messageOf, OperationError } from '../core/errors.js';
import { withGrace } from '../core/interruption.js';
import { portGroupTitle } from './policy/desired-port-group.js';
import type { DesiredPort } from './policy/desired-port.js';
import type { PortGroupPlan } from './policy/port-group-plan.js';
import { decidePortChange, isRefusal, takenPort, type PortPlan } from './policy/port-plan.js';
import { retryUndecided, waitForLock } from './retries.js';
import type { PortRun } from './run.js';

/**
 * One after the other: two requests about the same node would only wait for its lock. Yields each
 * plan when it is done. Maintenance is set once for all ports that need it.
 */
export async function* applyPorts(
  run: PortRun,
  { uuid }: { readonly uuid: string },
  plans: readonly PortPlan[],
): AsyncGenerator<PortPlan> {
  for (const plan of plans.filter(({ needsMaintenance }) => !needsMaintenance)) {
    await applyPort(run, uuid, plan);
    yield plan;
  }
  const needy = plans.filter(({ needsMaintenance }) => needsMaintenance);
  if (needy.length === 0) return;
  const reason = 'ports are being changed by chameleon-image-tools';
  let mayBeSet = true;
  try {
    await retryUndecided(run, `setting maintenance of node ${uuid}`, () =>
      setMaintenance(run.ironic, uuid, reason),
    ).catch((error: unknown) => {
      mayBeSet = isUndecided(error) || run.context.signal.aborted;
      throw error;
    });
    for (const plan of needy) {
      await applyPort(run, uuid, plan);
      yield plan;
    }
  } finally {
    if (mayBeSet) await endMaintenance(run, uuid);
  }
}

/**
 * Even when the run is interrupted: a node that is left in maintenance would not be used any more.
 */
async function endMaintenance({ ironic, context, settings }: PortRun, uuid: string): Promise<void> {
  const { signal, release } = withGrace(context.signal);
  const subject = `ending maintenance of node ${uuid}`;
  const end = (): Promise<void> => setMaintenance(ironic, uuid, undefined, signal);
  try {
    await whileLocked(
      () =>
        end().catch((error: unknown) => {
          if (!isUndecided(error)) throw error;
          return end();
        }),
      { subject, timeoutSeconds: settings.lockTimeoutSeconds, signal },
    );
  } finally {
    release();
  }
}

async function applyPort(run: PortRun, nodeUuid: string, plan: PortPlan): Promise<void> {
  const { ironic } = run;
  const { action, port, desired, address } = plan;
  if (action === 'change' && port) return changePort(run, nodeUuid, { ...plan, port });
  if (port) await retryUndecided(run, `deleting port ${address}`, () => deletePort(ironic, port.uuid));
  if (desired) await createPortOf(run, nodeUuid, desired, action);
}

async function changePort(
  run: PortRun,
  nodeUuid: string,
  { port, desired, changes, address }: PortPlan & { readonly port: Pick<Port, 'uuid'> },
): Promise<void> {
  const steps = changes.flatMap((change) => change.steps);
  try {
    await waitForLock(run, `changing port ${address}`, () => patchPort(run.ironic, port.uuid, steps));
  } catch (error) {
    const now = isUndecided(error) && desired ? await run.existing.portNow(desired.address) : undefined;
    if (!now || !desired) throw error;
    await accept(run, nodeUuid, desired, now);
  }
}

async function createPortOf(
  run: PortRun,
  nodeUuid: string,
  desired: DesiredPort,
  action: PortPlan['action'],
): Promise<void> {
  const { address, uuid } = desired;
  const own = Object.fromEntries(Object.entries(desired.attributes).filter(([, value]) => value !== null));
  const body = { address, node_uuid: nodeUuid, ...own, ...(uuid === undefined ? {} : { uuid }) };
  try {
    await waitForLock(run, `creating port ${address}`, () => createPort(run.ironic, body));
  } catch (error) {
    const isLost = isUndecided(error);
    if (statusOf(error) !== 409 && !isLost) throw error;
    const port = await run.existing.portNow(address);
    if (port) return accept(run, nodeUuid, desired, port);
    // The answer was lost, and the port was not created.
    if (action === 'create' && isLost) return void (await createPort(run.ironic, body));
    if (statusOf(error) !== 409 || conflictOf(error)) throw error;
    const message =
      `a port ${address} already exists, but this login cannot see it: ` +
      'it belongs to a node of another project or of none; log in with a role on the system ' +
      `(${optionText('system_scope', 'all')}), or find the node that has it (${messageOf(error)})`;
    throw new OperationError('PORT_HIDDEN', message, { address }, error);
  }
}

/**
 * Accepts a port that exists by now, from another run or from our own request whose answer was
 * lost.
 */
async function accept(run: PortRun, nodeUuid: string, desired: DesiredPort, port: Port): Promise<void> {
  const { address } = desired;
  if (port.node_uuid !== nodeUuid)
    throw new OperationError('PORT_TAKEN', takenPort(address, await run.existing.titleOf(port.node_uuid)), {
      address,
      node: port.node_uuid,
    });
  const node = (await run.existing.reread(nodeUuid))?.node;
  const plan = node && decidePortChange(desired, { port, node, rules: run.settings });
  if (isRefusal(plan)) throw new OperationError(plan.code, plan.reason, { address });
  if (plan) await applyPort(run, nodeUuid, plan);
}

/** One after the other, before the ports that belong to them. Yields each plan when it is done. */
export async function* applyPortGroups(
  run: PortRun,
  nodeUuid: string,
  plans: readonly PortGroupPlan[],
): AsyncGenerator<PortGroupPlan> {
  for (const plan of plans) {
    const steps = plan.changes.flatMap((change) => change.steps);
    if (plan.isNew) await createGroup(run, nodeUuid, plan);
    else
      await retryUndecided(run, `changing port group ${portGroupTitle(plan.desired)}`, () =>
        patchPortGroup(run.ironic, plan.uuid, steps),
      );
    yield plan;
  }
}

/** The UUID is ours: if the answer was lost, it shows whether the group was created. */
async function createGroup(run: PortRun, nodeUuid: string, { desired, uuid }: PortGroupPlan): Promise<void> {
  const own = Object.fromEntries(Object.entries(desired.attributes).filter(([, value]) => value !== null));
  const work = (): Promise<void> =>
    waitForLock(run, `creating port group ${portGroupTitle(desired)}`, () =>
      createPortGroup(run.ironic, { ...own, node_uuid: nodeUuid, uuid }),
    );
  try {
    await work();
  } catch (error) {
    if (!isUndecided(error)) throw error;
    if (!(await getPortGroup(run.ironic, uuid))) await work();
  }
}
