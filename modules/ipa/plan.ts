// What a run is going to do: which pair, which nodes, and what is deployed. Reads only.
import type { Image } from '../clients/glance/images.js';
import { getNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { findFlavor } from '../clients/nova/flavors.js';
import { hasKeyPair } from '../clients/nova/keypairs.js';
import { assertVersion } from '../clients/nova/microversions.js';
import { nodeSelection } from '../clients/nova/servers.js';
import { findNetworks } from '../clients/neutron/networks.js';
import { InputError, OperationError } from '../core/errors.js';
import { imageKeys, settingsFor, type ImageSettings } from './policy/image-settings.js';
import type { Architecture } from './policy/ipa-images.js';
import { countStates, freeNodes, mismatchOf, nodeArchitecture, obstacleOf } from './policy/node-choice.js';
import { nodeTitle } from '../nodes/policy/node-states.js';
import { choosePair, chooseServerImage, readImages, type ChosenPair } from './images.js';
import { nodesOfType, typeOf } from './node.js';
import type { IpaArguments, Run } from './run.js';

export interface Plan {
  readonly pair: ChosenPair;
  readonly wanted: ImageSettings;
  /** All of the type, or the one that was named. */
  readonly nodes: readonly NodeDetails[];
  readonly test?: TestPlan;
}

export interface TestPlan {
  /** Stands in the names of server and lease. */
  readonly type: string;
  /** Free ones, the first to be taken; with Blazar it is for Blazar to choose. */
  readonly candidates: readonly NodeDetails[];
  /** What a lease asks for; absent where a node is taken without one. */
  readonly resourceProperties?: readonly unknown[];
  readonly deployment: Deployment;
}

export type Deployment =
  | {
      readonly by: 'nova';
      readonly flavorId: string;
      readonly keyName: string;
      readonly networks: 'none' | 'auto' | readonly string[];
      imageFor(architecture: Architecture | undefined): Image;
    }
  | {
      readonly by: 'ironic';
      instanceInfoFor(architecture: Architecture | undefined): Readonly<Record<string, unknown>>;
    };

/** Throws INVALID_INPUT, NO_IPA_PAIR, NO_NODE_FREE, UNSUPPORTED_VERSION; nothing was changed then. */
export async function planRun(run: Run): Promise<Plan> {
  const { args, cloud } = run;
  checkArguments(args);
  const usesBlazar = blazarUse(run);
  const [images, nodes] = await Promise.all([readImages(run), findNodes(run)]);
  const pair = choosePair(run, images, commonArchitecture(nodes));
  const wanted = settingsFor({ kernel: pair.kernel.reference, initramfs: pair.initramfs.reference }, args.rescue);
  if (!args.test) return { pair, wanted, nodes };
  const deployment =
    args.deployer === 'nova' ? await novaDeployment(run, images, usesBlazar) : ironicDeployment(run, images);
  const candidates = chooseCandidates(run, nodes, pair.architecture, usesBlazar);
  const [first] = candidates;
  const architecture = (first && nodeArchitecture(first)) ?? pair.architecture;
  if (first && pair.architecture !== undefined && nodeArchitecture(first) === undefined) {
    run.warnings.push(
      `node ${nodeTitle(first)} has no properties.cpu_arch: it is not known whether images for ${pair.architecture} fit`,
    );
  }
  // Refused now rather than with a node in hand.
  if (deployment.by === 'nova') deployment.imageFor(architecture);
  else deployment.instanceInfoFor(architecture);
  const type = args.node_type ?? (first ? typeOf(first) : 'node');
  const resourceProperties =
    args.node === undefined ? ['==', '$node_type', type] : ['==', '$hypervisor_hostname', nodes[0]?.uuid];
  return {
    pair,
    wanted,
    nodes,
    test: {
      type,
      candidates,
      deployment,
      ...(usesBlazar && cloud.hasService('reservation') ? { resourceProperties } : {}),
    },
  };
}

function checkArguments({ node_type: type, node, test, push, deployer, instance_info: info }: IpaArguments): void {
  if (type === undefined && node === undefined)
    throw new InputError('node_type: it is missing; give it, or node, or restore', 'node_type');
  if (!test && !push) throw new InputError('test: it is false, and push is not true: there is nothing to do', 'test');
  if (push && type === undefined)
    throw new InputError('node_type: push needs it, to know which nodes are to get the images', 'node_type');
  if (info !== undefined && deployer !== 'ironic')
    throw new InputError('instance_info: it is for deployer: ironic only', 'instance_info');
  const key = Object.keys(info ?? {}).find((name) => !/^[\w-]+$/.test(name));
  if (key !== undefined)
    throw new InputError(
      `instance_info: the key ${JSON.stringify(key)} has other characters than letters, digits, _ and -, which Ironic does not take`,
      'instance_info',
    );
}

function blazarUse({ args: { reservation, deployer }, cloud }: Run): boolean {
  const isThere = cloud.hasService('reservation');
  if (reservation === 'blazar' && !isThere)
    throw new InputError(
      'reservation: it is blazar, and the catalogue of this cloud has no reservation service',
      'reservation',
    );
  if (reservation === 'blazar' && deployer !== 'nova')
    throw new InputError(
      'reservation: it is blazar, whose leases are for servers of Nova: leave out deployer: ironic',
      'reservation',
    );
  if (deployer === 'nova' && !cloud.hasService('compute'))
    throw new InputError(
      'deployer: it is nova, and this cloud has no compute service; give deployer: ironic',
      'deployer',
    );
  return isThere && deployer === 'nova' && reservation !== 'none';
}

async function findNodes(run: Run): Promise<NodeDetails[]> {
  const { node: ident, node_type: type } = run.args;
  if (ident !== undefined) {
    const node = await getNode(run.ironic, ident);
    if (!node) throw new InputError(`node: Ironic has no node ${JSON.stringify(ident)}`, 'node');
    return [node];
  }
  const nodes = await nodesOfType(run, type ?? '');
  if (nodes.length === 0)
    throw new InputError(
      `node_type: there is no node of type ${JSON.stringify(type)}: by properties.node_type, extra.node_type and resource_class in Ironic${run.cloud.hasService('reservation') ? ', and node_type in Blazar' : ''}`,
      'node_type',
    );
  return nodes;
}

/** Where the nodes tell of one architecture only, the newest pair is looked for among those for it. */
function commonArchitecture(nodes: readonly NodeDetails[]): Architecture | undefined {
  const found = new Set(nodes.map(nodeArchitecture).filter((architecture) => architecture !== undefined));
  return found.size === 1 ? [...found][0] : undefined;
}

function chooseCandidates(
  run: Run,
  nodes: readonly NodeDetails[],
  architecture: Architecture | undefined,
  usesBlazar: boolean,
): NodeDetails[] {
  const { args } = run;
  const keys = imageKeys(args.rescue);
  if (args.node !== undefined) {
    const [node] = nodes as [NodeDetails];
    const why = mismatchOf(node, architecture) ?? obstacleOf(node, keys) ?? wouldBeWiped(run, node);
    if (why)
      throw new OperationError('NO_NODE_FREE', `node ${nodeTitle(node)} cannot be tested on: ${why}`, {
        node: node.uuid,
      });
    return [node];
  }
  const free = freeNodes(nodes, keys, architecture);
  const candidates = free.filter((node) => wouldBeWiped(run, node) === undefined);
  if (candidates.length > 0 || usesBlazar) return candidates;
  const wiped = free.length > 0 ? `; ${free.length} of them have instance_info, which a deployment would wipe` : '';
  throw new OperationError(
    'NO_NODE_FREE',
    `no node of type ${args.node_type} is free: ${countStates(nodes, keys, architecture)}${wiped}`,
    { node_type: args.node_type },
  );
}

/** Undeploying takes all of instance_info away, and whoever deploys by Ironic alone may have prepared it. */
function wouldBeWiped({ args }: Run, { instance_info: info }: NodeDetails): string | undefined {
  return args.deployer === 'ironic' && Object.keys(info).length > 0
    ? 'it has instance_info, which a deployment would wipe'
    : undefined;
}

async function novaDeployment(run: Run, images: readonly Image[], usesBlazar: boolean): Promise<Deployment> {
  const { args, cloud } = run;
  const [flavor, hasKey, networks] = await Promise.all([
    findFlavor(cloud, args.flavor),
    hasKeyPair(cloud, args.key_name),
    chooseNetworks(run),
    ...(usesBlazar ? [] : [assertVersion(cloud, nodeSelection)]),
  ]);
  if (!flavor)
    throw new InputError(`flavor: there is no flavor with the id or name ${JSON.stringify(args.flavor)}`, 'flavor');
  if (!hasKey)
    throw new InputError(
      `key_name: the user of this login has no key pair ${JSON.stringify(args.key_name)}`,
      'key_name',
    );
  return {
    by: 'nova',
    flavorId: flavor.id,
    keyName: args.key_name,
    networks,
    imageFor: (architecture) => chooseServerImage(run, images, architecture),
  };
}

async function chooseNetworks({ args: { network }, cloud }: Run): Promise<'none' | 'auto' | readonly string[]> {
  if (network === 'none' || network === 'auto') return network;
  const found = await findNetworks(cloud, network);
  const [only, other] = found;
  if (!only)
    throw new InputError(
      `network: there is no network with the id or name ${JSON.stringify(network)}; it may also be none or auto`,
      'network',
    );
  if (other)
    throw new InputError(
      `network: ${found.length} networks have the name ${JSON.stringify(network)} (${found.map(({ id }) => id).join(', ')}): give an id`,
      'network',
    );
  return [only.id];
}

function ironicDeployment(run: Run, images: readonly Image[]): Deployment {
  const { args, cloud } = run;
  const given = args.instance_info ?? {};
  return {
    by: 'ironic',
    instanceInfoFor: (architecture) =>
      'image_source' in given || !cloud.hasService('image')
        ? given
        : { image_source: chooseServerImage(run, images, architecture).id, ...given },
  };
}
