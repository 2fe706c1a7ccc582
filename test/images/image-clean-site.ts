// Old images in the doubles, and the results of cleaning them.
import { randomUUID } from 'node:crypto';
import type { Outcome } from '../../modules/core/operation.js';
import { imageClean } from '../../modules/images/clean/operation.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import type { Sandbox, SandboxOptions } from '../sandbox/sandbox.js';
import { startSite, type TestSite } from './site.js';

export const now = new Date('2026-06-01T12:00:00Z');

/** What is said of the age of an old image. */
export const age = '26 months old, deleted at 18';

/** All that uses images. */
export const everyService = ['compute', 'volumev3', 'baremetal', 'inventory'] as const;

export interface CleanResult {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly action: string;
  readonly reason: string;
}

/** A site whose catalogue has CC-Ubuntu22.04 alone. */
export async function startOldSite(
  services: readonly (typeof everyService)[number][] = everyService,
  options: Omit<SandboxOptions, 'services'> = {},
): Promise<TestSite> {
  const site = await startSite({ services, now: () => now.getTime(), ...options });
  site.store.put('prod/current', JSON.stringify({ 'CC-Ubuntu22.04': '20250422-v1-amd' }));
  site.keystone.projects.push({ id: 'project-1', name: 'climate' });
  return site;
}

/**
 * An archived image of an earlier tool, by default of March 2024, which is old enough to be
 * deleted.
 */
export function seedOld({ glance }: Pick<Sandbox, 'glance'>, image: Partial<StoredImage> = {}): StoredImage {
  const created_at = image.created_at ?? '2024-03-22T16:00:00Z';
  const properties = {
    current: '20240322-v1-amd',
    'build-timestamp': '2024-03-22 15:30:45.123456',
    ...image.properties,
  };
  return glance.seed({
    id: randomUUID(),
    name: 'CC-Ubuntu22.04_2024-03-22 15:30:45.123456',
    created_at,
    ...image,
    properties,
  });
}

export function clean(
  site: TestSite,
  args: Readonly<Record<string, unknown>> = {},
  options: { checkMode?: boolean } = {},
): Promise<Outcome> {
  return site.run(imageClean, args, { now, ...options });
}

export function resultsOf({ values }: Outcome): CleanResult[] {
  return values.images as CleanResult[];
}

/** What became of an image. */
export function resultOf(outcome: Outcome, { id }: { readonly id: string }): CleanResult | undefined {
  return resultsOf(outcome).find((result) => result.id === id);
}
