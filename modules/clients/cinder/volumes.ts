// The Block Storage service's volumes of all projects, API v3
// (https://docs.openstack.org/api-ref/block-storage/v3/): reads only.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { statusOf } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';

/** What every Cinder with API v3 speaks, requested so that later releases answer alike. */
export const baseMicroversion = '3.0';

const headers = { 'OpenStack-API-Version': `volume ${baseMicroversion}` };

export interface Volume {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  /**
   * The image that it was made from, and the kernel and ramdisk with which servers boot from it.
   */
  readonly imageIds: readonly string[];
  /** Ids of the servers that it is attached to. */
  readonly serverIds: readonly string[];
}

/**
 * Makes sure that the list is that of all projects: Cinder answers 200 with the project's own
 * volumes if a login that is not an admin's asks for `all_tenants`. By the same rule, it shows its
 * services only to admins. Throws VOLUMES_HIDDEN.
 */
export async function assertAllVolumes(cloud: Cloud): Promise<void> {
  try {
    await (
      await cloud.request('block-storage', { method: 'GET', path: '/os-services', headers, expect: [200, 404] })
    ).text();
  } catch (error) {
    if (![401, 403].includes(statusOf(error) ?? 0)) throw error;
    throw new OperationError(
      'VOLUMES_HIDDEN',
      'it shows this login the volumes of its project only; the role admin is needed',
      { service: 'block-storage' },
      error,
    );
  }
}

/** The volumes of all projects, for a login that may see them: see `assertAllVolumes`. */
export async function* listVolumes(cloud: Cloud): AsyncGenerator<Volume> {
  const path = '/volumes/detail?all_tenants=1&limit=1000';
  for await (const row of readPages(
    { service: 'block-storage', path, headers, key: 'volumes', id: 'id', next: (page) => nextOf(page.volumes_links) },
    cloud,
  )) {
    yield parseVolume(row);
  }
}

function parseVolume(row: Readonly<Record<string, unknown>>): Volume {
  const metadata = isMapping(row.volume_image_metadata) ? row.volume_image_metadata : {};
  const attachments = Array.isArray(row.attachments) ? row.attachments.filter(isMapping) : [];
  return {
    id: textAt(row, 'id'),
    name: textAt(row, 'name'),
    projectId: textAt(row, 'os-vol-tenant-attr:tenant_id'),
    imageIds: ['image_id', 'kernel_id', 'ramdisk_id'].map((key) => textAt(metadata, key)).filter(Boolean),
    serverIds: attachments.map((attachment) => textAt(attachment, 'server_id')).filter(Boolean),
  };
}
