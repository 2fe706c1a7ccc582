// Brings one node to what is wanted and says what became of it. Never throws: what stops it is part of the result.
import type { NodeDetails, Validation } from '../clients/ironic/nodes.js';
import { failureOfPart } from '../core/errors.js';
import { shownValue, type NodeDifference } from './policy/node-differences.js';
import { wishTitle, type NodeWish } from './policy/node-wishes.js';
import { applyPlan, type Done } from './apply.js';
import { planNode } from './plan.js';
import type { Found, NodeRun } from './run.js';

export type NodeAction = 'create' | 'change' | 'up_to_date' | 'delete' | 'failed';

export interface NodeResult {
  readonly title: string;
  readonly uuid: string;
  readonly name: string;
  readonly action: NodeAction;
  /** What differs, or why it failed. */
  readonly reason: string;
  /** Whether the reason names the node: an error that is about a node has it among its facts, and in its message. */
  readonly namesNode: boolean;
  /** Code of the error that stopped it; empty where nothing did. */
  readonly code: string;
  readonly provisionState: string;
  readonly changed: boolean;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
  readonly node: NodeDetails | undefined;
  readonly validation: Readonly<Record<string, Validation>> | undefined;
  readonly warnings: readonly string[];
  /** Secrets that were given and left as they are, since nobody can tell whether they differ. */
  readonly uncompared: readonly string[];
}

export async function ensureNode(run: NodeRun, wish: NodeWish): Promise<NodeResult> {
  const warnings: string[] = [];
  const done: Done = { node: undefined, created: false, changed: false, validation: undefined, warnings };
  let differences: readonly NodeDifference[] = [];
  const uncompared: string[] = [];
  const resultAs = (action: NodeAction, reason: string, code = ''): NodeResult =>
    nodeResult({ wish, done, differences, warnings, uncompared, action, reason, code });
  try {
    const found = await run.world.find(wish);
    done.node = found?.node;
    const plan = await planNode(run, wish, found);
    differences = plan.differences;
    warnings.push(...plan.warnings);
    uncompared.push(...plan.unknown);
    if (plan.faults.length > 0) return resultAs('failed', plan.faults.join('; '), 'CHANGE_REFUSED');
    const action = found ? (differences.length > 0 ? 'change' : 'up_to_date') : 'create';
    if (run.context.checkMode || differences.length === 0)
      return { ...resultAs(action, reasonOf(found, differences)), changed: differences.length > 0 };
    run.context.signal.throwIfAborted();
    await applyPlan(run, plan, done);
    return resultAs(
      done.created ? 'create' : done.changed ? 'change' : 'up_to_date',
      done.changed ? reasonOf(found, differences) : 'another run did it meanwhile',
    );
  } catch (error) {
    const { code, reason, facts } = failureOfPart(error, run.context.log);
    return { ...resultAs('failed', reason, code), namesNode: done.node !== undefined && facts.node === done.node.uuid };
  }
}

function reasonOf(found: Found | undefined, differences: readonly NodeDifference[]): string {
  if (differences.length === 0) return 'nothing differs';
  const fields = [...new Set(differences.map(({ field }) => field))];
  return found ? fields.join(', ') : 'there was no such node';
}

const mostNamed = 5;

/** What a run says of secrets that it was given and could not compare: one sentence for each field, however many nodes. */
export function secretWarnings(results: readonly Pick<NodeResult, 'title' | 'uncompared'>[]): string[] {
  const fields = [...new Set(results.flatMap(({ uncompared }) => uncompared))];
  return fields.map((field) => {
    const nodes = results.filter(({ uncompared }) => uncompared.includes(field)).map(({ title }) => title);
    const named =
      nodes.slice(0, mostNamed).join(', ') + (nodes.length > mostNamed ? ` and ${nodes.length - mostNamed} more` : '');
    return `${field} of ${named}: Ironic masks it, so it may differ from what was given, and was left as it is; with update_secrets: changed it is compared, with always it is written`;
  });
}

/** Why a node failed, with its name. */
export function failureOf({ title, reason, namesNode }: Pick<NodeResult, 'title' | 'reason' | 'namesNode'>): string {
  return namesNode ? reason : `node ${title}: ${reason}`;
}

interface Parts {
  readonly wish: NodeWish;
  readonly done: Done;
  readonly differences: readonly NodeDifference[];
  readonly warnings: readonly string[];
  readonly uncompared?: readonly string[];
  readonly action: NodeAction;
  readonly reason: string;
  readonly code: string;
}

export function nodeResult({
  wish,
  done,
  differences,
  warnings,
  uncompared = [],
  action,
  reason,
  code,
}: Parts): NodeResult {
  const side = (which: 'before' | 'after'): Record<string, unknown> =>
    Object.fromEntries(
      differences.flatMap((difference) =>
        difference[which] === undefined ? [] : [[difference.field, shownValue(difference.field, difference[which])]],
      ),
    );
  const { node } = done;
  const name = node?.name || (typeof wish.attributes.name === 'string' ? wish.attributes.name : '');
  const uuid = node?.uuid ?? wish.uuid ?? '';
  return {
    title: name || uuid || wishTitle(wish),
    ...{ uuid, name, action, reason, code, node, warnings, uncompared },
    namesNode: false,
    provisionState: node?.provision_state ?? '',
    changed: done.changed,
    before: side('before'),
    after: side('after'),
    validation: done.validation,
  };
}
