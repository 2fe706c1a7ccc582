// Decides what to do to one node, from the request and everything that was read beforehand.
import { optionText } from '../../core/option-text.js';
import { isMapping } from '../../core/mapping.js';
import { mergeCapabilities } from './capabilities.js';
import type { DesiredNode } from './desired-node.js';
import { checkDriver, driverUse, type DriverOffer } from './driver-checks.js';
import { decideInspection, type InspectionPlan } from './inspection.js';
import type { NodeChange, NodeDifference, Values } from './node-differences.js';
import { nodeAttributes, notAtCreation, refusalToChange, tooOldFor, traitsSince } from './node-fields.js';
import { checkImage, checksumFaults, halfPairs, type ImageFacts, type ImageFindings } from './node-images.js';
import {
  adviceOnMaintenance,
  canEndMaintenance,
  isBlockedByMaintenance,
  maintenanceFault,
} from './node-maintenance.js';
import { inUseReason } from './provision-states.js';
import { decidePortGroups, hideNewUuid, type PortGroupFinding, type PortGroupPlan } from './port-group-plan.js';
import { decidePorts, type ForeignPort, type PortPlan } from './port-plan.js';
import {
  changedImageMappings,
  imagesToCheck,
  mergedMapping,
  compareNode,
  type NodeSituation,
  type NodeRules,
  type ServedNode,
  type NodeComparison,
  type ComparisonFindings,
} from './node-comparison.js';

/** Everything that was read for the decision. */
export interface NodeFindings extends ComparisonFindings {
  /** One for each desired port group. */
  readonly portGroups: readonly PortGroupFinding[];
  /** The ports of other nodes that have a desired address, by address. */
  readonly foreignPorts: ReadonlyMap<string, ForeignPort>;
  /** What was found out about each image, by its reference. */
  readonly images: ReadonlyMap<string, ImageFacts>;
  /** Undefined if it is not needed, or not shown to this login. */
  readonly driverOffer: DriverOffer | undefined;
}

export interface NodePlan {
  readonly desired: DesiredNode;
  readonly isNew: boolean;
  /** The body of the POST for a new node. */
  readonly body: Values;
  readonly now: readonly NodeChange[];
  /** What Ironic accepts only in the desired state. */
  readonly later: readonly NodeChange[];
  /** All traits that the node gets; undefined if they are up to date. */
  readonly traits: readonly string[] | undefined;
  readonly portGroups: readonly PortGroupPlan[];
  readonly ports: readonly PortPlan[];
  /** Undefined: it stays as it is. */
  readonly maintenance: boolean | undefined;
  /** Whether it is inspected on its way, before it leaves `manageable`. */
  readonly inspects: boolean;
  readonly changesState: boolean;
  readonly differences: readonly NodeDifference[];
  /** Secrets that were left alone since they cannot be compared. */
  readonly unknown: readonly string[];
  /** Reasons not to carry it out. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

export function decideNode(situation: NodeSituation, findings: NodeFindings): NodePlan {
  const { existing, rules, minor } = situation;
  const node = existing?.node;
  const comparison = compareNode(situation, findings);
  const { desired, changes } = comparison;
  const sorted = sortChanges(changes, node, rules);
  const portGroups = decidePortGroups(desired, findings.portGroups, minor);
  const ports = decidePorts({ existing, desired: portGroups.ports, foreign: findings.foreignPorts, rules, minor });
  const images = checkImages(situation, comparison, findings.images);
  const givenKeys = new Set(Object.keys(desired.mappings.driver_info ?? {}));
  const inspection = decideInspection(situation, comparison, findings.driverOffer);
  const driver = checkDriver(driverUse(situation, comparison), findings.driverOffer, givenKeys);
  const plan = {
    desired,
    isNew: !existing,
    body: existing ? {} : creationBody(desired),
    now: existing ? sorted.now : changes.filter((change) => isChangedAfterCreation(change, sorted.later)),
    later: sorted.later,
    traits: traitsToSet(desired, node?.record ?? {}, rules.purge.has('traits')),
    portGroups: portGroups.plans,
    ports: ports.plans,
    maintenance: maintenanceToSet(desired, node, rules),
    inspects: inspection.isDue,
    changesState: rules.goal !== undefined && rules.goal !== 'enroll' && node?.provision_state !== rules.goal,
    unknown: comparison.unknown,
    warnings: [
      ...driver.warnings,
      ...images.warnings,
      ...maintenanceWarnings(desired, node, rules),
      ...inspection.warnings,
    ],
  };
  const differences = differencesOf(plan, node, { changes, inspection, goal: rules.goal });
  const faults = [
    ...versionFaults(desired, minor),
    ...driver.faults,
    ...inspection.faults,
    ...comparison.faults,
    ...sorted.faults,
    ...portGroups.faults,
    ...ports.faults,
    ...images.faults,
    ...(node ? [] : creationFaults(desired)),
    ...(node && differences.length > 0 ? useFaults(node, rules) : []),
  ];
  return { ...plan, differences, faults };
}

/** Whether anything is written that needs the lock of the node. */
export function hasWrites({ now, portGroups, ports, traits, maintenance }: NodePlan): boolean {
  return (
    now.length > 0 || portGroups.length > 0 || ports.length > 0 || traits !== undefined || maintenance !== undefined
  );
}

/** The attributes and mappings of a POST: without null values, and with capabilities as text. */
function creationBody({ attributes, mappings, uuid }: DesiredNode): Values {
  const present = (values: Values): Values =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
  const bodies = Object.fromEntries(
    Object.entries(mappings).map(([name, values]) => {
      const { capabilities, ...others } = present(values);
      const text = name === 'properties' ? capabilitiesText(capabilities) : capabilities;
      return [name, { ...others, ...(text === undefined ? {} : { capabilities: text }) }];
    }),
  );
  const own = Object.fromEntries(Object.entries(present(attributes)).filter(([name]) => !notAtCreation.has(name)));
  return { ...own, ...bodies, ...(uuid === undefined ? {} : { uuid }) };
}

function capabilitiesText(given: unknown): string | undefined {
  return typeof given === 'string' || isMapping(given) ? mergeCapabilities('', given, true) : undefined;
}

function isChangedAfterCreation({ attribute }: NodeChange, later: readonly NodeChange[]): boolean {
  return notAtCreation.has(attribute) && !later.some((change) => change.attribute === attribute);
}

/** What can be changed now, what only in the desired state, and what in neither. */
function sortChanges(
  changes: readonly NodeChange[],
  node: ServedNode | undefined,
  { goal }: NodeRules,
): { readonly now: readonly NodeChange[]; readonly later: readonly NodeChange[]; readonly faults: readonly string[] } {
  const present = node ?? { provision_state: 'enroll', maintenance: false };
  const target = { ...present, provision_state: goal ?? present.provision_state };
  const sorted = changes.map((change) => {
    const [difference] = change.differences;
    // A reason goes with the attribute that it explains.
    const isReason = change.attribute.endsWith('_reason');
    const attribute = change.attribute.replace(/_reason$/, '');
    const value = isReason
      ? { value: true, wasSet: false }
      : { value: difference?.after, wasSet: node !== undefined && difference?.before !== undefined };
    const refusal = refusalToChange(attribute, present, value);
    const isPossibleLater = refusal !== undefined && refusalToChange(attribute, target, value) === undefined;
    return { change, refusal, isPossibleLater };
  });
  return {
    now: sorted.flatMap(({ change, refusal }) => (refusal === undefined ? [change] : [])),
    later: sorted.flatMap(({ change, isPossibleLater }) => (isPossibleLater ? [change] : [])),
    faults: sorted.flatMap(({ refusal, isPossibleLater }) =>
      refusal === undefined || isPossibleLater ? [] : [refusal],
    ),
  };
}

function traitsToSet({ traits }: DesiredNode, served: Values, replace: boolean): readonly string[] | undefined {
  if (traits === undefined) return undefined;
  const present = Array.isArray(served.traits) ? served.traits.map(String) : [];
  const all = replace ? traits : [...new Set([...present, ...traits])];
  return all.length === present.length && all.every((trait) => present.includes(trait)) ? undefined : [...all].sort();
}

function maintenanceToSet(
  { maintenance, maintenanceReason }: DesiredNode,
  node: ServedNode | undefined,
  rules: NodeRules,
): boolean | undefined {
  if (maintenance === undefined) return node && endsMaintenance(node, rules) ? false : undefined;
  const sameReason = !maintenance || maintenanceReason === undefined || maintenanceReason === node?.maintenance_reason;
  return maintenance === (node?.maintenance ?? false) && sameReason ? undefined : maintenance;
}

/**
 * Maintenance that Ironic itself has set is ended for a node that is to be used; for a node in use
 * only if that is allowed.
 */
function endsMaintenance(node: ServedNode, { goal, forceInUse }: NodeRules): boolean {
  return isBlockedByMaintenance(goal) && canEndMaintenance(node) && (forceInUse || inUseReason(node) === undefined);
}

function maintenanceWarnings({ maintenance }: DesiredNode, node: ServedNode | undefined, rules: NodeRules): string[] {
  if (node === undefined || maintenanceFault(node) === undefined || maintenance !== undefined) return [];
  const isProvisioned = rules.goal !== undefined && rules.goal !== 'enroll';
  return isProvisioned && !endsMaintenance(node, rules) ? [adviceOnMaintenance(node)] : [];
}

function checkImages(
  situation: NodeSituation,
  comparison: NodeComparison,
  facts: ReadonlyMap<string, ImageFacts>,
): ImageFindings {
  const { existing, rules, minor } = situation;
  const { allowedPaths } = rules;
  if (allowedPaths === undefined) return { faults: [], warnings: [] };
  const { desired } = comparison;
  const deployInterface = String(desired.attributes.deploy_interface ?? existing?.node.record.deploy_interface ?? '');
  const images = imagesToCheck(situation, comparison);
  const findings = changedImageMappings(comparison).map((name) => {
    const values = mergedMapping(name, situation, desired);
    const found = images
      .filter(({ mapping }) => mapping === name)
      .map((image) => checkImage(image, facts.get(image.text), { minor, allowedPaths, deployInterface }));
    return {
      faults: [
        ...(name === 'driver_info' ? halfPairs(values) : []),
        ...found.flatMap(({ faults }) => faults),
        ...(name === 'instance_info' ? checksumFaults(values) : []),
      ],
      warnings: found.flatMap(({ warnings }) => warnings),
    };
  });
  return {
    faults: findings.flatMap(({ faults }) => faults),
    warnings: findings.flatMap(({ warnings }) => warnings),
  };
}

function versionFaults({ attributes, traits }: DesiredNode, minor: number): string[] {
  const old = Object.entries(attributes).flatMap(([name, value]) =>
    value === null ? [] : (tooOldFor(name, nodeAttributes, minor) ?? []),
  );
  const rule = { traits: { kind: 'object', since: traitsSince } } as const;
  return [...old, ...(traits?.length ? [tooOldFor('traits', rule, minor) ?? []].flat() : [])];
}

function creationFaults({ attributes }: DesiredNode): string[] {
  return attributes.driver === undefined
    ? ['driver is missing: there is no such node yet, and a node cannot be created without a driver']
    : [];
}

/**
 * A node in use is left alone; finishing a deployment that has failed or is in progress is what the
 * request asks for.
 */
function useFaults(node: ServedNode, { goal, forceInUse }: NodeRules): string[] {
  const use = inUseReason(node);
  if (use === undefined || forceInUse) return [];
  const isOurs =
    goal === 'active' &&
    !node.instance_uuid &&
    ['deploying', 'wait call-back', 'deploy failed'].includes(node.provision_state);
  return isOurs
    ? []
    : [`the node is in use: ${use}; nothing was changed (${optionText('force_in_use', true)} changes it anyway)`];
}

function differencesOf(
  { desired, traits, portGroups, ports, maintenance, changesState }: Omit<NodePlan, 'differences' | 'faults'>,
  node: ServedNode | undefined,
  {
    changes,
    inspection,
    goal,
  }: Pick<NodeComparison, 'changes'> & { readonly inspection: InspectionPlan; readonly goal: string | undefined },
): NodeDifference[] {
  return [
    ...(node ? [] : [{ field: 'uuid', before: undefined, after: desired.uuid ?? '(new)' }]),
    ...changes.flatMap(({ differences }) => differences),
    ...(traits ? [{ field: 'traits', before: node?.record.traits, after: traits }] : []),
    ...portGroups.flatMap(({ differences }) => differences),
    ...ports.flatMap(({ differences }) => differences).map((difference) => hideNewUuid(difference, portGroups)),
    ...(maintenance === undefined
      ? []
      : [{ field: 'maintenance', before: node?.maintenance ?? false, after: maintenance }]),
    ...inspection.differences,
    ...(changesState ? [{ field: 'provision_state', before: node?.provision_state, after: goal }] : []),
  ];
}
