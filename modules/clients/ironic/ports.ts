// The Bare Metal service's ports (https://docs.openstack.org/api-ref/baremetal/#ports-ports).
import { isNotFound } from '../http/errors.js';
import { readPages, textAt } from '../paging.js';
import type { Ironic } from './api.js';
import type { PatchOperation } from './nodes.js';

type Values = Readonly<Record<string, unknown>>;

export interface Port {
  readonly uuid: string;
  /** The MAC address in lower case, with colons. */
  readonly address: string;
  readonly node_uuid: string;
  /** All that the service told. */
  readonly record: Values;
}

/** Ports with all their fields; of one node, or of one address anywhere. */
export async function listPorts(
  { cloud, headers }: Ironic,
  filters: { readonly node?: string; readonly address?: string } = {},
): Promise<Port[]> {
  const query = new URLSearchParams({ limit: '1000', ...filters });
  const next = (page: Values): string | undefined => textAt(page, 'next') || undefined;
  const ports: Port[] = [];
  for await (const row of readPages(
    { service: 'baremetal', path: `/v1/ports/detail?${query}`, headers, key: 'ports', id: 'uuid', next },
    cloud,
  ))
    ports.push(parsePort(row));
  return ports;
}

/** Undefined where there is none. */
export async function getPort(ironic: Ironic, uuid: string): Promise<Port | undefined> {
  try {
    return parsePort((await (await ironic.request({ method: 'GET', path: pathOf(uuid) })).json()) as Values);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Creates a port: `address` and `node_uuid` at least. */
export async function createPort(ironic: Ironic, port: Values): Promise<Port> {
  return parsePort(
    (await (await ironic.request({ method: 'POST', path: '/v1/ports', body: JSON.stringify(port) })).json()) as Values,
  );
}

export async function patchPort(ironic: Ironic, uuid: string, patch: readonly PatchOperation[]): Promise<Port> {
  return parsePort(
    (await (
      await ironic.request({ method: 'PATCH', path: pathOf(uuid), body: JSON.stringify(patch) })
    ).json()) as Values,
  );
}

/** One that is gone is fine. */
export async function deletePort(ironic: Ironic, uuid: string): Promise<void> {
  await (await ironic.request({ method: 'DELETE', path: pathOf(uuid), repeatable: false, expect: [204, 404] })).text();
}

function pathOf(uuid: string): string {
  return `/v1/ports/${encodeURIComponent(uuid)}`;
}

function parsePort(row: Values): Port {
  return {
    uuid: textAt(row, 'uuid'),
    address: textAt(row, 'address'),
    node_uuid: textAt(row, 'node_uuid'),
    record: row,
  };
}
