// Sets the images of a node, first in Doni if it has the node, and verifies that they stay.
import { getHardware, requestSync, syncOf, updateHardware, type Hardware } from '../clients/doni/hardware.js';
import { isUndecided } from '../clients/http/errors.js';
import { conflictOf } from '../clients/ironic/api.js';
import { patchNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { messageOf, OperationError } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import {
  hasSettings,
  nextSyncStep,
  presentSettings,
  settingsPatch,
  type NodeImageSettings,
} from './policy/image-settings.js';
import { isEditable, nodeTitle } from '../nodes/policy/provision-states.js';
import { readNode } from './node.js';
import { isTimeout, pollInterval, type IpaRun } from './run.js';

type SettingsRun = Pick<IpaRun, 'cloud' | 'ironic'>;

/** How long to wait for Doni's worker, which runs about every minute. */
const syncSeconds = 600;

/**
 * The present images of a node, for restoring them later. Throws SECRET_IMAGES if Ironic masks a
 * value.
 */
export async function readImageSettings(
  run: Pick<IpaRun, 'cloud'>,
  node: NodeDetails,
  keys: readonly string[],
): Promise<NodeImageSettings> {
  const present = presentSettings(node.driver_info, keys);
  if (!present) {
    throw new OperationError(
      'SECRET_IMAGES',
      `node ${nodeTitle(node)}: Ironic masks one of ${keys.join(', ')} in driver_info, so that it could not be ` +
        'restored; nothing was changed',
      { node: node.uuid },
    );
  }
  const hardware = await hardwareOf(run, node.uuid);
  if (!hardware) return { node: present };
  return {
    node: present,
    doni: { deployKernel: hardware.deployKernel ?? null, deployRamdisk: hardware.deployRamdisk ?? null },
  };
}

/**
 * Sets the images of a node as soon as its state allows, and reads them back. Ironic gets them
 * directly as well, so that Doni's worker finds nothing to do: it would take the node out of
 * service for it. Returns warnings.
 * Throws NODE_LOCKED if it was not possible in time; SYNC_FAILED if Doni does not finish its
 * synchronization.
 */
export async function applyImages(
  run: SettingsRun,
  uuid: string,
  images: NodeImageSettings,
  { timeoutSeconds, signal }: { readonly timeoutSeconds: number; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const mustSync = await updateDoni(run, uuid, images);
  let obstacle = '';
  const look = async (): Promise<NodeDetails | undefined> => {
    const node = await readNode(run.ironic, uuid);
    const patch = settingsPatch(node.driver_info, images.node);
    if (patch.length === 0) return node;
    if (!isEditable(node)) {
      obstacle = `it is ${node.provision_state}`;
      return undefined;
    }
    try {
      await patchNode(run.ironic, uuid, patch);
    } catch (error) {
      // A `remove` of a key that is gone by now is refused with 400; the next look decides.
      if (conflictOf(error) === undefined && !isUndecided(error)) throw error;
      obstacle = messageOf(error);
    }
    return undefined;
  };
  try {
    await waitFor(look, { subject: `node ${uuid} to accept its images`, timeoutSeconds, ...pollInterval, signal });
  } catch (error) {
    if (!isTimeout(error) || obstacle === '') throw error;
    throw new OperationError(
      'NODE_LOCKED',
      `node ${uuid} did not accept its images within ${timeoutSeconds} s: ${obstacle}`,
      { node: uuid },
      error,
    );
  }
  return mustSync ? untilSynchronized(run, uuid, images, signal) : [];
}

async function hardwareOf({ cloud }: Pick<IpaRun, 'cloud'>, uuid: string): Promise<Hardware | undefined> {
  return cloud.hasService('inventory') ? getHardware(cloud, uuid) : undefined;
}

/** Restores Doni's former values for a node that Ironic no longer has. */
export async function restoreDoni(run: Pick<IpaRun, 'cloud'>, uuid: string, former: NodeImageSettings): Promise<void> {
  await updateDoni(run, uuid, former);
}

/** True if Doni had other values, or if its worker has not finished yet. */
async function updateDoni(run: Pick<IpaRun, 'cloud'>, uuid: string, { doni }: NodeImageSettings): Promise<boolean> {
  const hardware = doni && (await hardwareOf(run, uuid));
  if (!doni || !hardware) return false;
  const desired = { deployKernel: doni.deployKernel ?? undefined, deployRamdisk: doni.deployRamdisk ?? undefined };
  const isDifferent =
    desired.deployKernel !== hardware.deployKernel || desired.deployRamdisk !== hardware.deployRamdisk;
  if (isDifferent) await updateHardware(run.cloud, hardware, desired);
  return isDifferent || syncOf(hardware).state === 'waiting';
}

/**
 * A worker that started before the change may set the former images once more, so both services are
 * read until both are right. Returns warnings.
 */
async function untilSynchronized(
  run: SettingsRun,
  uuid: string,
  images: NodeImageSettings,
  signal: AbortSignal,
): Promise<readonly string[]> {
  let isRequested = false;
  let reason = '';
  const look = async (): Promise<readonly string[] | undefined> => {
    const [hardware, node] = await Promise.all([hardwareOf(run, uuid), readNode(run.ironic, uuid)]);
    if (!hardware) return [];
    const sync = syncOf(hardware);
    reason = sync.reason || `its worker is ${sync.state}`;
    const step = nextSyncStep(sync, { hasImages: hasSettings(node.driver_info, images.node), isRequested });
    if (step === 'settled') {
      const title = nodeTitle(node);
      return sync.state === 'done'
        ? []
        : [`node ${title} has its images, in Doni as well, but Doni's worker reports: ${sync.reason}`];
    }
    if (step === 'wait') return undefined;
    isRequested = true;
    await requestSync(run.cloud, hardware);
    const patch = settingsPatch(node.driver_info, images.node);
    if (patch.length > 0 && isEditable(node)) await patchNode(run.ironic, uuid, patch).catch(ignoreConflict);
    return undefined;
  };
  try {
    const subject = `Doni to synchronize node ${uuid}`;
    return await waitFor(look, { subject, timeoutSeconds: syncSeconds, ...pollInterval, signal });
  } catch (error) {
    if (!isTimeout(error)) throw error;
    throw new OperationError(
      'SYNC_FAILED',
      `Doni did not synchronize node ${uuid} within ${syncSeconds} s: ${reason}`,
      { node: uuid },
      error,
    );
  }
}

function ignoreConflict(error: unknown): undefined {
  if (conflictOf(error) === undefined && !isUndecided(error)) throw error;
  return undefined;
}
