// Carries out what was planned for ports. Another run may be at the same ones: what it has done is accepted.
import { conflictOf, whileLocked } from '../clients/ironic/api.js';
import { setMaintenance, type NodeDetails } from '../clients/ironic/nodes.js';
import { createPort, deletePort, patchPort, type Port } from '../clients/ironic/ports.js';
import { isUndecided, statusOf } from '../clients/http/errors.js';
import { messageOf, OperationError } from '../core/errors.js';
import { sleep } from '../core/waiting.js';
import type { PortWish } from './policy/port-wishes.js';
import { isRefusal, planChange, takenPort, type PortPlan } from './port-plan.js';
import type { NodeRun } from './run.js';

/** Tells of each port as soon as it is done. */
export type PortDone = (address: string) => void;

/** One after the other: two requests about the same node would only wait for its lock. */
export async function applyPorts(
  run: NodeRun,
  node: NodeDetails,
  plans: readonly PortPlan[],
  done: PortDone,
): Promise<void> {
  const needy = plans.filter(({ needsMaintenance }) => needsMaintenance);
  for (const plan of plans) {
    if (plan.needsMaintenance) continue;
    await applyPort(run, node.uuid, plan);
    done(plan.address);
  }
  if (needy.length === 0) return;
  await inMaintenance(run, node, async () => {
    for (const plan of needy) {
      await applyPort(run, node.uuid, plan);
      done(plan.address);
    }
  });
}

/** Sets maintenance for the time of the work and ends it again, also when the work fails. */
async function inMaintenance(run: NodeRun, node: NodeDetails, work: () => Promise<void>): Promise<void> {
  const reason = 'ports are being changed by chameleon-image-tools';
  await insistently(run, `setting maintenance of node ${node.uuid}`, () =>
    setMaintenance(run.ironic, node.uuid, reason),
  );
  try {
    await work();
  } finally {
    // Even where the run is being ended: a node left in maintenance would not be used any more.
    const { context, ironic, settings } = run;
    const signal = context.signal.aborted ? new AbortController().signal : context.signal;
    const patience = {
      subject: `ending maintenance of node ${node.uuid}`,
      timeoutSeconds: context.signal.aborted ? 5 : settings.lockTimeoutSeconds,
      signal,
    };
    await whileLocked(() => endMaintenance(ironic, node.uuid), patience);
  }
}

async function endMaintenance(ironic: NodeRun['ironic'], uuid: string): Promise<void> {
  try {
    await setMaintenance(ironic, uuid, undefined);
  } catch (error) {
    if (!isUndecided(error)) throw error;
    await setMaintenance(ironic, uuid, undefined);
  }
}

async function applyPort(
  run: NodeRun,
  nodeUuid: string,
  { action, port, wish, changes, address }: PortPlan,
): Promise<void> {
  const { ironic } = run;
  if (action === 'delete' && port)
    return insistently(run, `deleting port ${address}`, () => deletePort(ironic, port.uuid));
  if (action === 'change' && port) {
    const steps = changes.flatMap((change) => change.steps);
    try {
      return await patiently(
        run,
        `changing port ${address}`,
        async () => void (await patchPort(ironic, port.uuid, steps)),
      );
    } catch (error) {
      const now = isUndecided(error) && wish ? await run.world.portNow(wish.address) : undefined;
      if (!now || !wish) throw error;
      return accept(run, nodeUuid, wish, now);
    }
  }
  if (action === 'move' && port)
    await insistently(run, `deleting port ${address}`, () => deletePort(ironic, port.uuid));
  if (wish) await create(run, nodeUuid, wish, action === 'move' ? 'move' : 'create');
}

async function create(run: NodeRun, nodeUuid: string, wish: PortWish, action: 'move' | 'create'): Promise<void> {
  const own = Object.fromEntries(Object.entries(wish.attributes).filter(([, value]) => value !== null));
  const body = {
    address: wish.address,
    node_uuid: nodeUuid,
    ...own,
    ...(wish.uuid === undefined ? {} : { uuid: wish.uuid }),
  };
  try {
    await patiently(run, `creating port ${wish.address}`, async () => void (await createPort(run.ironic, body)));
  } catch (error) {
    if (statusOf(error) !== 409 && !isUndecided(error)) throw error;
    const port = await run.world.portNow(wish.address);
    if (!port) {
      // The answer was lost, and the port was not made.
      if (action === 'create' && isUndecided(error)) return void (await createPort(run.ironic, body));
      if (statusOf(error) !== 409 || conflictOf(error)) throw error;
      const message = `there is a port ${wish.address} already, which this login does not see: it is of a node of another project or of none; log in with a role on the system (system_scope: all), or look for the node that has it (${messageOf(error)})`;
      throw new OperationError('PORT_HIDDEN', message, { address: wish.address }, error);
    }
    await accept(run, nodeUuid, wish, port);
  }
}

/** A port that came up meanwhile, from another run or from our own request whose answer was lost. */
async function accept(run: NodeRun, nodeUuid: string, wish: PortWish, port: Port): Promise<void> {
  if (port.node_uuid !== nodeUuid)
    throw new OperationError('PORT_TAKEN', takenPort(wish.address, await run.world.titleOf(port.node_uuid)), {
      address: wish.address,
      node: port.node_uuid,
    });
  const found = await run.world.reread(nodeUuid);
  const plan = found && planChange(run, wish, port, found.node);
  if (isRefusal(plan)) throw new OperationError(plan.code, plan.reason, { address: wish.address });
  if (plan) await applyPort(run, nodeUuid, plan);
}

const attempts = 4;
const pauseMs = 500;

/** The same for work that may be done twice: where it is open whether it was done, it is done again. */
export async function insistently(run: NodeRun, subject: string, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await patiently(run, subject, work);
    } catch (error) {
      if (attempt === attempts || !isUndecided(error)) throw error;
      await sleep(pauseMs * attempt, run.context.signal);
    }
  }
}

/** Waits for the node's lock as long as the settings say. */
export function patiently(run: NodeRun, subject: string, work: () => Promise<void>): Promise<void> {
  const { context, settings } = run;
  return whileLocked(work, { subject, timeoutSeconds: settings.lockTimeoutSeconds, signal: context.signal });
}
