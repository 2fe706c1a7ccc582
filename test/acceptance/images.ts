// What tests expect of a site's images, and the images that they begin with.
import { expect } from '@jest/globals';
import type { RawImage } from './glance.js';
import type { Published } from './image-store.js';
import type { ModuleResult, ResultImage } from './executable.js';
import type { Site } from './site.js';

export const oldRelease = '20250115-v1-amd';
export const newRelease = '20250422-v1-amd';

/** A production image as an earlier run has left it, without the run: small, public, active. */
export function seedProduction(site: Site, attributes: Readonly<Record<string, unknown>> = {}): Promise<RawImage> {
  const properties = { current: oldRelease, 'build-timestamp': '2025-01-15 10:11:12.131415', 'build-variant': 'base' };
  return site.glance.create(
    { name: site.name, visibility: 'public', ...properties, ...attributes },
    Buffer.alloc(1024, 'old'),
  );
}

/** The name that the seeded image gets when it is replaced. */
export function seedArchiveName(site: Site): string {
  return `${site.name}_2025-01-15 10:11:12.131415`;
}

/** The only image of a result. */
export function onlyImage(result: ModuleResult): ResultImage {
  expect(result.images ?? result).toHaveLength(1);
  return result.images[0] as ResultImage;
}

/** The public images that users see under the site's production name. */
export async function publicImages(site: Site, name = site.name): Promise<RawImage[]> {
  return (await site.glance.list()).filter((image) => image.name === name && image.visibility === 'public');
}

/** Nothing is left but `old`, which is as it was. */
export async function expectUntouched(site: Site, old: RawImage): Promise<void> {
  expect(await site.glance.get(old.id)).toEqual(old);
  expect(await publicImages(site)).toEqual([old]);
}

/** One public image of the name with the published content, and no incoming one. */
export async function expectDeployed(site: Site, published: Published): Promise<RawImage> {
  return expectDeployedIn(await site.glance.list(), site, published);
}

async function expectDeployedIn(images: readonly RawImage[], site: Site, published: Published): Promise<RawImage> {
  const named = images.filter(({ name }) => name === published.name);
  expect(named).toEqual([
    expect.objectContaining({
      visibility: 'public',
      status: 'active',
      current: published.release,
      size: published.bytes,
    }),
  ]);
  expect(images.filter(({ name }) => name.startsWith('testing_'))).toEqual([]);
  const [image] = named as [RawImage];
  expect(await site.glance.sha256(image.id)).toBe(published.sha256);
  return image;
}

/** As `expectDeployed`; and the seeded image is archived, the only other one there is. */
export async function expectUpgraded(site: Site, old: RawImage, published: Published): Promise<RawImage> {
  const images = await site.glance.list();
  const image = await expectDeployedIn(images, site, published);
  const others = images.filter(({ id }) => id !== image.id);
  expect(others).toEqual([
    expect.objectContaining({
      id: old.id,
      name: seedArchiveName(site),
      visibility: 'public',
      status: 'active',
      'chameleon-supported': 'no',
      image_tools_superseded_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    }),
  ]);
  return image;
}

/**
 * An empty Glance shows no image by which to know what it tells, so SHA-512 is then computed too.
 */
export const glanceDigest: unknown = expect.stringMatching(/^Glance's (md5|sha512)$/);
