// Gives a node its images, in Doni first where Doni has the node, and makes sure that they are there.
import { getHardware, requestSync, syncOf, updateHardware, type Hardware } from '../clients/doni/hardware.js';
import { isUndecided } from '../clients/http/errors.js';
import { conflictOf } from '../clients/ironic/api.js';
import { patchNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { OperationError } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import { hasSettings, presentSettings, settingsPatch, type ImageSettings } from './policy/image-settings.js';
import { isEditable, nodeTitle } from '../nodes/policy/node-states.js';
import type { FormerImages } from './journal.js';
import { lookAt } from './node.js';
import { pace, type Run } from './run.js';

/** How long Doni's worker, which runs every minute or so, is waited for. */
const syncSeconds = 600;

/** What a node has now, to be put back. Throws SECRET_IMAGES where Ironic masks a value. */
export async function formerImages(
  run: Pick<Run, 'cloud'>,
  node: NodeDetails,
  keys: readonly string[],
): Promise<FormerImages> {
  const present = presentSettings(node.driver_info, keys);
  if (!present) {
    throw new OperationError(
      'SECRET_IMAGES',
      `node ${nodeTitle(node)}: Ironic masks one of ${keys.join(', ')} in driver_info, so that it could not be put back; nothing was changed`,
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

/** The settings as a node and as Doni are to have them. */
export function imagesFor(wanted: ImageSettings, former: FormerImages): FormerImages {
  return {
    node: wanted,
    ...(former.doni
      ? { doni: { deployKernel: wanted.deploy_kernel ?? null, deployRamdisk: wanted.deploy_ramdisk ?? null } }
      : {}),
  };
}

export interface Patience {
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/**
 * Sets the images of a node in whatever state allows it, and reads them back. Ironic gets them at once too: Doni's worker, which then finds
 * nothing to do, would take the node out of service for it. True where something was changed.
 * Throws NODE_LOCKED where it was not possible in time; SYNC_FAILED where Doni does not settle.
 */
export async function applyImages(
  run: Pick<Run, 'cloud' | 'ironic' | 'warnings'>,
  uuid: string,
  images: FormerImages,
  { timeoutSeconds, signal }: Patience,
): Promise<boolean> {
  const told = await tellDoni(run, uuid, images);
  let hindrance = '';
  let isChanged = told;
  const look = async (): Promise<NodeDetails | undefined> => {
    const node = await lookAt(run.ironic, uuid);
    const patch = settingsPatch(node.driver_info, images.node);
    if (patch.length === 0) return node;
    if (!isEditable(node)) {
      hindrance = `it is ${node.provision_state}`;
      return undefined;
    }
    try {
      await patchNode(run.ironic, uuid, patch);
      isChanged = true;
    } catch (error) {
      // A `remove` of what is gone by now is refused with 400; whatever it was, the next look tells.
      if (conflictOf(error) === undefined && !isUndecided(error)) throw error;
      hindrance = (error as Error).message;
    }
    return undefined;
  };
  try {
    await waitFor(look, { subject: `node ${uuid} to take its images`, timeoutSeconds, ...pace, signal });
  } catch (error) {
    if (!(error instanceof OperationError) || error.code !== 'WAIT_TIMEOUT' || hindrance === '') throw error;
    throw new OperationError(
      'NODE_LOCKED',
      `node ${uuid} did not take its images within ${timeoutSeconds} s: ${hindrance}`,
      { node: uuid },
      error,
    );
  }
  if (told) await untilSynchronised(run, uuid, images, signal);
  return isChanged;
}

async function hardwareOf({ cloud }: Pick<Run, 'cloud'>, uuid: string): Promise<Hardware | undefined> {
  return cloud.hasService('inventory') ? getHardware(cloud, uuid) : undefined;
}

/** Gives Doni its former values for a node that Ironic does not have any more. */
export async function giveDoniBack(run: Pick<Run, 'cloud'>, uuid: string, former: FormerImages): Promise<void> {
  await tellDoni(run, uuid, former);
}

/** True where Doni had something else, or its worker has not yet come to an end. */
async function tellDoni(run: Pick<Run, 'cloud'>, uuid: string, { doni }: FormerImages): Promise<boolean> {
  const hardware = doni && (await hardwareOf(run, uuid));
  if (!doni || !hardware) return false;
  const wanted = { deployKernel: doni.deployKernel ?? undefined, deployRamdisk: doni.deployRamdisk ?? undefined };
  const isDifferent = wanted.deployKernel !== hardware.deployKernel || wanted.deployRamdisk !== hardware.deployRamdisk;
  if (isDifferent) await updateHardware(run.cloud, hardware, wanted);
  return isDifferent || syncOf(hardware).state === 'waiting';
}

/** A worker that began before the change may bring the former images back once more, so both are looked at until both are right. */
async function untilSynchronised(
  run: Pick<Run, 'cloud' | 'ironic' | 'warnings'>,
  uuid: string,
  images: FormerImages,
  signal: AbortSignal,
): Promise<void> {
  let isRequested = false;
  let reason = '';
  const look = async (): Promise<true | undefined> => {
    const [hardware, node] = await Promise.all([hardwareOf(run, uuid), lookAt(run.ironic, uuid)]);
    if (!hardware) return true;
    const sync = syncOf(hardware);
    reason = sync.reason || `its worker is ${sync.state}`;
    // One that was put off, as for a node in maintenance, begins anew and finds nothing to do.
    const isPutOff = sync.state === 'waiting' && sync.reason !== '';
    if (sync.state === 'waiting' && !isPutOff) return undefined;
    if (hasSettings(node.driver_info, images.node) && (sync.state === 'done' || isPutOff || isRequested)) {
      if (sync.state !== 'done')
        run.warnings.push(
          `node ${nodeTitle(node)} has its images, in Doni too, but Doni's worker says: ${sync.reason}`,
        );
      return true;
    }
    if (isPutOff) return undefined;
    isRequested = true;
    await requestSync(run.cloud, hardware);
    const patch = settingsPatch(node.driver_info, images.node);
    if (patch.length > 0 && isEditable(node)) await patchNode(run.ironic, uuid, patch).catch(ignoreConflict);
    return undefined;
  };
  try {
    await waitFor(look, { subject: `Doni to settle node ${uuid}`, timeoutSeconds: syncSeconds, ...pace, signal });
  } catch (error) {
    if (!(error instanceof OperationError) || error.code !== 'WAIT_TIMEOUT') throw error;
    throw new OperationError(
      'SYNC_FAILED',
      `Doni did not settle node ${uuid} within ${syncSeconds} s: ${reason}`,
      { node: uuid },
      error,
    );
  }
}

function ignoreConflict(error: unknown): undefined {
  if (conflictOf(error) === undefined && !isUndecided(error)) throw error;
  return undefined;
}
