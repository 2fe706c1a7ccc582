// Port groups of Ironic's double (ironic/api/controllers/v1/portgroup.py).

import { randomUUID } from 'node:crypto';

import type { Answer, Call } from './http-double.js';
import { booleanOf, isUuid, plainRefusal, refusal, timeOf } from './ironic-api.js';
import { assertArguments, page, sorted } from './ironic-list.js';
import type { Values } from './ironic-node.js';
import { patchOf, patched, patchedFields } from './ironic-patch.js';
import { assertUnlocked } from './ironic-states.js';
import type { IronicDouble } from './ironic.js';

export interface StoredPortGroup {
  readonly uuid: string;
  node_uuid: string;
  /** Any other field of the API, under its own name. */
  [field: string]: unknown;
}

const since = 23;
const fieldsToGive = ['address', 'extra', 'mode', 'name', 'node_uuid', 'properties', 'standalone_ports_supported'];
const groupDefaults: Values = {
  address: null,
  name: null,
  extra: {},
  internal_info: {},
  mode: 'active-backup',
  properties: {},
  standalone_ports_supported: true,
  updated_at: null,
};

interface GroupRequest {
  readonly body: unknown;
  readonly minor: number;
}

/** All that is below `/v1/portgroups`. */
export function onPortGroups(double: IronicDouble, call: Call, { body, minor }: GroupRequest): Answer {
  if (minor < since) throw plainRefusal(404, 'Not Found', '');
  const ident = call.segments[2] ?? '';
  if (call.method === 'POST') return create(double, body);
  if (ident === '' || ident === 'detail') return list(double, call, ident === 'detail');
  const group = double.portGroups.find(({ uuid, name }) => uuid === ident || name === ident);
  if (!group) throw refusal(404, `Portgroup ${ident} could not be found.`);
  if (call.method === 'GET') return { status: 200, body: shown(group) };
  assertUnlocked(nodeOf(double, group.node_uuid));
  if (call.method === 'PATCH') return patch(double, group, body);
  if (double.ports.some((port) => port['portgroup_uuid'] === group.uuid))
    throw refusal(500, `Cannot complete the requested action because portgroup ${group.uuid} contains ports.`);
  double.portGroups.splice(double.portGroups.indexOf(group), 1);
  return { status: 204 };
}

function create(double: IronicDouble, body: unknown): Answer {
  const given = (body ?? {}) as Values;
  const refuse = (text: string): never => {
    throw refusal(400, `Schema error for portgroup: ${text}`);
  };
  const strange = Object.keys(given).find((field) => !['uuid', ...fieldsToGive].includes(field));
  if (strange !== undefined) refuse(`Additional properties are not allowed ('${strange}' was unexpected)`);
  if (given['node_uuid'] === undefined) refuse("'node_uuid' is a required property");
  const values = checked(given);
  const group = {
    ...structuredClone(groupDefaults),
    uuid: randomUUID(),
    created_at: timeOf(double.now()),
    ...values,
  } as unknown as StoredPortGroup;
  nodeOf(double, group.node_uuid);
  assertFree(double, group);
  if (double.portGroups.some(({ uuid }) => uuid === group.uuid))
    throw refusal(409, `A portgroup with UUID ${group.uuid} already exists.`);
  double.portGroups.push(group);
  return { status: 201, headers: { Location: `${double.url}/v1/portgroups/${group.uuid}` }, body: shown(group) };
}

function patch(double: IronicDouble, group: StoredPortGroup, body: unknown): Answer {
  const steps = patchOf(body);
  const fields = patchedFields(steps, fieldsToGive);
  const changed = patched({ ...groupDefaults, ...group }, steps);
  if (!('mode' in changed)) throw refusal(400, "'mode' is a mandatory attribute and can not be removed");
  for (const field of fields) if (!(field in changed)) changed[field] = structuredClone(groupDefaults[field]);
  const values = checked(changed);
  assertFree(double, values as unknown as StoredPortGroup);
  Object.assign(group, values, { updated_at: timeOf(double.now()) });
  return { status: 200, body: shown(group) };
}

function list(double: IronicDouble, call: Call, isDetailed: boolean): Answer {
  const { query } = call;
  assertArguments(call, [
    'limit',
    'marker',
    'sort_key',
    'sort_dir',
    'address',
    'node',
    ...(isDetailed ? [] : ['fields', 'detail']),
  ]);
  const [address, ident] = [query.get('address'), query.get('node')];
  const owner = ident === null ? undefined : double.nodes.find(({ uuid, name }) => uuid === ident || name === ident);
  if (ident !== null && !owner) throw refusal(404, `Node ${ident} could not be found.`);
  const wantsDetails = isDetailed || (query.has('detail') && booleanOf('detail', query.get('detail')));
  const found = double.portGroups.filter(
    (group) =>
      (address === null || group['address'] === address.toLowerCase()) &&
      (owner === undefined || group.node_uuid === owner.uuid),
  );
  const rows = sorted(found, { call, valueOf: (group, key) => group[key], keys: ['address', 'created_at', 'name'] });
  const show = (group: StoredPortGroup): object =>
    shown(group, wantsDetails ? undefined : (query.get('fields')?.split(',') ?? ['uuid', 'address', 'name']));
  return page(double, call, {
    key: 'portgroups',
    rows,
    show,
    lost: (marker) => `Portgroup ${marker} could not be found.`,
  });
}

function shown(group: StoredPortGroup, fields?: readonly string[]): object {
  const visible = Object.entries({ ...groupDefaults, ...group }).filter(
    ([key]) => fields === undefined || fields.includes(key),
  );
  return {
    ...Object.fromEntries(visible),
    links: [{ rel: 'self', href: `http://behind-a-proxy/v1/portgroups/${group.uuid}` }],
  };
}

function nodeOf(double: IronicDouble, uuid: string): IronicDouble['nodes'][number] {
  const node = double.nodes.find((each) => each.uuid === uuid);
  if (!node) throw refusal(400, `Node ${uuid} could not be found.`);
  return node;
}

function assertFree({ portGroups }: IronicDouble, { uuid, name, address }: StoredPortGroup): void {
  const others = portGroups.filter((group) => group.uuid !== uuid);
  if (typeof address === 'string' && others.some((group) => group['address'] === address))
    throw refusal(409, `A portgroup with MAC address ${address} already exists.`);
  if (typeof name === 'string' && others.some((group) => group['name'] === name))
    throw refusal(409, `A portgroup with name ${name} already exists.`);
}

function checked(given: Values): Values {
  const { address, node_uuid: owner, name, standalone_ports_supported: standalone } = given;
  if (!isUuid(owner)) throw refusal(400, `Expected UUID for node_uuid: ${String(owner)}`);
  if (address !== undefined && address !== null && !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(String(address)))
    throw refusal(400, `Expected valid MAC address for address: ${String(address)}`);
  if (typeof name === 'string' && !/^[\w.~-]+$/.test(name))
    throw refusal(400, `Cannot create portgroup with invalid name '${name}'`);
  return {
    ...given,
    ...(typeof address === 'string' ? { address: address.toLowerCase() } : {}),
    ...(standalone === undefined || standalone === null
      ? {}
      : { standalone_ports_supported: booleanOf('standalone_ports_supported', standalone) }),
  };
}
