// Completes the request with what was found out, so that its values are those that Ironic would
// store, and compares it with the node.
import type { MaintainedNode } from './node-maintenance.js';
import { nodeChanges, type Merging, type NodeChanges, type Values } from './node-differences.js';
import { nodeAttributes, tooOldFor } from './node-fields.js';
import { imageToHash, namedImages, withCompleteChecksum, type NamedImage } from './node-images.js';
import type { NodeGoal, NodeUse } from './provision-states.js';
import type { DesiredNode } from './desired-node.js';
import type { PortRules, ServedPort } from './port-plan.js';
import { compareSecrets, secretRecordKey } from './secret-records.js';

/** What an operator asks for and allows besides the values of the node. */
export interface NodeRules extends Merging, PortRules {
  /** The key of the HMACs by which secrets are compared; undefined if they are not. */
  readonly secretsKey: string | undefined;
  /** The provision state to reach; undefined: the current one. */
  readonly goal: NodeGoal | undefined;
  /** The directories in which a `file:///` image may be; undefined if images are not checked. */
  readonly allowedPaths: readonly string[] | undefined;
}

/** A node as Ironic returns it. */
export interface ServedNode extends NodeUse, MaintainedNode {
  readonly uuid: string;
  readonly name: string;
  readonly driver_info: Values;
  readonly instance_info: Values;
  readonly protected: boolean;
  readonly record: Values;
}

/** What is known of a node before anything else is read. */
export interface NodeSituation {
  /** Undefined: there is no such node yet. */
  readonly existing: { readonly node: ServedNode; readonly ports: readonly ServedPort[] } | undefined;
  readonly desired: DesiredNode;
  readonly rules: NodeRules;
  readonly minor: number;
}

/** What the comparison needs to know besides. */
export interface ComparisonFindings {
  /** SHA-256 of the image that `imageSourceToHash` names. */
  readonly imageSha256: string | undefined;
  /** UUID of the node that `parentToFind` names; undefined if there is no such node. */
  readonly parentUuid: string | undefined;
  /** Random; for a node that has no record of its secrets yet. */
  readonly salt: string;
}

/** The URL of the image whose SHA-256 is needed. */
export function imageSourceToHash({ existing, desired, rules }: NodeSituation): string | undefined {
  const { instance_info: info } = desired.mappings;
  if (info === undefined || rules.allowedPaths === undefined || existing?.node.provision_state === 'active')
    return undefined;
  return imageToHash(info, existing?.node.instance_info ?? {});
}

/** The name or UUID of the parent that has to be looked up, since Ironic stores its UUID. */
export function parentToFind({ existing, desired, minor }: NodeSituation): string | undefined {
  const { parent_node: ident } = desired.attributes;
  return typeof ident !== 'string' ||
    tooOldFor('parent_node', nodeAttributes, minor) ||
    ident === existing?.node.record.parent_node
    ? undefined
    : ident;
}

export interface NodeComparison extends NodeChanges {
  readonly desired: DesiredNode;
}

export function compareNode(situation: NodeSituation, findings: ComparisonFindings): NodeComparison {
  const { existing, rules } = situation;
  const served = existing?.node.record ?? {};
  const parent = withParent(situation, withImageChecksum(situation, findings), findings);
  const { desired, knownSecrets } = withSecretRecord(parent.desired, served, rules.secretsKey, findings.salt);
  const writesDriverSecrets = isBeingVerified(situation);
  const { changes, unknown, faults } = nodeChanges(served, desired, { ...rules, knownSecrets, writesDriverSecrets });
  return { desired, changes, unknown, faults: [...parent.faults, ...faults] };
}

/**
 * Whether the node has never worked, and is about to be verified with the given passwords. A run
 * that leaves it in `enroll` could not tell a second time that they have been written.
 */
function isBeingVerified({ existing, rules: { goal } }: NodeSituation): boolean {
  return existing?.node.provision_state === 'enroll' && goal !== undefined && goal !== 'enroll';
}

function withImageChecksum(
  { existing, desired, rules }: NodeSituation,
  { imageSha256 }: ComparisonFindings,
): DesiredNode {
  const { instance_info: info, ...others } = desired.mappings;
  if (info === undefined) return desired;
  const served = existing?.node.instance_info ?? {};
  if (existing?.node.provision_state === 'active') {
    // A deployment rewrites checksum, format and URL, so only another image counts as a difference.
    const { image_source: source } = info;
    const isOther = source !== undefined && source !== served.image_source;
    return { ...desired, mappings: { ...others, ...(isOther ? { instance_info: { image_source: source } } : {}) } };
  }
  if (rules.allowedPaths === undefined || info.image_source === undefined) return desired;
  return { ...desired, mappings: { ...others, instance_info: withCompleteChecksum(info, served, imageSha256) } };
}

/**
 * For a parent that does not exist Ironic says only that the value is invalid, or that a node could
 * not be found.
 */
function withParent(
  situation: NodeSituation,
  desired: DesiredNode,
  { parentUuid }: ComparisonFindings,
): { readonly desired: DesiredNode; readonly faults: readonly string[] } {
  const ident = parentToFind(situation);
  if (ident === undefined) return { desired, faults: [] };
  if (parentUuid !== undefined)
    return { desired: { ...desired, attributes: { ...desired.attributes, parent_node: parentUuid } }, faults: [] };
  const fault =
    `parent_node: there is no node ${JSON.stringify(ident)}, or this login cannot see it; ` +
    'a parent must be created before its children';
  return { desired, faults: [fault] };
}

/** With what `extra` keeps of the given secrets, if they are compared by it. */
function withSecretRecord(
  desired: DesiredNode,
  served: Values,
  key: string | undefined,
  salt: string,
): { readonly desired: DesiredNode; readonly knownSecrets: ReadonlySet<string> } {
  if (key === undefined) return { desired, knownSecrets: new Set() };
  const { same, record } = compareSecrets(served, desired, { key, salt });
  if (record === undefined) return { desired, knownSecrets: same };
  const extra = { ...desired.mappings.extra, [secretRecordKey]: record };
  return { desired: { ...desired, mappings: { ...desired.mappings, extra } }, knownSecrets: same };
}

/** A mapping as the node would have it, without the keys that are removed. */
export function mergedMapping(
  name: NamedImage['mapping'],
  { existing, rules }: Pick<NodeSituation, 'existing' | 'rules'>,
  desired: DesiredNode,
): Values {
  const merged = { ...(rules.purge.has(name) ? {} : existing?.node[name]), ...desired.mappings[name] };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

/** The mappings with images that change. */
export function changedImageMappings({ changes }: Pick<NodeComparison, 'changes'>): NamedImage['mapping'][] {
  return (['driver_info', 'instance_info'] as const).filter((name) =>
    changes.some(({ attribute }) => attribute === name),
  );
}

/**
 * The images to check. References of driver_info that stay as they are were decided by somebody
 * else.
 */
export function imagesToCheck(situation: NodeSituation, comparison: NodeComparison): NamedImage[] {
  if (situation.rules.allowedPaths === undefined) return [];
  return changedImageMappings(comparison).flatMap((name) => {
    const fields = comparison.changes.flatMap(({ differences }) => differences.map(({ field }) => field));
    const named = namedImages(name, mergedMapping(name, situation, comparison.desired));
    return named.filter(({ key }) => name === 'instance_info' || fields.includes(`${name}.${key}`));
  });
}
