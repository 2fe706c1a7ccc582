// Puts back what a test has left, from wherever it was broken off: driven by what the services say now, so that it can be repeated at will.
import { isUndecided } from '../clients/http/errors.js';
import { conflictOf } from '../clients/ironic/api.js';
import { getNode, patchNode, setMaintenance, type NodeDetails } from '../clients/ironic/nodes.js';
import { messageOf, OperationError, rethrowProgramFault } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import { hasSettings, presentSettings } from './policy/image-settings.js';
import { adviceOnMaintenance, maintenanceFault, canEndMaintenance } from '../nodes/policy/node-maintenance.js';
import {
  adviceOn,
  abortVerb,
  isAtRest,
  isEditable,
  nodeTitle,
  stepsTo,
  type Step,
} from '../nodes/policy/node-states.js';
import { requestVerb, stepFailure } from '../nodes/provision.js';
import type { TestEntry } from './journal.js';
import { foreignUseOf, isOurs, reporter } from './node.js';
import { release } from './reserve.js';
import { pace, type Run } from './run.js';
import { applyImages, giveDoniBack } from './settings.js';
import { removeServer } from './test-server.js';

/**
 * Deletes the server, gives the node its former images back and makes it available, deletes the lease, and last of all the journal's entry.
 * Gives what was done as a sentence. Throws RESTORE_INCOMPLETE where something is left; the entry stays then.
 */
export async function restoreTest(run: Run, entry: TestEntry): Promise<string> {
  try {
    // The sooner the better: whatever comes next, cleaning after the server too, is booted by the former images.
    await giveImagesBack(run, entry, 5).catch(() => undefined);
    await removeServer(run, entry, run.lastSignal);
    const done = await settle(run, entry);
    // A lease that is left keeps others from a node that is not in order, and ends by itself.
    await release(run, entry);
    await run.journal.remove(entry);
    return `${entry.name}: ${done}`;
  } catch (error) {
    const path = run.journal.pathOf(entry);
    // Without Nova's help nothing more is done to the node than to give it its images.
    await giveImagesBack(run, entry, 5).catch(() => undefined);
    rethrowProgramFault(error);
    const message = `${entry.name} could not be put back whole: ${messageOf(error)}; what is left stands in ${path}, and the next run, or restore, goes on with it`;
    throw new OperationError('RESTORE_INCOMPLETE', message, { journal: path, node: entry.node?.uuid }, error);
  }
}

async function giveImagesBack(run: Run, { node, former }: TestEntry, timeoutSeconds: number): Promise<void> {
  if (!node || !former) return;
  const present = await getNode(run.ironic, node.uuid);
  if (present && isEditable(present))
    await applyImages(run, node.uuid, former, { timeoutSeconds, signal: run.lastSignal });
}

/** Brings the node back to `available` with its former images, through whatever state it is in. */
async function settle(run: Run, entry: TestEntry): Promise<string> {
  const { node, former } = entry;
  if (!node || !former) return 'no node had been changed';
  const report = reporter(run);
  let said: Step | undefined;
  let state: string | undefined;
  const look = async (): Promise<string | undefined> => {
    const present = await getNode(run.ironic, node.uuid);
    if (!present) {
      await giveDoniBack(run, node.uuid, former);
      return `node ${nodeTitle(node)} does not exist any more`;
    }
    report(present);
    state = present.provision_state;
    if (!isFree(present, entry) || !isEditable(present)) {
      if (isOfTheTest(present, entry)) await giveUp(run, present);
      // Held where it is, with its former images.
      else if (isAtRest(present) && !isEditable(present)) throw stuck(present);
      if (!isEditable(present)) return undefined;
    }
    await applyImages(run, node.uuid, former, { timeoutSeconds: run.args.lock_timeout, signal: run.lastSignal });
    const foreign = present.provision_state === 'manageable' ? undefined : foreignUseOf(present, entry);
    if (foreign) return `node ${nodeTitle(node)} has its former images, and is left to whoever uses it now: ${foreign}`;
    if (!isFree(present, entry) || (await cleared(run, present, entry))) return undefined;
    if (present.maintenance) return leftInMaintenance(run, present);
    if (said && present.provision_state !== said.to) throw failed(present, said);
    if (present.provision_state === 'available')
      return `node ${nodeTitle(node)} has its former images and is available`;
    const step = nextStep(run, present, entry);
    said = (await requestVerb(run.ironic, node.uuid, { target: step.verb })) ? step : undefined;
    return undefined;
  };
  try {
    return await waitFor(look, {
      subject: `node ${nodeTitle(node)} to be as it was`,
      timeoutSeconds: run.args.clean_timeout,
      ...pace,
      signal: run.lastSignal,
    });
  } catch (error) {
    throw isTimeUp(error) && state
      ? new OperationError('WAIT_TIMEOUT', `${error.message}: it is in state ${state}`, { node: node.uuid }, error)
      : error;
  }
}

/**
 * At rest, with its lock free, so that a verb can be said. It was us who made it manageable: a server that Nova just then chose it for is not
 * on it, and cannot be.
 */
function isFree(node: NodeDetails, entry: TestEntry): boolean {
  const isIdle = node.provision_state === 'manageable' || foreignUseOf(node, entry) === undefined;
  return isAtRest(node) && node.reservation === null && isIdle;
}

/** Ends the wait for a ramdisk that may never call. */
async function giveUp({ ironic }: Run, node: NodeDetails): Promise<void> {
  const verb = node.reservation === null ? abortVerb(node, ironic.minor) : undefined;
  if (verb) await requestVerb(ironic, node.uuid, { target: verb });
}

/**
 * Whether what the node waits for, a ramdisk that may never call, belongs to the test: to its deployment, or to its images. While a node is
 * cleaned Ironic lets nobody change its images, so those that it has are those that it boots. A cleaning with the former ones was begun to
 * put the node back, by this run or an earlier one: ended by us, it would begin anew each time.
 */
function isOfTheTest(node: NodeDetails, entry: TestEntry): boolean {
  if (foreignUseOf(node, entry) !== undefined) return false;
  const isKnown = presentSettings(node.driver_info, Object.keys(entry.former?.node ?? {})) !== undefined;
  return (
    isOurs(node, entry) || (entry.former !== undefined && isKnown && !hasSettings(node.driver_info, entry.former.node))
  );
}

/** Takes away what else our test has brought about. True where something was: the node is to be looked at again. */
async function cleared({ ironic }: Run, node: NodeDetails, entry: TestEntry): Promise<boolean> {
  const keys = (entry.instanceKeys ?? []).filter((key) => key in node.instance_info);
  const isDeployed = node.provision_state !== 'available' && node.provision_state !== 'manageable';
  try {
    // A node was taken that was not in maintenance; Ironic puts it there by itself when cleaning fails.
    if (canEndMaintenance(node)) await setMaintenance(ironic, node.uuid, undefined);
    else if (keys.length > 0 && !isDeployed)
      await patchNode(
        ironic,
        node.uuid,
        keys.map((key) => ({ op: 'remove', path: `/instance_info/${key}` })),
      );
    else return false;
  } catch (error) {
    if (conflictOf(error) === undefined && !isUndecided(error)) throw error;
  }
  return true;
}

function leftInMaintenance({ warnings }: Run, node: NodeDetails): string {
  const left = `node ${nodeTitle(node)} has its former images, and is left ${node.provision_state}`;
  if (maintenanceFault(node) === undefined)
    return `${left}, as somebody put it into maintenance: ${node.maintenance_reason ?? 'no reason is told'}`;
  warnings.push(
    `node ${nodeTitle(node)} is left ${node.provision_state}: ${adviceOnMaintenance(node)}; then bring it to available`,
  );
  return `${left}, as Ironic itself put it into maintenance: ${maintenanceFault(node)}`;
}

function nextStep({ ironic }: Run, node: NodeDetails, entry: TestEntry): Step {
  const [step] = stepsTo(node.provision_state, 'available', ironic.minor) ?? [];
  if (!step || (step.verb === 'deleted' && !isOurs(node, entry))) {
    throw stuck(node);
  }
  return step;
}

function isTimeUp(error: unknown): error is OperationError {
  return error instanceof OperationError && error.code === 'WAIT_TIMEOUT';
}

function stuck(node: NodeDetails): OperationError {
  return new OperationError(
    'NO_WAY',
    `node ${nodeTitle(node)} is in state ${node.provision_state}, and no verb that is ours to say leads from there to available${adviceOn(node)}`,
    { node: node.uuid },
  );
}

function failed(node: NodeDetails, step: Step): OperationError {
  return new OperationError(
    'NODE_FAILED',
    `node ${nodeTitle(node)} has its former images, but ${stepFailure(node, step)}`,
    {
      node: node.uuid,
    },
  );
}
