// The Bare Metal service's nodes (https://docs.openstack.org/api-ref/baremetal/).
import { OperationError } from '../../core/errors.js';
import { isNotFound } from '../http/errors.js';
import { readPages, textAt } from '../paging.js';
import type { Ironic } from './api.js';
import { isRedactionNotice } from '../../core/masking.js';

type Values = Readonly<Record<string, unknown>>;

export interface Node {
  readonly uuid: string;
  /** Empty where it has none. */
  readonly name: string;
  readonly driver_info: Values;
  readonly instance_info: Values;
}

/** A node with what decides over it. `record` is all that the service told, secrets as it masks them. */
export interface NodeDetails extends Node {
  readonly properties: Values;
  readonly extra: Values;
  readonly resource_class: string;
  readonly provision_state: string;
  readonly target_provision_state: string | null;
  readonly maintenance: boolean;
  readonly maintenance_reason: string | null;
  /** Why Ironic itself has set maintenance; null where somebody else has, and below 1.42. */
  readonly fault: string | null;
  readonly instance_uuid: string | null;
  readonly allocation_uuid: string | null;
  /** The conductor that holds the node's lock. */
  readonly reservation: string | null;
  /** May be older than the state: it tells something only of a failed one. */
  readonly last_error: string | null;
  readonly protected: boolean;
  readonly retired: boolean;
  readonly record: Values;
}

/** An operation of RFC 6902 as Ironic takes it: keys of letters, digits, `_` and `-` only. `add` also overwrites. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * Every node that this login is shown, with what it boots and deploys. Owner and lessee are asked for too, since Ironic masks the others of
 * a node of which it has not read them. Throws UNEXPECTED_ANSWER for a node that comes without what was asked.
 */
export async function* listNodes({ cloud, headers, minor }: Ironic): AsyncGenerator<Node> {
  const owners = [...(minor >= 50 ? ['owner'] : []), ...(minor >= 65 ? ['lessee'] : [])];
  const query = new URLSearchParams({
    limit: '1000',
    fields: ['uuid', 'name', ...owners, ...infos].join(','),
    ...childrenToo(minor),
  });
  for await (const row of readPages({ ...pages, path: `/v1/nodes?${query}`, headers }, cloud)) {
    const missing = infos.find((info) => typeof row[info] !== 'object');
    if (missing !== undefined)
      throw new OperationError(
        'UNEXPECTED_ANSWER',
        `node ${textAt(row, 'name') || textAt(row, 'uuid')} comes without its ${missing}`,
        { service: 'baremetal' },
      );
    yield parseNode(row);
  }
}

const infos = ['driver_info', 'instance_info'] as const;

/** From 1.83 on lists leave out the nodes that have a parent, at every version that is spoken. */
function childrenToo(minor: number): Readonly<Record<string, string>> {
  return minor >= 83 ? { include_children: 'true' } : {};
}

/** Every node with all its fields; `filters` are those of the API, such as `resource_class`. */
export async function* listNodeDetails(
  { cloud, headers, minor }: Ironic,
  filters: Readonly<Record<string, string>> = {},
): AsyncGenerator<NodeDetails> {
  const query = new URLSearchParams({ limit: '1000', ...childrenToo(minor), ...filters });
  for await (const row of readPages({ ...pages, path: `/v1/nodes/detail?${query}`, headers }, cloud))
    yield parseDetails(row);
}

const pages = {
  service: 'baremetal',
  key: 'nodes',
  id: 'uuid',
  next: (page: Values): string | undefined => textAt(page, 'next') || undefined,
};

/** The node of this UUID or name; undefined where there is none. */
export async function getNode(ironic: Ironic, ident: string): Promise<NodeDetails | undefined> {
  try {
    return parseDetails((await (await ironic.request({ method: 'GET', path: pathOf(ident) })).json()) as Values);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Creates a node, `driver` at least, in the state `enroll`. It is safe to repeat where a `uuid` or a `name` is given. */
export async function createNode(ironic: Ironic, node: Values): Promise<NodeDetails> {
  return parseDetails(
    (await (await ironic.request({ method: 'POST', path: '/v1/nodes', body: JSON.stringify(node) })).json()) as Values,
  );
}

/** Changes a node. An empty patch would take the lock and change `updated_at`: do not send one. */
export async function patchNode(
  ironic: Ironic,
  uuid: string,
  patch: readonly PatchOperation[],
  { resetInterfaces = false } = {},
): Promise<NodeDetails> {
  const path = `${pathOf(uuid)}${resetInterfaces ? '?reset_interfaces=true' : ''}`;
  return parseDetails(
    (await (await ironic.request({ method: 'PATCH', path, body: JSON.stringify(patch) })).json()) as Values,
  );
}

/** Deletes a node with its ports. One that is gone is fine. */
export async function deleteNode(ironic: Ironic, uuid: string): Promise<void> {
  await send(ironic, { method: 'DELETE', path: pathOf(uuid), isGoneFine: true });
}

/** Says a verb, such as `provide`; the node is on its way when this returns. A verb in a wrong state is refused with 400. */
export async function setProvisionState(
  ironic: Ironic,
  uuid: string,
  body: Readonly<{ target: string } & Record<string, unknown>>,
): Promise<void> {
  await send(ironic, { method: 'PUT', path: `${pathOf(uuid)}/states/provision`, body, prefersProject: true });
}

/** Sets maintenance for a reason, or ends it: undefined. */
export async function setMaintenance(ironic: Ironic, uuid: string, reason: string | undefined): Promise<void> {
  const path = `${pathOf(uuid)}/maintenance`;
  await send(ironic, reason === undefined ? { method: 'DELETE', path } : { method: 'PUT', path, body: { reason } });
}

/** The traits that the node then has; all others are gone. From 1.37 on. */
export async function setTraits(ironic: Ironic, uuid: string, traits: readonly string[]): Promise<void> {
  await send(ironic, { method: 'PUT', path: `${pathOf(uuid)}/traits`, body: { traits } });
}

export interface Validation {
  /** Null where the driver has no such interface. */
  readonly result: boolean | null;
  readonly reason: string;
}

/** What the node's interfaces say of its settings, by interface, such as `power`. */
export async function validateNode(ironic: Ironic, uuid: string): Promise<Readonly<Record<string, Validation>>> {
  const found = (await (
    await ironic.request({ method: 'GET', path: `${pathOf(uuid)}/validate`, prefersProject: true })
  ).json()) as Readonly<Record<string, Values>>;
  const parse = ({ result, reason }: Values): Validation => ({
    result: typeof result === 'boolean' ? result : null,
    reason: typeof reason === 'string' ? reason : '',
  });
  return Object.fromEntries(Object.entries(found).map(([name, row]) => [name, parse(row)]));
}

interface Sending {
  readonly method: 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: Values;
  readonly isGoneFine?: boolean;
  readonly prefersProject?: boolean;
}

/** Never repeated by itself: what was accepted once may be refused the second time. */
async function send(
  ironic: Ironic,
  { method, path, body, isGoneFine = false, prefersProject = false }: Sending,
): Promise<void> {
  const expect = isGoneFine ? [200, 202, 204, 404] : [200, 202, 204];
  const answer = await ironic.request({
    method,
    path,
    repeatable: false,
    prefersProject,
    expect,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await answer.text();
}

function pathOf(ident: string): string {
  return `/v1/nodes/${encodeURIComponent(ident)}`;
}

function parseNode(row: Values): Node {
  return {
    uuid: textAt(row, 'uuid'),
    name: textAt(row, 'name'),
    driver_info: mappingAt(row, 'driver_info'),
    instance_info: mappingAt(row, 'instance_info'),
  };
}

function parseDetails(row: Values): NodeDetails {
  const orNull = (key: string): string | null => toldAt(row, key) || null;
  return {
    ...parseNode(row),
    properties: mappingAt(row, 'properties'),
    extra: mappingAt(row, 'extra'),
    resource_class: textAt(row, 'resource_class'),
    // Below 1.2 `available` was told as null.
    provision_state: textAt(row, 'provision_state') || 'available',
    target_provision_state: orNull('target_provision_state'),
    maintenance: row.maintenance === true,
    maintenance_reason: orNull('maintenance_reason'),
    fault: orNull('fault'),
    instance_uuid: orNull('instance_uuid'),
    allocation_uuid: orNull('allocation_uuid'),
    reservation: orNull('reservation'),
    last_error: orNull('last_error'),
    protected: row.protected === true,
    retired: row.retired === true,
    record: row,
  };
}

/** The text under a key; empty also where Ironic says only that this login may not know, as of `reservation` and `last_error`. */
function toldAt(row: Values, key: string): string {
  const text = textAt(row, key);
  return isRedactionNotice(text) ? '' : text;
}

function mappingAt(row: Values, key: string): Values {
  const value = row[key];
  return typeof value === 'object' && value !== null ? (value as Values) : {};
}

/** The newest error in a node's history since that moment, which outlives its `last_error`. From 1.78 on; undefined where nothing is told. */
export async function latestError(ironic: Ironic, uuid: string, since: Date): Promise<string | undefined> {
  if (ironic.minor < 78) return undefined;
  const answer = await ironic.request({ method: 'GET', path: `${pathOf(uuid)}/history`, expect: [200, 403, 404] });
  const { history } = (await answer.json()) as { history?: unknown };
  const events = (Array.isArray(history) ? (history as Values[]) : []).filter(
    (event) => textAt(event, 'severity') === 'ERROR' && Date.parse(textAt(event, 'created_at')) >= since.getTime(),
  );
  const newest = events.sort((one, other) => (textAt(one, 'created_at') < textAt(other, 'created_at') ? 1 : -1))[0];
  return newest && (textAt(newest, 'event') || undefined);
}
