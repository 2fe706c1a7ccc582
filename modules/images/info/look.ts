// What is asked for besides the list: who uses each image, and what a cleaning would do with it.
import type { Image } from '../../clients/glance/images.js';
import type { WatchedClock } from '../../clients/keystone/clock.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { messageOf } from '../../core/errors.js';
import type { Context } from '../../core/operation.js';
import { comparableId } from '../../core/uuid.js';
import { requiredImageIds, withholdPlan, type PlannedRetention } from '../policy/retention.js';
import { addUser, type ImageUse } from '../policy/image-uses.js';
import { readCatalogue, readSupportedNames } from '../clean/catalogue.js';
import { assertClock } from '../clean/clock.js';
import { planCleaning } from '../clean/plan.js';
import { selectionOf } from '../clean/selection.js';
import { readKnownUses, unknownUsesOfGlance, unknownUsesReason, type UnknownUses } from '../clean/sources.js';
import { readProjectNames } from '../site-images.js';
import type { InfoArguments } from './operation.js';

/** How many users of an image are named. */
const mostUsers = 20;

export interface Look {
  /** By the image's id in its usual spelling. */
  readonly uses: ReadonlyMap<string, ImageUse>;
  readonly unknown: readonly UnknownUses[];
  readonly projectNames: ReadonlyMap<string, string>;
  /** By the image's id; empty unless a plan is asked for. */
  readonly planned: ReadonlyMap<string, PlannedRetention>;
  readonly failures: readonly string[];
}

interface Site {
  readonly args: InfoArguments;
  readonly context: Context;
  readonly cloud: Cloud;
  readonly clock: WatchedClock;
  readonly images: readonly Image[];
}

export async function lookCloser(site: Site): Promise<Look> {
  const { args, cloud, images } = site;
  const { uses, unknown } = await readAllUses(site);
  const projectNames = await readProjectNames(cloud, site.context);
  const failures = unknown.map(
    ({ title, cause }) => `${title} does not tell which images are in use: ${unknownUsesReason(cause)}`,
  );
  if (!args.plan) return { uses: withNeeding(uses, images), unknown, projectNames, planned: new Map(), failures };
  const catalogue = await readCatalogue(site, await readSupportedNames(site));
  const selection = selectionOf({ exclude: [], skip_images: args.skip_images });
  const plan = planCleaning({ args, cloud, selection, catalogue, images, uses, projectNames, now: site.context.now() });
  const clockFaults = clockFaultsOf(site.clock);
  const obstacles = [
    ...failures,
    ...clockFaults,
    ...(plan.doubt === undefined ? [] : [plan.doubt]),
    ...(plan.refusal === undefined ? [] : [plan.refusal]),
  ];
  const planned =
    unknown.length > 0 || clockFaults.length > 0
      ? withholdPlan(plan.images, 'a cleaning would be refused')
      : plan.images;
  return {
    uses: withNeeding(uses, images),
    unknown,
    projectNames,
    planned: new Map(planned.map((entry) => [entry.image.id, entry])),
    failures: obstacles,
  };
}

async function readAllUses({
  cloud,
  images,
}: Site): Promise<{ uses: ReadonlyMap<string, ImageUse>; unknown: readonly UnknownUses[] }> {
  const ids = new Set(images.map(({ id }) => comparableId(id)));
  const { uses, unknown } = await readKnownUses(cloud, (id) => ids.has(id), mostUsers);
  const glance = await unknownUsesOfGlance(cloud);
  return { uses, unknown: glance ? [...unknown, glance] : unknown };
}

/** The plan sees by itself which images need which. */
function withNeeding(uses: ReadonlyMap<string, ImageUse>, images: readonly Image[]): ReadonlyMap<string, ImageUse> {
  const all = new Map(uses);
  for (const image of images) {
    for (const id of requiredImageIds(image))
      addUser(all, id, { what: `image ${image.name} (${image.id}) as its kernel or ramdisk` }, mostUsers);
  }
  return all;
}

function clockFaultsOf(clock: WatchedClock): string[] {
  try {
    assertClock(clock);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}
