// Decides what is to be done to the ports of one node. Reads only.
import type { Port } from '../clients/ironic/ports.js';
import { portAttributes, refusalToChangePort, tooOldFor, type EditedNode } from './policy/node-fields.js';
import type { NodeDifference } from './policy/node-differences.js';
import { nodeTitle, inUseReason } from './policy/node-states.js';
import { portChanges, type PortChange, type PortWish } from './policy/port-wishes.js';
import type { Found, NodeRun } from './run.js';

export type PortAction = 'create' | 'change' | 'delete' | 'move';

export interface PortPlan {
  readonly action: PortAction;
  readonly address: string;
  /** Undefined where it is to be removed. */
  readonly wish: PortWish | undefined;
  /** The port that is there: on this node, or for `move` on another. */
  readonly port: Port | undefined;
  readonly changes: readonly PortChange[];
  /** Ironic takes it only while the node is in maintenance. */
  readonly needsMaintenance: boolean;
  readonly differences: readonly NodeDifference[];
}

/** Why a port cannot be as it is wanted. */
export interface PortRefusal {
  readonly code: 'PORT_TAKEN' | 'CHANGE_REFUSED';
  readonly reason: string;
}

export function isRefusal(plan: PortPlan | PortRefusal | undefined): plan is PortRefusal {
  return plan !== undefined && 'code' in plan;
}

/** Fields that the server is too old for. */
export function tooOldPorts({ ironic }: Pick<NodeRun, 'ironic'>, { address, attributes }: PortWish): string[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    const fault = value === null ? undefined : tooOldFor(name, portAttributes, ironic.minor);
    return fault === undefined ? [] : [`port ${address}: ${fault}`];
  });
}

export async function planPorts(
  run: NodeRun,
  { ports }: { readonly ports?: readonly PortWish[] | undefined },
  found: Found | undefined,
): Promise<{ plans: PortPlan[]; faults: string[] }> {
  const wanted = ports ?? [];
  const faults: string[] = wanted.flatMap((wish) => tooOldPorts(run, wish));
  const plans: PortPlan[] = [];
  for (const wish of wanted) {
    const own = found?.ports.find(({ address }) => address === wish.address);
    const plan = own && found ? planChange(run, wish, own, found.node) : await planCreation(run, wish, found);
    if (isRefusal(plan)) faults.push(plan.reason);
    else if (plan) plans.push(plan);
  }
  const surplus =
    ports !== undefined && run.settings.purge.has('ports')
      ? (found?.ports ?? []).filter(({ address }) => !wanted.some((wish) => wish.address === address))
      : [];
  return { plans: [...plans, ...surplus.map(planRemoval)], faults };
}

/** Undefined where nothing differs. */
export function planChange(
  { settings }: Pick<NodeRun, 'settings'>,
  wish: PortWish,
  port: Port,
  node: EditedNode,
): PortPlan | PortRefusal | undefined {
  const moved =
    wish.address === port.address
      ? []
      : [
          {
            attribute: 'address',
            before: port.address,
            after: wish.address,
            steps: [{ op: 'add', path: '/address', value: wish.address } as const],
          },
        ];
  const changes = [...moved, ...portChanges(port.record, wish, settings.purge.has('ports'))];
  if (changes.length === 0) return undefined;
  const refusals = changes.flatMap(({ attribute }) => refusalToChangePort(attribute, node) ?? []);
  if (refusals.length > 0 && !settings.withMaintenance)
    return {
      code: 'CHANGE_REFUSED',
      reason: `port ${wish.address}: ${refusals[0]}; with_maintenance: true sets it for that moment`,
    };
  const differences = changes.map(({ attribute, before, after }) => ({
    field: `port ${wish.address}.${attribute}`,
    before,
    after,
  }));
  return {
    action: 'change',
    address: wish.address,
    wish,
    port,
    changes,
    needsMaintenance: refusals.length > 0,
    differences,
  };
}

export async function planCreation(
  { world, settings }: NodeRun,
  wish: PortWish,
  found: Pick<Found, 'node'> | undefined,
): Promise<PortPlan | PortRefusal> {
  const port = await world.portWith(wish.address);
  const creation = { address: wish.address, wish, changes: [], needsMaintenance: false };
  const after = { ...wish.attributes };
  if (!port || port.node_uuid === found?.node.uuid)
    return {
      ...creation,
      action: 'create',
      port: undefined,
      differences: [{ field: `port ${wish.address}`, before: undefined, after }],
    };
  const there = (await world.reread(port.node_uuid))?.node;
  const owner = there ? nodeTitle(there) : port.node_uuid;
  if (!settings.move) return { code: 'PORT_TAKEN', reason: takenPort(wish.address, owner) };
  const use = there && inUseReason(there);
  if (use !== undefined && !settings.forceInUse)
    return {
      code: 'PORT_TAKEN',
      reason: `port ${wish.address} belongs to node ${owner}, which is in use: ${use} (force_in_use: true takes it all the same)`,
    };
  return {
    ...creation,
    action: 'move',
    port,
    differences: [{ field: `port ${wish.address}`, before: { node: owner }, after }],
  };
}

export function takenPort(address: string, owner: string): string {
  return `port ${address} belongs to node ${owner}; move: true takes it from there`;
}

export function planRemoval(port: Port): PortPlan {
  return {
    action: 'delete',
    address: port.address,
    wish: undefined,
    port,
    changes: [],
    needsMaintenance: false,
    differences: [{ field: `port ${port.address}`, before: { uuid: port.uuid }, after: undefined }],
  };
}
