// baremetal_enroll: reads the inventory, checks all of it, then brings several nodes at a time to
// their desired state.
import { optionText } from '../../core/option-text.js';
import pLimit from 'p-limit';
import validate from '#validators/baremetal_enroll';
import { countActions } from '../../core/counts.js';
import { InputError, messageOf, OperationError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { openExistingNodes, readExistingNodes } from '../existing.js';
import type { DesiredNode } from '../policy/desired-node.js';
import { inventoryFaultText, type Inventory, type InventoryNode } from '../policy/inventory.js';
import {
  failureText,
  nodeResult,
  nothingDone,
  resultTable,
  secretWarnings,
  type NodeResult,
} from '../policy/node-result.js';
import { deniedWarnings, watchRefusals } from '../denied.js';
import { reconcileNode } from '../reconcile.js';
import { openRun, settingsOf, type NodeRun } from '../run.js';
import { assertInspectable } from '../fields.js';
import { readSecretsKey } from '../secrets-key.js';
import { baremetalEnrollDeclaration } from './declaration.js';
import { loadInventory } from './load-inventory.js';

type EnrollFields = (typeof baremetalEnrollDeclaration)['fields'];
type EnrollArguments = ArgumentsOf<EnrollFields>;

export const baremetalEnroll: Operation<EnrollFields> = { ...baremetalEnrollDeclaration, validate, run: enroll };

/**
 * From this number of nodes on, all nodes and ports are read at once, rather than with a few
 * requests for each node.
 */
const manyNodes = 8;
const maxFaultsShown = 50;

async function enroll(args: EnrollArguments, context: Context): Promise<Outcome> {
  if (args.inspect) assertInspectable(args.state);
  const inventory = await loadInventory(args, context);
  if (inventory.faults.length > 0) throw invalidInventory(inventory);
  const secretsKey = await readSecretsKey(args, context);
  const run = await openRun(args, {
    context,
    settings: settingsOf(args, { goal: args.state, configdrive: undefined, validates: false, secretsKey }),
    openExisting: inventory.nodes.length < manyNodes ? openExistingNodes : readExistingNodes,
    admit: (cloud) => {
      if (!args.bypass_inventory && cloud.hasService('inventory'))
        throw new OperationError(
          'INVENTORY_SERVICE',
          'this cloud has Doni, which enrolls nodes and would undo changes that it does not know: ' +
            `enroll the nodes in Doni, or give ${optionText('bypass_inventory', true)}`,
        );
    },
  });
  const results = await reconcileAll(run, inventory.nodes, args.concurrency);
  const denied = context.checkMode ? await deniedWarnings(run, results) : [];
  const warnings = [...denied, ...inventory.warnings, ...run.drivers.warnings()];
  return enrollOutcome(results, { ...inventory, warnings }, context);
}

function invalidInventory({ faults }: Inventory): InputError {
  const shown = faults.slice(0, maxFaultsShown).map(inventoryFaultText);
  const more = faults.length - shown.length;
  return new InputError(`nothing was changed: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`);
}

async function reconcileAll(run: NodeRun, nodes: readonly InventoryNode[], concurrency: number): Promise<NodeResult[]> {
  const { context } = run;
  const limit = pLimit(concurrency);
  // One line of progress for all of them: a screen does not hold hundreds.
  const quiet: NodeRun = { ...run, context: { ...context, progress: () => undefined } };
  let finished = 0;
  const refusals = watchRefusals(run);
  return Promise.all(
    nodes.map(({ desired }) =>
      limit(async () => {
        // What has not begun when the run is interrupted is left for the next run.
        const refused = await refusals.alike(desired);
        const result = context.signal.aborted
          ? interruptedResult(desired, context.signal.reason)
          : refused
            ? notPermittedResult(desired, refused)
            : await reconcileNode(quiet, desired);
        await refusals.note(result);
        finished += 1;
        context.log('info', `node ${result.title}: ${result.action}: ${result.reason}`);
        context.progress({ subject: 'nodes', stage: 'enroll', doneCount: finished, totalCount: nodes.length });
        return result;
      }),
    ),
  );
}

function interruptedResult(desired: DesiredNode, reason: unknown): NodeResult {
  return nodeResult(
    { desired, progress: nothingDone },
    { action: 'failed', reason: `not started: ${messageOf(reason)}`, code: 'INTERRUPTED' },
  );
}

/** What has not begun when Ironic refuses to one node what it would refuse to this one too. */
function notPermittedResult(desired: DesiredNode, { title }: NodeResult): NodeResult {
  return nodeResult(
    { desired, progress: nothingDone },
    { action: 'failed', reason: `not started: Ironic does not permit it, see node ${title}`, code: 'NOT_PERMITTED' },
  );
}

function enrollOutcome(
  results: readonly NodeResult[],
  { ignored, warnings }: Inventory,
  { checkMode }: Context,
): Outcome {
  const summary = countActions(results) || 'no nodes';
  return {
    changed: results.some(({ changed }) => changed),
    message: `${checkMode ? 'planned: ' : ''}${summary}`,
    values: { nodes: results.map(returnedNode) },
    failures: results.filter(({ action }) => action === 'failed').map(failureText),
    warnings: [
      ...warnings,
      ...secretWarnings(results),
      ...results.flatMap(({ title, warnings }) => warnings.map((warning) => `node ${title}: ${warning}`)),
      ...(ignored.length > 0 ? [`ignored, since enrollment does not use them: ${ignored.join(', ')}`] : []),
    ],
    differences: results
      .filter(({ changed }) => changed)
      .map(({ title, before, after }) => ({ header: `node ${title}`, before, after })),
    table: resultTable(results),
  };
}

/** The entry of a node among the returned values. */
function returnedNode({
  name,
  uuid,
  action,
  reason,
  provisionState,
  code,
  changed,
  inspection,
}: NodeResult): Record<string, unknown> {
  return {
    ...{ name, uuid, action, reason, provision_state: provisionState },
    ...(code === '' ? {} : { error_code: code }),
    changed,
    ...(inspection ? { inspection } : {}),
  };
}
