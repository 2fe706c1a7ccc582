// From what was read to a plan: shared with those who only say what a cleaning would do.
import type { Image } from '../../clients/glance/images.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { InputError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import { comparableId } from '../../core/uuid.js';
import { isCandidate, planRetention, type RetentionInput, type RetentionPlan } from '../policy/retention.js';
import type { retentionFields } from './declaration.js';
import type { Selection } from './selection.js';

export type RetentionArguments = ArgumentsOf<typeof retentionFields> & { readonly image_prefix: string };

/** An image is hidden before it is deleted. Throws INVALID_INPUT. */
export function assertAges({
  hide_image_age_in_month: hideMonths,
  delete_image_age_in_month: deleteMonths,
}: RetentionArguments): void {
  if (hideMonths < deleteMonths) return;
  throw new InputError(
    `hide_image_age_in_month: ${hideMonths} is not smaller than delete_image_age_in_month, ${deleteMonths}: an image is hidden first`,
    'hide_image_age_in_month',
  );
}

interface Site {
  readonly args: RetentionArguments;
  readonly cloud: Pick<Cloud, 'projectId'>;
}

/** The ids of the images that a cleaning looks after, in the usual spelling. */
export function candidatesOf(images: readonly Image[], { args, cloud }: Site): ReadonlySet<string> {
  return new Set(
    images
      .filter((image) => isCandidate(image, { owner: cloud.projectId, prefix: args.image_prefix }))
      .map(({ id }) => comparableId(id)),
  );
}

export interface Reading extends Site, Pick<RetentionInput, 'catalogue' | 'uses' | 'projectNames' | 'now'> {
  readonly selection: Selection;
  readonly images: readonly Image[];
}

export function planCleaning({ args, cloud, selection, ...reading }: Reading): RetentionPlan {
  return planRetention({
    ...reading,
    ...selection,
    owner: cloud.projectId,
    prefix: args.image_prefix,
    settings: {
      hideMonths: args.hide_image_age_in_month,
      deleteMonths: args.delete_image_age_in_month,
      ageFrom: args.age_from,
      graceDays: args.grace_days,
      maxDeletes: args.max_deletes,
      keepDeprecated: args.keep_deprecated,
      acceptLosses: args.accept_losses,
    },
  });
}
