// Which state an image of the site is in, by its markers and its name.
import { productionNameOf } from './archive-names.js';
import { isIncoming, isManaged, isProduction, markers, type SiteImage } from './site-image.js';

export type ImageState = 'current' | 'archived' | 'incoming' | 'unmanaged';

/**
 * The state of an image of the site. `owner`: our project. `prefix`: that of the names of incoming
 * images.
 */
export function imageStateOf(
  image: SiteImage,
  owner: string,
  prefix: string,
): { state: ImageState; productionName?: string } {
  const markedName = image.properties[markers.name];
  if (markedName !== undefined && isIncoming(image, { owner, prefix }))
    return { state: 'incoming', productionName: markedName };
  if (!isManaged(image, owner)) return { state: 'unmanaged' };
  const productionName = markedName ?? productionNameOf(image.name, prefix);
  if (isProduction(image, productionName, owner)) return { state: 'current', productionName };
  return image.name.startsWith(prefix) ? { state: 'incoming', productionName } : { state: 'archived', productionName };
}
