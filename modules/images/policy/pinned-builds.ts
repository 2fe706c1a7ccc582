// Pins of images of the older store: which of its builds a pin means.
import { sameId } from '../../core/uuid.js';
import { suggestion } from '../../core/validation.js';
import { otherHalfName } from './agent-pairs.js';
import { pairWith } from './build-pairs.js';
import { parseBuildTimestamp } from './dates.js';
import { markers, type SiteImage } from './site-image.js';
import { isSameBuildIdentity, newestOf, type StoredBuild } from './stored-builds.js';
import { isOtherHalf, type SupportedBuild } from './supported-builds.js';

/** The release to which the site pins a name. */
export type Pins = Readonly<Record<string, string>>;

export interface PinnedBuild {
  readonly pin: string;
  /** Absent if the store does not have it. */
  readonly build?: StoredBuild;
  readonly fault?: string;
}

/** The pin of a name; undefined if it has none. */
export function pinOf(name: string, pins: Pins): string | undefined {
  return Object.hasOwn(pins, name) ? pins[name] : undefined;
}

/** A warning for each name that no catalogue has: a mistyped one pins nothing. */
export function unknownPins(pins: Pins, known: readonly string[]): string[] {
  return Object.keys(pins)
    .filter((name) => !known.includes(name))
    .map((name) => `pins: no catalogue has an image named ${name}${suggestion(name, known)}`);
}

/** A pin names the object, or the time of the build. */
export function isPinned({ id, builtAt }: Pick<StoredBuild, 'id' | 'builtAt'>, pin: string): boolean {
  return sameId(id, pin) || parseBuildTimestamp(pin)?.getTime() === builtAt.getTime();
}

/** The same for an image of the site, of a build that the store no longer has. */
export function isImageOfPin({ properties }: Pick<SiteImage, 'properties'>, pin: string): boolean {
  const moment = parseBuildTimestamp(properties['build-timestamp'])?.getTime();
  const source = properties[markers.source] ?? '';
  return (moment !== undefined && parseBuildTimestamp(pin)?.getTime() === moment) || source.endsWith(`/${pin}`);
}

/**
 * The build to which the site pins an image; undefined if it does not. A pin of one half of an agent
 * holds for both.
 */
export function pinnedBuild(
  { name, identity }: SupportedBuild,
  supported: readonly SupportedBuild[],
  { builds }: { readonly builds: readonly StoredBuild[] },
  pins: Pins,
): PinnedBuild | undefined {
  const other = supported.find((candidate) => isOtherHalf(candidate.identity, identity));
  const otherPin = pinOf(other?.name ?? otherHalfName(name) ?? '', pins);
  const pin = pinOf(name, pins) ?? otherPin;
  if (pin === undefined) return undefined;
  if (identity.ipa === 'na') {
    const build = newestOf(
      builds.filter((each) => isSameBuildIdentity(each.identity, identity) && isPinned(each, pin)),
    );
    return { pin, ...(build ? { build } : {}) };
  }
  const halves = builds.filter((each) => isSameBuildIdentity({ ...each.identity, ipa: identity.ipa }, identity));
  const found = newestOf(halves.filter((each) => isPinned(each, pin)));
  const judged = found && pairWith(found.id, halves);
  if (!judged) return { pin };
  if ('fault' in judged)
    return { pin, fault: `pins: ${judged.fault}; kernel and initramfs are deployed only together` };
  const { pair } = judged;
  if (otherPin !== undefined && ![pair.kernel, pair.initramfs].some((half) => isPinned(half, otherPin)))
    return { pin, fault: `pins: ${name} and its other half are pinned to different builds (${pin}, ${otherPin})` };
  return { pin, build: pair[identity.ipa] };
}
