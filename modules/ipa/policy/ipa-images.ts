// Which two images are the kernel and the initramfs of one build of the Ironic Python Agent, and what to deploy with them.
import { isGone, isIncoming, productionNameOf, type SiteImage } from '../../images/policy/site-image.js';
import { parseBuildTimestamp } from '../../images/policy/dates.js';

export interface IpaImage extends SiteImage {
  readonly disk_format?: string;
}

export type IpaKind = 'kernel' | 'initramfs';

/** As Ironic spells it in `properties.cpu_arch`. */
export type Architecture = 'x86_64' | 'aarch64';

export interface IpaPair {
  readonly kernel: IpaImage;
  readonly initramfs: IpaImage;
  /** Undefined where neither image tells. */
  readonly architecture: Architecture | undefined;
  /** What their build is called, for people; empty where nothing tells. */
  readonly build: string;
}

/** A pair, or the reason why there is none. */
export type PairChoice = { readonly pair: IpaPair; readonly warning?: string } | { readonly refusal: string };

const architectures: readonly (readonly [Architecture, RegExp])[] = [
  ['aarch64', /^(aarch64|arm64|armv8\w*)$/i],
  ['x86_64', /^(x86_64|x86-64|amd64)$/i],
];

/** The architecture that a word means; undefined for any other word. */
export function architectureNamed(word: string | undefined): Architecture | undefined {
  return architectures.find(([, spelling]) => spelling.test(word ?? ''))?.[0];
}

/** What an image's properties say of its architecture, or else a part of its name, as in `CC-IPA-Debian11-AMD64.kernel`. */
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

/** By the end of its production name, or else by `build-ipa`. Undefined for an image that is neither. */
export function kindOf(image: SiteImage): IpaKind | undefined {
  return kindInName(image) ?? kindInProperties(image);
}

function kindInName({ name }: SiteImage): IpaKind | undefined {
  return /\.(kernel|initramfs)$/.exec(productionNameOf(name, ''))?.[1] as IpaKind | undefined;
}

function kindInProperties({ properties }: SiteImage): IpaKind | undefined {
  return (['kernel', 'initramfs'] as const).find((kind) => properties['build-ipa'] === kind);
}

/** The formats that each may have: tools of old gave `aki` to both. */
const formats: Readonly<Record<IpaKind, readonly string[]>> = { kernel: ['aki'], initramfs: ['ari', 'aki'] };

/** Why an image cannot be what it is taken for; undefined where it can. */
export function faultOf(image: IpaImage, kind: IpaKind): string | undefined {
  const title = titleOf(image);
  const [named, told] = [kindInName(image), kindInProperties(image)];
  if (named !== undefined && named !== kind) return `${title} is no ${kind}: its name ends in .${named}`;
  if (told !== undefined && told !== kind) return `${title} is no ${kind}: its build-ipa is ${told}`;
  if (image.status !== 'active') return `${title} is ${image.status}, not active`;
  if (!formats[kind].includes(image.disk_format ?? ''))
    return `${title} has disk format ${image.disk_format ?? 'none'}; a ${kind} has ${formats[kind].join(' or ')}`;
  return undefined;
}

/** Two images that were named: refused where one of them is not what it should be, or where they are of two builds or architectures. */
export function pairOf(kernel: IpaImage, initramfs: IpaImage): PairChoice {
  const fault = faultOf(kernel, 'kernel') ?? faultOf(initramfs, 'initramfs');
  if (fault) return { refusal: fault };
  const titles = `${titleOf(kernel)} and ${titleOf(initramfs)}`;
  const [one, other] = [architectureOf(kernel), architectureOf(initramfs)];
  if (one !== undefined && other !== undefined && one !== other)
    return { refusal: `${titles} are for two architectures, ${one} and ${other}` };
  const [build, otherBuild] = [buildOf(kernel), buildOf(initramfs)];
  const pair = { kernel, initramfs, architecture: one ?? other, build: build?.text ?? '' };
  if (build === undefined && otherBuild === undefined)
    return {
      pair,
      warning: `${titles} do not tell of which build they are: it is not known whether they belong together`,
    };
  if (build?.key !== otherBuild?.key)
    return {
      refusal: `${titles} are of two builds, ${build?.text ?? 'one that is not told'} and ${otherBuild?.text ?? 'one that is not told'}`,
    };
  return { pair };
}

export interface PairWish {
  /** Id of our project: what another one publishes is never taken unasked. */
  readonly owner: string;
  /** Stands before the names of images that are being brought in. */
  readonly prefix: string;
  /** Only pairs of this production name, without `.kernel` and `.initramfs`. */
  readonly name?: string | undefined;
  /** Only pairs for it; those that do not tell are taken too. */
  readonly architecture?: Architecture | undefined;
}

/** The newest pair of our own. A newest build that is half, or not usable, is refused: an older one would seem to be the one that was tested. */
export function newestPair(images: readonly IpaImage[], wish: PairWish): PairChoice {
  const builds = new Map<string, { readonly at: number; readonly text: string; readonly images: IpaImage[] }>();
  for (const image of images.filter((candidate) => isWished(candidate, wish))) {
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
      refusal: `there are no IPA images of this project${describe(wish)}: deploy them, or name kernel_image and initramfs_image`,
    };
  const [kernels, initramfses] = [
    newest.images.filter((image) => kindOf(image) === 'kernel'),
    newest.images.filter((image) => kindOf(image) === 'initramfs'),
  ];
  const [kernel, initramfs] = [kernels[0], initramfses[0]];
  if (!kernel || !initramfs)
    return {
      refusal: `the newest build, ${newest.text}, has no ${kernel ? 'initramfs' : 'kernel'}: deploy it, or name kernel_image and initramfs_image`,
    };
  const twin = kernels[1] ?? initramfses[1];
  if (twin)
    return {
      refusal: `the newest build, ${newest.text}, has more than one ${kindOf(twin)}: name kernel_image and initramfs_image`,
    };
  return pairOf(kernel, initramfs);
}

/** When the last image of a build came to the site: of several builds of one instant the later one is the newer. */
function createdAt(images: readonly IpaImage[]): number {
  return Math.max(...images.map(({ created_at }) => Date.parse(created_at) || 0));
}

function isWished(image: IpaImage, { owner, prefix, name, architecture }: PairWish): boolean {
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

function describe({ name, architecture }: PairWish): string {
  return `${name === undefined ? '' : ` with the name ${name}`}${architecture === undefined ? '' : ` for ${architecture}`}`;
}

function baseName({ name }: SiteImage): string {
  return productionNameOf(name, '').replace(/\.(kernel|initramfs)$/, '');
}

interface Build {
  /** Equal for the images of one build. */
  readonly key: string;
  readonly text: string;
  /** Milliseconds; when it was built, or else when the image came to the site. */
  readonly at: number;
}

/** By `build-tag`, which may have the kind in it; else by the instant of `build-timestamp` and the revision of the base image. */
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

/** The production name of what is deployed where none is named: images for aarch64 end in -ARM64. */
export function serverImageName(given: string, isDefault: boolean, architecture: Architecture | undefined): string {
  return isDefault && architecture === 'aarch64' ? `${given}-ARM64` : given;
}

export function titleOf({ name, id }: Pick<SiteImage, 'name' | 'id'>): string {
  return name === '' ? id : `${name} (${id})`;
}
