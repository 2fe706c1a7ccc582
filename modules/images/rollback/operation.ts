// image_rollback: read the images of the site, plan, then apply the plan; check mode stops before
// the last step.
import validate from '#validators/image_rollback';
import { InputError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { permissionWarnings } from '../../core/rights.js';
import { openCloud } from '../../runtime/connect.js';
import { takeRunLock } from '../../runtime/run-lock.js';
import { archiveNames } from '../deploy/archive.js';
import { usesOfEdits } from '../policy/image-permissions.js';
import { planRelease, planRollback } from '../policy/rollback.js';
import { readSiteImages } from '../site-images.js';
import { applyRelease, applyRollback } from './apply.js';
import { imageRollbackDeclaration } from './declaration.js';
import { plannedStep, rollbackOutcome } from './report.js';

export type RollbackArguments = ArgumentsOf<(typeof imageRollbackDeclaration)['fields']>;

export const imageRollback: Operation<(typeof imageRollbackDeclaration)['fields']> = {
  ...imageRollbackDeclaration,
  validate,
  run: rollBackImage,
};

async function rollBackImage(args: RollbackArguments, context: Context): Promise<Outcome> {
  if (args.release && args.to !== undefined)
    throw new InputError('release ends a hold and to begins one; give only one of them', 'release');
  const cloud = await openCloud(args, context);
  // A lock of its own: going back is urgent, and must not wait for hours for a transfer. The markers
  // keep it and a deployment apart, as on two hosts.
  const lock = context.checkMode
    ? undefined
    : await takeRunLock({
        directory: args.lock_dir,
        operation: imageRollbackDeclaration.name,
        cloud: cloud.identity,
        context,
      });
  try {
    const images = await readSiteImages(cloud);
    const request = {
      name: args.image,
      to: args.to,
      images,
      owner: cloud.projectId,
      prefix: args.image_prefix,
      metadataField: args.image_metadata_field,
      now: context.now(),
    };
    const steps = args.release ? planRelease(request) : planRollback(request);
    const reserveArchiveName = archiveNames(images.filter(({ owner }) => owner === cloud.projectId));
    const run = { args, context, cloud, reserveArchiveName };
    const apply = args.release ? applyRelease : applyRollback;
    const results = context.checkMode ? steps.map((step) => plannedStep(step)) : await apply(steps, run);
    const uses = steps.flatMap(({ name, edits, replaced }) => usesOfEdits(name, edits, replaced.length > 0));
    const denied = context.checkMode ? permissionWarnings(uses, await cloud.rights('image')) : [];
    return rollbackOutcome(results, args, { checkMode: context.checkMode, denied });
  } finally {
    await lock?.release();
  }
}
