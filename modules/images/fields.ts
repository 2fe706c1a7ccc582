// Options that several operations share: those of the site, and the location of the central image
// stores.
import { defineFields } from '../core/fields.js';

export const siteFields = defineFields({
  image_prefix: {
    type: 'string',
    pattern: {
      regex: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      meaning: '1 to 64 letters, digits, dots, dashes and underscores',
    },
    description: 'Prefix of the name of an image while it is private and being uploaded.',
    default: 'testing_',
    siteYaml: ['image_prefix'],
  },
  image_metadata_field: {
    type: 'string',
    pattern: {
      regex: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      meaning: '1 to 64 letters, digits, dots, dashes and underscores',
    },
    description: 'Property that is set to `no` on an image when it is replaced.',
    default: 'chameleon-supported',
    siteYaml: ['image_metadata_field'],
  },
  pins: {
    type: 'mapping',
    description:
      'Releases to which the site pins images, by production name, such as `CC-Ubuntu22.04: ' +
      '20250422-v1-amd`. `image_deploy` deploys exactly this release as long as the store has it, ' +
      'and leaves the image alone afterwards; `image_clean` never hides or deletes it. For the ' +
      "older store a pin is an object's UUID or a `build-timestamp`, and a pin of one half of an " +
      'agent applies to both.',
    siteYaml: ['pins'],
  },
  lock_dir: {
    type: 'path',
    description:
      'Directory of the lock file. Runs for the same cloud with the same directory exclude each ' +
      'other. The default is `/run/chameleon_image_tools` for root, and for other users ' +
      '`chameleon_image_tools` in `$XDG_RUNTIME_DIR` or in `~/.local/state`.',
    siteYaml: ['lock_dir'],
  },
});

const url = { regex: '^https?://[^\\s/?#]+[^\\s?#]*$', meaning: 'an http or https URL' } as const;

export const storeFields = defineFields({
  catalog: {
    type: 'list',
    choices: ['releases', 'objects'],
    description:
      'The central stores that the site subscribes to. `releases` is the present store, which ' +
      'has a release for each image. `objects` is the older store, with images of the Ironic ' +
      'Python Agent; `supports_yaml` selects its images. If both have the same name, the store ' +
      'listed first provides the image.',
    default: ['releases'],
    siteYaml: ['catalog'],
  },
  object_store_url: {
    type: 'string',
    pattern: url,
    description:
      'URL of the store for `releases`: a Swift account, or the directory on a web server that ' +
      'holds the container. Required if `catalog` includes `releases`.',
    siteYaml: ['object_store_url'],
  },
  image_container: {
    type: 'string',
    pattern: { regex: '^[A-Za-z0-9][A-Za-z0-9._-]*$', meaning: 'letters, digits, dots, dashes and underscores' },
    description: 'Container for `releases`.',
    default: 'chameleon-supported-images',
    siteYaml: ['image_container'],
  },
  scope: {
    type: 'string',
    pattern: { regex: '^[A-Za-z0-9][A-Za-z0-9._-]*$', meaning: 'letters, digits, dots, dashes and underscores' },
    description: 'Catalogue in the container for `releases`, such as `prod`, `staging` or `dev`.',
    default: 'prod',
    siteYaml: ['scope'],
  },
  objects_store_url: {
    type: 'string',
    pattern: url,
    description: 'URL of the store for `objects`: a Swift account.',
    default: 'https://chi.tacc.chameleoncloud.org:7480/swift/v1/AUTH_570aad8999f7499db99eae22fe9b29bb',
    siteYaml: ['objects_store_url'],
  },
  objects_container: {
    type: 'string',
    pattern: { regex: '^[A-Za-z0-9][A-Za-z0-9._-]*$', meaning: 'letters, digits, dots, dashes and underscores' },
    description: 'Container for `objects`. It must be publicly listable.',
    default: 'chameleon-images',
    siteYaml: ['objects_container'],
  },
  supports_yaml: {
    type: 'path',
    description: 'File that lists the builds of `objects` that the site supports, with production names.',
    default: '/etc/chameleon_image_tools/supports.yaml',
    siteYaml: ['supports_yaml'],
  },
});
