// Looks up the nodes and ports that exist: one by one, or all at once if there are many.
import type { Ironic } from '../clients/ironic/api.js';
import { getNode, listNodeDetails, type NodeDetails } from '../clients/ironic/nodes.js';
import { listPorts, type Port } from '../clients/ironic/ports.js';
import { OperationError } from '../core/errors.js';
import type { DesiredNode } from './policy/desired-node.js';
import { nodeTitle } from './policy/provision-states.js';
import type { ExistingNode, ExistingNodes } from './run.js';

/** The requests in which the two differ. */
interface Lookup {
  node(ident: string): Promise<NodeDetails | undefined>;
  portsOf(uuid: string): Promise<readonly Port[]>;
  portWith(address: string): Promise<Port | undefined>;
}

/** Reads each node by itself. */
export function openExistingNodes(ironic: Ironic): ExistingNodes {
  return existingOf(ironic, freshLookup(ironic));
}

/** Reads all nodes and ports beforehand, with a few requests however many nodes there are. */
export async function readExistingNodes(ironic: Ironic): Promise<ExistingNodes> {
  const byIdent = new Map<string, NodeDetails>();
  const portsOf = new Map<string, Port[]>();
  const byAddress = new Map<string, Port>();
  const readNodes = async (): Promise<void> => {
    for await (const node of listNodeDetails(ironic))
      for (const ident of [node.uuid, node.name]) if (ident !== '') byIdent.set(ident, node);
  };
  const readPorts = async (): Promise<void> => {
    for (const port of await listPorts(ironic)) {
      byAddress.set(port.address, port);
      portsOf.set(port.node_uuid, [...(portsOf.get(port.node_uuid) ?? []), port]);
    }
  };
  await Promise.all([readNodes(), readPorts()]);
  return existingOf(ironic, {
    node: async (ident) => byIdent.get(ident),
    portsOf: async (uuid) => portsOf.get(uuid) ?? [],
    portWith: async (address) => byAddress.get(address),
  });
}

function freshLookup(ironic: Ironic): Lookup {
  return {
    node: (ident) => getNode(ironic, ident),
    portsOf: (node) => listPorts(ironic, { node }),
    portWith: async (address) => (await listPorts(ironic, { address }))[0],
  };
}

function existingOf(ironic: Ironic, lookup: Lookup): ExistingNodes {
  const fresh = freshLookup(ironic);
  const foundOf = async (node: NodeDetails | undefined, from: Lookup): Promise<ExistingNode | undefined> =>
    node && { node, ports: await from.portsOf(node.uuid) };
  return {
    find: async (desired) => foundOf(await findNode(desired, lookup), lookup),
    reread: async (uuid) => foundOf(await fresh.node(uuid), fresh),
    portWith: lookup.portWith,
    portNow: fresh.portWith,
    titleOf: async (uuid) => {
      const node = await fresh.node(uuid).catch(() => undefined);
      return node ? nodeTitle(node) : uuid;
    },
  };
}

/** By its UUID, else by its name, else by the ports that exist. */
async function findNode(desired: DesiredNode, lookup: Lookup): Promise<NodeDetails | undefined> {
  const name = typeof desired.attributes.name === 'string' ? desired.attributes.name : undefined;
  const named = name === undefined ? undefined : await lookup.node(name);
  if (desired.uuid !== undefined) {
    const found = await lookup.node(desired.uuid);
    if (named && named.uuid !== desired.uuid)
      throw ambiguous(`the name ${name} belongs to node ${named.uuid}, not to ${desired.uuid}`);
    return found;
  }
  if (name !== undefined) return named;
  const ports = await Promise.all((desired.ports ?? []).map(({ address }) => lookup.portWith(address)));
  const owners = [...new Set(ports.flatMap((port) => (port ? [port.node_uuid] : [])))];
  if (owners.length > 1) throw ambiguous(`its ports belong to several nodes: ${owners.join(', ')}`);
  return owners[0] === undefined ? undefined : lookup.node(owners[0]);
}

function ambiguous(why: string): OperationError {
  return new OperationError('NODE_AMBIGUOUS', `it is not clear which node is meant: ${why}`);
}
