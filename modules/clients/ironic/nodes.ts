// The Bare Metal service's nodes (https://docs.openstack.org/api-ref/baremetal/).
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { isRedactionNotice } from '../../core/masking.js';
import { readPages, textAt } from '../paging.js';
import { findRecord, requestRecord, type Ironic } from './api.js';

type Row = Readonly<Record<string, unknown>>;

export interface Node {
  readonly uuid: string;
  /** Empty if it has none. */
  readonly name: string;
  readonly driver_info: Row;
  readonly instance_info: Row;
}

/**
 * A node with the fields that decisions depend on. `record` is the whole answer of the service,
 * with secrets masked by it.
 */
export interface NodeDetails extends Node {
  readonly properties: Row;
  readonly extra: Row;
  readonly resource_class: string;
  readonly provision_state: string;
  readonly target_provision_state: string | null;
  readonly maintenance: boolean;
  readonly maintenance_reason: string | null;
  /**
   * Why Ironic itself has set maintenance; null if an operator has set it, and below version 1.42.
   */
  readonly fault: string | null;
  readonly instance_uuid: string | null;
  readonly allocation_uuid: string | null;
  /** The conductor that holds the node's lock. */
  readonly reservation: string | null;
  /** May be older than the state, so it is meaningful only in a failed state. */
  readonly last_error: string | null;
  readonly protected: boolean;
  readonly retired: boolean;
  readonly record: Row;
}

/**
 * An operation of RFC 6902 as Ironic takes it: keys of letters, digits, `_` and `-` only. `add`
 * also overwrites.
 */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * Every node that this login can see, with its driver_info and instance_info. Owner and lessee are
 * requested too: without them Ironic masks the other fields. Throws UNEXPECTED_ANSWER for a node
 * without the requested fields.
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
        `node ${textAt(row, 'name') || textAt(row, 'uuid')} was returned without its ${missing}`,
        { service: 'baremetal' },
      );
    yield parseNode(row);
  }
}

const infos = ['driver_info', 'instance_info'] as const;

/** Servers that know 1.83 omit child nodes from lists, whatever version is requested. */
function childrenToo(minor: number): Readonly<Record<string, string>> {
  return minor >= 83 ? { include_children: 'true' } : {};
}

/** Every node with all its fields. `filters` are those of the API, such as `resource_class`. */
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
  next: (page: Row): string | undefined => textAt(page, 'next') || undefined,
};

/** The node of this UUID or name; undefined if it does not exist. */
export async function getNode(ironic: Ironic, ident: string): Promise<NodeDetails | undefined> {
  const row = await findRecord(ironic, pathOf(ident));
  return row && parseDetails(row);
}

/**
 * Creates a node, with `driver` at least, in the state `enroll`. Safe to repeat if it has a `uuid`
 * or a `name`.
 */
export async function createNode(ironic: Ironic, node: Row): Promise<NodeDetails> {
  return parseDetails(await requestRecord(ironic, { method: 'POST', path: '/v1/nodes', body: JSON.stringify(node) }));
}

/** Changes a node. Do not send an empty patch: it would take the lock and change `updated_at`. */
export async function patchNode(
  ironic: Ironic,
  uuid: string,
  patch: readonly PatchOperation[],
  { resetInterfaces = false } = {},
): Promise<NodeDetails> {
  const path = `${pathOf(uuid)}${resetInterfaces ? '?reset_interfaces=true' : ''}`;
  return parseDetails(await requestRecord(ironic, { method: 'PATCH', path, body: JSON.stringify(patch) }));
}

/** Deletes a node with its ports, if it still exists. */
export async function deleteNode(ironic: Ironic, uuid: string): Promise<void> {
  await send(ironic, { method: 'DELETE', path: pathOf(uuid), isGoneFine: true });
}

/**
 * Requests a provisioning verb, such as `provide`; the state changes after this returns. Ironic
 * answers 400 in a wrong state.
 */
export async function setProvisionState(
  ironic: Ironic,
  uuid: string,
  body: Readonly<{ target: string } & Record<string, unknown>>,
): Promise<void> {
  await send(ironic, { method: 'PUT', path: `${pathOf(uuid)}/states/provision`, body, prefersProject: true });
}

/**
 * Sets maintenance for a reason, or ends it if there is no reason. `signal`: what ends the request
 * instead of the run's own signal.
 */
export async function setMaintenance(
  ironic: Ironic,
  uuid: string,
  reason: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const request = { path: `${pathOf(uuid)}/maintenance`, ...(signal ? { signal } : {}) };
  await send(
    ironic,
    reason === undefined ? { ...request, method: 'DELETE' } : { ...request, method: 'PUT', body: { reason } },
  );
}

/** Replaces the traits of a node. From version 1.37 on. */
export async function setTraits(ironic: Ironic, uuid: string, traits: readonly string[]): Promise<void> {
  await send(ironic, { method: 'PUT', path: `${pathOf(uuid)}/traits`, body: { traits } });
}

export interface Validation {
  /** Null if the driver has no such interface. */
  readonly result: boolean | null;
  readonly reason: string;
}

/** Validates the settings of a node; the results by interface, such as `power`. */
export async function validateNode(ironic: Ironic, uuid: string): Promise<Readonly<Record<string, Validation>>> {
  const found = await requestRecord(ironic, { method: 'GET', path: `${pathOf(uuid)}/validate`, prefersProject: true });
  return Object.fromEntries(Object.entries(found).map(([name, row]) => [name, parseValidation(row)]));
}

function parseValidation(row: unknown): Validation {
  const { result, reason } = isMapping(row) ? row : {};
  return { result: typeof result === 'boolean' ? result : null, reason: typeof reason === 'string' ? reason : '' };
}

interface Sending {
  readonly method: 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: Row;
  readonly isGoneFine?: boolean;
  readonly prefersProject?: boolean;
  readonly signal?: AbortSignal;
}

/** Never repeated automatically: what was accepted once may be refused the second time. */
async function send(
  ironic: Ironic,
  { method, path, body, isGoneFine = false, prefersProject = false, signal }: Sending,
): Promise<void> {
  const expect = isGoneFine ? [200, 202, 204, 404] : [200, 202, 204];
  const answer = await ironic.request({
    method,
    path,
    repeatable: false,
    prefersProject,
    expect,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  await answer.text();
}

function pathOf(ident: string): string {
  return `/v1/nodes/${encodeURIComponent(ident)}`;
}

function parseNode(row: Row): Node {
  return {
    uuid: textAt(row, 'uuid'),
    name: textAt(row, 'name'),
    driver_info: mappingAt(row, 'driver_info'),
    instance_info: mappingAt(row, 'instance_info'),
  };
}

function parseDetails(row: Row): NodeDetails {
  const orNull = (key: string): string | null => shownTextAt(row, key) || null;
  return {
    ...parseNode(row),
    properties: mappingAt(row, 'properties'),
    extra: mappingAt(row, 'extra'),
    resource_class: textAt(row, 'resource_class'),
    // Below 1.2 `available` is returned as null.
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

/**
 * The text under a key; empty if Ironic withholds it from this login, as it does with `reservation`
 * and `last_error`.
 */
function shownTextAt(row: Row, key: string): string {
  const text = textAt(row, key);
  return isRedactionNotice(text) ? '' : text;
}

function mappingAt(row: Row, key: string): Row {
  const value = row[key];
  return isMapping(value) ? value : {};
}

/**
 * The newest error in the history of a node since that moment, which outlives its `last_error`.
 * From version 1.78 on; undefined if there is none.
 */
export async function latestError(ironic: Ironic, uuid: string, since: Date): Promise<string | undefined> {
  if (ironic.minor < 78) return undefined;
  const answer = await ironic.request({ method: 'GET', path: `${pathOf(uuid)}/history`, expect: [200, 403, 404] });
  const answered = await answer.json();
  const history = isMapping(answered) && Array.isArray(answered.history) ? answered.history : [];
  const events = history
    .filter(isMapping)
    .filter(
      (event) => textAt(event, 'severity') === 'ERROR' && Date.parse(textAt(event, 'created_at')) >= since.getTime(),
    );
  const newest = events.sort((one, other) => (textAt(one, 'created_at') < textAt(other, 'created_at') ? 1 : -1))[0];
  return newest && (textAt(newest, 'event') || undefined);
}
