// Reads what a run is planned from: images, nodes, and what a server is created with.
import { getNode, type NodeDetails } from '../clients/ironic/nodes.js';
import { findFlavor } from '../clients/nova/flavors.js';
import { hasKeyPair } from '../clients/nova/keypairs.js';
import { assertVersion } from '../clients/nova/microversions.js';
import { nodeSelection } from '../clients/nova/servers.js';
import { findNetworks } from '../clients/neutron/networks.js';
import { InputError } from '../core/errors.js';
import { readSiteImages } from '../images/site-images.js';
import { ipaTestDeclaration } from './declaration.js';
import { nodesOfType } from './node.js';
import {
  assertConsistent,
  needsLease,
  planTest,
  type FoundSite,
  type IpaPlan,
  type Networks,
} from './policy/test-plan.js';
import type { IpaRun } from './run.js';

/** Throws INVALID_INPUT, NO_IPA_PAIR, NO_NODE_FREE or UNSUPPORTED_VERSION; nothing is changed. */
export async function planIpaTest(run: IpaRun): Promise<IpaPlan> {
  const { args, cloud } = run;
  assertConsistent(args);
  const byLease = needsLease(args, {
    hasBlazar: cloud.hasService('reservation'),
    hasNova: cloud.hasService('compute'),
  });
  const hasGlance = cloud.hasService('image');
  const [images, nodes] = await Promise.all([
    hasGlance ? readSiteImages(cloud, { community: true }) : [],
    findNodes(run),
  ]);
  const compute = args.test && args.deployer === 'nova' ? await findCompute(run, byLease) : undefined;
  const found = { images, nodes, compute, hasGlance, projectId: cloud.projectId };
  return planTest(args, found, { byLease, defaultServerImage: ipaTestDeclaration.fields.server_image.default });
}

async function findNodes(run: IpaRun): Promise<NodeDetails[]> {
  const { node: ident, node_type: type } = run.args;
  if (ident !== undefined) {
    const node = await getNode(run.ironic, ident);
    if (!node) throw new InputError(`node: Ironic has no node ${JSON.stringify(ident)}`, 'node');
    return [node];
  }
  const nodes = await nodesOfType(run, type ?? '');
  if (nodes.length === 0)
    throw new InputError(
      `node_type: no node has the type ${JSON.stringify(type)}: ` +
        'neither properties.node_type, extra.node_type nor resource_class in ' +
        `Ironic${run.cloud.hasService('reservation') ? ', nor node_type in Blazar' : ''}`,
      'node_type',
    );
  return nodes;
}

async function findCompute(run: IpaRun, byLease: boolean): Promise<FoundSite['compute']> {
  const { args, cloud } = run;
  const [flavor, hasKey, networks] = await Promise.all([
    findFlavor(cloud, args.flavor),
    hasKeyPair(cloud, args.key_name),
    findNetwork(run),
    ...(byLease ? [] : [assertVersion(cloud, nodeSelection)]),
  ]);
  if (!flavor)
    throw new InputError(`flavor: there is no flavor with the id or name ${JSON.stringify(args.flavor)}`, 'flavor');
  if (!hasKey)
    throw new InputError(
      `key_name: the user of this login has no key pair ${JSON.stringify(args.key_name)}`,
      'key_name',
    );
  return { flavorId: flavor.id, networks };
}

async function findNetwork({ args: { network }, cloud }: IpaRun): Promise<Networks> {
  if (network === 'none' || network === 'auto') return network;
  const found = await findNetworks(cloud, network);
  const [only, other] = found;
  if (!only)
    throw new InputError(
      `network: there is no network with the id or name ${JSON.stringify(network)}; none and auto are also possible`,
      'network',
    );
  if (other)
    throw new InputError(
      `network: ${found.length} networks have the name ${JSON.stringify(network)} ` +
        `(${found.map(({ id }) => id).join(', ')}): give an id`,
      'network',
    );
  return [only.id];
}
