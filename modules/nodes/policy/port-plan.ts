// Decides what to do to the ports of a node, from the node and the ports that were read.
import { optionText } from '../../core/option-text.js';
import { portChanges, type DesiredPort, type PortChange } from './desired-port.js';
import type { NodeDifference, Values } from './node-differences.js';
import { portAttributes, refusalToChangePort, tooOldFor, type EditedNode } from './node-fields.js';
import { inUseReason, nodeTitle, type NodeUse } from './provision-states.js';

/** What an operator allows for changes of ports. */
export interface PortRules {
  /**
   * `ports` among them: the node gets exactly the desired ports, and each port exactly the desired
   * `extra`.
   */
  readonly purge: ReadonlySet<string>;
  readonly forceInUse: boolean;
  /** Whether a port that belongs to another node is moved to this one. */
  readonly move: boolean;
  /** Whether maintenance may be set while a port is changed. */
  readonly withMaintenance: boolean;
}

/** A port as Ironic returns it. */
export interface ServedPort {
  readonly uuid: string;
  readonly address: string;
  readonly node_uuid: string;
  readonly record: Values;
}

/** A port that another node has. */
export interface ForeignPort {
  readonly port: ServedPort;
  /** Undefined if the login cannot see that node. */
  readonly owner: PortOwner | undefined;
}

/** A node, as far as taking a port from it or changing a port of it depends on it. */
export interface PortOwner extends NodeUse {
  readonly uuid: string;
  readonly name: string;
}

export interface PortPlan {
  readonly action: 'create' | 'change' | 'delete' | 'move';
  readonly address: string;
  /** Undefined for a port that is deleted. */
  readonly desired: DesiredPort | undefined;
  /** The existing port: on this node, or on another one for `move`. */
  readonly port: ServedPort | undefined;
  readonly changes: readonly PortChange[];
  /** Ironic accepts the change only while the node is in maintenance. */
  readonly needsMaintenance: boolean;
  readonly differences: readonly NodeDifference[];
}

/** Why a port cannot be changed as requested. */
export interface PortRefusal {
  readonly code: 'PORT_TAKEN' | 'CHANGE_REFUSED';
  readonly reason: string;
}

export function isRefusal(plan: PortPlan | PortRefusal | undefined): plan is PortRefusal {
  return plan !== undefined && 'code' in plan;
}

export interface PortsSituation {
  readonly existing: { readonly node: EditedNode; readonly ports: readonly ServedPort[] } | undefined;
  /** Undefined if nothing is said about the ports. */
  readonly desired: readonly DesiredPort[] | undefined;
  /** The ports of other nodes that have a desired address, by address. */
  readonly foreign: ReadonlyMap<string, ForeignPort>;
  readonly rules: PortRules;
  readonly minor: number;
}

/** What to do to all ports of a node. */
export function decidePorts({ existing, desired, foreign, rules, minor }: PortsSituation): {
  readonly plans: readonly PortPlan[];
  readonly faults: readonly string[];
} {
  const own = existing?.ports ?? [];
  const outcomes = (desired ?? []).map((each) => {
    const port = own.find(({ address }) => address === each.address);
    return port && existing
      ? decidePortChange(each, { port, node: existing.node, rules })
      : decidePortCreation(each, foreign.get(each.address), rules);
  });
  const surplus =
    desired !== undefined && rules.purge.has('ports')
      ? own.filter(({ address }) => !desired.some((each) => each.address === address))
      : [];
  return {
    plans: [
      ...outcomes.flatMap((outcome) => (outcome === undefined || isRefusal(outcome) ? [] : [outcome])),
      ...surplus.map(decidePortRemoval),
    ],
    faults: [
      ...(desired ?? []).flatMap((each) => portVersionFaults(each, minor)),
      ...outcomes.flatMap((outcome) => (isRefusal(outcome) ? [outcome.reason] : [])),
    ],
  };
}

/** The desired ports that the node does not have yet: another node may have them. */
export function missingPorts({ existing, desired }: Pick<PortsSituation, 'existing' | 'desired'>): DesiredPort[] {
  return (desired ?? []).filter(({ address }) => !existing?.ports.some((port) => port.address === address));
}

/** The fields that need a newer server. */
export function portVersionFaults({ address, attributes }: DesiredPort, minor: number): string[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    const fault = value === null ? undefined : tooOldFor(name, portAttributes, minor);
    return fault === undefined ? [] : [`port ${address}: ${fault}`];
  });
}

/** What to do to a port that the node has. Undefined if nothing differs. */
export function decidePortChange(
  desired: DesiredPort,
  { port, node, rules }: { readonly port: ServedPort; readonly node: EditedNode; readonly rules: PortRules },
): PortPlan | PortRefusal | undefined {
  const { address } = desired;
  const readdressed: readonly PortChange[] =
    address === port.address
      ? []
      : [
          {
            attribute: 'address',
            before: port.address,
            after: address,
            steps: [{ op: 'add', path: '/address', value: address }],
          },
        ];
  const changes = [...readdressed, ...portChanges(port.record, desired, rules.purge.has('ports'))];
  if (changes.length === 0) return undefined;
  const refusals = changes.flatMap(({ attribute }) => refusalToChangePort(attribute, node) ?? []);
  if (refusals.length > 0 && !rules.withMaintenance)
    return {
      code: 'CHANGE_REFUSED',
      reason:
        `port ${address}: ${refusals[0]}; ` +
        `${optionText('with_maintenance', true)} sets maintenance while the port is changed`,
    };
  const differences = changes.map(({ attribute, before, after }) => ({
    field: `port ${address}.${attribute}`,
    before,
    after,
  }));
  return { action: 'change', address, desired, port, changes, needsMaintenance: refusals.length > 0, differences };
}

/** What to do for a port that the node does not have, but perhaps another one. */
export function decidePortCreation(
  desired: DesiredPort,
  foreign: ForeignPort | undefined,
  rules: PortRules,
): PortPlan | PortRefusal {
  const { address } = desired;
  const creation = { address, desired, changes: [], needsMaintenance: false };
  const field = `port ${address}`;
  const after = { ...desired.attributes };
  if (!foreign)
    return { ...creation, action: 'create', port: undefined, differences: [{ field, before: undefined, after }] };
  const { port, owner } = foreign;
  const title = owner ? nodeTitle(owner) : port.node_uuid;
  if (!rules.move) return { code: 'PORT_TAKEN', reason: takenPort(address, title) };
  const use = owner && inUseReason(owner);
  if (use !== undefined && !rules.forceInUse)
    return {
      code: 'PORT_TAKEN',
      reason:
        `port ${address} belongs to node ${title}, which is in use: ${use} ` +
        `(${optionText('force_in_use', true)} moves it anyway)`,
    };
  return { ...creation, action: 'move', port, differences: [{ field, before: { node: title }, after }] };
}

export function takenPort(address: string, owner: string): string {
  return `port ${address} belongs to node ${owner}; ${optionText('move', true)} takes it from that node`;
}

export function decidePortRemoval(port: ServedPort): PortPlan {
  const { address } = port;
  return {
    action: 'delete',
    address,
    desired: undefined,
    port,
    changes: [],
    needsMaintenance: false,
    differences: [{ field: `port ${address}`, before: { uuid: port.uuid }, after: undefined }],
  };
}

/** Why a port of this node must not be changed now; undefined if it may be. */
export function refusalInUse({ action, address }: PortPlan, node: PortOwner, rules: PortRules): string | undefined {
  const use = inUseReason(node);
  if (use === undefined || rules.forceInUse || (rules.withMaintenance && action === 'change')) return undefined;
  return (
    `port ${address}: node ${nodeTitle(node)} is in use: ${use} ` +
    `(${optionText('force_in_use', true)} changes it anyway)`
  );
}
