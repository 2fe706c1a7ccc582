// Which two images are the kernel and the initramfs of one build of the Ironic Python Agent.
import { optionText } from '../../core/option-text.js';
import { productionNameOf } from '../../images/policy/archive-names.js';
import { isGone, isIncoming, type SiteImage } from '../../images/policy/site-image.js';
import { parseBuildTimestamp } from '../../images/policy/dates.js';

export interface IpaImage extends SiteImage {
  readonly disk_format?: string;
}

const kinds = ['kernel', 'initramfs'] as const;
export type IpaKind = (typeof kinds)[number];

/** As Ironic spells it in `properties.cpu_arch`. */
export type Architecture = 'x86_64' | 'aarch64';

export interface IpaImagePair {
  readonly kernel: IpaImage;
  readonly initramfs: IpaImage;
  /** Undefined if it is known of neither image. */
  readonly architecture: Architecture | undefined;
  /** The label of their build; empty if unknown. */
  readonly build: string;
}

/** A pair, or the reason why there is none. */
export type PairDecision = { readonly pair: IpaImagePair; readonly warning?: string } | { readonly refusal: string };

const architectures: readonly (readonly [Architecture, RegExp])[] = [
  ['aarch64', /^(aarch64|arm64|armv8\w*)$/i],
  ['x86_64', /^(x86_64|x86-64|amd64)$/i],
];

/** The architecture that a word stands for; undefined for any other word. */
export function architectureNamed(word: string | undefined): Architecture | undefined {
  return architectures.find(([, spelling]) => spelling.test(word ?? ''))?.[0];
}

/**
 * The architecture of an image by its properties, or else by a part of its name, as in
 * `CC-IPA-Debian11-AMD64.kernel`.
 */
export function architectureOf({ name, properties }: SiteImage): Architecture | undefined {
  const words = [
    properties.hw_architecture,
    properties.architecture,
    properties['build-variant'],
    ...name.split(/[-_. ]/),
  ];
  return (
    words.map(architectureNamed).find((found) => found !== undefined) ?? (/x86_64/i.test(name) ? 'x86_64' : undefined)
  );
}

/**
 * Kernel or initramfs, by the end of its production name, or else by `build-ipa`. Undefined for any
 * other image.
 */
export function kindOf(image: SiteImage): IpaKind | undefined {
  return kindInName(image) ?? kindInProperties(image);
}

function kindInName({ name }: SiteImage): IpaKind | undefined {
  return kinds.find((kind) => productionNameOf(name, '').endsWith(`.${kind}`));
}

function kindInProperties({ properties }: SiteImage): IpaKind | undefined {
  return kinds.find((kind) => properties['build-ipa'] === kind);
}

/** The disk formats that each may have: older tools gave `aki` to both. */
const formats: Readonly<Record<IpaKind, readonly string[]>> = { kernel: ['aki'], initramfs: ['ari', 'aki'] };

/** Why an image cannot be used as this kind; undefined if it can. */
export function ipaImageFault(image: IpaImage, kind: IpaKind): string | undefined {
  const title = ipaImageTitle(image);
  const aKind = kind === 'kernel' ? 'a kernel' : 'an initramfs';
  const [named, declared] = [kindInName(image), kindInProperties(image)];
  if (named !== undefined && named !== kind) return `${title} is not ${aKind}: its name ends in .${named}`;
  if (declared !== undefined && declared !== kind) return `${title} is not ${aKind}: its build-ipa is ${declared}`;
  if (image.status !== 'active') return `${title} is ${image.status}, not active`;
  if (!formats[kind].includes(image.disk_format ?? ''))
    return `${title} has disk format ${image.disk_format ?? 'none'}; ${aKind} has ${formats[kind].join(' or ')}`;
  return undefined;
}

/**
 * A pair of two images that were named: refused if one is not of its kind, or if their builds or
 * architectures differ.
 */
export function matchPair(kernel: IpaImage, initramfs: IpaImage): PairDecision {
  const fault = ipaImageFault(kernel, 'kernel') ?? ipaImageFault(initramfs, 'initramfs');
  if (fault) return { refusal: fault };
  const titles = `${ipaImageTitle(kernel)} and ${ipaImageTitle(initramfs)}`;
  const [one, other] = [architectureOf(kernel), architectureOf(initramfs)];
  if (one !== undefined && other !== undefined && one !== other)
    return { refusal: `${titles} are for different architectures, ${one} and ${other}` };
  const [build, otherBuild] = [buildOf(kernel), buildOf(initramfs)];
  const pair = { kernel, initramfs, architecture: one ?? other, build: build?.text ?? '' };
  if (build === undefined && otherBuild === undefined)
    return {
      pair,
      warning: `the builds of ${titles} are unknown: nothing shows whether they belong together`,
    };
  if (build?.key !== otherBuild?.key)
    return {
      refusal:
        `${titles} are of different builds, ${build?.text ?? 'an unknown one'} and ` +
        `${otherBuild?.text ?? 'an unknown one'}`,
    };
  return { pair };
}

export interface PairCriteria {
  /** Id of our project: images of other projects are never chosen by default. */
  readonly owner: string;
  /** The prefix of the names of images that are still being deployed. */
  readonly prefix: string;
  /** Only pairs of this production name, without `.kernel` and `.initramfs`. */
  readonly name?: string | undefined;
  /** Only pairs for this architecture, or of unknown architecture. */
  readonly architecture?: Architecture | undefined;
}

/**
 * The newest pair of our project. An incomplete or unusable newest build is refused: testing an
 * older one would be misleading.
 */
export function newestPair(images: readonly IpaImage[], criteria: PairCriteria): PairDecision {
  const builds = new Map<string, { readonly at: number; readonly text: string; readonly images: IpaImage[] }>();
  for (const image of images.filter((candidate) => isEligible(candidate, criteria))) {
    const build = buildOf(image);
    if (build === undefined) continue;
    const key = JSON.stringify([build.key, architectureOf(image), baseName(image)]);
    const known = builds.get(key) ?? { at: build.at, text: `${baseName(image)} of ${build.text}`, images: [] };
    known.images.push(image);
    builds.set(key, known);
  }
  const [newest] = [...builds.values()].sort(
    (one, other) =>
      other.at - one.at || createdAt(other.images) - createdAt(one.images) || (one.text < other.text ? 1 : -1),
  );
  if (!newest)
    return {
      refusal:
        `this project has no IPA images${describeCriteria(criteria)}: ` +
        `deploy them, or give ${optionText('kernel_image')} and ${optionText('initramfs_image')}`,
    };
  const [kernels, initramfses] = [
    newest.images.filter((image) => kindOf(image) === 'kernel'),
    newest.images.filter((image) => kindOf(image) === 'initramfs'),
  ];
  const [kernel, initramfs] = [kernels[0], initramfses[0]];
  if (!kernel || !initramfs)
    return {
      refusal:
        `the newest build, ${newest.text}, has no ${kernel ? 'initramfs' : 'kernel'}: ` +
        `deploy it, or give ${optionText('kernel_image')} and ${optionText('initramfs_image')}`,
    };
  const twin = kernels[1] ?? initramfses[1];
  if (twin)
    return {
      refusal:
        `the newest build, ${newest.text}, has more than one ${kindOf(twin)}: ` +
        `give ${optionText('kernel_image')} and ${optionText('initramfs_image')}`,
    };
  return matchPair(kernel, initramfs);
}

/**
 * When the last image of a build was created on the site: of several builds with the same timestamp
 * the later one is newer.
 */
function createdAt(images: readonly IpaImage[]): number {
  return Math.max(...images.map(({ created_at }) => Date.parse(created_at) || 0));
}

function isEligible(image: IpaImage, { owner, prefix, name, architecture }: PairCriteria): boolean {
  if (
    image.owner !== owner ||
    image.os_hidden ||
    isGone(image) ||
    isIncoming(image, { owner, prefix }) ||
    image.name.startsWith(prefix)
  )
    return false;
  if (kindOf(image) === undefined || (name !== undefined && baseName(image) !== name)) return false;
  const found = architectureOf(image);
  return architecture === undefined || found === undefined || found === architecture;
}

function describeCriteria({ name, architecture }: PairCriteria): string {
  const named = name === undefined ? '' : ` with the name ${name}`;
  return architecture === undefined ? named : `${named} for ${architecture}`;
}

function baseName({ name }: SiteImage): string {
  return productionNameOf(name, '').replace(/\.(kernel|initramfs)$/, '');
}

interface Build {
  /** Equal for the images of one build. */
  readonly key: string;
  readonly text: string;
  /**
   * When it was built, or else when the image was created on the site, in milliseconds since 1970.
   */
  readonly at: number;
}

/**
 * By `build-tag`, which may include the kind; else by `build-timestamp` and the revision of the
 * base image.
 */
function buildOf({ properties, created_at }: SiteImage): Build | undefined {
  const stamp = parseBuildTimestamp(properties['build-timestamp'])?.getTime();
  const at = stamp ?? (Date.parse(created_at) || 0);
  const tag = properties['build-tag'];
  if (tag) return { key: `tag ${tag.replace(/\.(kernel|initramfs)(?=$|[-_])/, '')}`, text: tag, at };
  if (stamp === undefined) return undefined;
  const revision = properties['build-os-base-image-revision'] ?? '';
  return {
    key: `time ${stamp} ${revision}`,
    text: `${properties['build-timestamp']}${revision && ` (revision ${revision})`}`,
    at,
  };
}

export function ipaImageTitle({ name, id }: Pick<SiteImage, 'name' | 'id'>): string {
  return name === '' ? id : `${name} (${id})`;
}
