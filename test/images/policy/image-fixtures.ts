import { markers, type SiteImage } from '../../../modules/images/policy/site-image.js';

export const owner = 'a1b2c3';
export const prefix = 'testing_';
export const now = new Date('2026-06-01T12:00:00Z');
export const lock = 'this-host';
export const sourcePrefix = 'http://store/images/prod/versions/';

/** A public, active image of our project, as an earlier tool left it. */
export function siteImage(changes: Partial<SiteImage> = {}): SiteImage {
  return {
    id: 'old',
    name: 'CC-Ubuntu22.04',
    owner,
    status: 'active',
    visibility: 'public',
    os_hidden: false,
    created_at: '2025-04-22T16:00:00Z',
    updated_at: '2025-04-22T16:05:00Z',
    properties: { current: '20250422-v1-amd', 'build-timestamp': '2025-04-22 15:30:45.123456' },
    ...changes,
  };
}

/** A private image that a run of this system began `ageSeconds` ago. */
export function incomingImage(
  changes: Partial<SiteImage> & { ageSeconds?: number; heldLock?: string; release?: string } = {},
): SiteImage {
  const { ageSeconds = 5, heldLock = lock, release = '20250601-v1-amd', ...rest } = changes;
  const id = rest.id ?? 'incoming';
  const begun = new Date(now.getTime() - ageSeconds * 1000).toISOString();
  return siteImage({
    id,
    name: 'testing_CC-Ubuntu22.04',
    status: 'queued',
    visibility: 'private',
    created_at: begun,
    updated_at: begun,
    ...rest,
    properties: {
      [markers.id]: id,
      [markers.name]: 'CC-Ubuntu22.04',
      [markers.lock]: heldLock,
      [markers.source]: `${sourcePrefix}image`,
      current: release,
      ...rest.properties,
    },
  });
}
