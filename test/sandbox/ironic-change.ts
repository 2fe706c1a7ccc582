// Nodes of Ironic's double come, change and go (ironic/api/controllers/v1/node.py,
// conductor/manager.py).

import { randomUUID } from 'node:crypto';

import type { Answer } from './http-double.js';
import { refusal, timeOf } from './ironic-api.js';
import { isEditable } from './ironic-machine.js';
import { defaults, recordOf, shown, sinceMinor } from './ironic-node.js';
import type { StoredNode, Values } from './ironic-node.js';
import {
  booleans,
  checkConductor,
  checkName,
  checked,
  interfaceFields,
  interfacesOf,
  objects,
  removed,
  texts,
} from './ironic-node-values.js';
import { patchOf, patched, patchedFields } from './ironic-patch.js';
import { assertUnlocked, protectedRefusal } from './ironic-states.js';
import type { IronicDouble } from './ironic.js';

const patchable: readonly string[] = [...booleans, ...texts, ...objects, ...interfaceFields].sort();
const creatable: readonly string[] = ['uuid', ...patchable.filter((field) => !field.startsWith('protected'))];

interface Request {
  readonly body: unknown;
  readonly minor: number;
}

/** `POST /v1/nodes`; `owner` is the project that asks. */
export function createNode(double: IronicDouble, { body, minor, owner }: Request & { owner: string | null }): Answer {
  const given = (body ?? {}) as Values;
  assertKnown(Object.keys(given), minor);
  const strange = Object.keys(given).find(
    (field) => !creatable.includes(field) || (sinceMinor[field] ?? 1) > double.minor,
  );
  if (strange !== undefined)
    throw refusal(400, `Schema error for node: Additional properties are not allowed ('${strange}' was unexpected)`);
  const record: Record<string, unknown> = checked({ owner, ...given }, 'node');
  const { name } = record;
  if (owner !== null && typeof record['owner'] === 'string' && record['owner'] !== owner) {
    throw refusal(400, 'Cannot create a node as a project scoped admin with an owner other than your own project.');
  }
  if (typeof name === 'string') checkName(name, `Cannot create node with invalid name '${name}'`);
  checkConductor(record);
  const uuid = typeof record['uuid'] === 'string' ? record['uuid'] : randomUUID();
  if (double.nodes.some((node) => node.uuid === uuid)) throw refusal(409, `A node with UUID ${uuid} already exists.`);
  assertUnique(double, record, uuid);
  // Below 1.11 new nodes are available.
  const beginnings = {
    created_at: timeOf(double.now()),
    provision_state: minor < 11 ? 'available' : 'enroll',
    conductor: double.host,
  };
  const node = { ...structuredClone(defaults), ...record, ...beginnings, uuid } as unknown as StoredNode;
  Object.assign(node, interfacesOf(record, {}));
  double.nodes.push(node);
  return { status: 201, headers: { Location: `${double.url}/v1/nodes/${uuid}` }, body: shown(node, { minor }) };
}

/** `PATCH /v1/nodes/…`; `ident` is what the node was called in the request. */
export function patchNode(
  double: IronicDouble,
  node: StoredNode,
  { body, minor, ident, resets }: Request & { ident: string; resets: boolean },
): Answer {
  const patch = patchOf(body);
  const fields = patchedFields(
    patch,
    patchable.filter((field) => (sinceMinor[field] ?? 1) <= double.minor),
  );
  assertKnown(fields, minor);
  if (resets && !fields.includes('driver'))
    throw refusal(400, "The reset_interfaces parameter can only be used when changing the node's driver.");
  const before = recordOf(node);
  const [step] = patch;
  const isRelease =
    node.maintenance === true && patch.length === 1 && step?.op === 'remove' && step.path === '/instance_uuid';
  if (!isRelease) assertEditable(before, { minor, ident });
  for (const { op, path, value } of patch) {
    if (path === '/name' && op !== 'remove')
      checkName(
        value,
        `Node ${ident}: Cannot change name to invalid name '${value === null ? 'None' : String(value)}'`,
      );
  }
  const record = checked(patched(before, patch), 'patch');
  for (const field of fields) if (!(field in record)) record[field] = removed(field);
  checkConductor(record);
  const isChanged = (field: string): boolean => JSON.stringify(record[field]) !== JSON.stringify(before[field]);
  checkStates(before, record, isChanged);
  Object.assign(
    record,
    interfacesOf(
      record,
      resets
        ? Object.fromEntries(interfaceFields.filter((field) => !fields.includes(field)).map((field) => [field, null]))
        : {},
    ),
  );
  assertUnlocked(node);
  checkHolders(before, record, isChanged);
  assertUnique(double, record, node.uuid);
  Object.assign(node, record, { updated_at: timeOf(double.now()) });
  return { status: 200, body: shown(node, { minor }) };
}

/** `DELETE /v1/nodes/…`, with its ports. In maintenance each state will do. */
export function deleteNode(double: IronicDouble, node: StoredNode): Answer {
  assertUnlocked(node);
  const { provision_state: state, maintenance, instance_uuid: instance } = recordOf(node);
  if (maintenance !== true && typeof instance === 'string')
    throw refusal(409, `Node ${node.uuid} is associated with instance ${instance}.`);
  if (node['protected'] === true) throw protectedRefusal(node);
  if (maintenance !== true && !['manageable', 'enroll', 'adopt failed', 'available'].includes(state as string)) {
    throw refusal(
      409,
      `Can not delete node "${node.uuid}" while it is in provision state "${String(state)}". ` +
        `Valid provision states to perform deletion are: "('manageable', 'enroll', 'adopt failed', 'available')", ` +
        'or set the node into maintenance mode',
    );
  }
  double.nodes.splice(double.nodes.indexOf(node), 1);
  double.portGroups.splice(0, Infinity, ...double.portGroups.filter((group) => group.node_uuid !== node.uuid));
  double.ports.splice(0, Infinity, ...double.ports.filter((port) => port.node_uuid !== node.uuid));
  return { status: 204 };
}

function assertKnown(fields: readonly string[], minor: number): void {
  if (fields.some((field) => (sinceMinor[field] ?? 1) > minor)) throw refusal(406, 'Request not acceptable.');
}

function assertEditable(record: Values, { minor, ident }: { minor: number; ident: string }): void {
  const state = record['provision_state'] as string;
  if (isEditable(state, record['target_provision_state'] as string | null, minor)) return;
  throw refusal(
    409,
    state === 'inspecting'
      ? `Cannot update node "${String(record['uuid'])}" while it is in state "inspecting".`
      : `Node ${ident} can not be updated while a state transition is in progress.`,
  );
}

const lenient = ['enroll', 'inspecting', 'inspect wait', 'manageable', 'available'];

function checkStates(before: Values, after: Record<string, unknown>, isChanged: (field: string) => boolean): void {
  const { uuid, provision_state: state } = before as { uuid: string; provision_state: string };
  if (isChanged('maintenance') && after['maintenance'] !== true)
    Object.assign(after, { maintenance_reason: null, fault: null });
  if (isChanged('protected') && after['protected'] !== true) after['protected_reason'] = null;
  if (isChanged('protected') && after['protected'] === true && !['active', 'rescue'].includes(state)) {
    throw refusal(
      409,
      `Node ${uuid} can only be made protected in provision states 'active' or 'rescue', the current state is ` +
        `'${state}'`,
    );
  }
  if (isChanged('retired') && after['retired'] !== true) after['retired_reason'] = null;
  if (isChanged('retired') && after['retired'] === true && state === 'available') {
    throw refusal(
      409,
      `Node ${uuid} can not have 'retired' set in provision state 'available', the current state is 'available'`,
    );
  }
  for (const field of ['protected', 'retired']) {
    if (isChanged(`${field}_reason`) && after[`${field}_reason`] && after[field] !== true)
      throw refusal(400, `The ${field}_reason field can only be set when ${field} is True`);
  }
  const fixed = interfaceFields.find(
    (field) => isChanged(field) && after[field] !== null && !lenient.includes(state) && after['maintenance'] !== true,
  );
  if (fixed !== undefined)
    throw refusal(
      409,
      `Node ${uuid} can not have ${fixed} updated unless it is in one of allowed (${lenient.join(', ')}) ` +
        'states or in maintenance mode.',
    );
}

function checkHolders(before: Values, after: Values, isChanged: (field: string) => boolean): void {
  const {
    uuid,
    provision_state: state,
    instance_uuid: instance,
    resource_class: resourceClass,
  } = before as Record<string, string>;
  if (isChanged('instance_uuid') && after['instance_uuid'] && instance)
    throw refusal(409, `Node ${uuid} is associated with instance ${instance}.`);
  if (isChanged('resource_class') && resourceClass && !lenient.includes(state ?? '')) {
    throw refusal(
      409,
      `Node ${uuid} can not have resource_class updated unless it is in one of allowed (${lenient.join(', ')}) states.`,
    );
  }
}

/** Names and instances belong to one node each. */
function assertUnique({ nodes }: IronicDouble, { name, instance_uuid: instance }: Values, uuid: string): void {
  const others = nodes.filter((node) => node.uuid !== uuid);
  if (typeof name === 'string' && others.some((node) => node.name === name))
    throw refusal(409, `A node with name ${name} already exists.`);
  if (typeof instance === 'string' && others.some((node) => node.instance_uuid === instance)) {
    throw refusal(
      409,
      `Instance ${instance} is already associated with a node, it cannot be associated with this other node ${uuid}`,
    );
  }
}
