// When an image of the site was built, by its properties and by the name of its release.
import { parseBuildTimestamp } from './dates.js';
import { momentOfRelease } from './holds.js';
import { releaseProperty, type SiteImage } from './site-image.js';

/**
 * In milliseconds: the time of the build, of which openstack-image-manager records the day, else the
 * day in the name of the release. If neither is known, the image was built before it was created
 * here, and probably not long before; 0 if that is unknown too.
 */
export function builtAt(image: Pick<SiteImage, 'properties' | 'created_at'>): number {
  const { 'build-timestamp': stamp, image_build_date: day } = image.properties;
  const built =
    parseBuildTimestamp(stamp) ?? parseBuildTimestamp(`${day} 00:00:00`) ?? momentOfRelease(listedRelease(image));
  return built?.getTime() ?? createdAt(image);
}

export function createdAt({ created_at }: Pick<SiteImage, 'created_at'>): number {
  return Date.parse(created_at) || 0;
}

/** The release, or the version that openstack-image-manager records; empty if there is neither. */
export function listedRelease({ properties }: Pick<SiteImage, 'properties'>): string {
  return properties[releaseProperty] ?? properties.internal_version ?? '';
}
