// What several operations declare alike: options of the site, the location of the central image
// stores, and the sentence that sums up a run.
import { defineFields } from '../core/fields.js';
import type { ReturnField } from '../core/operation.js';

/** The value `summary` of a result. */
export function summaryReturn(sample: string): ReturnField {
  return {
    description:
      'One sentence to forward: what was done with how many images, at which site, and what failed. The site is ' +
      "the cloud's name in clouds.yaml, or else its region, or else the host of its `auth_url`.",
    type: 'str',
    returned: 'unless the run failed as a whole',
    sample,
  };
}

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
      'agent applies to both. For an image list it is a version that the list has, or the release ' +
      'that `image_info` shows.',
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
  journal_dir: {
    type: 'path',
    description:
      'Folder of the journal of `ipa_test`, from which the next run restores what an interrupted run has left. ' +
      'It must survive a restart of the host.',
    default: '/var/lib/chameleon_ipa_test',
    siteYaml: ['journal_dir'],
  },
});

export const listFields = defineFields({
  image_lists: {
    type: 'list',
    description:
      'Image lists for the catalogue `list`: files, folders or URLs. A folder means its files ' +
      '`*.yml`, `*.yaml` and `*.json`, in the order of their names. Required if `catalog` ' +
      'includes `list`, and otherwise not read. All lists are validated completely before anything ' +
      'is changed, and no name may occur twice. A list has one key `images`, a list of images with ' +
      '`name` and `url`; lists of openstack-image-manager are read as they are.',
    siteYaml: ['image_lists'],
  },
  image_manager_tag: {
    type: 'string',
    pattern: { regex: '^[^\\s,]{1,255}$', meaning: '1 to 255 characters without spaces and commas' },
    description:
      'The tag by which openstack-image-manager knows its images: what the site gives that tool as ' +
      '`--tag`. Images with it are taken over if a list has their name, and images of lists in the ' +
      'spelling of that tool get it.',
    default: 'managed_by_osism',
    siteYaml: ['image_manager_tag'],
  },
});

const url = { regex: '^https?://[^\\s/?#]+[^\\s?#]*$', meaning: 'an http or https URL' } as const;

export const storeFields = defineFields({
  catalog: {
    type: 'list',
    choices: ['releases', 'objects', 'list'],
    description:
      'The catalogues that the site subscribes to. `releases` is the present central store, which ' +
      'has a release for each image. `objects` is the older store, with images of the Ironic ' +
      'Python Agent; `supports_yaml` selects its images. `list` is any images on the web, which ' +
      'the files in `image_lists` list. If several have the same name, the catalogue listed first ' +
      'provides the image.',
    default: ['releases'],
    siteYaml: ['catalog'],
  },
  object_store_url: {
    type: 'list',
    pattern: url,
    description:
      'URL of the store for `releases`: a Swift account, or the directory on a web server that ' +
      'holds the container. Required if `catalog` includes `releases`. More than one URL: mirrors of the ' +
      'first one, each of which is used where those before it cannot be reached, are slow to answer, or lack ' +
      'an object.',
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
  ...listFields,
});
