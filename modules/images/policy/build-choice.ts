// Which objects of the older store become which images: the newest build of each image that
// supports.yaml lists.
import type { Subscription } from './deployment.js';
import { releaseProperty, type SiteImage } from './site-image.js';
import { chooseBuildPair, pairWith, type BuildPairChoice } from './build-pairs.js';
import { isImageOfPin, isPinned, pinnedBuild, pinOf, type PinnedBuild, type Pins } from './pinned-builds.js';
import {
  builtAtOf,
  describeBuild,
  isImageOfBuild,
  isSameBuildIdentity,
  newestOf,
  type FaultyBuild,
  type StoredBuild,
} from './stored-builds.js';
import { isOtherHalf, wordsOf, type BuildIdentity, type Half, type SupportedBuild } from './supported-builds.js';

/** What was read from the store. */
export interface StoreContent {
  readonly builds: readonly StoredBuild[];
  readonly faulty: readonly FaultyBuild[];
  /** How many objects could not be read: any of them may be newer than the others. */
  readonly unread: number;
}

export interface ObjectSubscription extends Subscription {
  /** Absent if there is a fault. */
  readonly build?: StoredBuild;
}

export interface ObjectChoice {
  readonly subscriptions: readonly ObjectSubscription[];
  /**
   * What is wrong with builds newer than the chosen one; each text begins with the name of the
   * image.
   */
  readonly failures: readonly string[];
}

/**
 * The newest build of each image. For the agent it is the newest of which both halves exist: an
 * older pair is better than a mixed one.
 */
export function chooseNewest(
  subscribed: readonly SupportedBuild[],
  content: StoreContent,
  pins: Pins = {},
): ObjectChoice {
  const failures: string[] = [];
  const subscriptions = subscribed.map((supported): ObjectSubscription => {
    if (supported.fault !== undefined) return withoutBuild(supported.name, supported.fault);
    const pinned = pinnedBuild(supported, subscribed, content, pins);
    if (pinned) return subscriptionToPinned(pinned, supported, subscribed, content);
    const { build, lacking } =
      supported.identity.ipa === 'na'
        ? { build: newestBuild(supported, content), lacking: [] }
        : halfFor(supported.identity, supported.identity.ipa, content);
    const faults = [
      ...lacking.filter(({ half }) => half === supported.identity.ipa).map(({ fault }) => fault),
      ...newerFaults(supported, build, content),
    ];
    if (!build)
      return withoutBuild(supported.name, faults.length > 0 ? faults.join('; ') : absence(supported, content));
    failures.push(
      ...faults.map(
        (fault) => `${supported.name}: ${fault}; the site gets or keeps ${describeBuild(build)} or a newer one`,
      ),
    );
    const doubts = [
      ...(content.unread > 0 ? [`${content.unread} objects of the store could not be read`] : []),
      ...lacking.map(({ fault }) => fault),
      ...faults,
    ];
    return subscriptionTo(build, supported, subscribed, doubts[0]);
  });
  return { subscriptions, failures };
}

function subscriptionToPinned(
  { pin, build, fault }: PinnedBuild,
  supported: SupportedBuild,
  subscribed: readonly SupportedBuild[],
  content: StoreContent,
): ObjectSubscription {
  const { name, identity } = supported;
  if (fault !== undefined) return withoutBuild(name, fault);
  if (!build) {
    const isBuiltFrom = (image: SiteImage): boolean => isImageOfPin(image, pin);
    return {
      name,
      release: pin,
      label: pin,
      isBuiltFrom,
      describe: describePresent,
      pin: { newest: 'not this release' },
    };
  }
  const newest =
    identity.ipa === 'na' ? newestBuild(supported, content) : halfFor(identity, identity.ipa, content).build;
  const isNewest = newest === undefined || newest.id === build.id;
  return { ...subscriptionTo(build, supported, subscribed), pin: isNewest ? {} : { newest: describeBuild(newest) } };
}

/**
 * The objects that are requested by id, newest or not, with the other half of each half of an
 * agent. `unreadable`: why an object could not be read.
 */
export function chooseNamed(
  ids: readonly string[],
  supported: readonly SupportedBuild[],
  content: StoreContent,
  unreadable: ReadonlyMap<string, string>,
  pins: Pins = {},
): ObjectSubscription[] {
  const subscriptions = new Map<string, ObjectSubscription>();
  for (const id of ids) {
    for (const subscription of subscriptionsNamed(id, supported, content, unreadable).map((each) =>
      respectingPin(each, pins),
    )) {
      const same = subscriptions.get(subscription.name);
      const isAmbiguous = same !== undefined && same.build?.id !== subscription.build?.id;
      if (!same) subscriptions.set(subscription.name, subscription);
      if (isAmbiguous)
        subscriptions.set(
          id,
          withoutBuild(
            id,
            `it is ${subscription.name}, as is ${same.build?.id ?? 'another object'}; give only one of them`,
          ),
        );
    }
  }
  return [...subscriptions.values()];
}

/** What is pinned is not replaced by an object that is requested by its id. */
function respectingPin(subscription: ObjectSubscription, pins: Pins): ObjectSubscription {
  const { name, build } = subscription;
  const pin = pinOf(name, pins);
  if (pin === undefined || !build || isPinned(build, pin)) return subscription;
  return withoutBuild(name, `pins keeps it at ${pin}, and object ${build.id} is another release`);
}

function subscriptionsNamed(
  id: string,
  supported: readonly SupportedBuild[],
  { builds, faulty }: StoreContent,
  unreadable: ReadonlyMap<string, string>,
): ObjectSubscription[] {
  const build = builds.find((candidate) => candidate.id === id);
  if (!build) {
    const reason =
      faulty.find((candidate) => candidate.id === id)?.fault ??
      unreadable.get(id) ??
      'the store has no object with this id';
    return [withoutBuild(id, reason)];
  }
  const judged = isHalf(build) ? pairWith(id, halvesOf(builds, build.identity)) : undefined;
  if (judged && 'fault' in judged)
    return [withoutBuild(id, `${judged.fault}; kernel and initramfs are deployed only together`)];
  return (judged ? [judged.pair.kernel, judged.pair.initramfs] : [build]).map((part) => {
    const entry = supported.find(({ identity }) => isSameBuildIdentity(identity, part.identity));
    if (!entry)
      return withoutBuild(
        part.id,
        `supports.yaml does not list ${wordsOf(part.identity)}, so it has no production name`,
      );
    return entry.fault === undefined ? subscriptionTo(part, entry, supported) : withoutBuild(entry.name, entry.fault);
  });
}

/** True for an object that claims to be half of an agent, or has the disk format of one. */
export function isHalf({ identity, diskFormat }: StoredBuild): boolean {
  return identity.ipa !== 'na' || diskFormat === 'aki' || diskFormat === 'ari';
}

function subscriptionTo(
  build: StoredBuild,
  { name, identity }: SupportedBuild,
  supported: readonly SupportedBuild[],
  doubt?: string,
): ObjectSubscription {
  const other = supported.find((candidate) => isOtherHalf(candidate.identity, identity));
  return {
    name,
    build,
    // The object and its build time, because an object may be overwritten.
    release: `${build.id} ${build.timestamp}`,
    label: build.timestamp,
    changedAt: build.storedAt?.getTime(),
    isBuiltFrom: (image) => isImageOfBuild(image, build),
    describe: describePresent,
    ...(other ? { pairedWith: other.name } : {}),
    ...(doubt === undefined ? {} : { objectionTo: (image) => objection(image, build, doubt) }),
  };
}

function withoutBuild(name: string, fault: string): ObjectSubscription {
  return { name, release: '', label: '', fault, isBuiltFrom: () => false, describe: describePresent };
}

/**
 * All objects that may be half of this agent, including those that do not claim so but have its
 * disk format.
 */
function halvesOf<B extends { readonly identity: BuildIdentity }>(
  builds: readonly B[],
  { distro, release, variant }: BuildIdentity,
): B[] {
  return builds.filter(
    ({ identity }) => identity.distro === distro && identity.release === release && identity.variant === variant,
  );
}

function newestBuild({ identity }: SupportedBuild, { builds }: StoreContent): StoredBuild | undefined {
  return newestOf(builds.filter((build) => isSameBuildIdentity(build.identity, identity)));
}

function halfFor(
  identity: BuildIdentity,
  half: Half,
  { builds }: StoreContent,
): { build: StoredBuild | undefined; lacking: BuildPairChoice['lacking'] } {
  const { pair, lacking } = chooseBuildPair(halvesOf(builds, identity));
  return { build: pair?.[half], lacking };
}

function newerFaults({ identity }: SupportedBuild, build: StoredBuild | undefined, { faulty }: StoreContent): string[] {
  return faulty
    .filter(
      (candidate) =>
        isSameBuildIdentity(candidate.identity, identity) &&
        (!build || !candidate.builtAt || candidate.builtAt > build.builtAt),
    )
    .map(({ id, fault }) => `object ${id} cannot be used: ${fault}`);
}

function absence({ identity }: SupportedBuild, { unread }: StoreContent): string {
  const cure =
    unread > 0 ? `but ${unread} of its objects could not be read` : 'remove it from supports.yaml if it is not needed';
  return `the store has no object for ${wordsOf(identity)}; ${cure}`;
}

function describePresent({ properties }: Pick<SiteImage, 'properties'>): string | undefined {
  if (properties[releaseProperty] !== undefined) return `release ${properties[releaseProperty]}`;
  const timestamp = properties['build-timestamp'];
  return timestamp === undefined
    ? undefined
    : describeBuild({ timestamp, revision: properties['build-os-base-image-revision'] });
}

/**
 * While it is unknown whether a build is the newest, a site is updated to it but never downgraded.
 */
function objection(image: SiteImage, build: StoredBuild, doubt: string): string | undefined {
  const present = builtAtOf(image);
  if (present && present < build.builtAt) return undefined;
  return (
    `${doubt}, so ${describeBuild(build)} may not be the newest, and the site keeps ` +
    `${describePresent(image) ?? `image ${image.id}`}`
  );
}
