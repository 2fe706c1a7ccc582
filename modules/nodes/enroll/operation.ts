// baremetal_enroll: reads the inventory, checks it whole, then brings many nodes to what it says at a time.
import pLimit from 'p-limit';
import validate from '#validators/baremetal_enroll';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { InputError, messageOf, OperationError } from '../../core/errors.js';
import { inventoryFaultText, type Inventory, type InventoryNode } from '../policy/inventory.js';
import { ensureNode, failureOf, nodeResult, secretWarnings, type NodeResult } from '../ensure.js';
import { openRun, settingsOf } from '../open.js';
import type { NodeRun } from '../run.js';
import { readSecretsKey } from '../secrets-key.js';
import { openWorld, readWorld } from '../world.js';
import { baremetalEnrollDeclaration } from './declaration.js';
import { loadInventory } from './load.js';

type EnrollArguments = ArgumentsOf<(typeof baremetalEnrollDeclaration)['fields']>;

export const baremetalEnroll: Operation<(typeof baremetalEnrollDeclaration)['fields']> = {
  ...baremetalEnrollDeclaration,
  validate,
  run: enroll,
};

/** From so many nodes on all that the service has is read at once, rather than a few requests for each. */
const manyNodes = 8;
const mostFaultsTold = 50;

async function enroll(args: EnrollArguments, context: Context): Promise<Outcome> {
  const inventory = await loadInventory(args, context);
  if (inventory.faults.length > 0) throw faulty(inventory);
  const secretsKey = await readSecretsKey(args, context);
  const run = await openRun(args, {
    context,
    settings: settingsOf(args, { goal: args.state, configdrive: undefined, validates: false, secretsKey }),
    worldOf: (ironic) => (inventory.nodes.length < manyNodes ? Promise.resolve(openWorld(ironic)) : readWorld(ironic)),
    admit: (cloud) => {
      if (!args.bypass_inventory && cloud.hasService('inventory')) {
        throw new OperationError(
          'INVENTORY_SERVICE',
          'this cloud has Doni, which enrols nodes and would undo what it does not know: enrol them there, or give bypass_inventory: true',
        );
      }
    },
  });
  return outcomeOf(await ensureAll(run, inventory.nodes, args.concurrency), inventory, context);
}

function faulty({ faults }: Inventory): InputError {
  const told = faults.slice(0, mostFaultsTold).map(inventoryFaultText);
  const more = faults.length - told.length;
  return new InputError(`nothing was changed: ${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`);
}

async function ensureAll(run: NodeRun, nodes: readonly InventoryNode[], concurrency: number): Promise<NodeResult[]> {
  const { context } = run;
  const limit = pLimit(concurrency);
  // One line for all of them: a screen does not hold hundreds.
  const quiet: NodeRun = { ...run, context: { ...context, progress: () => undefined } };
  let finished = 0;
  return Promise.all(
    nodes.map(({ wish }) =>
      limit(async () => {
        // What has not begun when the run is ended is left for the next one.
        const result = context.signal.aborted ? unbegun(wish, context.signal.reason) : await ensureNode(quiet, wish);
        finished += 1;
        context.log('info', `node ${result.title}: ${result.action}: ${result.reason}`);
        context.progress({ subject: 'nodes', stage: 'enroll', doneCount: finished, totalCount: nodes.length });
        return result;
      }),
    ),
  );
}

function unbegun(wish: InventoryNode['wish'], reason: unknown): NodeResult {
  const done = { node: undefined, created: false, changed: false, validation: undefined };
  return nodeResult({
    wish,
    done,
    differences: [],
    warnings: [],
    action: 'failed',
    reason: `not begun: ${messageOf(reason)}`,
    code: 'INTERRUPTED',
  });
}

function outcomeOf(results: readonly NodeResult[], { ignored }: Inventory, { checkMode }: Context): Outcome {
  const counts = new Map<string, number>();
  for (const { action } of results) counts.set(action, (counts.get(action) ?? 0) + 1);
  const summary = [...counts].map(([action, count]) => `${count} ${action}`).join(', ') || 'no nodes named';
  return {
    changed: results.some(({ changed }) => changed),
    message: `${checkMode ? 'planned: ' : ''}${summary}`,
    values: { nodes: results.map(entryOf) },
    failures: results.filter(({ action }) => action === 'failed').map(failureOf),
    warnings: [
      ...secretWarnings(results),
      ...results.flatMap(({ title, warnings }) => warnings.map((warning) => `node ${title}: ${warning}`)),
      ...(ignored.length > 0 ? [`left aside, since they mean nothing to enrolment: ${ignored.join(', ')}`] : []),
    ],
    differences: results
      .filter(({ changed }) => changed)
      .map(({ title, before, after }) => ({ header: `node ${title}`, before, after })),
    table: {
      columns: ['NODE', 'ACTION', 'STATE', 'UUID', 'REASON'],
      rows: results.map(({ title, action, provisionState, uuid, reason }) => [
        title,
        action,
        provisionState,
        uuid,
        reason,
      ]),
    },
  };
}

function entryOf({ name, uuid, action, reason, provisionState, code, changed }: NodeResult): Record<string, unknown> {
  return {
    name,
    uuid,
    action,
    reason,
    provision_state: provisionState,
    ...(code === '' ? {} : { error_code: code }),
    changed,
  };
}
