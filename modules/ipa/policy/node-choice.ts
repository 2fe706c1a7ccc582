// Which node of a type a test takes, and why it takes no other.
import { isMasked, isWithheld } from '../../nodes/policy/masked-values.js';
import { architectureNamed, type Architecture } from './ipa-images.js';
import { isAtRest, inUseReason, type NodeUse } from '../../nodes/policy/node-states.js';

type Values = Readonly<Record<string, unknown>>;

export interface ChoosableNode extends NodeUse {
  readonly uuid: string;
  readonly name: string;
  readonly properties: Values;
  readonly extra: Values;
  readonly resource_class: string;
  readonly driver_info: Values;
  readonly maintenance: boolean;
  /** Why Ironic itself has set maintenance. */
  readonly fault: string | null;
  readonly reservation: string | null;
  readonly protected: boolean;
  readonly retired: boolean;
}

/** Whether a node is of a type: by `properties.node_type`, `extra.node_type` or its resource class. */
export function isOfType({ properties, extra, resource_class: resourceClass }: ChoosableNode, type: string): boolean {
  return [properties.node_type, extra.node_type, resourceClass].includes(type);
}

/** What `properties.cpu_arch` says. */
export function nodeArchitecture({ properties }: Pick<ChoosableNode, 'properties'>): Architecture | undefined {
  return typeof properties.cpu_arch === 'string' ? architectureNamed(properties.cpu_arch) : undefined;
}

/** Why a node cannot be tested on now; undefined for one that can, once its lock is free. `keys` of its driver_info are to be changed for the time of the test. */
export function obstacleOf(node: ChoosableNode, keys: readonly string[]): string | undefined {
  const masked = isWithheld(node.driver_info) ? keys[0] : keys.find((key) => isMasked(node.driver_info[key]));
  const occupation = inUseReason(node);
  if (occupation) return occupation;
  if (node.maintenance)
    return node.fault ? `it is in maintenance, since Ironic itself found a ${node.fault}` : 'it is in maintenance';
  if (node.retired) return 'it is retired';
  if (node.provision_state !== 'available') return `it is in state ${node.provision_state}`;
  if (node.target_provision_state !== null || !isAtRest(node))
    return `it is on its way to ${node.target_provision_state ?? 'another state'}`;
  if (masked !== undefined) return `Ironic masks its driver_info ${masked}, so that the value could not be put back`;
  return undefined;
}

/** Why a node does not fit a pair; undefined where it does, or where one of the two does not tell. */
export function mismatchOf(
  node: Pick<ChoosableNode, 'properties'>,
  architecture: Architecture | undefined,
): string | undefined {
  const { cpu_arch: told } = node.properties;
  if (architecture === undefined || typeof told !== 'string' || told === '') return undefined;
  return nodeArchitecture(node) === architecture
    ? undefined
    : `its cpu_arch is ${told}, and the images are for ${architecture}`;
}

/** Nodes that can be tested on: those whose lock is free first, then by name, so that the same ones come first in each run. */
export function freeNodes<N extends ChoosableNode>(
  nodes: readonly N[],
  keys: readonly string[],
  architecture: Architecture | undefined,
): N[] {
  return nodes
    .filter((node) => obstacleOf(node, keys) === undefined && mismatchOf(node, architecture) === undefined)
    .sort((one, other) => Number(isLocked(one)) - Number(isLocked(other)) || byName(one, other));
}

/** Another operation holds it for a moment: power is switched, or looked at. */
export function isLocked({ reservation }: Pick<ChoosableNode, 'reservation'>): boolean {
  return reservation !== null;
}

/** Such as `4 nodes: 3 active, 1 available (it is in maintenance)`. */
export function countStates(
  nodes: readonly ChoosableNode[],
  keys: readonly string[],
  architecture: Architecture | undefined,
): string {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const why =
      node.provision_state === 'available' ? (mismatchOf(node, architecture) ?? obstacleOf(node, keys)) : undefined;
    const state = why ? `available (${why})` : node.provision_state;
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const parts = [...counts]
    .sort(([one, many], [other, more]) => more - many || (one < other ? -1 : 1))
    .map(([state, count]) => `${count} ${state}`);
  return `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}

export function byName(
  one: { readonly name: string; readonly uuid: string },
  other: { readonly name: string; readonly uuid: string },
): number {
  const [left, right] = [one.name || one.uuid, other.name || other.uuid];
  return left < right ? -1 : left > right ? 1 : 0;
}
