// The two halves of an agent on the site: which names belong together, and which images are of one
// build.
import { parseBuildTimestamp } from './dates.js';
import type { SiteImage } from './site-image.js';

const halves = { kernel: 'initramfs', initramfs: 'kernel' } as const;

/** The production name of the other half; undefined if the name is not that of a half. */
export function otherHalfName(name: string): string | undefined {
  const parts = /^(.+)\.(kernel|initramfs)$/.exec(name);
  return parts ? `${parts[1]}.${halves[parts[2] as keyof typeof halves]}` : undefined;
}

/** True for two images of one build: by its tag, else by its time and the revision of its base. */
export function isSameBuild(one: Pick<SiteImage, 'properties'>, other: Pick<SiteImage, 'properties'>): boolean {
  const [tag, otherTag] = [one, other].map(({ properties }) => properties['build-tag']);
  if (tag && otherTag) return tag === otherTag;
  const [moment, otherMoment] = [one, other].map(({ properties }) =>
    parseBuildTimestamp(properties['build-timestamp']),
  );
  const [revision, otherRevision] = [one, other].map(
    ({ properties }) => properties['build-os-base-image-revision'] ?? '',
  );
  return moment !== undefined && moment.getTime() === otherMoment?.getTime() && revision === otherRevision;
}
