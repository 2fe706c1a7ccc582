// Whether the services report which images are in use, and what a clean-up would do: by the same
// reading and the same plan as image_clean.
import { counted } from '../../core/counts.js';
import { readCatalogueNames, readSupportedNames, type CatalogueNames } from '../catalogues.js';
import { candidateIds, planCleaning } from '../clean/plan.js';
import type { Observation } from '../policy/check-findings.js';
import { selectForRetention } from '../policy/image-selection.js';
import type { ImageUse } from '../policy/image-uses.js';
import { assertAges, assertClock } from '../policy/retention-schedule.js';
import { describeUnknown, readKnownUses, unknownUsesOfGlance, usesSources, type UnknownUses } from '../uses.js';
import { attempt, observe, type CheckedSite } from './run.js';

export async function checkCleanUp(site: CheckedSite): Promise<readonly Observation[]> {
  const { args, cloud, clock, context, http, images = [] } = site;
  const part = { check: 'clean-up', fails: ['clean'] } as const;
  const ages = await observe(site, part, () => {
    assertAges({ hideMonths: args.hide_image_age_in_month, deleteMonths: args.delete_image_age_in_month });
    return [];
  });
  const names = await attempt(site, part, async () =>
    readCatalogueNames({ args, context, http }, await readSupportedNames({ args, context })),
  );
  const candidates = names.value ? candidateIds(images, { args, cloud, names: names.value }) : new Set<string>();
  const read = await attempt(site, { check: 'uses', fails: ['clean'] }, () =>
    readKnownUses(cloud, (id) => candidates.has(id)),
  );
  if (read.failure) return [...ages, read.failure];
  const { uses, unknown } = read.value;
  const glance = await observe(site, { check: 'uses', subject: 'image', fails: ['clean'] }, async () => {
    const hidden = await unknownUsesOfGlance(cloud);
    return [hidden ? hiddenUses(hidden) : seenUses('image')];
  });
  const others = usesSources(cloud).sources.map((service): Observation => {
    const hidden = unknown.find((each) => each.service === service);
    return hidden ? hiddenUses(hidden) : seenUses(service);
  });
  // A finding of its own.
  const { failure: clockFault } = await attempt(site, part, () => assertClock(clock.furthest()));
  const faults = [...ages, ...glance, ...others].filter(({ fault }) => fault);
  // Without one of these there would be no plan, or another one.
  const isPlanned = names.value && site.images && !clockFault && faults.length === 0;
  const plan = isPlanned ? await observe(site, part, () => planObservations(site, names.value, uses)) : [];
  return [...ages, ...(names.failure ? [names.failure] : []), ...others, ...glance, ...plan];
}

function seenUses(service: string): Observation {
  return { check: 'uses', subject: service, text: 'it reports all images that are in use' };
}

function hiddenUses(hidden: UnknownUses): Observation {
  return {
    check: 'uses',
    subject: hidden.service,
    text: describeUnknown(hidden),
    fault: { fails: ['clean'], code: 'USE_UNKNOWN' },
  };
}

function planObservations(
  { args, cloud, context, images = [] }: CheckedSite,
  names: CatalogueNames,
  uses: ReadonlyMap<string, ImageUse>,
): Observation[] {
  const selection = selectForRetention({ exclude: [], skipImages: args.skip_images });
  const now = context.now();
  const plan = planCleaning({ args, cloud, selection, names, images, uses, projectNames: new Map(), now });
  const refusals = [plan.refusal, plan.doubt].filter((text) => text !== undefined);
  if (refusals.length > 0) return refusals.map((text) => ({ check: 'clean-up', text, fault: { fails: ['clean'] } }));
  const hidden = plan.images.filter(({ action }) => action === 'hide').length;
  const deleted = plan.images.filter(({ action }) => action === 'delete').length;
  const work = [
    ...(hidden > 0 ? [`hide ${counted(hidden, 'image')}`] : []),
    ...(deleted > 0 ? [`delete ${hidden > 0 ? deleted : counted(deleted, 'image')}`] : []),
  ];
  return [{ check: 'clean-up', text: work.length > 0 ? `it would ${work.join(' and ')}` : 'it has nothing to do' }];
}
