// Options of image_deploy that say how the data reach Glance.
import { defineFields } from '../../core/fields.js';

export const glanceFields = defineFields({
  import_method: {
    type: 'string',
    choices: ['stream', 'web-download', 'glance-direct'],
    description:
      'How the data reach Glance. `stream` passes them through this host with constant memory. ' +
      'With `web-download` Glance fetches them itself; this requires a store that publishes a ' +
      'checksum, and if Glance does not report the same kind of checksum the image is read back ' +
      'once. `glance-direct` passes them through this host like `stream`, and Glance then imports ' +
      'them, with everything that the site has it do on import; kernels and ramdisks are always ' +
      'passed by `stream` then.',
    default: 'stream',
    siteYaml: ['import_method'],
  },
  stores: {
    type: 'list',
    description:
      'Ids of the Glance stores that each image is to be in. The data go into the first one. When ' +
      'the image is in production, Glance copies it to the others (`copy-image`), and images that ' +
      'are up to date to those that lack them. Images stay in other stores, too. By default the ' +
      'data go into the default store of Glance.',
    siteYaml: ['stores'],
  },
  all_stores: {
    type: 'boolean',
    description:
      'Have each image in all stores of Glance that take data, as with `stores`; the default store ' +
      'gets the data first. Excludes `stores`.',
    default: false,
    siteYaml: ['all_stores'],
  },
});

/** What the result of an image tells besides. */
export const glanceReturns = {
  converted: {
    description:
      'The formats, if Glance has converted the image on import. Its data are then others than those that are ' +
      'published: `verified_by` lists the published checksums if they were compared with what was staged, and ' +
      '`virtual size`, that of the disk.',
    type: 'str',
    returned: 'when Glance has converted the image',
    sample: 'from qcow2 to raw',
  },
  stores: {
    description: 'Ids of the Glance stores that the image is in, or in check mode would be in.',
    type: 'list',
    returned: 'when `stores` or `all_stores` is set and the image is in production',
    sample: ['fast', 'slow'],
  },
  copied_to: {
    description: 'Ids of the Glance stores that the image was copied to, or in check mode would be.',
    type: 'list',
    returned: 'when the image was copied',
    sample: ['slow'],
  },
} as const;
