// What image_info reads on request: who uses each image, and what image_clean would do with it.
import { spelled } from '../../core/option-text.js';
import type { Image } from '../../clients/glance/images.js';
import type { WatchedClock } from '../../clients/keystone/clock.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { messageOf } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import { comparableId } from '../../core/uuid.js';
import { readCatalogueNames, readSupportedNames, type CatalogueSource } from '../catalogues.js';
import { planCleaning, type RetentionArguments } from '../clean/plan.js';
import { addUser, dependentUser, type ImageUse, requiredImageIds } from '../policy/image-uses.js';
import { selectForRetention } from '../policy/image-selection.js';
import { withholdPlan, type PlannedRetention } from '../policy/retention.js';
import { assertClock } from '../policy/retention-schedule.js';
import { readProjectNames } from '../site-images.js';
import { describeUnknown, readKnownUses, unknownUsesOfGlance, type KnownUses, type UnknownUses } from '../uses.js';
import type { imageInfoDeclaration } from './declaration.js';

export type InfoArguments = ArgumentsOf<(typeof imageInfoDeclaration)['fields']>;

/** How many users of an image are listed. */
const maxUsers = 20;

export interface UsesAndPlan extends ShownUses {
  /** By the image's id; empty unless the plan is requested. */
  readonly planned: ReadonlyMap<string, PlannedRetention>;
  readonly failures: readonly string[];
}

type PlanArguments = RetentionArguments & CatalogueSource['args'];

export interface InfoSite {
  readonly args: PlanArguments;
  readonly context: Context;
  readonly cloud: Cloud;
  readonly clock: WatchedClock;
  readonly images: readonly Image[];
}

export async function readUsesAndPlan(
  site: InfoSite & { readonly args: Pick<InfoArguments, 'plan'> },
): Promise<UsesAndPlan> {
  const known = await readShownUses(site);
  const failures = known.unknown.map(describeUnknown);
  if (!site.args.plan) return { ...known, planned: new Map(), failures };
  const plan = await planShownCleaning(site, known);
  return { ...known, planned: plan.planned, failures: [...failures, ...plan.refusals] };
}

export interface ShownUses {
  /** By the image's id in canonical form. */
  readonly uses: ReadonlyMap<string, ImageUse>;
  /** The same as the services report them: the plan itself finds the images that boot with others. */
  readonly reported: ReadonlyMap<string, ImageUse>;
  readonly unknown: readonly UnknownUses[];
  readonly projectNames: ReadonlyMap<string, string>;
}

/** The users of the images, as many as are listed, also the images that boot with others. */
export async function readShownUses(site: Omit<InfoSite, 'args' | 'clock'>): Promise<ShownUses> {
  const { uses: reported, unknown } = await readAllUses(site);
  const projectNames = await readProjectNames(site.cloud, site.context);
  return { uses: withDependents(reported, site.images), reported, unknown, projectNames };
}

export interface ShownCleaning {
  /** By the image's id. */
  readonly planned: ReadonlyMap<string, PlannedRetention>;
  /** Why the cleaner would change less than its plan, or nothing. */
  readonly refusals: readonly string[];
}

/** What image_clean would do now; withheld if it would refuse to run. */
export async function planShownCleaning(
  site: InfoSite,
  { reported: uses, unknown, projectNames }: ShownUses,
): Promise<ShownCleaning> {
  const { args, cloud, images, context } = site;
  const names = await readCatalogueNames(site, await readSupportedNames(site));
  const selection = selectForRetention({ exclude: [], skipImages: args.skip_images });
  const plan = planCleaning({ args, cloud, selection, names, images, uses, projectNames, now: context.now() });
  const clockFaults = clockFaultsOf(site.clock);
  const isRefused = unknown.length > 0 || clockFaults.length > 0;
  const planned = isRefused
    ? withholdPlan(plan.images, `${spelled('image_clean', 'clean')} would refuse to run`)
    : plan.images;
  return {
    planned: new Map(planned.map((entry) => [entry.image.id, entry])),
    refusals: [...clockFaults, ...[plan.doubt, plan.refusal].filter((refusal) => refusal !== undefined)],
  };
}

async function readAllUses({ cloud, images }: Pick<InfoSite, 'cloud' | 'images'>): Promise<KnownUses> {
  const ids = new Set(images.map(({ id }) => comparableId(id)));
  const { uses, unknown } = await readKnownUses(cloud, (id) => ids.has(id), maxUsers);
  const glance = await unknownUsesOfGlance(cloud);
  return { uses, unknown: glance ? [...unknown, glance] : unknown };
}

/** Adds the images that boot with others. */
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
