// What image_deploy takes and gives: the single source of its documents, options, types and checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { siteFields, storeFields } from '../fields.js';

const transferFields = defineFields({
  images: {
    type: 'list',
    description:
      'Deploy only these images of the catalogues: names, or patterns such as `CC-Ubuntu*`; or objects of the older store by their UUIDs, newest or not. All of them unless given.',
    aliases: ['image'],
    siteYaml: ['images'],
  },
  exclude: {
    type: 'list',
    description: 'Leave out these images: names, or patterns such as `*-ARM64`.',
    default: [],
    siteYaml: ['exclude'],
  },
  latest: {
    type: 'list',
    description:
      'Deploy only the newest build for this distribution, release and variant of the older store, such as `ubuntu,focal,base`: one, two or three words. It means the catalogue `objects`, whatever `catalog` says.',
  },
  ipa: {
    type: 'string',
    choices: ['kernel', 'initramfs'],
    description:
      'Deploy only images of the Ironic Python Agent, from the catalogue `objects`, whatever `catalog` says. Kernel and initramfs of one build go together: either word brings in both.',
  },
  force: { type: 'boolean', description: 'Deploy again what is already current, and replace it.', default: false },
  image_type: {
    type: 'string',
    choices: ['qcow2', 'raw'],
    description:
      'The disk format to deploy from the catalogue `releases`. In the older store each object has one format and says which.',
    default: 'qcow2',
    siteYaml: ['image_type'],
  },
  allowed_properties: {
    type: 'list',
    description:
      'Properties that a manifest may set although Glance, Nova or Cinder act on them: names such as `hw_firmware_type`, or beginnings such as `hw_*`. `os_distro`, `os_version`, `os_type`, `architecture` and whatever means nothing to a service are always passed on; all else is left out with a warning. What refers to other things of the site, such as `kernel_id` or `cinder_encryption_key_id`, cannot be allowed.',
    default: [],
    siteYaml: ['allowed_properties'],
  },
  image_prefix: siteFields.image_prefix,
  image_metadata_field: {
    type: 'string',
    pattern: {
      regex: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      meaning: '1 to 64 letters, digits, dots, dashes and underscores',
    },
    description: 'The property that is set to `no` on an image that has been replaced.',
    default: 'chameleon-supported',
    siteYaml: ['image_metadata_field'],
  },
  import_method: {
    type: 'string',
    choices: ['stream', 'web-download'],
    description:
      'How the bytes reach Glance. `stream` passes them through this host, in constant memory. With `web-download` Glance fetches them itself; it needs a store that publishes a checksum, and where that is a SHA-256 which Glance does not report the image is read back once.',
    default: 'stream',
    siteYaml: ['import_method'],
  },
  min_disk: {
    type: 'string',
    choices: ['auto', 'none'],
    description:
      "`auto` sets the image's `min_disk` from the virtual size in its header. A boot with a smaller flavor is then refused.",
    default: 'none',
    siteYaml: ['min_disk'],
  },
  concurrency: {
    type: 'integer',
    minimum: 1,
    maximum: 16,
    description: 'How many images are brought in at a time.',
    default: 2,
    siteYaml: ['concurrency'],
  },
  stall_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 3600,
    description:
      'Seconds without a single byte after which a connection counts as broken. There is no limit to a whole transfer but `upload_timeout`.',
    default: 60,
  },
  upload_timeout: {
    type: 'integer',
    minimum: 60,
    maximum: 604800,
    description:
      'Seconds after which an upload that another run began counts as abandoned, and after which our own is given up.',
    default: 14400,
    siteYaml: ['upload_timeout'],
  },
  attempts: {
    type: 'integer',
    minimum: 1,
    maximum: 20,
    description: 'How often the upload of one image is tried.',
    default: 5,
  },
  lock_dir: siteFields.lock_dir,
});

export const imageDeployDeclaration = defineDeclaration({
  name: 'image_deploy',
  command: 'deploy',
  versionAdded: '0.1.0',
  commandAliases: ['image_deployer'],
  summary: "Bring new releases of the subscribed images into the site's Glance",
  description: [
    'Compares the catalogues of the central image stores with the images of the site, and brings in each image whose release is new: private first, verified, then public under its production name.',
    'The image that it replaces keeps its id, gets an archive name, and stays public. The production image is never missing, whatever happens, and a run that was broken off is put right by the next one.',
    'A second run changes nothing. The failure of one image does not keep the others from being deployed; the run then fails.',
  ],
  writes: true,
  fields: { ...storeFields, ...transferFields, ...loginFields },
  returns: {
    images: {
      description:
        'One entry for each image of the catalogue that was selected, and for each leftover of an earlier run that was put right.',
      type: 'list',
      returned: 'always',
      contains: {
        name: { description: 'Production name.', type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
        release: {
          description:
            'Release that the catalogue names; of the older store the UUID of the object and its `build-timestamp`.',
          type: 'str',
          returned: 'always',
          sample: '20250422-v1-amd',
        },
        action: {
          description:
            'What was done, or in check mode would be: `up_to_date`, `deploy`, `resume` (an earlier run had begun), `in_progress` (a run on another host is at it), `delete` (a leftover), `conflict` or `failed`.',
          type: 'str',
          returned: 'always',
          sample: 'deploy',
        },
        reason: {
          description: 'Why.',
          type: 'str',
          returned: 'always',
          sample: 'the site has release 20250115-v1-amd',
        },
        id: { description: "The image's id in Glance.", type: 'str', returned: 'when there is one' },
        archived_id: {
          description: 'Id of the image that was replaced.',
          type: 'str',
          returned: 'when one was replaced',
        },
        archived_name: {
          description: 'The name that the replaced image has now.',
          type: 'str',
          returned: 'when one was replaced',
        },
        bytes: { description: 'Size of the image in bytes.', type: 'int', returned: 'when known' },
        seconds: { description: 'How long it took.', type: 'float', returned: 'when something was done' },
        verified_by: {
          description: 'What the bytes were compared by, in the order of the comparisons.',
          type: 'list',
          returned: 'when the image was brought in',
          sample: ['size', "store's sha256", "Glance's md5"],
        },
      },
    },
  },
  examples: [
    {
      title: 'See what would be deployed',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' },
      dryRun: true,
    },
    {
      title: 'Deploy everything that the site subscribes to',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' },
    },
    {
      title: 'Deploy from both stores, the older one by supports.yaml',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', catalog: ['releases', 'objects'] },
    },
    {
      title: 'Deploy the newest focal image of the older store',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', latest: ['ubuntu', 'focal', 'base'] },
    },
    {
      title: 'Deploy the Ubuntu images but not those for ARM, four at a time, by a login in clouds.yaml',
      arguments: {
        cloud: 'uc_dev',
        object_store_url: 'https://store.example.org:7480/swift/v1/AUTH_images',
        images: ['CC-Ubuntu*'],
        exclude: ['*-ARM64'],
        concurrency: 4,
      },
    },
  ],
});
