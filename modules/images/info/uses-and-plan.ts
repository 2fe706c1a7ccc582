// What image_info reads on request: who uses each image, and what image_clean would do with it.
import { spelled } from '../../core/option-text.js';
import type { Image } from '../../clients/glance/images.js';
import type { WatchedClock } from '../../clients/keystone/clock.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { messageOf } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import { comparableId } from '../../core/uuid.js';
import { readCatalogueNames, readSupportedNames } from '../catalogues.js';
import { planCleaning } from '../clean/plan.js';
import { addUser, dependentUser, type ImageUse, requiredImageIds } from '../policy/image-uses.js';
import { selectForRetention } from '../policy/image-selection.js';
import { withholdPlan, type PlannedRetention } from '../policy/retention.js';
import { assertClock } from '../policy/retention-schedule.js';
import { readProjectNames } from '../site-images.js';
import { readKnownUses, unknownUsesOfGlance, unknownUsesReason, type KnownUses, type UnknownUses } from '../uses.js';
import type { imageInfoDeclaration } from './declaration.js';

export type InfoArguments = ArgumentsOf<(typeof imageInfoDeclaration)['fields']>;

/** How many users of an image are listed. */
const maxUsers = 20;

export interface UsesAndPlan {
  /** By the image's id in canonical form. */
  readonly uses: ReadonlyMap<string, ImageUse>;
  readonly unknown: readonly UnknownUses[];
  readonly projectNames: ReadonlyMap<string, string>;
  /** By the image's id; empty unless the plan is requested. */
  readonly planned: ReadonlyMap<string, PlannedRetention>;
  readonly failures: readonly string[];
}

interface InfoSite {
  readonly args: InfoArguments;
  readonly context: Context;
  readonly cloud: Cloud;
  readonly clock: WatchedClock;
  readonly images: readonly Image[];
}

export async function readUsesAndPlan(site: InfoSite): Promise<UsesAndPlan> {
  const { args, cloud, images, context } = site;
  const { uses, unknown } = await readAllUses(site);
  const projectNames = await readProjectNames(cloud, context);
  const unknownUses = unknown.map(
    ({ title, cause }) => `${title} does not report which images are in use: ${unknownUsesReason(cause)}`,
  );
  const shown = { uses: withDependents(uses, images), unknown, projectNames };
  if (!args.plan) return { ...shown, planned: new Map(), failures: unknownUses };
  const catalogue = await readCatalogueNames(site, await readSupportedNames(site));
  const selection = selectForRetention({ exclude: [], skipImages: args.skip_images });
  const plan = planCleaning({ args, cloud, selection, catalogue, images, uses, projectNames, now: context.now() });
  const clockFaults = clockFaultsOf(site.clock);
  const isRefused = unknown.length > 0 || clockFaults.length > 0;
  const planned = isRefused
    ? withholdPlan(plan.images, `${spelled('image_clean', 'clean')} would refuse to run`)
    : plan.images;
  return {
    ...shown,
    planned: new Map(planned.map((entry) => [entry.image.id, entry])),
    failures: [
      ...unknownUses,
      ...clockFaults,
      ...[plan.doubt, plan.refusal].filter((failure) => failure !== undefined),
    ],
  };
}

async function readAllUses({ cloud, images }: InfoSite): Promise<KnownUses> {
  const ids = new Set(images.map(({ id }) => comparableId(id)));
  const { uses, unknown } = await readKnownUses(cloud, (id) => ids.has(id), maxUsers);
  const glance = await unknownUsesOfGlance(cloud);
  return { uses, unknown: glance ? [...unknown, glance] : unknown };
}

/** Adds the images that boot with others; the plan itself finds them without this. */
function withDependents(uses: ReadonlyMap<string, ImageUse>, images: readonly Image[]): ReadonlyMap<string, ImageUse> {
  const all = new Map(uses);
  for (const image of images) {
    for (const id of requiredImageIds(image)) addUser(all, id, dependentUser(image), maxUsers);
  }
  return all;
}

function clockFaultsOf(clock: WatchedClock): string[] {
  try {
    assertClock(clock.furthest());
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}
