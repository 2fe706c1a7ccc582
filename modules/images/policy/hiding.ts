// How an image is hidden from users, and whether it is.
import type { ImageEdit } from './image-edits.js';
import type { SiteImage } from './site-image.js';

export type HideMode = 'private' | 'os_hidden';

/** True if users do not find the image in their lists, whichever way it is hidden. */
export function isHidden(image: Pick<SiteImage, 'os_hidden' | 'visibility'>): boolean {
  return image.os_hidden || image.visibility === 'private';
}

/** The edit that hides an image; none if it is hidden already, whichever way. */
export function hidingEdits(image: Pick<SiteImage, 'os_hidden' | 'visibility'>, mode: HideMode): ImageEdit[] {
  if (isHidden(image)) return [];
  return [
    mode === 'private'
      ? { op: 'replace', attribute: 'visibility', value: 'private' }
      : { op: 'replace', attribute: 'os_hidden', value: true },
  ];
}
