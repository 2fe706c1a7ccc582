// The Bare Metal service's ports (https://docs.openstack.org/api-ref/baremetal/#ports-ports).
import { readPages, textAt } from '../paging.js';
import { findRecord, requestRecord, type Ironic } from './api.js';
import type { PatchOperation } from './nodes.js';

type Row = Readonly<Record<string, unknown>>;

export interface Port {
  readonly uuid: string;
  /** The MAC address in lower case, with colons. */
  readonly address: string;
  readonly node_uuid: string;
  /** The port as the service returned it. */
  readonly record: Row;
}

/**
 * Ports with all their fields: all of them, those of one node, or the one with this address on any
 * node.
 */
export async function listPorts(
  { cloud, headers }: Ironic,
  filters: { readonly node?: string; readonly address?: string } = {},
): Promise<Port[]> {
  const query = new URLSearchParams({ limit: '1000', ...filters });
  const next = (page: Row): string | undefined => textAt(page, 'next') || undefined;
  const ports: Port[] = [];
  for await (const row of readPages(
    { service: 'baremetal', path: `/v1/ports/detail?${query}`, headers, key: 'ports', id: 'uuid', next },
    cloud,
  ))
    ports.push(parsePort(row));
  return ports;
}

/** The port of this UUID; undefined if it does not exist. */
export async function getPort(ironic: Ironic, uuid: string): Promise<Port | undefined> {
  const row = await findRecord(ironic, pathOf(uuid));
  return row && parsePort(row);
}

/** Creates a port, with `address` and `node_uuid` at least. */
export async function createPort(ironic: Ironic, port: Row): Promise<Port> {
  return parsePort(await requestRecord(ironic, { method: 'POST', path: '/v1/ports', body: JSON.stringify(port) }));
}

export async function patchPort(ironic: Ironic, uuid: string, patch: readonly PatchOperation[]): Promise<Port> {
  return parsePort(await requestRecord(ironic, { method: 'PATCH', path: pathOf(uuid), body: JSON.stringify(patch) }));
}

/** Deletes a port, if it still exists. */
export async function deletePort(ironic: Ironic, uuid: string): Promise<void> {
  await (await ironic.request({ method: 'DELETE', path: pathOf(uuid), repeatable: false, expect: [204, 404] })).text();
}

function pathOf(uuid: string): string {
  return `/v1/ports/${encodeURIComponent(uuid)}`;
}

function parsePort(row: Row): Port {
  return {
    uuid: textAt(row, 'uuid'),
    address: textAt(row, 'address').toLowerCase(),
    node_uuid: textAt(row, 'node_uuid'),
    record: row,
  };
}
