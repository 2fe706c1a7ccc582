// A run of image_clean, and its plan, which image_info shows too.
import type { Image } from '../../clients/glance/images.js';
import type { WatchedClock } from '../../clients/keystone/clock.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import { comparableId } from '../../core/uuid.js';
import type { CatalogueNames } from '../catalogues.js';
import { findHeldImages } from '../policy/held-images.js';
import type { RetentionSelection } from '../policy/image-selection.js';
import { newestOfEachName } from '../policy/newest-images.js';
import { isCandidate, planRetention, type RetentionInput, type RetentionPlan } from '../policy/retention.js';
import type { imageCleanDeclaration, retentionFields } from './declaration.js';

export type CleanArguments = ArgumentsOf<(typeof imageCleanDeclaration)['fields']>;
export type RetentionArguments = ArgumentsOf<typeof retentionFields> & {
  readonly image_prefix: string;
  readonly image_manager_tag: string;
};

export interface CleanRun {
  readonly args: CleanArguments;
  readonly context: Context;
  readonly cloud: Cloud;
  /** What the cloud's services report as their time. */
  readonly clock: WatchedClock;
  /** Names of projects by id, read when first needed; empty if Keystone does not list them. */
  projectNames(): Promise<ReadonlyMap<string, string>>;
}

interface RetentionSite {
  readonly args: RetentionArguments;
  readonly cloud: Pick<Cloud, 'projectId'>;
  readonly names: CatalogueNames;
}

function managedImages({ args, cloud, names }: RetentionSite): Pick<RetentionInput, 'owner' | 'prefix' | 'takeOver'> {
  const takeOver = { listed: names.listed, tag: args.image_manager_tag };
  return { owner: cloud.projectId, prefix: args.image_prefix, takeOver };
}

/** The ids of the images that a clean-up manages, in canonical form. */
export function candidateIds(images: readonly Image[], site: RetentionSite): ReadonlySet<string> {
  const managed = managedImages(site);
  return new Set(images.filter((image) => isCandidate(image, managed)).map(({ id }) => comparableId(id)));
}

/** The ids of the images that `keep` protects. */
export function newestIds(images: readonly Image[], site: RetentionSite): ReadonlySet<string> {
  const managed = managedImages(site);
  const candidates = images.filter((image) => isCandidate(image, managed));
  const request = { owner: managed.owner, catalogue: site.names.all, keep: site.args.keep };
  const newest = newestOfEachName(candidates, request);
  return new Set([...newest].map(({ id }) => id));
}

export interface CleanPlanInput extends RetentionSite, Pick<RetentionInput, 'uses' | 'projectNames' | 'now'> {
  readonly selection: RetentionSelection;
  readonly images: readonly Image[];
}

export function planCleaning({ args, cloud, names, selection, ...input }: CleanPlanInput): RetentionPlan {
  return planRetention({
    ...input,
    ...selection,
    ...managedImages({ args, cloud, names }),
    catalogue: names.all,
    isMirrored: names.isMirrored,
    heldImages: findHeldImages(input.images, { owner: cloud.projectId, pins: args.pins ?? {}, now: input.now }),
    settings: {
      hideMonths: args.hide_image_age_in_month,
      deleteMonths: args.delete_image_age_in_month,
      ageFrom: args.age_from,
      graceDays: args.grace_days,
      hideAt: args.hide_at,
      keep: args.keep,
      maxDeletes: args.max_deletes,
      keepDeprecated: args.keep_deprecated,
      acceptLosses: args.accept_losses,
    },
  });
}
