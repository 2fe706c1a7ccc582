// image_clean: read everything, plan, then carry out; check mode stops between the two.
import validate from '#validators/image_clean';
import type { Image } from '../../clients/glance/images.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { both } from '../../core/waiting.js';
import { openWatchedCloud } from '../../runtime/connect.js';
import { readProjectNames, readSiteImages } from '../site-images.js';
import { takeRunLock } from '../../runtime/run-lock.js';
import { apply, asPlanned } from './apply.js';
import { readCatalogue, readSupportedNames } from './catalogue.js';
import { assertClock } from './clock.js';
import { imageCleanDeclaration } from './declaration.js';
import { assertAges, candidatesOf, planCleaning } from './plan.js';
import { outcomeOf } from './report.js';
import type { CleanArguments, Run } from './run.js';
import { idleEntries, selectionOf, type Selection } from './selection.js';
import { assertAllImages, knownSources, readUses } from './sources.js';

export const imageClean: Operation<(typeof imageCleanDeclaration)['fields']> = {
  ...imageCleanDeclaration,
  validate,
  run: cleanImages,
};

async function cleanImages(args: CleanArguments, context: Context): Promise<Outcome> {
  assertAges(args);
  const selection = selectionOf(args);
  const supported = await readSupportedNames({ args, context });
  const { cloud, clock } = await openWatchedCloud(args, context);
  // A dry run must never turn a real one away, and does not mind one.
  const lock = context.checkMode
    ? undefined
    : await takeRunLock({
        directory: args.lock_dir,
        operation: imageCleanDeclaration.name,
        cloud: cloud.identity,
        context,
      });
  try {
    return await planAndApply(
      { args, context, cloud, clock, projectNames: onDemand(() => readProjectNames(cloud, context)) },
      selection,
      supported,
    );
  } finally {
    await lock?.release();
  }
}

/** Reads once, when it is first asked. */
function onDemand<T>(read: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => (value ??= read());
}

async function planAndApply(run: Run, selection: Selection, supported: ReadonlySet<string>): Promise<Outcome> {
  const { args, context, cloud } = run;
  const [catalogue, images] = await both(readCatalogue(run, supported), readSiteImages(cloud, { community: true }));
  const candidates = candidatesOf(images, { args, cloud });
  const uses = await readUses(cloud, (id) => candidates.has(id));
  await assertAllImages(cloud);
  assertClock(run.clock);
  const projectNames = uses.size > 0 ? await run.projectNames() : new Map<string, string>();
  const plan = planCleaning({ args, cloud, selection, catalogue, images, uses, projectNames, now: context.now() });
  const isCarriedOut = !context.checkMode && plan.refusal === undefined;
  const { done, halt } = isCarriedOut
    ? await apply(plan.images, run)
    : { done: plan.images.map(asPlanned), halt: undefined };
  const failures = [plan.refusal, plan.doubt, halt].filter((failure) => failure !== undefined);
  return outcomeOf(
    {
      done,
      ...knownSources(cloud),
      failures,
      warnings: warningsOf(
        args,
        catalogue,
        images.filter(({ owner }) => owner === cloud.projectId),
      ),
    },
    args,
    context.checkMode,
  );
}

function warningsOf(
  args: CleanArguments,
  catalogue: ReadonlySet<string> | undefined,
  images: readonly Image[],
): string[] {
  const idle = idleEntries(args.skip_images, images);
  return [
    ...(idle.length > 0 ? [`skip_images: the site has no image ${idle.join(', ')}`] : []),
    ...(catalogue?.size === 0 ? ['the catalogue is empty: no name counts as deprecated'] : []),
  ];
}
