// The declaration of image_deploy: the single source of its documentation, options, types and
// checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { deployingPage, imageApi, loginsPage } from '../../runtime/pages.js';
import { siteFields, storeFields, summaryReturn } from '../fields.js';
import { hidingFields } from '../hiding-fields.js';
import { attributeFields } from './attribute-fields.js';
import { dataFields } from './data-fields.js';
import { glanceFields, glanceReturns } from './glance-fields.js';

/** The catalogues, which site_check reads too. */
export const deployStoreFields = defineFields({
  ...storeFields,
  catalog: {
    ...storeFields.catalog,
    description:
      `${storeFields.catalog.description} A \`site_yaml\` of the first tools, with a password login and ` +
      'without a store, means `objects`.',
    siteYamlImplies: {
      present: ['auth_url', 'admin_password'],
      absent: ['object_store_url', 'image_store_cloud'],
      value: ['objects'],
    },
  },
});

/** What is deployed, and how: shared with site_check. */
export const transferFields = defineFields({
  images: {
    type: 'list',
    description:
      'Deploy only these images of the catalogues: names, or patterns such as `CC-Ubuntu*`. ' +
      'Objects of the older store can be given by their UUIDs instead, even if they are not the ' +
      'newest. The default is all images.',
    aliases: ['image'],
    siteYaml: ['images'],
  },
  exclude: {
    type: 'list',
    description: 'Exclude these images: names, or patterns such as `*-ARM64`.',
    default: [],
    siteYaml: ['exclude'],
  },
  latest: {
    type: 'list',
    description:
      'Deploy only the newest build for this distribution, release and variant in the older ' +
      'store: one, two or three words, such as `ubuntu,focal,base`. This reads only the ' +
      'catalogue `objects`, regardless of `catalog`.',
  },
  ipa: {
    type: 'string',
    choices: ['kernel', 'initramfs'],
    description:
      'Deploy only images of the Ironic Python Agent, from the catalogue `objects`, regardless ' +
      'of `catalog`. Kernel and initramfs of a build belong together: either value deploys both.',
  },
  pins: siteFields.pins,
  force: {
    type: 'boolean',
    description:
      'Deploy images again that are already up to date, and replace them, and deploy releases that ' +
      'are held since a rollback.',
    default: false,
  },
  image_type: {
    type: 'string',
    choices: ['qcow2', 'raw'],
    description:
      'Disk format to deploy from the catalogue `releases`. In the older store each object has ' +
      'exactly one format.',
    default: 'qcow2',
    siteYaml: ['image_type'],
  },
  allowed_properties: {
    type: 'list',
    description:
      'Properties that a manifest may set although Glance, Nova or Cinder act on them: names ' +
      'such as `hw_firmware_type`, or prefixes such as `hw_*`. `os_distro`, `os_version`, ' +
      '`os_type`, `architecture` and all properties without a meaning for a service are always ' +
      'accepted; any other property is left out with a warning. Properties that refer to other ' +
      'resources of the site, such as `kernel_id` or `cinder_encryption_key_id`, cannot be ' +
      'allowed.',
    default: [],
    siteYaml: ['allowed_properties'],
  },
  ...attributeFields,
  image_prefix: siteFields.image_prefix,
  image_metadata_field: siteFields.image_metadata_field,
  ...glanceFields,
  min_disk: {
    type: 'string',
    choices: ['auto', 'none'],
    description:
      "`auto` sets the image's `min_disk` to the virtual size in its header. Nova then refuses " +
      'to boot it with a smaller flavor.',
    default: 'none',
    siteYaml: ['min_disk'],
  },
  concurrency: {
    type: 'integer',
    minimum: 1,
    maximum: 16,
    description: 'Number of images that are transferred at the same time.',
    default: 2,
    siteYaml: ['concurrency'],
  },
  stall_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 3600,
    description:
      'Seconds without any data after which a connection counts as broken. A whole transfer is ' +
      'limited only by `upload_timeout`.',
    default: 60,
  },
  upload_timeout: {
    type: 'integer',
    minimum: 60,
    maximum: 604800,
    description:
      'Seconds after which an upload of another run counts as abandoned, and after which this ' +
      'run gives up its own.',
    default: 14400,
    siteYaml: ['upload_timeout'],
  },
  attempts: {
    type: 'integer',
    minimum: 1,
    maximum: 20,
    description: 'Maximum number of attempts to upload an image.',
    default: 5,
  },
  ...dataFields,
  lock_dir: siteFields.lock_dir,
});

export const imageDeployDeclaration = defineDeclaration({
  name: 'image_deploy',
  command: 'deploy',
  versionAdded: '0.1.0',
  commandAliases: ['image_deployer'],
  summary: 'Deploy new releases of the subscribed images to the Glance of the site',
  description: [
    'Compares the catalogues of the central image stores with the images of the site and deploys ' +
      'each image with a new release: it is uploaded as a private image and verified, then ' +
      'published under its production name.',
    'The image that it replaces keeps its id, gets an archive name and, by default, stays public. The ' +
      'production image is never missing, whatever happens, and if a run is interrupted the next ' +
      'one finishes the job.',
    'After `image_rollback`, or after two images were renamed by hand, the release that was taken ' +
      'back is held: it is deployed again only with `force` or after `image_rollback` with ' +
      '`release`. A newer release is deployed as usual.',
    'A second run changes nothing. If one image fails, the others are still deployed, and the ' +
      'run fails at the end.',
  ],
  writes: true,
  repeats: 'With `force`, every run deploys the selected images again.',
  seeAlso: [
    'image_clean',
    'image_info',
    'image_property',
    'image_publish',
    'image_rollback',
    deployingPage,
    loginsPage,
    imageApi,
  ],
  fields: { ...deployStoreFields, ...transferFields, ...hidingFields, ...loginFields },
  returns: {
    summary: summaryReturn('3 images deployed (12.4 GiB), 1 held, 14 up to date at chi.tacc; nothing failed.'),
    images: {
      description:
        'One entry for each selected image of the catalogue, and for each leftover of an earlier ' +
        'run that was deleted.',
      type: 'list',
      returned: 'always',
      contains: {
        name: { description: 'Production name.', type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
        release: {
          description:
            'Release in the catalogue; for the older store the UUID of the object and its ' +
            '`build-timestamp`; for an image list the version, or without one the beginning of the ' +
            'checksum, or the date and length of the file.',
          type: 'str',
          returned: 'always',
          sample: '20250422-v1-amd',
        },
        action: {
          description:
            'What was done, or in check mode would be done: `up_to_date`, `deploy`, `resume` ' +
            '(started by an earlier run), `update` (attributes or properties of an image that is up to ' +
            'date), `held` (rolled back, or pinned), `in_progress` (being deployed by a run on another ' +
            'host), `delete` (a leftover), `copy` (up to date, but not in all `stores`), `conflict` or ' +
            '`failed`.',
          type: 'str',
          returned: 'always',
          sample: 'deploy',
        },
        reason: {
          description: 'Reason for the action.',
          type: 'str',
          returned: 'always',
          sample: 'the site has release 20250115-v1-amd',
        },
        held_since: {
          description: 'Time of the rollback since which the release is held, in RFC 3339 format and UTC.',
          type: 'str',
          returned: 'when held since a rollback',
        },
        id: { description: "The image's id in Glance.", type: 'str', returned: 'when the image exists' },
        archived_id: {
          description: 'Id of the image that was replaced.',
          type: 'str',
          returned: 'when an image was replaced',
        },
        archived_name: {
          description: 'The name that the replaced image has now.',
          type: 'str',
          returned: 'when an image was replaced',
        },
        archived_hidden: {
          description: 'Whether the replaced image was hidden at once, because of `hide_at`.',
          type: 'bool',
          returned: 'when an image was replaced and hidden',
        },
        changes: {
          description:
            'What was changed, or in check mode would be changed, of an image that is up to date: name, before and ' +
            'after of each attribute or property. The value null means that the image does not have it.',
          type: 'list',
          returned: 'when attributes or properties differed',
          sample: [{ name: 'hw_disk_bus', before: null, after: 'scsi' }],
        },
        bytes: { description: 'Size of the image in bytes.', type: 'int', returned: 'when known' },
        mirror: {
          description:
            'URL of the mirror from which the data came, without credentials. If several were used, the last one.',
          type: 'str',
          returned: 'when the data, or their end, came from a mirror',
        },
        seconds: { description: 'Duration in seconds.', type: 'float', returned: 'when the image was deployed' },
        verified_by: {
          description:
            'What was compared to verify the data, in order: the size, the checksum that the store publishes, and ' +
            "that of Glance. A run that sent the data compares Glance's MD5, or the digest in `os_hash_algo` if " +
            'Glance reports no MD5 or this host cannot compute one. If Glance fetched the data itself, or an earlier ' +
            "run sent them (`action` is then `resume`), the stored data are read back and compared with the store's " +
            'checksum alone.',
          type: 'list',
          returned: 'when the image was transferred',
          sample: ['size', "store's sha256", "Glance's md5"],
        },
        ...glanceReturns,
      },
    },
  },
  examples: [
    {
      title: 'Show what would be deployed',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' },
      dryRun: true,
    },
    {
      title: 'Deploy everything that the site subscribes to',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' },
    },
    {
      title: 'Deploy from both stores, with the images of the older one selected by supports.yaml',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', catalog: ['releases', 'objects'] },
    },
    {
      title: 'Deploy the images that the lists in a folder name',
      arguments: {
        site_yaml: '/etc/chameleon_image_tools/site.yaml',
        catalog: ['list'],
        image_lists: ['/etc/chameleon_image_tools/image-lists'],
      },
    },
    {
      title: 'Deploy the newest Ubuntu focal image of the older store',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', latest: ['ubuntu', 'focal', 'base'] },
    },
    {
      title: 'Deploy the Ubuntu images except those for ARM, four at a time, with a clouds.yaml login',
      arguments: {
        cloud: 'uc_dev',
        object_store_url: ['https://store.example.org:7480/swift/v1/AUTH_images'],
        images: ['CC-Ubuntu*'],
        exclude: ['*-ARM64'],
        concurrency: 4,
      },
    },
  ],
});
