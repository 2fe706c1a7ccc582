// Which node of a type is tested on, why the others are not, and whose deployment is on a node.
import { countWords, joinCounts } from '../../core/counts.js';
import { OperationError } from '../../core/errors.js';
import { isMasked, isWithheld } from '../../nodes/policy/masked-values.js';
import { inUseReason, isStable, nodeTitle, type NodeUse } from '../../nodes/policy/provision-states.js';
import { architectureNamed, type Architecture } from './ipa-images.js';

type Mapping = Readonly<Record<string, unknown>>;

export interface TestableNode extends NodeUse {
  readonly uuid: string;
  readonly name: string;
  readonly properties: Mapping;
  readonly extra: Mapping;
  readonly resource_class: string;
  readonly driver_info: Mapping;
  readonly instance_info: Mapping;
  readonly maintenance: boolean;
  /** Why Ironic itself has set maintenance. */
  readonly fault: string | null;
  readonly reservation: string | null;
  readonly retired: boolean;
  /** All that Ironic returns. */
  readonly record?: Mapping;
}

/**
 * Whose a deployment on a node is: that of the test with this name, and this server if Nova
 * deploys.
 */
export interface DeploymentOwner {
  readonly name: string;
  readonly server?: { readonly id?: string };
}

/**
 * The key of instance_info that marks a deployment by Ironic itself. Undeploying wipes it, so it is
 * there only while the deployment is ours.
 */
export const deploymentMark = 'image_tools_test';

/**
 * Whether a node is of a type: by `properties.node_type`, `extra.node_type` or its resource class.
 */
export function isOfType({ properties, extra, resource_class: resourceClass }: TestableNode, type: string): boolean {
  return [properties.node_type, extra.node_type, resourceClass].includes(type);
}

/** The type that a node itself declares. */
export function nodeTypeOf({ properties, extra, resource_class: resourceClass }: TestableNode): string {
  const types = [properties.node_type, extra.node_type, resourceClass];
  return types.find((type): type is string => typeof type === 'string' && type !== '') ?? 'node';
}

/** The architecture in `properties.cpu_arch`. */
export function nodeArchitecture({ properties }: Pick<TestableNode, 'properties'>): Architecture | undefined {
  return typeof properties.cpu_arch === 'string' ? architectureNamed(properties.cpu_arch) : undefined;
}

/**
 * The architecture of the nodes, if it is known and the same for all: the newest pair is then
 * chosen for it.
 */
export function commonArchitecture(nodes: readonly TestableNode[]): Architecture | undefined {
  const [architecture, ...others] = new Set(
    nodes.map(nodeArchitecture).filter((known): known is Architecture => known !== undefined),
  );
  return others.length === 0 ? architecture : undefined;
}

/** Whether what is on the node is the deployment of this test. */
export function isOwnDeployment(node: TestableNode, { name, server }: DeploymentOwner): boolean {
  if (node.instance_uuid !== null) return node.instance_uuid === server?.id;
  return node.instance_info[deploymentMark] === name;
}

/** How somebody else uses the node; undefined if nobody else does. */
export function foreignUse(node: TestableNode, owner: DeploymentOwner): string | undefined {
  return isOwnDeployment(node, owner) ? undefined : inUseReason(node);
}

/**
 * Why a node cannot be tested on now; undefined if it can, once its lock is free. `keys` of its
 * driver_info are changed during the test.
 */
export function obstacleOf(node: TestableNode, keys: readonly string[]): string | undefined {
  const masked = isWithheld(node.driver_info) ? keys[0] : keys.find((key) => isMasked(node.driver_info[key]));
  const use = inUseReason(node);
  if (use) return use;
  if (node.maintenance)
    return node.fault ? `it is in maintenance because Ironic found a ${node.fault}` : 'it is in maintenance';
  if (node.retired) return 'it is retired';
  if (node.provision_state !== 'available') return `it is in state ${node.provision_state}`;
  if (node.target_provision_state !== null || !isStable(node))
    return `it is moving to ${node.target_provision_state ?? 'another state'}`;
  if (masked !== undefined) return `Ironic masks driver_info ${masked}, so that its value could not be restored`;
  return undefined;
}

/** Why a node does not fit a pair; undefined if it does, or if either architecture is unknown. */
export function mismatchOf(
  node: Pick<TestableNode, 'properties'>,
  architecture: Architecture | undefined,
): string | undefined {
  const { cpu_arch: declared } = node.properties;
  if (architecture === undefined || typeof declared !== 'string' || declared === '') return undefined;
  return nodeArchitecture(node) === architecture
    ? undefined
    : `its cpu_arch is ${declared}, and the images are for ${architecture}`;
}

export interface CandidateCriteria {
  /** Keys of driver_info that are changed during the test. */
  readonly keys: readonly string[];
  readonly architecture: Architecture | undefined;
  /** The type, if any node of it will do; undefined for the one node that was named. */
  readonly type: string | undefined;
  /**
   * Ironic deploys by itself: undeploying wipes the instance_info that somebody may have prepared.
   */
  readonly byIronic: boolean;
  /** Blazar chooses the node, so that there need not be a candidate. */
  readonly byLease: boolean;
}

/** The nodes that can be tested on, in the order in which they are tried. Throws NO_NODE_FREE. */
export function chooseCandidates<N extends TestableNode>(nodes: readonly N[], criteria: CandidateCriteria): N[] {
  const { keys, architecture, type, byIronic, byLease } = criteria;
  const isWiped = ({ instance_info: info }: TestableNode): boolean => byIronic && Object.keys(info).length > 0;
  if (type === undefined) {
    for (const node of nodes) {
      const why =
        mismatchOf(node, architecture) ??
        obstacleOf(node, keys) ??
        (isWiped(node) ? 'it has instance_info, which a deployment would wipe' : undefined);
      if (why)
        throw new OperationError('NO_NODE_FREE', `node ${nodeTitle(node)} cannot be tested on: ${why}`, {
          node: node.uuid,
        });
    }
    return [...nodes];
  }
  const free = freeNodes(nodes, keys, architecture);
  const candidates = free.filter((node) => !isWiped(node));
  if (candidates.length > 0 || byLease) return candidates;
  const wiped = free.length > 0 ? `; ${free.length} of them have instance_info, which a deployment would wipe` : '';
  throw new OperationError(
    'NO_NODE_FREE',
    `no node of type ${type} is free: ${countStates(nodes, keys, architecture)}${wiped}`,
    { node_type: type },
  );
}

/**
 * Nodes that can be tested on: those whose lock is free first, then by name, so that every run
 * tries them in the same order.
 */
export function freeNodes<N extends TestableNode>(
  nodes: readonly N[],
  keys: readonly string[],
  architecture: Architecture | undefined,
): N[] {
  return nodes
    .filter((node) => obstacleOf(node, keys) === undefined && mismatchOf(node, architecture) === undefined)
    .sort((one, other) => Number(isLocked(one)) - Number(isLocked(other)) || byName(one, other));
}

/** Another operation holds its lock for a moment, such as a change or check of its power state. */
export function isLocked({ reservation }: Pick<TestableNode, 'reservation'>): boolean {
  return reservation !== null;
}

/** Such as `4 nodes: 3 active, 1 available (it is in maintenance)`. */
export function countStates(
  nodes: readonly TestableNode[],
  keys: readonly string[],
  architecture: Architecture | undefined,
): string {
  const states = nodes.map((node) => {
    const why =
      node.provision_state === 'available' ? (mismatchOf(node, architecture) ?? obstacleOf(node, keys)) : undefined;
    return why ? `available (${why})` : node.provision_state;
  });
  const commonestFirst = [...countWords(states)].sort(
    ([one, many], [other, more]) => more - many || (one < other ? -1 : 1),
  );
  const title = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`;
  return nodes.length > 0 ? `${title}: ${joinCounts(commonestFirst)}` : title;
}

export function byName(
  one: { readonly name: string; readonly uuid: string },
  other: { readonly name: string; readonly uuid: string },
): number {
  const [left, right] = [nodeTitle(one), nodeTitle(other)];
  return left < right ? -1 : left > right ? 1 : 0;
}
