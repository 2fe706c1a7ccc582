// Decides what is to be done to the port groups of one node. Reads only. A new one gets its UUID here, so that its ports can name it.
import { randomUUID } from 'node:crypto';
import { getPortGroup, listPortGroups, type PortGroup } from '../clients/ironic/port-groups.js';
import type { NodeDifference } from './policy/node-differences.js';
import { portGroupAttributes, tooOldFor } from './policy/node-fields.js';
import type { NodeWish } from './policy/node-wishes.js';
import { portGroupChanges, portGroupTitle, type PortGroupWish } from './policy/portgroup-wishes.js';
import type { PortChange, PortWish } from './policy/port-wishes.js';
import type { Found, NodeRun } from './run.js';

export interface PortGroupPlan {
  readonly wish: PortGroupWish;
  readonly uuid: string;
  readonly isNew: boolean;
  readonly changes: readonly PortChange[];
  readonly differences: readonly NodeDifference[];
}

export interface PlannedPortGroups {
  /** What is to be created or changed. */
  readonly plans: readonly PortGroupPlan[];
  /** The ports that are wanted, each with the UUID of its port group. */
  readonly ports: readonly PortWish[] | undefined;
  readonly faults: readonly string[];
}

export async function planPortGroups(
  run: NodeRun,
  { portgroups, ports }: NodeWish,
  found: Found | undefined,
): Promise<PlannedPortGroups> {
  if (portgroups === undefined) return { plans: [], ports, faults: [] };
  const faults = portgroups.flatMap((wish) => tooOld(run, wish));
  if (faults.length > 0) return { plans: [], ports, faults };
  const present = found && portgroups.length > 0 ? await listPortGroups(run.ironic, { node: found.node.uuid }) : [];
  const plans: PortGroupPlan[] = [];
  for (const wish of portgroups) {
    const group = present.find((each) => isMeant(each, wish));
    if (!group) faults.push(...(await takenElsewhere(run, wish)));
    plans.push(planOf(wish, group));
  }
  const memberOf = (port: PortWish): PortWish => {
    const group = port.group === undefined ? undefined : plans[port.group];
    return group ? { ...port, attributes: { ...port.attributes, portgroup_uuid: group.uuid } } : port;
  };
  return {
    plans: plans.filter(({ isNew, changes }) => isNew || changes.length > 0),
    ports: ports?.map(memberOf),
    faults,
  };
}

function tooOld({ ironic }: NodeRun, wish: PortGroupWish): string[] {
  const fields = Object.entries(wish.attributes).flatMap(([field, value]) => (value === null ? [] : [field]));
  return ['name', ...fields]
    .flatMap((field) => tooOldFor(field, portGroupAttributes, ironic.minor) ?? [])
    .map((fault) => `port group ${portGroupTitle(wish)}: ${fault}`)
    .slice(0, 1);
}

/** By its UUID, else by its name, else by its address. */
function isMeant(group: PortGroup, { uuid, attributes: { name, address } }: PortGroupWish): boolean {
  if (uuid !== undefined) return group.uuid === uuid;
  return typeof name === 'string' ? group.name === name : group.address === address;
}

/** Ironic has each UUID, name and address of port groups once, on whichever node. */
async function takenElsewhere({ ironic, world }: NodeRun, wish: PortGroupWish): Promise<string[]> {
  const { name, address } = wish.attributes;
  const idents = [wish.uuid, name].filter((ident) => typeof ident === 'string');
  const named = (await Promise.all(idents.map((ident) => getPortGroup(ironic, ident)))).find(
    (group) => group !== undefined,
  );
  const other = named ?? (typeof address === 'string' ? (await listPortGroups(ironic, { address }))[0] : undefined);
  if (!other) return [];
  return [
    `port group ${portGroupTitle(wish)} is ${other.name || other.uuid} of node ${await world.titleOf(other.node_uuid)} already: Ironic has each name and address of port groups once`,
  ];
}

function planOf(wish: PortGroupWish, group: PortGroup | undefined): PortGroupPlan {
  const title = portGroupTitle(wish);
  if (!group) {
    const uuid = wish.uuid ?? randomUUID();
    return {
      wish,
      uuid,
      isNew: true,
      changes: [],
      differences: [{ field: `port group ${title}`, before: undefined, after: { ...wish.attributes } }],
    };
  }
  const changes = portGroupChanges(group.record, wish);
  return {
    wish,
    uuid: group.uuid,
    isNew: false,
    changes,
    differences: changes.map(({ attribute, before, after }) => ({
      field: `port group ${title}.${attribute}`,
      before,
      after,
    })),
  };
}
