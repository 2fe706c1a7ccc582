// image_clean: read everything, plan, then carry out; check mode stops between the two.
import validate from '#validators/image_clean';
import type { Image } from '../../clients/glance/images.js';
import { listProjectNames } from '../../clients/keystone/projects.js';
import { InputError, messageOf } from '../../core/errors.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { both } from '../../core/waiting.js';
import { isCandidate, planRetention, type RetentionPlan } from '../../policy/retention.js';
import { openCloud } from '../connect.js';
import { takeRunLock } from '../run-lock.js';
import { readSiteImages } from '../site-images.js';
import { apply, asPlanned } from './apply.js';
import { readCatalogue, readSupportedNames } from './catalogue.js';
import { declaration } from './declaration.js';
import { outcomeOf } from './report.js';
import type { CleanArguments, Run } from './run.js';
import { idleEntries, selectionOf, type Selection } from './selection.js';
import { knownSources, readUses } from './sources.js';

export const imageClean: Operation<(typeof declaration)['fields']> = { ...declaration, validate, run: cleanImages };

async function cleanImages(args: CleanArguments, context: Context): Promise<Outcome> {
  const { hide_image_age_in_month: hideMonths, delete_image_age_in_month: deleteMonths } = args;
  if (hideMonths >= deleteMonths) {
    throw new InputError(`hide_image_age_in_month: ${hideMonths} is not smaller than delete_image_age_in_month, ${deleteMonths}: an image is hidden first`, 'hide_image_age_in_month');
  }
  const selection = selectionOf(args);
  const supported = await readSupportedNames({ args, context });
  const cloud = await openCloud(args, context);
  // A dry run must never turn a real one away, and does not mind one.
  const lock = context.checkMode ? undefined : await takeRunLock({ directory: args.lock_dir, operation: declaration.name, cloud: cloud.identity, context });
  try {
    return await planAndApply({ args, context, cloud, projectNames: namesOf({ cloud, context }) }, selection, supported);
  } finally {
    await lock?.release();
  }
}

async function planAndApply(run: Run, selection: Selection, supported: ReadonlySet<string>): Promise<Outcome> {
  const { args, context, cloud } = run;
  const [catalogue, images] = await both(readCatalogue(run, supported), readSiteImages(cloud, { community: true }));
  const plan = await planRun({ run, selection, catalogue, images });
  const isCarriedOut = !context.checkMode && plan.refusal === undefined;
  const { done, halt } = isCarriedOut ? await apply(plan.images, run) : { done: plan.images.map(asPlanned), halt: undefined };
  const failures = [plan.refusal, halt].filter((failure) => failure !== undefined);
  return outcomeOf({ done, ...knownSources(cloud), failures, warnings: warningsOf(args, catalogue, images.filter(({ owner }) => owner === cloud.projectId)) }, args, context.checkMode);
}

interface Site {
  readonly run: Run;
  readonly selection: Selection;
  readonly catalogue: ReadonlySet<string> | undefined;
  readonly images: readonly Image[];
}

async function planRun({ run, selection, catalogue, images }: Site): Promise<RetentionPlan> {
  const { args, context, cloud } = run;
  const ours = { owner: cloud.projectId, prefix: args.image_prefix };
  const candidates = new Set(images.filter((image) => isCandidate(image, ours)).map(({ id }) => id));
  const uses = await readUses(cloud, (id) => candidates.has(id));
  return planRetention({
    ...ours,
    ...selection,
    images,
    catalogue,
    uses,
    projectNames: uses.size > 0 ? await run.projectNames() : new Map(),
    settings: {
      hideMonths: args.hide_image_age_in_month,
      deleteMonths: args.delete_image_age_in_month,
      ageFrom: args.age_from,
      graceDays: args.grace_days,
      maxDeletes: args.max_deletes,
      keepDeprecated: args.keep_deprecated,
    },
    now: context.now(),
  });
}

function namesOf({ cloud, context }: Pick<Run, 'cloud' | 'context'>): Run['projectNames'] {
  let names: Promise<ReadonlyMap<string, string>> | undefined;
  return () =>
    (names ??= listProjectNames(cloud).catch((error: unknown) => {
      context.log('debug', `projects are called by their ids: ${messageOf(error)}`);
      return new Map<string, string>();
    }));
}

function warningsOf(args: CleanArguments, catalogue: ReadonlySet<string> | undefined, images: readonly Image[]): string[] {
  const idle = idleEntries(args.skip_images, images);
  return [
    ...(idle.length > 0 ? [`skip_images: the site has no image ${idle.join(', ')}`] : []),
    ...(catalogue?.size === 0 ? ['the catalogue is empty: no name counts as deprecated'] : []),
  ];
}
