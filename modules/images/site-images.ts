// All images that the site's Glance shows to us, hidden ones too.
import { listImages, type Image, type ImageFilter } from '../clients/glance/images.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { isGone } from './policy/site-image.js';

/** Two lists, since Glance never shows hidden images beside the others. An image that changes sides in between counts once. */
export async function readSiteImages(cloud: Cloud, filter: Omit<ImageFilter, 'hidden'> = {}): Promise<Image[]> {
  const lists = await Promise.all([
    listImages(cloud, { ...filter, hidden: false }),
    listImages(cloud, { ...filter, hidden: true }),
  ]);
  return [...new Map(lists.flat().map((image) => [image.id, image])).values()].filter((image) => !isGone(image));
}
