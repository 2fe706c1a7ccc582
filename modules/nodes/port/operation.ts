// baremetal_port: brings one port to its desired state, or deletes it.
import validate from '#validators/baremetal_port';
import { openIronic, type Ironic } from '../../clients/ironic/api.js';
import { getNode, type NodeDetails } from '../../clients/ironic/nodes.js';
import { getPort, type Port } from '../../clients/ironic/ports.js';
import { InputError, OperationError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { permissionWarnings } from '../../core/rights.js';
import { openCloud } from '../../runtime/connect.js';
import { applyPorts } from '../apply-ports.js';
import { openExistingNodes } from '../existing.js';
import { parsePort, type DesiredPort } from '../policy/desired-port.js';
import { faultText } from '../policy/field-values.js';
import { portAttributes } from '../policy/node-fields.js';
import { permissionsForPort } from '../policy/node-permissions.js';
import { sideOf } from '../policy/node-result.js';
import { nodeTitle } from '../policy/provision-states.js';
import {
  decidePortChange,
  decidePortCreation,
  decidePortRemoval,
  isRefusal,
  portVersionFaults,
  refusalInUse,
  type PortPlan,
} from '../policy/port-plan.js';
import { readForeignPort } from '../read.js';
import { realmOf, type PortRun } from '../run.js';
import { baremetalPortDeclaration } from './declaration.js';

type PortFields = (typeof baremetalPortDeclaration)['fields'];
type PortArguments = ArgumentsOf<PortFields>;

export const baremetalPort: Operation<PortFields> = { ...baremetalPortDeclaration, validate, run: changePort };

async function changePort(args: PortArguments, context: Context): Promise<Outcome> {
  if (args.address === undefined && args.uuid === undefined)
    throw new InputError('give address or uuid to say which port is meant');
  // Bad input costs no request.
  const given = args.address === undefined ? undefined : desiredPort(args, args.address);
  const ironic = await openIronic(await openCloud(args, context));
  const run: PortRun = {
    ironic,
    context,
    existing: openExistingNodes(ironic),
    settings: {
      purge: new Set(args.purge ? ['ports'] : []),
      forceInUse: args.force_in_use,
      move: args.move,
      withMaintenance: args.with_maintenance,
      lockTimeoutSeconds: args.lock_timeout,
    },
  };
  const port = await findPort(run, args, given);
  const node = await findNode(ironic, args, port);
  const plan = args.state === 'absent' ? planRemoval(args, { port, node }) : await planPort(run, args, { port, node });
  if (!plan || context.checkMode)
    return {
      ...portOutcome({ plan, port, node }, context.checkMode),
      warnings: plan ? await deniedPortWarnings(plan, node, ironic) : [],
    };
  if (!node) throw nodeNotFound(port?.node_uuid ?? '');
  assertNotInUse(run, node, plan);
  for await (const _ of applyPorts(run, node, [plan]));
  return portOutcome({ plan, port: await run.existing.portNow(plan.address), node }, false);
}

/** What the login lacks for the planned change. */
async function deniedPortWarnings(plan: PortPlan, node: NodeDetails | undefined, ironic: Ironic): Promise<string[]> {
  const requires = permissionsForPort(plan, node?.record ?? {}, realmOf(ironic));
  const uses = requires.map((permission) => ({ permission, subject: `port ${plan.address}` }));
  return permissionWarnings(uses, await ironic.cloud.rights('baremetal'));
}

function desiredPort(args: PortArguments, address: string): DesiredPort {
  const attributes = Object.fromEntries(Object.entries(args).filter(([name]) => Object.hasOwn(portAttributes, name)));
  const { desired, faults } = parsePort({
    ...attributes,
    address,
    ...(args.uuid === undefined ? {} : { uuid: args.uuid }),
  });
  if (!desired)
    throw new InputError(
      faults.map((fault) => faultText(fault.field === 'mac' ? { ...fault, field: 'address' } : fault)).join('; '),
    );
  return desired;
}

async function findPort(
  { ironic, existing }: PortRun,
  { uuid }: PortArguments,
  given: DesiredPort | undefined,
): Promise<Port | undefined> {
  const byUuid = uuid === undefined ? undefined : await getPort(ironic, uuid);
  const byAddress = given && (await existing.portNow(given.address));
  if (uuid !== undefined && byAddress && byAddress.uuid !== uuid.toLowerCase())
    throw new OperationError('PORT_TAKEN', `port ${byAddress.address} has the UUID ${byAddress.uuid}, not ${uuid}`, {
      address: byAddress.address,
    });
  return byUuid ?? byAddress;
}

/** The node that is named, or that has the port. */
async function findNode(
  ironic: Ironic,
  { node: ident, state }: PortArguments,
  port: Port | undefined,
): Promise<NodeDetails | undefined> {
  if (ident === undefined) return port && getNode(ironic, port.node_uuid);
  const named = await getNode(ironic, ident);
  if (!named && state === 'present') throw nodeNotFound(ident);
  return named;
}

function nodeNotFound(ident: string): OperationError {
  return new OperationError('NODE_NOT_FOUND', `there is no node ${ident}`, { node: ident });
}

interface ExistingPort {
  readonly port: Port | undefined;
  readonly node: NodeDetails | undefined;
}

/** If a node is named, only a port of that node is meant. */
function planRemoval(args: PortArguments, { port, node }: ExistingPort): PortPlan | undefined {
  return !port || (args.node !== undefined && port.node_uuid !== node?.uuid) ? undefined : decidePortRemoval(port);
}

/** Undefined if the port is up to date. */
async function planPort(
  run: PortRun,
  args: PortArguments,
  { port, node }: ExistingPort,
): Promise<PortPlan | undefined> {
  const address = args.address ?? port?.address;
  if (address === undefined)
    throw new OperationError(
      'PORT_NOT_FOUND',
      `there is no port ${args.uuid ?? ''}: give address and node to create it`,
      { port: args.uuid },
    );
  const desired = desiredPort(args, address);
  if (!node)
    throw new InputError(`node: port ${desired.address} does not exist yet; name the node to create it on`, 'node');
  const old = portVersionFaults(desired, run.ironic.minor);
  if (old.length > 0) throw new OperationError('CHANGE_REFUSED', old.join('; '));
  const rules = run.settings;
  const plan =
    port && port.node_uuid === node.uuid
      ? decidePortChange(desired, { port, node, rules })
      : decidePortCreation(desired, await readForeignPort(run, desired.address, node.uuid), rules);
  if (isRefusal(plan)) throw new OperationError(plan.code, plan.reason, { address: desired.address });
  if (plan) assertNotInUse(run, node, plan);
  return plan;
}

function assertNotInUse({ settings }: PortRun, node: NodeDetails, plan: PortPlan): void {
  const refusal = refusalInUse(plan, node, settings);
  if (refusal !== undefined)
    throw new OperationError('CHANGE_REFUSED', refusal, { address: plan.address, node: node.uuid });
}

function portOutcome(
  { plan, port, node }: ExistingPort & { readonly plan: PortPlan | undefined },
  checkMode: boolean,
): Outcome {
  const action = plan?.action ?? 'up_to_date';
  const isGone = action === 'delete' && !checkMode;
  const address = plan?.address ?? port?.address ?? '';
  const uuid = port?.uuid ?? '';
  const differences = plan?.differences ?? [];
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
    differences: plan
      ? [{ header: `port ${address}`, before: sideOf(differences, 'before'), after: sideOf(differences, 'after') }]
      : [],
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
  up_to_date: 'up to date',
} as const;
