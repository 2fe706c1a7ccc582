// Ports of Ironic's double (ironic/api/controllers/v1/port.py, conductor/manager.py).

import { randomUUID } from 'node:crypto';

import type { Answer, Call } from './http-double.js';
import { booleanOf, isUuid, refusal, timeOf } from './ironic-api.js';
import { assertArguments, page, sorted } from './ironic-list.js';
import { recordOf } from './ironic-node.js';
import type { StoredNode, Values } from './ironic-node.js';
import { patchOf, patched, patchedFields } from './ironic-patch.js';
import { checked, macOf } from './ironic-port-values.js';
import { assertUnlocked } from './ironic-states.js';
import type { IronicDouble } from './ironic.js';

export interface StoredPort {
  readonly uuid: string;
  /** In lower case, with colons. */
  address: string;
  node_uuid: string;
  /** Any other field of the API, under its own name. */
  [field: string]: unknown;
}

const since: Readonly<Record<string, number>> = {
  local_link_connection: 19,
  pxe_enabled: 19,
  internal_info: 18,
  portgroup_uuid: 24,
  physical_network: 34,
  is_smartnic: 53,
  name: 88,
  description: 97,
  vendor: 100,
  category: 101,
};

const fieldsToGive = [
  'address',
  'category',
  'description',
  'extra',
  'is_smartnic',
  'local_link_connection',
  'name',
  'node_uuid',
  'physical_network',
  'portgroup_uuid',
  'pxe_enabled',
  'vendor',
];
const portDefaults: Values = {
  ...Object.fromEntries(
    ['category', 'description', 'name', 'physical_network', 'portgroup_uuid', 'updated_at', 'vendor'].map((field) => [
      field,
      null,
    ]),
  ),
  extra: {},
  internal_info: {},
  is_smartnic: false,
  local_link_connection: {},
  pxe_enabled: true,
};

/** A port as it is when somebody has created it with these values. */
export function newPort(given: Partial<StoredPort> & { node_uuid: string }, now: number): StoredPort {
  const address = `52:54:00:${randomUUID()
    .slice(0, 6)
    .replace(/..(?!$)/g, '$&:')}`;
  return {
    ...structuredClone(portDefaults),
    uuid: randomUUID(),
    created_at: timeOf(now),
    address,
    ...given,
  } as StoredPort;
}

interface PortRequest {
  readonly body: unknown;
  readonly minor: number;
}

/** All that is below `/v1/ports`. */
export function onPorts(double: IronicDouble, call: Call, { body, minor }: PortRequest): Answer {
  const ident = call.segments[2] ?? '';
  if (call.method === 'POST') return createPort(double, { body, minor });
  if (ident === '' || ident === 'detail') return listPorts(double, call, { minor, isDetailed: ident === 'detail' });
  const port = portOf(double, ident, minor);
  if (call.method === 'GET') return { status: 200, body: shownPort(port, minor) };
  const node = double.nodes.find(({ uuid }) => uuid === port.node_uuid);
  if (call.method === 'PATCH') return patchPort(double, port, { node, body, minor });
  if (node) assertUnlocked(node);
  double.ports.splice(double.ports.indexOf(port), 1);
  return { status: 204 };
}

function createPort(double: IronicDouble, { body, minor }: PortRequest): Answer {
  const given = (body ?? {}) as Values;
  assertVersion(Object.keys(given), minor);
  const refuse = (text: string): never => {
    throw refusal(400, `Schema error for port: ${text}`);
  };
  const strange = Object.keys(given).find(
    (field) => !['uuid', ...fieldsToGive].includes(field) || (since[field] ?? 1) > double.minor,
  );
  if (strange !== undefined) refuse(`Additional properties are not allowed ('${strange}' was unexpected)`);
  for (const key of ['address', 'node_uuid']) if (given[key] === undefined) refuse(`'${key}' is a required property`);
  const values = checked(given, 'port');
  const { node_uuid: owner } = values as { node_uuid: string };
  const node = double.nodes.find(({ uuid }) => uuid === owner);
  if (!node) throw refusal(400, `Node ${owner} could not be found.`);
  assertUnlocked(node);
  const port = newPort(values as Partial<StoredPort> & { node_uuid: string }, double.now());
  assertFree(double, port);
  if (double.ports.some(({ uuid }) => uuid === port.uuid))
    throw refusal(409, `A port with UUID ${port.uuid} already exists.`);
  double.ports.push(port);
  return { status: 201, headers: { Location: `${double.url}/v1/ports/${port.uuid}` }, body: shownPort(port, minor) };
}

const connectivity = ['pxe_enabled', 'local_link_connection', 'portgroup_uuid', 'physical_network'];
const plastic = ['enroll', 'inspecting', 'inspect wait', 'manageable'];

function patchPort(
  double: IronicDouble,
  port: StoredPort,
  { node, body, minor }: PortRequest & { node: StoredNode | undefined },
): Answer {
  const patch = patchOf(body);
  const fields = patchedFields(
    patch,
    fieldsToGive.filter((field) => (since[field] ?? 1) <= double.minor),
  );
  assertVersion(fields, minor);
  const changed = patched({ ...portDefaults, ...port }, patch);
  for (const key of ['address', 'node_uuid'])
    if (!(key in changed)) throw refusal(400, `Schema error for patch: '${key}' is a required property`);
  for (const field of fields) {
    // What is removed gets its default, but Ironic stumbles over these.
    if (!(field in changed) && (field === 'pxe_enabled' || field === 'is_smartnic'))
      throw refusal(500, `Field \`${field}' cannot be None`);
    if (!(field in changed)) changed[field] = structuredClone(portDefaults[field]);
  }
  const values = checked(changed, 'patch');
  const isChanged = (field: string): boolean =>
    JSON.stringify(values[field]) !== JSON.stringify({ ...portDefaults, ...port }[field]);
  // So it is up to 1.82 at least.
  if (isChanged('node_uuid')) throw refusal(500, 'Unexpected error raised by RPC');
  if (node) {
    assertUnlocked(node);
    checkState(recordOf(node), { port, isChanged });
  }
  assertFree(double, values as unknown as StoredPort);
  Object.assign(port, values, { updated_at: timeOf(double.now()) });
  return { status: 200, body: shownPort(port, minor) };
}

function checkState(
  node: Values,
  { port, isChanged }: { port: StoredPort; isChanged: (field: string) => boolean },
): void {
  const {
    uuid,
    provision_state: state,
    instance_uuid: instance,
    maintenance,
  } = node as { uuid: string; provision_state: string; instance_uuid: string | null; maintenance: boolean };
  if (maintenance) return;
  if (isChanged('address') && (state === 'active' || instance)) {
    throw refusal(
      409,
      `Cannot update hardware address for port ${port.uuid} as node ${uuid} is active or has instance UUID assigned`,
    );
  }
  if (connectivity.some(isChanged) && !plastic.includes(state)) {
    const names = connectivity.map((field) => field.replace('group_uuid', 'group_id')).join(', ');
    throw refusal(
      409,
      `Port ${port.uuid} can not have any connectivity attributes (${names}) ` +
        `updated unless node ${uuid} is in a ${plastic.join(', ')} state or in maintenance mode. ` +
        `The current state is ${state}.`,
    );
  }
}

function listPorts(
  double: IronicDouble,
  call: Call,
  { minor, isDetailed }: { minor: number; isDetailed: boolean },
): Answer {
  const { query } = call;
  assertArguments(call, [
    'limit',
    'marker',
    'sort_key',
    'sort_dir',
    'address',
    'node',
    'node_uuid',
    'portgroup',
    'shard',
    ...(isDetailed ? [] : ['fields', 'detail']),
  ]);
  const address = query.get('address');
  const ident = query.get('node') ?? query.get('node_uuid');
  const owner =
    ident === null
      ? undefined
      : double.nodes.find(({ uuid, name }) => uuid === ident || (name === ident && minor >= 5));
  if (ident !== null && !owner) throw refusal(404, `Node ${ident} could not be found.`);
  const wanted = address === null ? undefined : macOf(address);
  const wantsDetails = isDetailed || (query.has('detail') && booleanOf('detail', query.get('detail')));
  const fields = wantsDetails ? undefined : (query.get('fields')?.split(',') ?? ['uuid', 'address']);
  const unknown = fields?.find(
    (field) => !['uuid', 'created_at', 'address', 'node_uuid', ...Object.keys(portDefaults)].includes(field),
  );
  if (unknown !== undefined) throw refusal(400, `Field ${unknown} is not a valid field.`);
  assertVersion(fields ?? [], minor);
  const found = double.ports.filter(
    (port) =>
      (wanted === undefined || port.address === wanted) && (owner === undefined || port.node_uuid === owner.uuid),
  );
  const rows = sorted(found, { call, valueOf: (port, key) => port[key], keys: ['address', 'created_at', 'node_uuid'] });
  return page(double, call, {
    key: 'ports',
    rows,
    show: (port) => shownPort(port, minor, fields),
    lost: (marker) => `Port ${marker} could not be found.`,
  });
}

function shownPort(port: StoredPort, minor: number, fields?: readonly string[]): object {
  const visible = Object.entries({ ...portDefaults, ...port }).filter(
    ([key]) => (since[key] ?? 1) <= minor && (fields === undefined || fields.includes(key)),
  );
  return {
    ...Object.fromEntries(visible),
    links: [{ rel: 'self', href: `http://behind-a-proxy/v1/ports/${port.uuid}` }],
  };
}

function portOf({ ports }: IronicDouble, ident: string, minor: number): StoredPort {
  if (!isUuid(ident) && minor < 88) throw refusal(400, `Expected UUID for port_uuid: ${ident}`);
  const port = ports.find(({ uuid, name }) => uuid === ident || name === ident);
  if (!port) throw refusal(404, `Port ${ident} could not be found.`);
  return port;
}

function assertVersion(fields: readonly string[], minor: number): void {
  if (fields.some((field) => (since[field] ?? 1) > minor)) throw refusal(406, 'Request not acceptable.');
}

function assertFree({ ports }: IronicDouble, { uuid, address }: StoredPort): void {
  if (ports.some((port) => port.address === address && port.uuid !== uuid))
    throw refusal(409, `A port with MAC address ${address} already exists.`);
}
