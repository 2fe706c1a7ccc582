// The declaration of image_publish: the single source of its documentation, options, types and
// checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { deployingPage, objectStoreApi, storePage } from '../../runtime/pages.js';
import { siteFields, storeFields } from '../fields.js';

const publishFields = defineFields({
  name: {
    type: 'string',
    required: true,
    description: 'Production name of the image, such as `CC-Ubuntu22.04`.',
  },
  file: {
    type: 'path',
    required: true,
    description:
      'The image: a qcow2 or a raw disk, which is recognized by its content. If its name ends in `.qcow2` or ' +
      '`.raw`, it must be that.',
  },
  release: {
    type: 'string',
    required: true,
    description:
      'Release to publish it under, such as `20250422-v1`. A published release never changes: other bytes or another ' +
      'manifest need another release.',
  },
  current: {
    type: 'boolean',
    default: false,
    description: 'Also make the release the current one of the image, which sites then deploy.',
  },
  manifest: {
    type: 'object',
    description:
      'Properties that the image has on every site, such as `build-distro`. `build-timestamp`, which sites use in ' +
      "the name of an archived image, is the file's time of modification by default. The manifest of a release that " +
      'the store already has is only compared if this is given.',
  },
  store_dir: {
    type: 'path',
    description:
      'Folder to publish into, instead of the Object Store of the login. It is the container: a web server shows it ' +
      'as `object_store_url` followed by `image_container`. It must exist.',
  },
  in_place: {
    type: 'boolean',
    default: false,
    description:
      'Whether files in `store_dir` are written where they belong, instead of next to it and then renamed. ' +
      'For a mounted S3 bucket that cannot rename, where a file appears when it is complete.',
  },
  image_container: storeFields.image_container,
  scope: storeFields.scope,
  segment_size: {
    type: 'integer',
    minimum: 1024,
    maximum: 5368709120,
    default: 1073741824,
    description:
      'Bytes of each segment in which a larger image is uploaded to the Object Store. After an interruption, ' +
      'complete segments are not uploaded again. Swift accepts no object larger than 5 GiB without segments.',
  },
  stall_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 3600,
    default: 60,
    description: 'Seconds without any data after which a connection to the Object Store counts as broken.',
  },
  lock_dir: siteFields.lock_dir,
});

export const imagePublishDeclaration = defineDeclaration({
  name: 'image_publish',
  command: 'publish',
  positional: ['name', 'file'],
  versionAdded: '0.1.0',
  summary: 'Publish an image in a store of your own',
  description: [
    'Writes an image, its manifest, and with `current` the catalogue of the store, in this order, so that sites that ' +
      'read the store meanwhile see either all of the release or nothing of it. The store is a container in Swift or ' +
      "Ceph's gateway, a folder that a web server shows, or a mounted S3 bucket.",
    'The file is read before anything is written: `image_deploy` would refuse what is refused here. Its size, ' +
      'SHA-256 and MD5 are computed, and in Swift recorded with the object, so that every site verifies them.',
    'A run that is killed at any point leaves a store that sites can use, and the next one goes on. Images that are ' +
      'no longer current stay in the store.',
  ],
  writes: true,
  seeAlso: ['image_deploy', storePage, deployingPage, objectStoreApi],
  fields: { ...publishFields, ...loginFields },
  returns: {
    name: { description: 'Production name.', type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
    release: { description: 'The release.', type: 'str', returned: 'always', sample: '20250422-v1' },
    location: {
      description: 'The container or folder of the store.',
      type: 'str',
      returned: 'always',
      sample: 'container chameleon-supported-images',
    },
    disk_format: { description: '`qcow2` or `raw`.', type: 'str', returned: 'always', sample: 'qcow2' },
    bytes: { description: 'Size of the image.', type: 'int', returned: 'always', sample: 2147483648 },
    sha256: { description: 'SHA-256 of the image.', type: 'str', returned: 'always' },
    md5: { description: 'MD5 of the image.', type: 'str', returned: 'if this host can compute it' },
    files: {
      description: 'The files of the release in the order in which they are written, and `current` if requested.',
      type: 'list',
      returned: 'always',
      contains: {
        path: {
          description: 'Path below the container.',
          type: 'str',
          returned: 'always',
          sample: 'prod/versions/20250422-v1/CC-Ubuntu22.04.qcow2',
        },
        action: {
          description: 'What was done, or in check mode would be done: `write` or `up_to_date`.',
          type: 'str',
          returned: 'always',
          sample: 'write',
        },
        reason: { description: 'Reason for the action.', type: 'str', returned: 'always' },
      },
    },
  },
  examples: [
    {
      title: 'Show what publishing an image in the Object Store would do',
      arguments: {
        name: 'CC-Ubuntu22.04',
        file: '/srv/build/ubuntu.qcow2',
        release: '20250422-v1',
        current: true,
        cloud: 'uc_dev',
      },
      dryRun: true,
    },
    {
      title: 'Publish it with a manifest, and make it current',
      arguments: {
        name: 'CC-Ubuntu22.04',
        file: '/srv/build/ubuntu.qcow2',
        release: '20250422-v1',
        current: true,
        manifest: { 'build-distro': 'ubuntu', 'build-release': 'jammy', 'build-variant': 'base' },
        cloud: 'uc_dev',
      },
    },
    {
      title: 'Publish it in a folder that a web server shows',
      arguments: {
        name: 'CC-Ubuntu22.04',
        file: '/srv/build/ubuntu.qcow2',
        release: '20250422-v1',
        current: true,
        store_dir: '/srv/www/images',
      },
    },
  ],
});
