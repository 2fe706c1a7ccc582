// What became of one node, as data and in words.
import { listSome } from '../../core/counts.js';
import type { Table } from '../../core/operation.js';
import { optionText } from '../../core/option-text.js';
import type { Permission, PermissionUse } from '../../core/rights.js';
import { desiredTitle, type DesiredNode } from './desired-node.js';
import { shownValue, type NodeDifference, type Values } from './node-differences.js';
import type { InterfaceValidation } from './deploy-checks.js';
import { findingsText, type Findings } from './inspection-findings.js';

export type NodeAction = 'create' | 'change' | 'up_to_date' | 'delete' | 'failed';

/** How far the work on a node has come. */
export interface NodeProgress {
  readonly node: ResultNode | undefined;
  readonly created: boolean;
  readonly changed: boolean;
  readonly validation: Readonly<Record<string, InterfaceValidation>> | undefined;
  readonly inspection: Findings | undefined;
  readonly warnings: readonly string[];
}

interface ResultNode {
  readonly uuid: string;
  readonly name: string;
  readonly provision_state: string;
  readonly record: Values;
}

export const nothingDone: NodeProgress = {
  node: undefined,
  created: false,
  changed: false,
  validation: undefined,
  inspection: undefined,
  warnings: [],
};

export interface NodeResult {
  readonly title: string;
  readonly uuid: string;
  readonly name: string;
  readonly action: NodeAction;
  /** What differs, or why it failed. */
  readonly reason: string;
  /**
   * Whether the reason names the node: the message of an error that has the node among its facts
   * does.
   */
  readonly namesNode: boolean;
  /** The code of the error that stopped the work; empty if none did. */
  readonly code: string;
  readonly provisionState: string;
  readonly changed: boolean;
  readonly before: Values;
  readonly after: Values;
  /** All that Ironic returns for the node. */
  readonly record: Values | undefined;
  readonly validation: Readonly<Record<string, InterfaceValidation>> | undefined;
  /** What its inspection found; undefined if none was requested, or none has finished. */
  readonly inspection: Findings | undefined;
  readonly warnings: readonly string[];
  /** Secrets that were given and left as they are, since they cannot be compared. */
  readonly uncompared: readonly string[];
  /** What Ironic must permit for it. */
  readonly requires: readonly Permission[];
  /** Whether a policy of Ironic has stopped the work. */
  readonly isDenied: boolean;
}

export interface ResultParts {
  readonly desired: DesiredNode;
  readonly progress: NodeProgress;
  readonly differences?: readonly NodeDifference[];
  readonly warnings?: readonly string[];
  readonly uncompared?: readonly string[];
  readonly requires?: readonly Permission[];
}

export interface NodeVerdict {
  readonly action: NodeAction;
  readonly reason: string;
  readonly code?: string;
  readonly namesNode?: boolean;
  readonly isDenied?: boolean;
}

export function nodeResult(
  { desired, progress, differences = [], warnings = [], uncompared = [], requires = [] }: ResultParts,
  { action, reason, code = '', namesNode = false, isDenied = false }: NodeVerdict,
): NodeResult {
  const { node, changed, validation, inspection } = progress;
  const name = node?.name || (typeof desired.attributes.name === 'string' ? desired.attributes.name : '');
  const uuid = node?.uuid ?? desired.uuid ?? '';
  return {
    title: name || uuid || desiredTitle(desired),
    ...{ uuid, name, action, reason, code, namesNode, isDenied, changed, validation, inspection },
    ...{ uncompared, requires },
    provisionState: node?.provision_state ?? '',
    before: sideOf(differences, 'before'),
    after: sideOf(differences, 'after'),
    record: node?.record,
    warnings: [...warnings, ...progress.warnings],
  };
}

/** One side of the differences, with secrets masked. */
export function sideOf(differences: readonly NodeDifference[], side: 'before' | 'after'): Values {
  return Object.fromEntries(
    differences.flatMap(({ field, [side]: value }) => (value === undefined ? [] : [[field, shownValue(field, value)]])),
  );
}

/** What a plan does to a node, and why. */
export function plannedVerdict(isNew: boolean, differences: readonly NodeDifference[]): NodeVerdict {
  if (isNew) return { action: 'create', reason: 'there was no such node' };
  if (differences.length === 0) return { action: 'up_to_date', reason: 'nothing differs' };
  return { action: 'change', reason: [...new Set(differences.map(({ field }) => field))].join(', ') };
}

/** What was done when a plan was carried out. */
export function appliedVerdict(planned: NodeVerdict, { created, changed }: NodeProgress): NodeVerdict {
  const action = created ? 'create' : changed ? 'change' : 'up_to_date';
  return { action, reason: changed ? planned.reason : 'another run has done it meanwhile' };
}

/** Why a node failed, with its name. */
export function failureText({ title, reason, namesNode }: Pick<NodeResult, 'title' | 'reason' | 'namesNode'>): string {
  return namesNode ? reason : `node ${title}: ${reason}`;
}

/** A table of what became of nodes; with a column of what was found if any was inspected. */
export function resultTable(results: readonly NodeResult[]): Table {
  const isAnyInspected = results.some(({ inspection }) => inspection !== undefined);
  return {
    columns: ['NODE', 'ACTION', 'STATE', 'UUID', ...(isAnyInspected ? ['FOUND'] : []), 'REASON'],
    rows: results.map(({ title, action, provisionState, uuid, inspection, reason }) => [
      ...[title, action, provisionState, uuid],
      ...(isAnyInspected ? [inspection ? findingsText(inspection) : ''] : []),
      reason,
    ]),
  };
}

/** What the planned changes of nodes require. */
export function usesOfNodes(results: readonly Pick<NodeResult, 'title' | 'requires'>[]): PermissionUse[] {
  return results.flatMap(({ title, requires }) =>
    requires.map((permission) => ({ permission, subject: `node ${title}` })),
  );
}

const maxNamed = 5;

/** One warning for each secret field that could not be compared, however many nodes have it. */
export function secretWarnings(results: readonly Pick<NodeResult, 'title' | 'uncompared'>[]): string[] {
  const fields = [...new Set(results.flatMap(({ uncompared }) => uncompared))];
  return fields.map((field) => {
    const nodes = results.filter(({ uncompared }) => uncompared.includes(field)).map(({ title }) => title);
    return (
      `${field} of ${listSome(nodes, maxNamed)}: ` +
      'Ironic masks it, so it may differ from the given value, and it was left as it is; ' +
      `${optionText('update_secrets', 'changed')} compares it, and always writes it ` +
      '(a node that has never worked gets it on the way from enroll to manageable)'
    );
  });
}

/** To the token of a project Ironic gives each node that it creates, which nobody asked for. */
export function ownerWarnings({ attributes }: DesiredNode, { owner }: Values): string[] {
  if (typeof owner !== 'string' || owner === '' || attributes.owner !== undefined) return [];
  return [
    `Ironic has made project ${owner}, that of the login, the owner of the node: ` +
      `set owner if that is intended, or log in with a role on the system (${optionText('system_scope', 'all')}), ` +
      'which creates nodes without an owner',
  ];
}
