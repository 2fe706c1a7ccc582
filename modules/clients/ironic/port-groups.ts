// The Bare Metal service's port groups (https://docs.openstack.org/api-ref/baremetal/#portgroups-portgroups).
import { isNotFound } from '../http/errors.js';
import { readPages, textAt } from '../paging.js';
import type { Ironic } from './api.js';
import type { PatchOperation } from './nodes.js';

type Values = Readonly<Record<string, unknown>>;

export interface PortGroup {
  readonly uuid: string;
  /** Empty where it has none. */
  readonly name: string;
  /** The MAC address in lower case, with colons; empty where it has none. */
  readonly address: string;
  readonly node_uuid: string;
  /** All that the service told. */
  readonly record: Values;
}

/** Those of one node, or of one address anywhere, with all their fields. */
export async function listPortGroups(
  { cloud, headers }: Ironic,
  filters: { readonly node: string } | { readonly address: string },
): Promise<PortGroup[]> {
  const query = new URLSearchParams({ limit: '1000', detail: 'true', ...filters });
  const next = (page: Values): string | undefined => textAt(page, 'next') || undefined;
  const groups: PortGroup[] = [];
  for await (const row of readPages(
    { service: 'baremetal', path: `/v1/portgroups?${query}`, headers, key: 'portgroups', id: 'uuid', next },
    cloud,
  ))
    groups.push(parsePortGroup(row));
  return groups;
}

/** By its UUID or its name; undefined where there is none. */
export async function getPortGroup(ironic: Ironic, ident: string): Promise<PortGroup | undefined> {
  try {
    return parsePortGroup((await (await ironic.request({ method: 'GET', path: pathOf(ident) })).json()) as Values);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Creates one: `node_uuid` at least. */
export async function createPortGroup(ironic: Ironic, group: Values): Promise<void> {
  await (await ironic.request({ method: 'POST', path: '/v1/portgroups', body: JSON.stringify(group) })).text();
}

export async function patchPortGroup(ironic: Ironic, uuid: string, patch: readonly PatchOperation[]): Promise<void> {
  await (await ironic.request({ method: 'PATCH', path: pathOf(uuid), body: JSON.stringify(patch) })).text();
}

function pathOf(ident: string): string {
  return `/v1/portgroups/${encodeURIComponent(ident)}`;
}

function parsePortGroup(row: Values): PortGroup {
  return {
    uuid: textAt(row, 'uuid'),
    name: textAt(row, 'name'),
    address: textAt(row, 'address'),
    node_uuid: textAt(row, 'node_uuid'),
    record: row,
  };
}
