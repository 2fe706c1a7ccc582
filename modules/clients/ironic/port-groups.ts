// The Bare Metal service's port groups
// (https://docs.openstack.org/api-ref/baremetal/#portgroups-portgroups).
import { readPages, textAt } from '../paging.js';
import { findRecord, type Ironic } from './api.js';
import type { PatchOperation } from './nodes.js';

type Row = Readonly<Record<string, unknown>>;

export interface PortGroup {
  readonly uuid: string;
  /** Empty if it has none. */
  readonly name: string;
  /** The MAC address in lower case, with colons; empty if it has none. */
  readonly address: string;
  readonly node_uuid: string;
  /** The port group as the service returned it. */
  readonly record: Row;
}

/**
 * Port groups with all their fields: those of one node, or the one with this address on any node.
 */
export async function listPortGroups(
  { cloud, headers }: Ironic,
  filters: { readonly node: string } | { readonly address: string },
): Promise<PortGroup[]> {
  const query = new URLSearchParams({ limit: '1000', detail: 'true', ...filters });
  const next = (page: Row): string | undefined => textAt(page, 'next') || undefined;
  const groups: PortGroup[] = [];
  for await (const row of readPages(
    { service: 'baremetal', path: `/v1/portgroups?${query}`, headers, key: 'portgroups', id: 'uuid', next },
    cloud,
  ))
    groups.push(parsePortGroup(row));
  return groups;
}

/** The port group of this UUID or name; undefined if it does not exist. */
export async function getPortGroup(ironic: Ironic, ident: string): Promise<PortGroup | undefined> {
  const row = await findRecord(ironic, pathOf(ident));
  return row && parsePortGroup(row);
}

/** Creates a port group, with `node_uuid` at least. */
export async function createPortGroup(ironic: Ironic, group: Row): Promise<void> {
  await (await ironic.request({ method: 'POST', path: '/v1/portgroups', body: JSON.stringify(group) })).text();
}

export async function patchPortGroup(ironic: Ironic, uuid: string, patch: readonly PatchOperation[]): Promise<void> {
  await (await ironic.request({ method: 'PATCH', path: pathOf(uuid), body: JSON.stringify(patch) })).text();
}

function pathOf(ident: string): string {
  return `/v1/portgroups/${encodeURIComponent(ident)}`;
}

function parsePortGroup(row: Row): PortGroup {
  return {
    uuid: textAt(row, 'uuid'),
    name: textAt(row, 'name'),
    address: textAt(row, 'address'),
    node_uuid: textAt(row, 'node_uuid'),
    record: row,
  };
}
