// Puts archived images back: all get their production names before any present image is archived,
// so that a production name is never missing and the halves of an agent change together.
import { getImage, type Image } from '../../clients/glance/images.js';
import { failureOfPart, messageOf, OperationError } from '../../core/errors.js';
import { archiveReplaced, isInProduction } from '../deploy/archive.js';
import type { ProductionRun } from '../deploy/run.js';
import { explainRefusal } from '../permissions.js';
import { inverseEdits } from '../policy/image-edits.js';
import type { RollbackStep } from '../policy/rollback.js';
import { markers } from '../policy/site-image.js';
import { changeImage } from '../site-images.js';
import { failedStep, plannedStep, type RollbackResult } from './report.js';

/** Never throws: a failure is the result of the names that it concerns. */
export async function applyRollback(steps: readonly RollbackStep[], run: ProductionRun): Promise<RollbackResult[]> {
  const back: RollbackStep[] = [];
  let at = '';
  try {
    for (const step of steps) {
      at = step.name;
      await assertUnchanged(step, run);
    }
    for (const step of steps) {
      at = step.name;
      await putBack(step, run);
      back.push(step);
    }
  } catch (error) {
    return undoAll(steps, back, { error, at }, run);
  }
  const results: RollbackResult[] = [];
  for (const [at, step] of steps.entries()) {
    try {
      results.push(await archivePrevious(step, run));
    } catch (error) {
      // Once one name has only its new image, the others follow it.
      if (at === 0) return undoAll(steps, back, { error, at: step.name }, run);
      results.push(failedStep(step, halfDone(step, error).message, true));
    }
  }
  return results;
}

/** Finishes what an earlier run began, then ends the holds. */
export async function applyRelease(steps: readonly RollbackStep[], run: ProductionRun): Promise<RollbackResult[]> {
  const results: RollbackResult[] = [];
  for (const step of steps) {
    try {
      const result = await archivePrevious(step, run);
      await putBack(step, run);
      results.push(result);
    } catch (error) {
      results.push(failedStep(step, await reasonOf(error, run), false));
    }
  }
  return results;
}

/** Throws ROLLBACK_REFUSED if somebody has changed the image since the plan was made. */
async function assertUnchanged({ name, image, edits }: RollbackStep, run: ProductionRun): Promise<void> {
  if (edits.length === 0) return;
  const present = await getImage(run.cloud, image.id);
  const changed = (['name', 'visibility', 'status'] as const).find((key) => present?.[key] !== image[key]);
  if (changed === undefined) return;
  const what = present ? `its ${changed} was changed` : 'it was deleted';
  throw new OperationError(
    'ROLLBACK_REFUSED',
    `image ${image.id} of ${name} is not what it was a moment ago: ${what} by somebody else; run again`,
    { name, id: image.id },
  );
}

async function putBack({ image, edits }: RollbackStep, run: ProductionRun): Promise<Image | undefined> {
  if (edits.length === 0) return undefined;
  // A run that has promoted a newer release may archive this image before it is read back.
  const before = image.properties[markers.supersededAt];
  return changeImage(run.cloud, image.id, edits, {
    signal: run.context.signal,
    isOvertaken: ({ properties }) => {
      const after = properties[markers.supersededAt];
      return after !== undefined && after !== before;
    },
  });
}

/** Archives all that the image has taken the place of, as every other run would. */
async function archivePrevious(step: RollbackStep, run: ProductionRun): Promise<RollbackResult> {
  if (step.action === 'up_to_date') return plannedStep(step);
  const { present, archived } = await archiveReplaced(step.name, run);
  if (present && present.id !== step.image.id)
    throw new OperationError(
      'ROLLBACK_OVERTAKEN',
      `another run has put ${present.id} into production at the same time, so ${step.image.id} has been archived again`,
      { name: step.name, id: step.image.id, present: present.id },
    );
  return plannedStep(step, archived.at(-1));
}

async function reasonOf(error: unknown, { cloud, context }: ProductionRun): Promise<string> {
  return failureOfPart(await explainRefusal(error, cloud), context.log).reason;
}

interface Refusal {
  readonly error: unknown;
  /** The name whose image was refused. */
  readonly at: string;
}

async function undoAll(
  steps: readonly RollbackStep[],
  back: readonly RollbackStep[],
  { error, at }: Refusal,
  run: ProductionRun,
): Promise<RollbackResult[]> {
  const reason = await reasonOf(error, run);
  const remaining = new Map<RollbackStep, string>();
  for (const step of [...back].reverse()) {
    const failure = await undo(step, error, run);
    if (failure !== undefined) remaining.set(step, failure);
  }
  return steps.map((step) => {
    const why = step.name === at ? reason : `it goes back only together with ${at}: ${reason}`;
    const left = remaining.get(step);
    return failedStep(
      step,
      left === undefined ? `${why}; nothing of it was changed` : `${why}; ${left}`,
      left !== undefined,
    );
  });
}

/** What remains if the image could not be archived again. */
async function undo(step: RollbackStep, error: unknown, run: ProductionRun): Promise<string | undefined> {
  const { image, edits, replaced, name } = step;
  if (edits.length === 0) return undefined;
  const previous = replaced.at(-1);
  try {
    // Without the previous image this one may be the only one of its name.
    if (!previous || !(await isInProduction(previous.id, name, run))) return halfDone(step, error).message;
    await changeImage(run.cloud, image.id, inverseEdits(image, edits), { signal: run.context.signal });
    return undefined;
  } catch (second) {
    return `${halfDone(step, error).message} (it could not be undone: ${messageOf(second)})`;
  }
}

function halfDone({ name, image }: RollbackStep, error: unknown): OperationError {
  return new OperationError(
    'ROLLBACK_HALF_DONE',
    `${image.id} is back in production as ${name}, but an image is still to be archived or to be put back ` +
      `(${messageOf(error)}); the next run finishes the job`,
    { name, id: image.id },
    error,
  );
}
