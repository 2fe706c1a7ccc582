// image_info: lists the images of the site. Reads only.
import validate from '#validators/image_info';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { messageOf } from '../../core/errors.js';
import { openWatchedCloud } from '../../runtime/connect.js';
import { findHeldImages } from '../policy/held-images.js';
import { listingMatcher } from '../policy/image-selection.js';
import { assertAges } from '../policy/retention-schedule.js';
import { readProjectNames, readSiteImages } from '../site-images.js';
import { imageInfoDeclaration } from './declaration.js';
import { byNameThenNewest, describeImage, describeUsesAndPlan, infoTable } from './report.js';
import { readUsesAndPlan, type InfoArguments } from './uses-and-plan.js';

export const imageInfo: Operation<(typeof imageInfoDeclaration)['fields']> = {
  ...imageInfoDeclaration,
  validate,
  run: listSiteImages,
};

async function listSiteImages(args: InfoArguments, context: Context): Promise<Outcome> {
  if (args.plan) assertAges({ hideMonths: args.hide_image_age_in_month, deleteMonths: args.delete_image_age_in_month });
  const { cloud, clock } = await openWatchedCloud(args, context);
  const readsUses = args.uses || args.plan;
  const found = await readSiteImages(cloud, readsUses ? { community: true } : {});
  const details = readsUses ? await readUsesAndPlan({ args, context, cloud, clock, images: found }) : undefined;
  const heldImages = findHeldImages(found, { owner: cloud.projectId, pins: args.pins ?? {}, now: context.now() });
  const site = { owner: cloud.projectId, prefix: args.image_prefix, now: context.now(), heldImages };
  const matches = listingMatcher(args.images);
  const chosen = found
    .filter(({ visibility, owner }) => visibility !== 'community' || owner === cloud.projectId)
    .map((image) => ({
      ...describeImage(image, site, details?.planned.get(image.id)),
      ...(details ? describeUsesAndPlan(image, details, args) : {}),
    }))
    .filter((image) => args.state.includes(image.state) && matches(image, image.production_name ?? image.name))
    .sort(byNameThenNewest);
  const projectNames =
    details?.projectNames ?? (chosen.length > 0 ? await readProjectNames(cloud, context) : new Map<string, string>());
  const images = chosen.map((image) => {
    const ownerName = projectNames.get(image.owner);
    return ownerName === undefined ? image : { ...image, owner_name: ownerName };
  });
  return {
    changed: false,
    message: images.length === 1 ? '1 image' : `${images.length} images`,
    values: {
      images,
      ...(details
        ? { uses_unknown: details.unknown.map(({ service, cause }) => ({ service, reason: messageOf(cause) })) }
        : {}),
    },
    failures: details?.failures ?? [],
    warnings: [],
    differences: [],
    table: infoTable(images, args),
  };
}
