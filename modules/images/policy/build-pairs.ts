// Kernel and initramfs of the Ironic Python Agent: which two objects belong to one build, and which
// is which.
import { newestFirst, newestOf, type StoredBuild } from './stored-builds.js';
import type { Half } from './supported-builds.js';

export interface BuildPair {
  readonly kernel: StoredBuild;
  readonly initramfs: StoredBuild;
}

/** Which half is missing, and why. */
export interface LackingHalf {
  readonly half: Half;
  readonly fault: string;
}

export type JudgedBuild = { readonly pair: BuildPair } | LackingHalf;

export interface BuildPairChoice {
  /** The newest build of which both halves exist. */
  readonly pair?: BuildPair;
  /** What is wrong with each newer build. */
  readonly lacking: readonly LackingHalf[];
}

/** Chooses among the objects of one distribution, release and variant. */
export function chooseBuildPair(builds: readonly StoredBuild[]): BuildPairChoice {
  const judged = groupByBuild(builds).map(identifyHalves);
  const whole = judged.findIndex((build) => 'pair' in build);
  const newer = whole === -1 ? judged : judged.slice(0, whole);
  const pair = judged[whole];
  return {
    ...(pair && 'pair' in pair ? { pair: pair.pair } : {}),
    lacking: newer.flatMap((build) => ('pair' in build ? [] : [build])),
  };
}

/** The build that an object belongs to, or what is wrong with it. */
export function pairWith(id: string, builds: readonly StoredBuild[]): JudgedBuild | undefined {
  const group = groupByBuild(builds).find((members) => members.some((build) => build.id === id));
  const judged = group && identifyHalves(group);
  const isChosen = judged && (!('pair' in judged) || [judged.pair.kernel.id, judged.pair.initramfs.id].includes(id));
  return isChosen ? judged : undefined;
}

type Group = [StoredBuild, ...StoredBuild[]];

/** The objects grouped by build, the newest build first. */
function groupByBuild(builds: readonly StoredBuild[]): Group[] {
  const groups: Group[] = [];
  for (const build of [...builds].sort(newestFirst)) {
    const group = groups.find(([first]) => hasSameBuildTime(first, build) && hasCompatibleTag(first, build));
    if (group) group.push(build);
    else groups.push([build]);
  }
  return mergeByTag(groups);
}

/**
 * Joins two halves with different timestamps if they have the same tag and no third object has it.
 */
function mergeByTag(groups: readonly Group[]): Group[] {
  const tagOf = ([first]: Group): string | undefined => first.tag;
  return groups.flatMap((group) => {
    const tag = tagOf(group);
    const [one, other, third] = tag === undefined ? [] : groups.filter((each) => tagOf(each) === tag);
    if (!one || !other || third || one.length > 1 || other.length > 1) return [group];
    return one === group ? [[...one, ...other]] : [];
  });
}

function hasSameBuildTime(one: StoredBuild, other: StoredBuild): boolean {
  return one.builtAt.getTime() === other.builtAt.getTime() && one.revision === other.revision;
}

function hasCompatibleTag(one: StoredBuild, other: StoredBuild): boolean {
  return one.tag === undefined || other.tag === undefined || one.tag === other.tag;
}

const formats: Readonly<Record<string, Half>> = { aki: 'kernel', ari: 'initramfs' };

/** Which half an object claims to be: by `build-ipa`, else by its disk format. */
function halfOf({ identity, diskFormat }: StoredBuild): Half | undefined {
  return identity.ipa === 'na' ? formats[diskFormat] : identity.ipa;
}

/**
 * The producer sometimes writes the `build-ipa` of the later half to both (ccbuild.py shares the
 * mapping); their disk formats, `aki` and `ari`, then distinguish them. Some builds have `aki` on
 * both, and then `build-ipa` decides.
 */
function identifyHalves(group: Group): JudgedBuild {
  const [first] = group;
  const { timestamp } = first;
  const ids = group.map(({ id }) => id).join(' and ');
  const pairBy = (classify: (build: StoredBuild) => Half | undefined): BuildPair | undefined => {
    const [kernel, initramfs] = (['kernel', 'initramfs'] as const).map((half) =>
      newestOf(group.filter((build) => classify(build) === half)),
    );
    return kernel && initramfs && { kernel, initramfs };
  };
  const [byClaim, byFormat] = [pairBy(halfOf), pairBy(({ diskFormat }) => formats[diskFormat])];
  if (byClaim && byFormat && byClaim.kernel.id === byFormat.initramfs.id) {
    return {
      half: 'kernel',
      fault: `build-ipa and disk-format of the build of ${timestamp} contradict each other (${ids})`,
    };
  }
  const pair = byClaim ?? byFormat;
  if (pair) return { pair: { kernel: asHalf(pair.kernel, 'kernel'), initramfs: asHalf(pair.initramfs, 'initramfs') } };
  const half = halfOf(first) === 'kernel' ? 'initramfs' : 'kernel';
  return group.length > 1
    ? {
        half,
        fault:
          `the objects ${ids} of the build of ${timestamp} both claim to be the ` +
          `${half === 'kernel' ? 'initramfs' : 'kernel'}`,
      }
    : { half, fault: `the build of ${timestamp} has no ${half}, only ${ids}` };
}

/**
 * Sets the half that it is, whatever its `build-ipa` says: nodes get their images by this property.
 */
function asHalf(build: StoredBuild, ipa: Half): StoredBuild {
  return { ...build, identity: { ...build.identity, ipa }, properties: { ...build.properties, 'build-ipa': ipa } };
}
