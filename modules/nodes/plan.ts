// Decides what is to be done to one node. Reads only.
import { randomUUID } from 'node:crypto';
import type { NodeDetails } from '../clients/ironic/nodes.js';
import { isMapping } from '../core/mapping.js';
import { mergeCapabilities } from './policy/capabilities.js';
import { nodeChanges, type NodeChange, type NodeDifference, type Values } from './policy/node-differences.js';
import { nodeAttributes, notAtCreation, refusalToChange, tooOldFor, traitsSince } from './policy/node-fields.js';
import {
  adviceOnMaintenance,
  maintenanceFault,
  canEndMaintenance,
  isBlockedByMaintenance,
} from './policy/node-maintenance.js';
import { inUseReason, stepsTo } from './policy/node-states.js';
import type { NodeWish } from './policy/node-wishes.js';
import { halfPairs } from './policy/node-images.js';
import { compareSecrets, secretRecordKey } from './policy/secret-records.js';
import { planPortGroups, type PortGroupPlan } from './port-group-plan.js';
import { planPorts, type PortPlan } from './port-plan.js';
import type { Found, NodeRun, NodeSettings } from './run.js';

export interface NodePlan {
  readonly wish: NodeWish;
  /** Undefined: it is to be created. */
  readonly found: Found | undefined;
  /** What the creation is told. */
  readonly body: Values;
  readonly now: readonly NodeChange[];
  /** What Ironic takes only in the state that is aimed at. */
  readonly later: readonly NodeChange[];
  /** All the traits that it is to have; undefined where they are right. */
  readonly traits: readonly string[] | undefined;
  readonly portGroups: readonly PortGroupPlan[];
  readonly ports: readonly PortPlan[];
  /** Undefined where it is right or nothing is said of it. */
  readonly maintenance: boolean | undefined;
  readonly travels: boolean;
  readonly differences: readonly NodeDifference[];
  /** Secrets that were left alone since they cannot be compared. */
  readonly unknown: readonly string[];
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** The plan for a node as it was found. Faults forbid to carry it out. */
export async function planNode(run: NodeRun, given: NodeWish, found: Found | undefined): Promise<NodePlan> {
  const { settings } = run;
  const served = found?.node.record ?? {};
  const parent = await withParent(run, await completed(run, given, found), found);
  const { wish, knownSecrets } = withSecretRecord(run, parent.wish, served);
  const { changes, unknown, faults } = nodeChanges(served, wish, { ...settings, knownSecrets });
  const sorted = sortChanges(changes, found?.node, settings);
  const portGroups = await planPortGroups(run, wish, found);
  const ports = await planPorts(run, portGroups, found);
  const images = await lookAtImages(run, wish, found, changes);
  const plan = {
    wish,
    found,
    body: found ? {} : bodyOf(wish),
    now: found
      ? sorted.now
      : changes.filter(
          ({ attribute }) =>
            notAtCreation.has(attribute) && !sorted.later.some((change) => change.attribute === attribute),
        ),
    later: sorted.later,
    traits: wantedTraits(wish, served, settings.purge.has('traits')),
    portGroups: portGroups.plans,
    ports: ports.plans,
    maintenance: wantedMaintenance(wish, found?.node, settings),
    travels: settings.goal !== undefined && settings.goal !== 'enroll' && found?.node.provision_state !== settings.goal,
    unknown,
    warnings: [...images.warnings, ...warningsOfMaintenance(wish, found?.node, settings)],
  };
  const differences = differencesOf(plan, changes, settings);
  const gates = [
    ...faultsOfVersion(run, wish),
    ...parent.faults,
    ...faults,
    ...sorted.faults,
    ...portGroups.faults,
    ...ports.faults,
    ...images.faults,
    ...(found ? [] : faultsOfCreation(wish)),
  ];
  return { ...plan, differences, faults: [...gates, ...(differences.length > 0 ? faultsOfUse(run, found) : [])] };
}

/** With the checksum of its image in the form that every part of Ironic reads; on a node that runs nothing of it is compared. */
async function completed(run: NodeRun, wish: NodeWish, found: Found | undefined): Promise<NodeWish> {
  const { instance_info: wanted, ...others } = wish.mappings;
  if (wanted === undefined) return wish;
  if (found?.node.provision_state === 'active') {
    // A deployment rewrites checksum, format and URL there; only another image would be another wish.
    const source =
      wanted.image_source !== undefined && wanted.image_source !== found.node.instance_info.image_source
        ? { instance_info: { image_source: wanted.image_source } }
        : {};
    return { ...wish, mappings: { ...others, ...source } };
  }
  if (!run.images || wanted.image_source === undefined) return wish;
  return {
    ...wish,
    mappings: { ...others, instance_info: await run.images.complete(wanted, found?.node.instance_info ?? {}) },
  };
}

/** With what `extra` keeps of the secrets that are wanted, where they are compared by it. */
function withSecretRecord(
  { settings }: NodeRun,
  wish: NodeWish,
  served: Values,
): { wish: NodeWish; knownSecrets: ReadonlySet<string> } {
  if (settings.secretsKey === undefined) return { wish, knownSecrets: new Set() };
  const { same, record } = compareSecrets(served, wish, { key: settings.secretsKey, salt: randomUUID() });
  return {
    wish: record
      ? { ...wish, mappings: { ...wish.mappings, extra: { ...wish.mappings.extra, [secretRecordKey]: record } } }
      : wish,
    knownSecrets: same,
  };
}

/**
 * With the UUID of its parent, as Ironic keeps it, where a name was given. Of one that there is not Ironic says only that the value is
 * invalid, or that a node could not be found, as if it were the node itself.
 */
async function withParent(
  { world, ironic }: NodeRun,
  wish: NodeWish,
  found: Found | undefined,
): Promise<{ wish: NodeWish; faults: readonly string[] }> {
  const { parent_node: ident } = wish.attributes;
  if (
    typeof ident !== 'string' ||
    tooOldFor('parent_node', nodeAttributes, ironic.minor) ||
    ident === found?.node.record.parent_node
  )
    return { wish, faults: [] };
  const parent = await world.reread(ident);
  if (!parent)
    return {
      wish,
      faults: [
        `parent_node: there is no node ${JSON.stringify(ident)}, or this login is not shown it; a parent is created before its children`,
      ],
    };
  return { wish: { ...wish, attributes: { ...wish.attributes, parent_node: parent.node.uuid } }, faults: [] };
}

/** The attributes and mappings of a POST: without what is null, capabilities as text. */
function bodyOf({ attributes, mappings, uuid }: NodeWish): Values {
  const present = (values: Values): Values =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
  const whole = Object.fromEntries(
    Object.entries(mappings).map(([name, values]) => {
      const { capabilities, ...others } = present(values);
      const text =
        capabilities === undefined
          ? undefined
          : name === 'properties'
            ? mergeCapabilities('', capabilities as string | Values, true)
            : capabilities;
      return [name, { ...others, ...(text === undefined ? {} : { capabilities: text }) }];
    }),
  );
  const own = Object.fromEntries(Object.entries(present(attributes)).filter(([name]) => !notAtCreation.has(name)));
  return { ...own, ...whole, ...(uuid === undefined ? {} : { uuid }) };
}

/** What can be changed now, what only in the state that is aimed at, and what in neither. */
function sortChanges(
  changes: readonly NodeChange[],
  node: NodeDetails | undefined,
  { goal }: NodeSettings,
): { now: NodeChange[]; later: NodeChange[]; faults: string[] } {
  const sorted = { now: [] as NodeChange[], later: [] as NodeChange[], faults: [] as string[] };
  const present = node ?? { provision_state: 'enroll', maintenance: false };
  const aim = { ...present, provision_state: goal ?? present.provision_state };
  for (const change of changes) {
    const [difference] = change.differences;
    const what = { value: difference?.after, wasSet: node !== undefined && difference?.before !== undefined };
    // A reason goes with what it is for.
    const attribute = change.attribute.replace(/_reason$/, '');
    const state = change.attribute.endsWith('_reason') ? { value: true, wasSet: false } : what;
    const refusal = refusalToChange(attribute, present, state);
    if (refusal === undefined) sorted.now.push(change);
    else if (refusalToChange(attribute, aim, state) === undefined) sorted.later.push(change);
    else sorted.faults.push(refusal);
  }
  return sorted;
}

function wantedTraits({ traits }: NodeWish, served: Values, replace: boolean): readonly string[] | undefined {
  if (traits === undefined) return undefined;
  const present = Array.isArray(served.traits) ? (served.traits as readonly string[]) : [];
  const wanted = replace ? traits : [...new Set([...present, ...traits])];
  return wanted.length === present.length && wanted.every((trait) => present.includes(trait))
    ? undefined
    : [...wanted].sort();
}

function wantedMaintenance(
  { maintenance, maintenanceReason }: NodeWish,
  node: NodeDetails | undefined,
  settings: NodeSettings,
): boolean | undefined {
  if (maintenance === undefined) return node && endsMaintenance(node, settings) ? false : undefined;
  const sameReason = !maintenance || maintenanceReason === undefined || maintenanceReason === node?.maintenance_reason;
  return maintenance === (node?.maintenance ?? false) && sameReason ? undefined : maintenance;
}

/** What Ironic itself has set is ended on the way to where the node is to be used; on a node that somebody uses only where that is wished. */
function endsMaintenance(node: NodeDetails, { goal, forceInUse }: NodeSettings): boolean {
  return isBlockedByMaintenance(goal) && canEndMaintenance(node) && (forceInUse || inUseReason(node) === undefined);
}

function warningsOfMaintenance(
  { maintenance }: NodeWish,
  node: NodeDetails | undefined,
  settings: NodeSettings,
): string[] {
  const isTold =
    node !== undefined &&
    maintenanceFault(node) !== undefined &&
    settings.goal !== undefined &&
    settings.goal !== 'enroll';
  return isTold && maintenance === undefined && !endsMaintenance(node, settings) ? [adviceOnMaintenance(node)] : [];
}

async function lookAtImages(
  run: NodeRun,
  wish: NodeWish,
  found: Found | undefined,
  changes: readonly NodeChange[],
): Promise<{ faults: readonly string[]; warnings: readonly string[] }> {
  if (!run.images) return { faults: [], warnings: [] };
  const deployInterface = String(wish.attributes.deploy_interface ?? found?.node.record.deploy_interface ?? '');
  const faults: string[] = [];
  const warnings: string[] = [];
  for (const name of ['driver_info', 'instance_info'] as const) {
    const differing = changes.find(({ attribute }) => attribute === name);
    if (!differing) continue;
    const merged = mergedMapping(name, found?.node, wish, run.settings);
    if (name === 'driver_info') faults.push(...halfPairs(merged));
    const wanted = new Set(differing.differences.map(({ field }) => field.slice(name.length + 1)));
    // What stays as it is was somebody else's decision.
    const looked = Object.fromEntries(
      Object.entries(merged).filter(([key]) => wanted.has(key) || name === 'instance_info'),
    );
    const findings = await run.images.check(name, looked, { deployInterface });
    faults.push(...findings.faults);
    warnings.push(...findings.warnings);
  }
  return { faults, warnings };
}

function mergedMapping(
  name: 'driver_info' | 'instance_info',
  node: NodeDetails | undefined,
  wish: NodeWish,
  { purge }: NodeSettings,
): Values {
  const merged = { ...(purge.has(name) ? {} : node?.[name]), ...wish.mappings[name] };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

function faultsOfVersion({ ironic }: NodeRun, { attributes, traits }: NodeWish): string[] {
  const old = Object.entries(attributes).flatMap(([name, value]) =>
    value === null ? [] : [tooOldFor(name, nodeAttributes, ironic.minor)],
  );
  const rule = { traits: { kind: 'object', since: traitsSince } } as const;
  return [...old, ...(traits?.length ? [tooOldFor('traits', rule, ironic.minor)] : [])].filter(
    (fault) => fault !== undefined,
  );
}

function faultsOfCreation({ attributes }: NodeWish): string[] {
  return attributes.driver === undefined
    ? ['driver is missing: there is no such node yet, and without a driver none can be created']
    : [];
}

/** A node that somebody uses is left alone; finishing a deployment that has failed, or is under way, is what was asked for. */
function faultsOfUse({ settings }: NodeRun, found: Found | undefined): string[] {
  const use = found && inUseReason(found.node);
  if (!found || use === undefined || settings.forceInUse) return [];
  const isOurs =
    settings.goal === 'active' &&
    !found.node.instance_uuid &&
    ['deploying', 'wait call-back', 'deploy failed'].includes(found.node.provision_state);
  return isOurs
    ? []
    : [`the node is in use: ${use}; nothing of it was changed (force_in_use: true changes it all the same)`];
}

type Planned = Omit<NodePlan, 'differences' | 'faults'>;

function differencesOf(
  { found, traits, portGroups, ports, maintenance, travels, wish }: Planned,
  changes: readonly NodeChange[],
  { goal }: NodeSettings,
): NodeDifference[] {
  const node = found?.node;
  return [
    ...(found ? [] : [{ field: 'uuid', before: undefined, after: wish.uuid ?? '(new)' }]),
    ...changes.flatMap(({ differences }) => differences),
    ...(traits ? [{ field: 'traits', before: node?.record.traits, after: traits }] : []),
    ...portGroups.flatMap(({ differences }) => differences),
    ...ports.flatMap(({ differences }) => differences).map((difference) => withGroupName(difference, portGroups)),
    ...(maintenance === undefined
      ? []
      : [{ field: 'maintenance', before: node?.maintenance ?? false, after: maintenance }]),
    ...(travels ? [{ field: 'provision_state', before: node?.provision_state, after: goal }] : []),
  ];
}

/** The UUID of a port group that is not there yet says nothing to people. */
function withGroupName(difference: NodeDifference, groups: readonly PortGroupPlan[]): NodeDifference {
  const named = (value: unknown): unknown =>
    groups.find(({ uuid, isNew, wish }) => isNew && wish.uuid === undefined && uuid === value) === undefined
      ? value
      : '(new)';
  const { after } = difference;
  return {
    ...difference,
    after: isMapping(after)
      ? Object.fromEntries(Object.entries(after).map(([key, value]) => [key, named(value)]))
      : named(after),
  };
}

/** Whether verbs on the way deploy or clean the node, so that its interfaces should be asked first. */
export function isWorthValidating(state: string, { settings: { goal }, ironic }: NodeRun): boolean {
  return (
    goal !== undefined &&
    (stepsTo(state, goal, ironic.minor) ?? []).some(({ verb }) => verb === 'provide' || verb === 'active')
  );
}
