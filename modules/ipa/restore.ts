// Restores everything after a test, wherever it was interrupted: driven by the present state of the
// services, so that it can be repeated at any time.
import { optionText } from '../core/option-text.js';
import { isUndecided } from '../clients/http/errors.js';
import { conflictOf } from '../clients/ironic/api.js';
import { getNode, patchNode, setMaintenance, type NodeDetails } from '../clients/ironic/nodes.js';
import { messageOf, OperationError, rethrowProgramFault } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import { adviceOnState, isEditable, nodeTitle, type Step } from '../nodes/policy/provision-states.js';
import { requestVerb, stepFailure } from '../nodes/provision.js';
import type { TestEntry } from './journal.js';
import { stateReporter } from './node.js';
import { nextRestorationStep, planImageRestoration, type RestorationStep } from './policy/restoration.js';
import { endLease } from './lease.js';
import { isTimeout, pollInterval, type IpaRun } from './run.js';
import { applyImages, restoreDoni } from './settings.js';
import { removeServer } from './test-server.js';

export interface Restoration {
  /** What was restored, as a sentence; absent if something is left, and `failure` says what. */
  readonly text?: string;
  readonly failure?: OperationError;
  readonly warnings: readonly string[];
}

/**
 * Deletes the server, restores the node's former images and makes it available, deletes the lease,
 * and finally the journal's entry. If something is left, the entry stays, and `failure` is
 * RESTORE_INCOMPLETE.
 */
export async function restoreTest(run: IpaRun, entry: TestEntry): Promise<Restoration> {
  const warnings: string[] = [];
  try {
    // As early as possible: whatever boots next, for cleaning after the server too, boots the
    // former images.
    warnings.push(...(await tryToRestoreImages(run, entry)));
    await removeServer(run, entry, run.graceSignal);
    const settled = await settleNode(run, entry);
    warnings.push(...settled.warnings);
    if (settled.text === undefined) throw settled.error;
    // As long as the node is not in order a lease that is left keeps others from it, and ends by
    // itself.
    await endLease(run, entry);
    await run.journal.remove(entry);
    return { text: `${entry.name}: ${settled.text}`, warnings };
  } catch (error) {
    // If Nova does not cooperate, nothing more is done to the node than to restore its images.
    warnings.push(...(await tryToRestoreImages(run, entry)));
    rethrowProgramFault(error);
    const path = run.journal.pathOf(entry);
    const message =
      `${entry.name} was not completely restored: ${messageOf(error)}; ` +
      `${path} has the details, and the next run or ${optionText('restore')} continues`;
    const facts = { journal: path, node: entry.node?.uuid };
    return { failure: new OperationError('RESTORE_INCOMPLETE', message, facts, error), warnings };
  }
}

async function tryToRestoreImages(run: IpaRun, { node, former }: TestEntry): Promise<readonly string[]> {
  if (!node || !former) return [];
  try {
    const present = await getNode(run.ironic, node.uuid);
    if (!present || !isEditable(present)) return [];
    return await applyImages(run, node.uuid, former, { timeoutSeconds: 5, signal: run.graceSignal });
  } catch {
    return [];
  }
}

interface SettledNode {
  /** How the node was left; absent if it could not be restored. */
  readonly text?: string;
  readonly error?: unknown;
  readonly warnings: readonly string[];
}

/** Brings the node back to `available` with its former images, whatever state it is in. */
async function settleNode(run: IpaRun, entry: TestEntry): Promise<SettledNode> {
  const { node, former } = entry;
  if (!node || !former) return { text: 'no node had been changed', warnings: [] };
  const report = stateReporter(run);
  const warnings: string[] = [];
  let requested: Step | undefined;
  let state: string | undefined;
  const look = async (): Promise<string | undefined> => {
    const present = await getNode(run.ironic, node.uuid);
    if (!present) {
      await restoreDoni(run, node.uuid, former);
      return `node ${nodeTitle(node)} no longer exists`;
    }
    report(present);
    state = present.provision_state;
    const { action, abort } = planImageRestoration(present, entry, run.ironic.minor);
    if (abort) await requestVerb(run.ironic, node.uuid, { target: abort });
    if (action === 'stuck') throw stuckNode(present);
    if (action === 'wait') return undefined;
    const patience = { timeoutSeconds: run.args.lock_timeout, signal: run.graceSignal };
    warnings.push(...(await applyImages(run, node.uuid, former, patience)));
    const step = nextRestorationStep(present, entry, { requested, minor: run.ironic.minor });
    if (step.kind === 'done') {
      if (step.warning !== undefined) warnings.push(step.warning);
      return step.text;
    }
    if (step.kind === 'request')
      requested = (await requestVerb(run.ironic, node.uuid, { target: step.step.verb })) ? step.step : undefined;
    else await takeStep(run, present, step);
    return undefined;
  };
  try {
    const subject = `node ${nodeTitle(node)} to be restored`;
    const timeoutSeconds = run.args.clean_timeout;
    return {
      text: await waitFor(look, { subject, timeoutSeconds, ...pollInterval, signal: run.graceSignal }),
      warnings,
    };
  } catch (error) {
    if (!isTimeout(error) || !state) return { error, warnings };
    const message = `${error.message}: it is in state ${state}`;
    return { error: new OperationError('WAIT_TIMEOUT', message, { node: node.uuid }, error), warnings };
  }
}

async function takeStep({ ironic }: IpaRun, node: NodeDetails, step: RestorationStep): Promise<void> {
  if (step.kind === 'stuck') throw stuckNode(node);
  if (step.kind === 'failed') throw failedNode(node, step.step);
  try {
    if (step.kind === 'endMaintenance') await setMaintenance(ironic, node.uuid, undefined);
    if (step.kind === 'removeKeys')
      await patchNode(
        ironic,
        node.uuid,
        step.keys.map((key) => ({ op: 'remove', path: `/instance_info/${key}` })),
      );
  } catch (error) {
    if (conflictOf(error) === undefined && !isUndecided(error)) throw error;
  }
}

function stuckNode(node: NodeDetails): OperationError {
  return new OperationError(
    'NO_WAY',
    `node ${nodeTitle(node)} is in state ${node.provision_state}, and no verb that this program may request ` +
      `leads from there to available${adviceOnState(node)}`,
    { node: node.uuid },
  );
}

function failedNode(node: NodeDetails, step: Step): OperationError {
  const message = `node ${nodeTitle(node)} has its former images, but ${stepFailure(node, step)}`;
  return new OperationError('NODE_FAILED', message, { node: node.uuid });
}
