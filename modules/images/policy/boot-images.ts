// Images that boot with other images: a kernel or a ramdisk must not go before the image that needs it.
import { comparableId, uuidsIn } from '../../core/uuid.js';
import type { ImageUser } from './image-uses.js';
import type { SiteImage } from './site-image.js';

const bootImageProperties = ['kernel_id', 'ramdisk_id'] as const;

/** The ids of the images that an image boots with, in canonical form. */
export function requiredImageIds({ properties }: Pick<SiteImage, 'properties'>): string[] {
  return [
    ...bootImageProperties.flatMap((property) => properties[property] ?? []).map(comparableId),
    ...uuidsIn(properties.block_device_mapping ?? ''),
  ];
}

/** Of these ids, in canonical form, the images that boot with each of them. */
export function dependentImages<I extends SiteImage>(
  images: readonly I[],
  ids: ReadonlySet<string>,
): ReadonlyMap<string, readonly I[]> {
  const dependents = new Map<string, I[]>();
  for (const image of images) {
    for (const id of requiredImageIds(image)) {
      if (ids.has(id) && id !== comparableId(image.id)) dependents.set(id, [...(dependents.get(id) ?? []), image]);
    }
  }
  return dependents;
}

/** An image that boots with another one, as a user of that one. */
export function dependentUser({ name, id }: Pick<SiteImage, 'name' | 'id'>): ImageUser {
  return { what: `image ${name} (${id}) as its kernel or ramdisk` };
}
