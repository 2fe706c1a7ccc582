// Gives production images the attributes and properties that catalogue and site want: of those that
// are up to date, what differs; of new ones, what only an image in production can have.
import { getImage, type Image } from '../../clients/glance/images.js';
import { addMember, listMembers, removeMember, setActivation } from '../../clients/glance/sharing.js';
import { codeOf, failureOfPart, messageOf } from '../../core/errors.js';
import { explainRefusal } from '../permissions.js';
import { isWork, type ImageResult } from '../policy/deploy-results.js';
import {
  changeOfMembers,
  changeOfStatus,
  changesOf,
  changesOfEdits,
  describeChanges,
  isReconciled,
  needsFinishing,
  needsMembers,
  planReconciliation,
  type AttributeChange,
  type DesiredImage,
} from '../policy/reconciliation.js';
import { isProduction, markers, type SiteImage } from '../policy/site-image.js';
import { changeImage } from '../site-images.js';
import type { DeployJob, DeployRun } from './run.js';

/** The job with what is still to change of an image that is up to date. Only reads. */
export async function reconcilable(job: DeployJob, run: DeployRun): Promise<DeployJob> {
  const { planned, desired } = job;
  const { production, action } = planned;
  if (!run.args.reconcile || action !== 'up_to_date' || !production) return job;
  try {
    const reconciliation = planReconciliation(production, desired, await membersOf(production, desired, run));
    return isReconciled(reconciliation) ? job : { ...job, reconciliation };
  } catch (error) {
    run.context.signal.throwIfAborted();
    const reason = `${planned.reason}, but the projects that it is shared with could not be read: ${messageOf(error)}`;
    return { ...job, planned: { ...planned, action: 'failed', reason, code: codeOf(error) } };
  }
}

/** What the run would do, for check mode. */
export function plannedReconciliation(job: DeployJob, result: ImageResult): ImageResult {
  const { reconciliation, planned } = job;
  if (result.action !== 'up_to_date' || !reconciliation || !planned.production) return result;
  return updated(result, changesOf(planned.production, reconciliation));
}

function updated(result: ImageResult, changes: readonly AttributeChange[]): ImageResult {
  return {
    ...result,
    action: 'update',
    reason: `${result.reason}, and differs in ${describeChanges(changes)}`,
    changes,
  };
}

/** Never throws: a failure is the result of this image. */
export async function reconcile(job: DeployJob, result: ImageResult, run: DeployRun): Promise<ImageResult> {
  const isNew = isWork(result) && job.source !== undefined && needsFinishing(job.desired);
  const id = isNew ? result.id : job.planned.production?.id;
  if (id === undefined || !(isNew || (result.action === 'up_to_date' && job.reconciliation))) return result;
  const changes: AttributeChange[] = [];
  try {
    const isChanged = await bringUpToDate(id, job, run, changes);
    return isNew || !isChanged ? result : updated(result, changes);
  } catch (error) {
    const { reason, code } = failureOfPart(await explainRefusal(error, run.cloud), run.context.log);
    return {
      ...result,
      action: 'failed',
      code,
      reason: `image ${id} is in production, but not all of its attributes could be set: ${reason}`,
      ...(changes.length > 0 ? { changes } : {}),
    };
  }
}

/**
 * Another run, or an operator, may have replaced or changed the image since the plan was made, so it
 * is read and compared again; one that is no longer in production is left alone. `changes`: receives
 * each change after it was made. Returns whether there was anything to change.
 */
async function bringUpToDate(id: string, job: DeployJob, run: DeployRun, changes: AttributeChange[]): Promise<boolean> {
  const { desired, planned } = job;
  const { cloud, context } = run;
  const image = await getImage(cloud, id);
  if (!image || !isProduction(image, planned.name, cloud.projectId, desired.wanted)) return false;
  const { edits, action } = planReconciliation(image, desired);
  if (action === 'reactivate') await activate(image, action, run, changes);
  let present = image;
  if (edits.length > 0) {
    present = await changeImage(cloud, id, edits, {
      signal: context.signal,
      isOvertaken: ({ properties }) => properties[markers.supersededAt] !== undefined,
    });
    changes.push(...changesOfEdits(image, edits));
  }
  if (action === 'deactivate') await activate(image, action, run, changes);
  await shareWith(present, desired, run, changes);
  return edits.length + changes.length > 0;
}

async function activate(
  image: Image,
  action: 'deactivate' | 'reactivate',
  { cloud }: DeployRun,
  changes: AttributeChange[],
): Promise<void> {
  await setActivation(cloud, image.id, action);
  changes.push(changeOfStatus(image, action));
}

async function shareWith(
  image: Image,
  desired: DesiredImage,
  run: DeployRun,
  changes: AttributeChange[],
): Promise<void> {
  const { members } = planReconciliation(image, desired, await membersOf(image, desired, run));
  if (!members) return;
  let shared = members.present;
  try {
    for (const project of members.remove) {
      await removeMember(run.cloud, image.id, project);
      shared = shared.filter((id) => id !== project);
    }
    for (const project of members.add) {
      await addMember(run.cloud, image.id, project);
      shared = [...shared, project];
    }
  } finally {
    changes.push(...changeOfMembers(members.present, shared));
  }
}

/**
 * Undefined if they do not count. An image that becomes a shared one has none that count: Glance
 * lists those of shared images only.
 */
async function membersOf(
  image: SiteImage,
  desired: DesiredImage,
  { cloud }: DeployRun,
): Promise<readonly string[] | undefined> {
  if (!needsMembers(image, desired)) return undefined;
  return image.visibility === 'shared' ? listMembers(cloud, image.id) : [];
}
