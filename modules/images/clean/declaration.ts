// The declaration of image_clean: the single source of its documentation, options, types and
// checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { dailyUsePage, imageApi, loginsPage } from '../../runtime/pages.js';
import { siteFields, storeFields, summaryReturn } from '../fields.js';
import { hidingFields } from '../hiding-fields.js';

const ageFields = defineFields({
  hide_image_age_in_month: {
    type: 'integer',
    minimum: 0,
    maximum: 1200,
    description:
      'Age in calendar months at which an image is hidden. It must be smaller than ' + '`delete_image_age_in_month`.',
    default: 12,
    siteYaml: ['hide_image_age_in_month'],
  },
  delete_image_age_in_month: {
    type: 'integer',
    minimum: 1,
    maximum: 1200,
    description: 'Age in calendar months at which an image is deleted.',
    default: 18,
    siteYaml: ['delete_image_age_in_month'],
  },
  age_from: {
    type: 'string',
    choices: ['created', 'superseded'],
    description:
      'Start of the age of an image: its creation in Glance, or the day on which it was ' +
      'replaced. If that day is not known, the creation counts.',
    default: 'created',
    siteYaml: ['age_from'],
  },
  grace_days: {
    type: 'integer',
    minimum: 0,
    maximum: 3650,
    description:
      'Minimum number of days between the last change of a hidden image, usually its hiding, and ' +
      'its deletion. For an image that has a production name the minimum is 30.',
    default: 0,
    siteYaml: ['grace_days'],
  },
});

/** How long images are kept: shared with image_info, which shows what image_clean would do. */
export const retentionFields = defineFields({
  ...ageFields,
  ...hidingFields,
  keep: {
    type: 'integer',
    minimum: 0,
    maximum: 1000,
    description:
      'How many images of each name are never deleted, nor hidden because of their age, whatever their age: the ' +
      'newest ones by the time of their build, or of their creation if that is not known. The production ' +
      'image counts as the newest, so `1` keeps no archived image; without a production image, archived ' +
      'images alone count. This includes names that have left the catalogue.',
    default: 0,
    siteYaml: ['keep'],
  },
  skip_images: {
    type: 'list',
    description: 'Images that are never hidden or deleted: ids, names, production names, or patterns.',
    default: [],
    siteYaml: ['skip_images'],
  },
  pins: siteFields.pins,
  keep_deprecated: {
    type: 'boolean',
    description:
      'Keep production images whose name has left the catalogue. Otherwise they age like ' +
      'replaced images: they are hidden first, and deleted 30 days later at the earliest.',
    default: false,
    siteYaml: ['keep_deprecated'],
  },
  accept_losses: {
    type: 'boolean',
    description:
      "Accept a catalogue that has lost more than two names and more than a third of the site's " +
      'production names. Otherwise such a catalogue deprecates nothing, and the run fails if an ' +
      'image would have been hidden or deleted because of it.',
    default: false,
    siteYaml: ['accept_losses'],
  },
  max_deletes: {
    type: 'integer',
    minimum: 0,
    description:
      'Safety limit: a plan that deletes more images than this is refused as a whole, and ' +
      'nothing is hidden or deleted. There is no limit by default.',
    siteYaml: ['max_deletes'],
  },
});

const choiceFields = defineFields({
  images: {
    type: 'list',
    description:
      'Clean only these images: ids, names, production names, or patterns such as `CC-Ubuntu*`. ' +
      'The default is all images.',
    aliases: ['image'],
  },
  exclude: {
    type: 'list',
    description: 'Exclude these images: ids, names, production names, or patterns.',
    default: [],
  },
  image_prefix: siteFields.image_prefix,
  lock_dir: siteFields.lock_dir,
});

export const catalogueFields = defineFields({
  ...storeFields,
  object_store_url: {
    ...storeFields.object_store_url,
    description:
      `${storeFields.object_store_url.description} Without it the catalogue is not read, and no name counts as ` +
      'deprecated.',
  },
});

export const imageCleanDeclaration = defineDeclaration({
  name: 'image_clean',
  command: 'clean',
  versionAdded: '0.1.0',
  summary: 'Hide and delete old images of the site, but never an image that is in use',
  description: [
    'Manages the images that this system or one of its predecessors has deployed to the project: ' +
      'images that were replaced, and images whose name has left the catalogue. They are hidden at ' +
      'one age and deleted at another.',
    'The following are left alone: the production image of each name in the catalogue, the newest ' +
      'images of each name as far as `keep` counts, images ' +
      'that are held since a rollback or pinned, images that a server, a volume, a node or another image uses, ' +
      'protected images, and images whose ' +
      'name is neither a production name nor an archive name. Whether an image is in use is ' +
      'checked again right before each change.',
    'If the cloud has Nova, Cinder, Ironic or Doni, and one of them does not answer completely ' +
      'or hides the resources of other projects from this login, nothing is changed and the run ' +
      'fails. The same applies if the clock of this host differs from that of the services by more ' +
      'than an hour. A second run changes nothing.',
  ],
  writes: true,
  seeAlso: ['image_deploy', 'image_info', dailyUsePage, loginsPage, imageApi],
  fields: { ...retentionFields, ...choiceFields, ...catalogueFields, ...loginFields },
  returns: {
    summary: summaryReturn('2 images deleted (3.1 GiB), 1 hidden, 9 kept at chi.tacc; nothing failed.'),
    images: {
      description:
        'One entry for each image that this system manages, sorted by production name, the ' + 'oldest first.',
      type: 'list',
      returned: 'always',
      contains: {
        id: { description: "The image's id.", type: 'str', returned: 'always' },
        name: {
          description: "The image's name.",
          type: 'str',
          returned: 'always',
          sample: 'CC-Ubuntu22.04_2024-04-22 15:30:45.123456',
        },
        production_name: {
          description: 'The name that the image has or had in production.',
          type: 'str',
          returned: 'when known from its name',
        },
        state: {
          description: '`current`, `deprecated` (its name has left the catalogue) or `archived`.',
          type: 'str',
          returned: 'always',
          sample: 'archived',
        },
        action: {
          description:
            'What was done, or in check mode would be done: `keep`, `hide`, `delete`, `skip` ' +
            '(old enough, but something forbids it) or `failed`.',
          type: 'str',
          returned: 'always',
          sample: 'delete',
        },
        reason: {
          description: 'Reason for the action.',
          type: 'str',
          returned: 'always',
          sample: 'used by server web-3 of project climate; 19 months old, deleted at 18',
        },
        age_months: { description: 'Age in whole calendar months.', type: 'int', returned: 'when known', sample: 19 },
        created_at: { description: 'Time of creation, in RFC 3339 format and UTC.', type: 'str', returned: 'always' },
        visibility: {
          description: 'Visibility in Glance before the run.',
          type: 'str',
          returned: 'always',
          sample: 'public',
        },
        hidden: { description: 'Whether `os_hidden` was set before the run.', type: 'bool', returned: 'always' },
      },
    },
    sources: {
      description: 'The services that were asked which images are in use.',
      type: 'list',
      returned: 'always',
      sample: ['compute', 'baremetal'],
    },
    absent: {
      description: 'The services that this cloud does not have and that would otherwise have been asked.',
      type: 'list',
      returned: 'always',
      sample: ['block-storage', 'inventory'],
    },
  },
  examples: [
    {
      title: 'Show what would be hidden and deleted',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' },
      dryRun: true,
    },
    { title: 'Clean up as configured for the site', arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' } },
    {
      title:
        'Hide after six months and delete after a year, counted from the day of replacement, but ' +
        'keep the three newest images of each name and some others, and refuse to delete more than ten',
      arguments: {
        cloud: 'uc_dev',
        object_store_url: ['https://store.example.org:7480/swift/v1/AUTH_images'],
        hide_image_age_in_month: 6,
        delete_image_age_in_month: 12,
        age_from: 'superseded',
        keep: 3,
        skip_images: ['CC-Ubuntu18.04*', '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e'],
        max_deletes: 10,
      },
    },
  ],
});
