// Takes one node away, with its ports.
import { deleteNode } from '../clients/ironic/nodes.js';
import { failureOfPart } from '../core/errors.js';
import { nodeTitle, inUseReason } from './policy/node-states.js';
import type { NodeWish } from './policy/node-wishes.js';
import { insistently } from './apply-ports.js';
import type { Done } from './apply.js';
import { nodeResult, type NodeAction, type NodeResult } from './ensure.js';
import { bringTo, untilAtRest } from './provision.js';
import { looking, type Found, type NodeRun } from './run.js';

/** States in which Ironic deletes a node (`DELETE_ALLOWED_STATES`, and available, which it allows unless told otherwise). */
const deletable: ReadonlySet<string> = new Set(['enroll', 'manageable', 'adopt failed', 'available']);

/** Deletes the node that a wish means, where there is one. Never throws. */
export async function removeNode(run: NodeRun, wish: NodeWish): Promise<NodeResult> {
  const done: Done = { node: undefined, created: false, changed: false, validation: undefined };
  const resultAs = (action: NodeAction, reason: string, code = ''): NodeResult => {
    const differences =
      action === 'delete' && done.node ? [{ field: 'uuid', before: done.node.uuid, after: undefined }] : [];
    return nodeResult({ wish, done, differences, warnings: [], action, reason, code });
  };
  try {
    const found = await run.world.find(wish);
    done.node = found?.node;
    if (!found) return resultAs('up_to_date', 'there is no such node');
    const refusal = refusalToDelete(run, found);
    if (refusal !== undefined) return resultAs('failed', refusal, 'CHANGE_REFUSED');
    if (run.context.checkMode) return { ...resultAs('delete', 'it is there'), changed: true };
    await remove(run, found, done);
    return resultAs('delete', 'it was there');
  } catch (error) {
    const { code, reason, facts } = failureOfPart(error, run.context.log);
    return { ...resultAs('failed', reason, code), namesNode: done.node !== undefined && facts.node === done.node.uuid };
  }
}

function refusalToDelete({ settings }: NodeRun, { node }: Found): string | undefined {
  if (node.protected) return 'the node is protected: set protected: false first';
  const use = inUseReason(node);
  return use === undefined || settings.forceInUse
    ? undefined
    : `the node is in use: ${use} (force_in_use: true undeploys and deletes it)`;
}

async function remove(run: NodeRun, { node }: Found, done: Done): Promise<void> {
  const { ironic, context, settings } = run;
  const travel = { ...looking, timeoutSeconds: settings.stateTimeoutSeconds, signal: context.signal };
  const rested = deletable.has(node.provision_state) ? node : await untilAtRest(ironic, node.uuid, travel);
  if (!deletable.has(rested.provision_state)) {
    context.progress({ subject: nodeTitle(rested), stage: `leaving ${rested.provision_state}` });
    done.changed = true;
    done.node = await bringTo(
      ironic,
      node.uuid,
      inUseReason(rested) === undefined ? 'manageable' : 'available',
      travel,
    );
  }
  await insistently(run, `deleting node ${nodeTitle(node)}`, () => deleteNode(ironic, node.uuid));
  done.changed = true;
}
