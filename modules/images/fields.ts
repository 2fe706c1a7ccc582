// Options that several operations share: the site's own, and where the central image stores are.
import { defineFields } from '../core/fields.js';

export const siteFields = defineFields({
  image_prefix: {
    type: 'string',
    pattern: {
      regex: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      meaning: '1 to 64 letters, digits, dots, dashes and underscores',
    },
    description: 'What stands before the production name while an image is private and being brought in.',
    default: 'testing_',
    siteYaml: ['image_prefix'],
  },
  lock_dir: {
    type: 'path',
    description:
      'Folder of the lock file. Runs that share it and the cloud exclude each other. Unless given, /run/chameleon_image_tools for root; for other users chameleon_image_tools in `$XDG_RUNTIME_DIR`, else in `~/.local/state`.',
    siteYaml: ['lock_dir'],
  },
});

const url = { regex: '^https?://[^\\s/?#]+[^\\s?#]*$', meaning: 'an http or https URL' } as const;

export const storeFields = defineFields({
  catalog: {
    type: 'list',
    choices: ['releases', 'objects'],
    description:
      'Which central stores are subscribed to. `releases`: the present one, which names a release of each image. `objects`: the one before it, with IPA images; what it has is chosen by `supports_yaml`. A name that both have is taken from the one that comes first.',
    default: ['releases'],
    siteYaml: ['catalog'],
  },
  object_store_url: {
    type: 'string',
    pattern: url,
    description:
      'The store of `releases`: the URL of a Swift account, or of the folder of a web server that holds the container. Needed where `catalog` has `releases`.',
    siteYaml: ['object_store_url'],
  },
  image_container: {
    type: 'string',
    pattern: { regex: '^[A-Za-z0-9][A-Za-z0-9._-]*$', meaning: 'letters, digits, dots, dashes and underscores' },
    description: 'The container of `releases`.',
    default: 'chameleon-supported-images',
    siteYaml: ['image_container'],
  },
  scope: {
    type: 'string',
    pattern: { regex: '^[A-Za-z0-9][A-Za-z0-9._-]*$', meaning: 'letters, digits, dots, dashes and underscores' },
    description: 'Which catalogue of the container of `releases`: `prod`, `staging`, `dev`.',
    default: 'prod',
    siteYaml: ['scope'],
  },
  objects_store_url: {
    type: 'string',
    pattern: url,
    description: 'The store of `objects`: the URL of a Swift account.',
    default: 'https://chi.tacc.chameleoncloud.org:7480/swift/v1/AUTH_570aad8999f7499db99eae22fe9b29bb',
    siteYaml: ['objects_store_url'],
  },
  objects_container: {
    type: 'string',
    pattern: { regex: '^[A-Za-z0-9][A-Za-z0-9._-]*$', meaning: 'letters, digits, dots, dashes and underscores' },
    description: 'The container of `objects`, which everybody may list.',
    default: 'chameleon-images',
    siteYaml: ['objects_container'],
  },
  supports_yaml: {
    type: 'path',
    description: 'The file that says which builds of `objects` the site supports, and their production names.',
    default: '/etc/chameleon_image_tools/supports.yaml',
    siteYaml: ['supports_yaml'],
  },
});
