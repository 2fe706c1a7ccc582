// baremetal_port: one port as it is wanted, or gone.
import validate from '#validators/baremetal_port';
import { openIronic } from '../../clients/ironic/api.js';
import { getNode, type NodeDetails } from '../../clients/ironic/nodes.js';
import { getPort, type Port } from '../../clients/ironic/ports.js';
import { InputError, OperationError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { faultText } from '../policy/faults.js';
import { shownValue } from '../policy/node-differences.js';
import { portAttributes } from '../policy/node-fields.js';
import { nodeTitle, inUseReason } from '../policy/node-states.js';
import { parsePort, type PortWish } from '../policy/port-wishes.js';
import { applyPorts } from '../apply-ports.js';
import { isRefusal, planChange, planCreation, planRemoval, tooOldPorts, type PortPlan } from '../port-plan.js';
import type { NodeRun } from '../run.js';
import { openWorld } from '../world.js';
import { openCloud } from '../../runtime/connect.js';
import { baremetalPortDeclaration } from './declaration.js';

type PortArguments = ArgumentsOf<(typeof baremetalPortDeclaration)['fields']>;

export const baremetalPort: Operation<(typeof baremetalPortDeclaration)['fields']> = {
  ...baremetalPortDeclaration,
  validate,
  run: changePort,
};

async function changePort(args: PortArguments, context: Context): Promise<Outcome> {
  if (args.address === undefined && args.uuid === undefined)
    throw new InputError('give address or uuid to say which port is meant');
  // Read before anything is asked, so that bad input costs no request.
  if (args.address !== undefined) wishOf(args, args.address);
  const ironic = await openIronic(await openCloud(args, context));
  const settings = {
    secretsKey: undefined,
    goal: undefined,
    validates: false,
    purge: new Set(args.purge ? ['ports'] : []),
    updateSecrets: 'on_create',
    forceInUse: args.force_in_use,
    move: args.move,
    withMaintenance: args.with_maintenance,
    stateTimeoutSeconds: args.lock_timeout,
    lockTimeoutSeconds: args.lock_timeout,
  } as const;
  const run: NodeRun = { ironic, context, settings, images: undefined, world: openWorld(ironic) };
  const port = await findPort(run, args);
  const node = await findNode(run, args, port);
  const plan = await planPort(run, args, { port, node });
  if (!plan || context.checkMode) return outcomeOf({ plan, port, node }, context.checkMode);
  const owner = node ?? (port && (await getNode(ironic, port.node_uuid)));
  if (!owner) throw nodeNotFound(port?.node_uuid ?? '');
  assertUnused(owner, plan, args);
  await applyPorts(run, owner, [plan], () => undefined);
  return outcomeOf({ plan, port: await run.world.portNow(plan.address), node: owner }, false);
}

function wishOf(args: PortArguments, address: string): PortWish {
  const attributes = Object.fromEntries(Object.entries(args).filter(([name]) => Object.hasOwn(portAttributes, name)));
  const { wish, faults } = parsePort({
    ...attributes,
    address,
    ...(args.uuid === undefined ? {} : { uuid: args.uuid }),
  });
  if (!wish)
    throw new InputError(
      faults.map((fault) => faultText(fault.field === 'mac' ? { ...fault, field: 'address' } : fault)).join('; '),
    );
  return wish;
}

async function findPort({ ironic, world }: NodeRun, args: PortArguments): Promise<Port | undefined> {
  const byUuid = args.uuid === undefined ? undefined : await getPort(ironic, args.uuid);
  const byAddress = args.address === undefined ? undefined : await world.portNow(wishOf(args, args.address).address);
  if (args.uuid !== undefined && byAddress && byAddress.uuid !== args.uuid.toLowerCase()) {
    throw new OperationError(
      'PORT_TAKEN',
      `port ${byAddress.address} has the UUID ${byAddress.uuid}, not ${args.uuid}`,
      { address: byAddress.address },
    );
  }
  return byUuid ?? byAddress;
}

/** The node that is named, or that has the port. */
async function findNode(
  { ironic }: NodeRun,
  args: PortArguments,
  port: Port | undefined,
): Promise<NodeDetails | undefined> {
  if (args.node !== undefined) {
    const named = await getNode(ironic, args.node);
    if (!named && args.state === 'present') throw nodeNotFound(args.node);
    return named;
  }
  return port && getNode(ironic, port.node_uuid);
}

function nodeNotFound(ident: string): OperationError {
  return new OperationError('NODE_NOT_FOUND', `there is no node ${ident}`, { node: ident });
}

interface There {
  readonly port: Port | undefined;
  readonly node: NodeDetails | undefined;
}

/** Undefined where all is as it is wanted. */
async function planPort(run: NodeRun, args: PortArguments, { port, node }: There): Promise<PortPlan | undefined> {
  if (args.state === 'absent') {
    // Of a node that is named only the port that it has is meant.
    if (!port || (args.node !== undefined && port.node_uuid !== node?.uuid)) return undefined;
    return planRemoval(port);
  }
  const address = args.address ?? port?.address;
  if (address === undefined)
    throw new OperationError(
      'PORT_NOT_FOUND',
      `there is no port ${args.uuid ?? ''}: give address and node to create it`,
      { port: args.uuid },
    );
  const wish = wishOf(args, address);
  if (!node)
    throw new InputError(`node: port ${wish.address} does not exist yet; name the node that is to have it`, 'node');
  const old = tooOldPorts(run, wish);
  if (old.length > 0) throw new OperationError('CHANGE_REFUSED', old.join('; '));
  const plan =
    port && port.node_uuid === node.uuid ? planChange(run, wish, port, node) : await planCreation(run, wish, { node });
  if (isRefusal(plan)) throw new OperationError(plan.code, plan.reason, { address: wish.address });
  if (plan) assertUnused(node, plan, args);
  return plan;
}

function assertUnused(node: NodeDetails, { action, address }: PortPlan, args: PortArguments): void {
  const use = inUseReason(node);
  if (use === undefined || args.force_in_use || (args.with_maintenance && action === 'change')) return;
  throw new OperationError(
    'CHANGE_REFUSED',
    `port ${address}: node ${nodeTitle(node)} is in use: ${use} (force_in_use: true changes it all the same)`,
    { address, node: node.uuid },
  );
}

function outcomeOf({ plan, port, node }: There & { readonly plan: PortPlan | undefined }, checkMode: boolean): Outcome {
  const action = plan?.action ?? 'up_to_date';
  const isGone = action === 'delete' && !checkMode;
  const side = (which: 'before' | 'after'): Record<string, unknown> =>
    Object.fromEntries(
      (plan?.differences ?? []).flatMap(({ field, [which]: value }) =>
        value === undefined ? [] : [[field, shownValue(field, value)]],
      ),
    );
  const address = plan?.address ?? port?.address ?? '';
  const uuid = port?.uuid ?? '';
  return {
    changed: plan !== undefined,
    message:
      address === ''
        ? 'there is no such port'
        : `port ${address}: ${checkMode && plan ? 'would be ' : ''}${words[action]}`,
    values: {
      uuid,
      address,
      node_uuid: (plan && plan.action !== 'delete' ? node?.uuid : port?.node_uuid) ?? '',
      action,
      ...(port && !isGone ? { port: port.record } : {}),
    },
    failures: [],
    warnings: [],
    differences: plan ? [{ header: `port ${address}`, before: side('before'), after: side('after') }] : [],
    table: {
      columns: ['PORT', 'ACTION', 'NODE', 'UUID'],
      rows: address === '' ? [] : [[address, action, node ? nodeTitle(node) : (port?.node_uuid ?? ''), uuid]],
    },
  };
}

const words = {
  create: 'created',
  change: 'changed',
  move: 'moved',
  delete: 'deleted',
  up_to_date: 'as it is wanted',
} as const;
