// The Block Storage service's volumes of all projects, API v3 (https://docs.openstack.org/api-ref/block-storage/v3/): reads only.
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';

/** What every Cinder with API v3 has, asked for so that later ones answer alike. */
export const baseMicroversion = '3.0';

export interface Volume {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  /** The image that it was made from, and that servers boot with from it; undefined for one without. */
  readonly imageId: string | undefined;
  /** Ids of the servers that it is attached to. */
  readonly serverIds: readonly string[];
}

/** The volumes of all projects. */
export async function* listVolumes(cloud: Cloud): AsyncGenerator<Volume> {
  const headers = { 'OpenStack-API-Version': `volume ${baseMicroversion}` };
  const path = '/volumes/detail?all_tenants=1&limit=1000';
  for await (const row of readPages({ service: 'block-storage', path, headers, key: 'volumes', id: 'id', next: (page) => nextOf(page.volumes_links) }, cloud)) {
    yield parseVolume(row);
  }
}

function parseVolume(row: Readonly<Record<string, unknown>>): Volume {
  const metadata = row.volume_image_metadata as { image_id?: unknown } | null | undefined;
  const attachments = Array.isArray(row.attachments) ? (row.attachments as Readonly<Record<string, unknown>>[]) : [];
  return {
    id: textAt(row, 'id'),
    name: textAt(row, 'name'),
    projectId: textAt(row, 'os-vol-tenant-attr:tenant_id'),
    imageId: typeof metadata?.image_id === 'string' ? metadata.image_id : undefined,
    serverIds: attachments.map((attachment) => textAt(attachment, 'server_id')).filter(Boolean),
  };
}
