// Which nodes boot which images of the Ironic Python Agent: pairs of the site, and all else that
// nodes name.
import { canonicalUuid, comparableId } from '../../core/uuid.js';
import { isSameBuild, otherHalfName } from './agent-pairs.js';
import type { SiteImage } from './site-image.js';

/** The parts of an Ironic node that say what it boots. */
export interface BootingNode {
  readonly uuid: string;
  readonly name?: string | null;
  readonly driver_info: Readonly<Record<string, unknown>>;
}

/** An image of the site that is half of an agent, or was. */
export interface AgentImage extends SiteImage {
  /** The name that it has, had, or will have in production. */
  readonly productionName: string;
}

/** Kernel and initramfs of one build, or one of them alone. */
export interface AgentPair {
  readonly kernel?: AgentImage;
  readonly initramfs?: AgentImage;
  /** The nodes that boot exactly these two, by what for. */
  readonly nodes: readonly string[];
}

/** Nodes that boot the same, which is not a pair of the site. */
export interface OtherBoot {
  readonly kernel: string;
  readonly initramfs: string;
  /** What is wrong with it; absent if nothing is known to be. */
  readonly fault?: string;
  readonly nodes: readonly string[];
}

export interface AgentBoots {
  readonly pairs: readonly AgentPair[];
  readonly others: readonly OtherBoot[];
}

export interface AgentSite {
  readonly halves: readonly AgentImage[];
  /** All images of the site: nodes may boot any of them. */
  readonly images: readonly SiteImage[];
  readonly nodes: readonly BootingNode[];
}

export function agentBootsOf({ halves, images, nodes }: AgentSite): AgentBoots {
  const pairs = pairsOf(halves).map((pair) => ({ ...pair, nodes: [] as string[] }));
  const byId = new Map(images.map((image) => [comparableId(image.id), image]));
  const others = new Map<string, OtherBoot & { readonly nodes: string[] }>();
  for (const { label, boot } of nodes.flatMap(bootsOf)) {
    const [kernelId, initramfsId] = [imageIdIn(boot.kernel), imageIdIn(boot.initramfs)];
    const pair = pairs.find(({ kernel, initramfs }) => isNamed(kernel, kernelId) && isNamed(initramfs, initramfsId));
    if (pair) {
      pair.nodes.push(label);
      continue;
    }
    const described = describeBoot(boot, byId);
    const key = JSON.stringify([described.kernel, described.initramfs]);
    const known = others.get(key) ?? { ...described, nodes: [] };
    known.nodes.push(label);
    others.set(key, known);
  }
  return { pairs, others: [...others.values()].sort((one, other) => other.nodes.length - one.nodes.length) };
}

/** Each kernel with the initramfs of its build, then each initramfs that is left. */
function pairsOf(images: readonly AgentImage[]): Omit<AgentPair, 'nodes'>[] {
  const left = new Set(images.filter(({ productionName }) => productionName.endsWith('.initramfs')));
  const kernels = images.filter(({ productionName }) => productionName.endsWith('.kernel'));
  const pairs = kernels.map((kernel) => {
    const other = otherHalfName(kernel.productionName);
    const initramfs = [...left].find((image) => image.productionName === other && isSameBuild(kernel, image));
    if (!initramfs) return { kernel };
    left.delete(initramfs);
    return { kernel, initramfs };
  });
  return [...pairs, ...[...left].map((initramfs) => ({ initramfs }))];
}

interface Boot {
  /** As the node names them; empty if it does not. */
  readonly kernel: string;
  readonly initramfs: string;
}

/** What a node boots to be deployed, and to be rescued if it has an agent of its own for that. */
function bootsOf({ uuid, name, driver_info: info }: BootingNode): { readonly label: string; readonly boot: Boot }[] {
  const textAt = (key: string): string => (typeof info[key] === 'string' ? info[key].trim() : '');
  const label = name || uuid;
  const deploy = { kernel: textAt('deploy_kernel'), initramfs: textAt('deploy_ramdisk') };
  const rescue = { kernel: textAt('rescue_kernel'), initramfs: textAt('rescue_ramdisk') };
  const rescues = rescue.kernel !== '' || rescue.initramfs !== '';
  return [{ label, boot: deploy }, ...(rescues ? [{ label: `${label} (rescue)`, boot: rescue }] : [])];
}

function isNamed(image: AgentImage | undefined, id: string | undefined): boolean {
  return image !== undefined && comparableId(image.id) === id;
}

/** The id of an image of Glance that a node names, in canonical form; undefined for anything else. */
function imageIdIn(reference: string): string | undefined {
  return canonicalUuid(reference.replace(/^glance:\/\/(?:image\/)?/, ''));
}

function describeBoot(boot: Boot, images: ReadonlyMap<string, SiteImage>): Omit<OtherBoot, 'nodes'> {
  const references = [boot.kernel, boot.initramfs];
  const ids = references.map(imageIdIn);
  const [kernel, initramfs] = ids.map((id) => (id === undefined ? undefined : images.get(id)));
  const textOf = (reference: string, image: SiteImage | undefined): string =>
    image ? `${image.name} (${image.id})` : reference || "the conductor's default";
  const fault = faultOf(boot, {
    isMissing: ids.some((id) => id !== undefined && !images.has(id)),
    isMixed: kernel !== undefined && initramfs !== undefined && !isSameBuild(kernel, initramfs),
  });
  return {
    kernel: textOf(boot.kernel, kernel),
    initramfs: textOf(boot.initramfs, initramfs),
    ...(fault === undefined ? {} : { fault }),
  };
}

function faultOf(
  { kernel, initramfs }: Boot,
  { isMissing, isMixed }: { readonly isMissing: boolean; readonly isMixed: boolean },
): string | undefined {
  if ((kernel === '') !== (initramfs === '')) return 'only one of the two is set';
  if (isMissing) return 'the site has no such image, or does not show it to this login';
  return isMixed ? 'nothing shows that the two are of one build' : undefined;
}
