// Decides what to do to the port groups of a node, from those that were read.
import { isMapping } from '../../core/mapping.js';
import { portGroupChanges, portGroupTitle, type DesiredPortGroup } from './desired-port-group.js';
import type { DesiredPort, PortChange } from './desired-port.js';
import type { NodeDifference, Values } from './node-differences.js';
import { portGroupAttributes, tooOldFor } from './node-fields.js';

/** A port group as Ironic returns it. */
export interface ServedPortGroup {
  readonly uuid: string;
  readonly name: string;
  readonly address: string;
  readonly node_uuid: string;
  readonly record: Values;
}

/** What the service has for one desired port group. */
export interface PortGroupFinding {
  /** The port group of this node. */
  readonly own: ServedPortGroup | undefined;
  /** One of another node that has the same UUID, name or address. */
  readonly foreign: { readonly title: string; readonly owner: string } | undefined;
  /** The UUID under which it is created, so that its ports can refer to it. */
  readonly newUuid: string;
}

export interface PortGroupPlan {
  readonly desired: DesiredPortGroup;
  readonly uuid: string;
  readonly isNew: boolean;
  readonly changes: readonly PortChange[];
  readonly differences: readonly NodeDifference[];
}

export interface PortGroupDecision {
  /** The port groups to create or change. */
  readonly plans: readonly PortGroupPlan[];
  /** The desired ports, each with the UUID of its port group. */
  readonly ports: readonly DesiredPort[] | undefined;
  readonly faults: readonly string[];
}

export interface PortGroupsSituation {
  readonly portgroups?: readonly DesiredPortGroup[];
  readonly ports?: readonly DesiredPort[];
}

/**
 * `findings` has an element for each desired port group, unless the server is too old for port
 * groups.
 */
export function decidePortGroups(
  { portgroups, ports }: PortGroupsSituation,
  findings: readonly PortGroupFinding[],
  minor: number,
): PortGroupDecision {
  if (portgroups === undefined) return { plans: [], ports, faults: [] };
  const old = portGroupVersionFaults(portgroups, minor);
  if (old.length > 0) return { plans: [], ports, faults: old };
  const found = portgroups.flatMap((desired, index) => {
    const finding = findings[index];
    return finding ? [{ desired, ...finding }] : [];
  });
  const plans = found.map(({ desired, own, newUuid }) =>
    own ? changePlan(desired, own) : creationPlan(desired, newUuid),
  );
  const memberOf = (port: DesiredPort): DesiredPort => {
    const group = port.group === undefined ? undefined : plans[port.group];
    return group ? { ...port, attributes: { ...port.attributes, portgroup_uuid: group.uuid } } : port;
  };
  return {
    plans: plans.filter(({ isNew, changes }) => isNew || changes.length > 0),
    ports: ports?.map(memberOf),
    faults: found.flatMap(({ desired, foreign }) =>
      foreign
        ? [
            `port group ${portGroupTitle(desired)} is already ${foreign.title} of node ${foreign.owner}: ` +
              'names and addresses of port groups are unique in Ironic',
          ]
        : [],
    ),
  };
}

/** The first field of each port group that needs a newer server. */
export function portGroupVersionFaults(portgroups: readonly DesiredPortGroup[], minor: number): string[] {
  return portgroups.flatMap((desired) => {
    const fields = Object.entries(desired.attributes).flatMap(([field, value]) => (value === null ? [] : [field]));
    return ['name', ...fields]
      .flatMap((field) => tooOldFor(field, portGroupAttributes, minor) ?? [])
      .map((fault) => `port group ${portGroupTitle(desired)}: ${fault}`)
      .slice(0, 1);
  });
}

/** Found by its UUID, else by its name, else by its address. */
export function isSamePortGroup(
  group: Pick<ServedPortGroup, 'uuid' | 'name' | 'address'>,
  { uuid, attributes: { name, address } }: DesiredPortGroup,
): boolean {
  if (uuid !== undefined) return group.uuid === uuid;
  return typeof name === 'string' ? group.name === name : group.address === address;
}

function creationPlan(desired: DesiredPortGroup, newUuid: string): PortGroupPlan {
  const field = `port group ${portGroupTitle(desired)}`;
  const differences = [{ field, before: undefined, after: { ...desired.attributes } }];
  return { desired, uuid: desired.uuid ?? newUuid, isNew: true, changes: [], differences };
}

function changePlan(desired: DesiredPortGroup, own: ServedPortGroup): PortGroupPlan {
  const changes = portGroupChanges(own.record, desired);
  const differences = changes.map(({ attribute, before, after }) => ({
    field: `port group ${portGroupTitle(desired)}.${attribute}`,
    before,
    after,
  }));
  return { desired, uuid: own.uuid, isNew: false, changes, differences };
}

/** The random UUID of a port group that does not exist yet means nothing to people. */
export function hideNewUuid(difference: NodeDifference, groups: readonly PortGroupPlan[]): NodeDifference {
  const isNewGroup = (value: unknown): boolean =>
    groups.some(({ uuid, isNew, desired }) => isNew && desired.uuid === undefined && uuid === value);
  const shown = (value: unknown): unknown => (isNewGroup(value) ? '(new)' : value);
  const { after } = difference;
  return {
    ...difference,
    after: isMapping(after)
      ? Object.fromEntries(Object.entries(after).map(([key, value]) => [key, shown(value)]))
      : shown(after),
  };
}
