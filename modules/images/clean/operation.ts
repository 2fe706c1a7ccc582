// image_clean: read everything, plan, then apply the plan; check mode stops before the last step.
import { optionText } from '../../core/option-text.js';
import validate from '#validators/image_clean';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { permissionWarnings } from '../../core/rights.js';
import { settleBoth } from '../../core/waiting.js';
import { openWatchedCloud } from '../../runtime/connect.js';
import { takeRunLock } from '../../runtime/run-lock.js';
import { readCatalogueNames, readSupportedNames } from '../catalogues.js';
import { usesOfRetention } from '../policy/image-permissions.js';
import { selectForRetention, unmatchedEntries, type RetentionSelection } from '../policy/image-selection.js';
import { assertAges, assertClock } from '../policy/retention-schedule.js';
import { readProjectNames, readSiteImages } from '../site-images.js';
import { assertSeesAllImages, readUses, usesSources } from '../uses.js';
import { applyPlan, asPlanned } from './apply.js';
import { imageCleanDeclaration } from './declaration.js';
import { candidateIds, newestIds, planCleaning, type CleanArguments, type CleanRun } from './plan.js';
import { cleanOutcome } from './report.js';

export const imageClean: Operation<(typeof imageCleanDeclaration)['fields']> = {
  ...imageCleanDeclaration,
  validate,
  run: cleanImages,
};

async function cleanImages(args: CleanArguments, context: Context): Promise<Outcome> {
  assertAges({ hideMonths: args.hide_image_age_in_month, deleteMonths: args.delete_image_age_in_month });
  const selection = selectForRetention({ ...args, skipImages: args.skip_images });
  const supported = await readSupportedNames({ args, context });
  const { cloud, clock } = await openWatchedCloud(args, context);
  // A dry run takes no lock: it never keeps a real run from starting, and may run beside one.
  const lock = context.checkMode
    ? undefined
    : await takeRunLock({
        directory: args.lock_dir,
        operation: imageCleanDeclaration.name,
        cloud: cloud.identity,
        context,
      });
  try {
    const projectNames = readOnce(() => readProjectNames(cloud, context));
    return await planAndApply({ args, context, cloud, clock, projectNames }, selection, supported);
  } finally {
    await lock?.release();
  }
}

/** Reads the value at the first call. */
function readOnce<T>(read: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => (value ??= read());
}

async function planAndApply(
  run: CleanRun,
  selection: RetentionSelection,
  supported: ReadonlySet<string>,
): Promise<Outcome> {
  const { args, context, cloud } = run;
  const [names, images] = await settleBoth(
    readCatalogueNames(run, supported),
    readSiteImages(cloud, { community: true }),
  );
  const candidates = candidateIds(images, { args, cloud, names });
  const uses = await readUses(cloud, (id) => candidates.has(id));
  await assertSeesAllImages(cloud);
  assertClock(run.clock.furthest());
  const projectNames = uses.size > 0 ? await run.projectNames() : new Map<string, string>();
  const plan = planCleaning({ args, cloud, selection, names, images, uses, projectNames, now: context.now() });
  const isApplied = !context.checkMode && plan.refusal === undefined;
  const { results, halt } = isApplied
    ? await applyPlan(plan.images, { ...run, newestIds: (present) => newestIds(present, { args, cloud, names }) })
    : { results: plan.images.map(asPlanned), halt: undefined };
  const unmatched = unmatchedEntries(
    args.skip_images,
    images.filter(({ owner }) => owner === cloud.projectId),
  );
  return cleanOutcome(
    {
      results,
      ...usesSources(cloud),
      refusedDeletions: plan.refusedDeletions ?? 0,
      failures: [
        ...(plan.refusal === undefined ? [] : [{ code: 'DELETIONS_REFUSED', reason: plan.refusal }]),
        ...(plan.doubt === undefined ? [] : [{ code: 'CATALOGUE_DOUBTED', reason: plan.doubt }]),
        ...(halt ? [halt] : []),
      ],
      warnings: [
        ...(unmatched.length > 0
          ? [`${optionText('skip_images')}: no image of the site matches ${unmatched.join(', ')}`]
          : []),
        ...(names.all?.size === 0 ? ['the catalogue is empty, so no name counts as deprecated'] : []),
        ...(names.isMirrored
          ? ['the catalogue came from a mirror, so an image whose name it does not have is kept']
          : []),
        ...(context.checkMode
          ? permissionWarnings(plan.images.flatMap(usesOfRetention), await cloud.rights('image'))
          : []),
      ],
    },
    args,
    { siteName: cloud.siteName, checkMode: context.checkMode },
  );
}
