// baremetal_node: one node as it is wanted, or gone.
import { randomUUID } from 'node:crypto';
import validate from '#validators/baremetal_node';
import { InputError, OperationError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { faultText } from '../policy/faults.js';
import { shownValue } from '../policy/node-differences.js';
import { parseNode, type NodeWish } from '../policy/node-wishes.js';
import { ensureNode, failureOf, secretWarnings, type NodeResult } from '../ensure.js';
import { openRun, settingsOf } from '../open.js';
import { removeNode } from '../remove.js';
import { readSecretsKey } from '../secrets-key.js';
import { openWorld } from '../world.js';
import { handlingFields } from '../fields.js';
import { loginFields } from '../../runtime/login-fields.js';
import { baremetalNodeDeclaration } from './declaration.js';

type NodeArguments = ArgumentsOf<(typeof baremetalNodeDeclaration)['fields']>;

export const baremetalNode: Operation<(typeof baremetalNodeDeclaration)['fields']> = {
  ...baremetalNodeDeclaration,
  validate,
  run: changeNode,
};

/** What is not of the node itself. */
const otherFields: ReadonlySet<string> = new Set([
  'state',
  'configdrive',
  ...Object.keys(handlingFields),
  ...Object.keys(loginFields),
]);

async function changeNode(args: NodeArguments, context: Context): Promise<Outcome> {
  const { state } = args;
  const wish = wishOf(args);
  const goal = state === 'absent' ? undefined : state;
  const run = await openRun(args, {
    context,
    settings: settingsOf(args, {
      goal,
      configdrive: args.configdrive,
      validates: true,
      secretsKey: await readSecretsKey(args, context),
    }),
    worldOf: async (ironic) => openWorld(ironic),
  });
  return outcomeOf(state === 'absent' ? await removeNode(run, wish) : await ensureNode(run, wish), context.checkMode);
}

function wishOf(args: NodeArguments): NodeWish {
  const given = Object.fromEntries(Object.entries(args).filter(([name]) => !otherFields.has(name)));
  const { wish, faults } = parseNode(given);
  if (!wish) throw new InputError(faults.map(faultText).join('; '));
  if (wish.uuid !== undefined || typeof wish.attributes.name === 'string' || wish.ports?.length) return wish;
  if (args.state === 'absent') throw new InputError('give uuid, name or ports: nothing else tells which node is meant');
  if (args.driver === undefined)
    throw new InputError('give uuid, name or ports to say which node is meant, or driver to create one');
  // With a UUID of our own the request may be repeated when its answer is lost.
  return { ...wish, uuid: randomUUID() };
}

function outcomeOf(result: NodeResult, checkMode: boolean): Outcome {
  const {
    action,
    reason,
    code,
    title,
    uuid,
    name,
    changed,
    before,
    after,
    node,
    provisionState,
    validation,
    warnings,
  } = result;
  // Nothing was changed: it failed as a whole, with its own code.
  if (action === 'failed' && !changed) throw new OperationError(code, failureOf(result), { node: uuid || undefined });
  const failures = action === 'failed' ? [failureOf(result)] : [];
  return {
    changed,
    message: `node ${title}: ${checkMode && changed ? 'would be ' : ''}${words[action]}${provisionState && action !== 'delete' ? `, ${provisionState}` : ''}`,
    values: {
      ...{ uuid, name, action, reason, provision_state: provisionState },
      ...(failures.length > 0 ? { error_code: code } : {}),
      ...(node && action !== 'delete' ? { node: shownValue('', node.record) } : {}),
      ...(validation ? { validation } : {}),
    },
    failures,
    warnings: [...warnings, ...secretWarnings([result])],
    differences: changed ? [{ header: `node ${title}`, before, after }] : [],
    table: {
      columns: ['NODE', 'ACTION', 'STATE', 'UUID', 'REASON'],
      rows: [[title, action, provisionState, uuid, reason]],
    },
  };
}

const words: Readonly<Record<NodeResult['action'], string>> = {
  create: 'created',
  change: 'changed',
  up_to_date: 'as it is wanted',
  delete: 'deleted',
  failed: 'failed after it was changed',
};
