// Doni's hardware (https://github.com/ChameleonCloud/doni), from which a site's Ironic nodes are made: reads only.
import type { Cloud } from '../keystone/cloud.js';
import { nextOf, readPages, textAt } from '../paging.js';

export interface Hardware {
  readonly uuid: string;
  readonly name: string;
  /** Ids of the images that Doni gives to the node as `deploy_kernel` and `deploy_ramdisk`. */
  readonly deployImages: readonly string[];
}

/** The hardware of all projects. Doni gives all of it at once where no limit is asked for. */
export async function* listHardware(cloud: Cloud): AsyncGenerator<Hardware> {
  const path = '/v1/hardware/?all_projects=1';
  for await (const row of readPages({ service: 'inventory', path, key: 'hardware', id: 'uuid', next: (page) => nextOf(page.links) }, cloud)) {
    const properties = (row.properties ?? {}) as Readonly<Record<string, unknown>>;
    const deployImages = [textAt(properties, 'baremetal_deploy_kernel_image'), textAt(properties, 'baremetal_deploy_ramdisk_image')].filter(Boolean);
    yield { uuid: textAt(row, 'uuid'), name: textAt(row, 'name'), deployImages };
  }
}
