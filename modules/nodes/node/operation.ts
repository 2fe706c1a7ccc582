// baremetal_node: brings one node to its desired state, or deletes it.
import validate from '#validators/baremetal_node';
import { InputError, OperationError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { openExistingNodes } from '../existing.js';
import { assertInspectable, handlingFields } from '../fields.js';
import { parseNode, type DesiredNode } from '../policy/desired-node.js';
import { faultText } from '../policy/field-values.js';
import { shownValue } from '../policy/node-differences.js';
import { failureText, resultTable, secretWarnings, type NodeResult } from '../policy/node-result.js';
import { deniedWarnings } from '../denied.js';
import { reconcileNode, removeNode } from '../reconcile.js';
import { openRun, settingsOf } from '../run.js';
import { readSecretsKey } from '../secrets-key.js';
import { baremetalNodeDeclaration } from './declaration.js';

type NodeFields = (typeof baremetalNodeDeclaration)['fields'];
type NodeArguments = ArgumentsOf<NodeFields>;

export const baremetalNode: Operation<NodeFields> = { ...baremetalNodeDeclaration, validate, run: changeNode };

/** Options that are not fields of the node itself. */
const otherFields: ReadonlySet<string> = new Set([
  'state',
  'configdrive',
  ...Object.keys(handlingFields),
  ...Object.keys(loginFields),
]);

async function changeNode(args: NodeArguments, context: Context): Promise<Outcome> {
  const { state, configdrive } = args;
  const desired = desiredNode(args);
  const goal = state === 'absent' ? undefined : state;
  const secretsKey = await readSecretsKey(args, context);
  const run = await openRun(args, {
    context,
    settings: settingsOf(args, { goal, configdrive, validates: true, secretsKey }),
    openExisting: openExistingNodes,
  });
  const result = state === 'absent' ? await removeNode(run, desired) : await reconcileNode(run, desired);
  const denied = context.checkMode ? await deniedWarnings(run, [result]) : [];
  return nodeOutcome(result, [...denied, ...run.drivers.warnings()], context.checkMode);
}

function desiredNode(args: NodeArguments): DesiredNode {
  const given = Object.fromEntries(Object.entries(args).filter(([name]) => !otherFields.has(name)));
  const { desired, faults } = parseNode(given);
  if (!desired) throw new InputError(faults.map(faultText).join('; '));
  if (desired.inspect && args.state !== 'absent') assertInspectable(args.state);
  if (desired.uuid !== undefined || typeof desired.attributes.name === 'string' || desired.ports?.length)
    return desired;
  if (args.state === 'absent') throw new InputError('give uuid, name or ports to say which node is meant');
  if (args.driver === undefined)
    throw new InputError('give uuid, name or ports to say which node is meant, or driver to create one');
  return desired;
}

function nodeOutcome(result: NodeResult, warnings: readonly string[], checkMode: boolean): Outcome {
  const { action, reason, code, title, uuid, name, changed, before, after, record, provisionState } = result;
  // If nothing was changed, the whole operation fails, with its own code.
  if (action === 'failed' && !changed) throw new OperationError(code, failureText(result), { node: uuid || undefined });
  const failures = action === 'failed' ? [failureText(result)] : [];
  const state = provisionState && action !== 'delete' ? `, ${provisionState}` : '';
  return {
    changed,
    message: `node ${title}: ${checkMode && changed ? 'would be ' : ''}${words[action]}${state}`,
    values: {
      ...{ uuid, name, action, reason, provision_state: provisionState },
      ...(failures.length > 0 ? { error_code: code } : {}),
      ...(record && action !== 'delete' ? { node: shownValue('', record) } : {}),
      ...(result.validation ? { validation: result.validation } : {}),
      ...(result.inspection ? { inspection: result.inspection } : {}),
    },
    failures,
    warnings: [...result.warnings, ...warnings, ...secretWarnings([result])],
    differences: changed ? [{ header: `node ${title}`, before, after }] : [],
    table: resultTable([result]),
  };
}

const words: Readonly<Record<NodeResult['action'], string>> = {
  create: 'created',
  change: 'changed',
  up_to_date: 'up to date',
  delete: 'deleted',
  failed: 'failed after it was changed',
};
