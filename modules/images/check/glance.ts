// What Glance offers: import methods, stores, and room.
import { importMethods, listStores, type GlanceStore } from '../../clients/glance/data.js';
import { readImageQuotas } from '../../clients/glance/quotas.js';
import type { DeployJob } from '../deploy/run.js';
import { adviceOn } from '../policy/check-advice.js';
import type { Observation } from '../policy/check-findings.js';
import { judgeQuota, type WantedRoom } from '../policy/check-rules.js';
import { choosesStores, wantedStores } from '../policy/image-stores.js';
import { notOffered } from '../policy/import-methods.js';
import { attempt, observe, type CheckedSite } from './run.js';

export async function checkGlance(site: CheckedSite, jobs: readonly DeployJob[]): Promise<readonly Observation[]> {
  if (!site.runs.all.has('deploy')) return [];
  const { cloud } = site;
  const part = { check: 'import', fails: ['deploy'] } as const;
  const { value: offered, failure } = await attempt(site, part, () => importMethods(cloud));
  const stores = await attempt(site, { check: 'stores', fails: ['deploy'] }, async () => {
    const listed = await listStores(cloud);
    return { listed, wanted: choosesStores(site.args) ? wantedStores(site.args, listed).ids : [] };
  });
  const room = await observe(site, { check: 'room', fails: [] }, async () => {
    const wanted = wantedRoom(jobs, stores.value?.wanted.length || 1);
    return (await readImageQuotas(cloud)).map((quota) => judgeQuota(quota, wanted));
  });
  return [
    failure ?? importObservation(site, offered),
    stores.failure ?? storeObservation(stores.value, offered),
    ...room,
  ];
}

/** `stores`: in how many stores each image will be. */
function wantedRoom(jobs: readonly DeployJob[], stores: number): WantedRoom {
  const work = jobs.filter(({ source }) => source !== undefined);
  const sizes = work.map(({ source, planned }) =>
    planned.incoming?.status === 'active' ? 0 : (source?.object.bytes ?? 0),
  );
  return {
    images: work.filter(({ planned }) => planned.incoming === undefined).length,
    bytes: sizes.reduce((sum, size) => sum + size, 0) * stores,
    // All copies of an image are made by one request, after every image is in the first store.
    largestBytes: Math.max(0, ...sizes) * Math.max(1, stores - 1),
  };
}

function importObservation({ args }: CheckedSite, offered: readonly string[]): Observation {
  const check = 'import';
  const refusal = notOffered(args.import_method, offered);
  if (refusal !== undefined) {
    const code = 'IMPORT_NOT_OFFERED';
    const advice = adviceOn(code) ?? '';
    return { check, text: refusal, fault: { fails: ['deploy'], code, advice } };
  }
  const list = offered.join(', ') || 'no import methods';
  return { check, text: `Glance offers ${list}; the site uses ${args.import_method}` };
}

interface FoundStores {
  /** Undefined if Glance has only one. */
  readonly listed: readonly GlanceStore[] | undefined;
  /** Their ids; empty if the site does not choose. */
  readonly wanted: readonly string[];
}

/** `methods`: the import methods that Glance offers, if that is known. */
function storeObservation({ listed, wanted }: FoundStores, methods: readonly string[] | undefined): Observation {
  const check = 'stores';
  if (wanted.length === 0)
    return {
      check,
      text: `Glance has ${listed ? `the stores ${listed.map(({ id }) => id).join(', ')}` : 'one store'}`,
    };
  if (wanted.length < 2 || methods === undefined || methods.includes('copy-image'))
    return { check, text: `images go to ${wanted.join(', ')}` };
  return {
    check,
    text: `Glance does not offer copy-image, by which images get from ${wanted[0]} to ${wanted.slice(1).join(', ')}`,
    fault: { fails: ['deploy'], code: 'IMPORT_NOT_OFFERED', advice: 'add it to enabled_import_methods of Glance' },
  };
}
