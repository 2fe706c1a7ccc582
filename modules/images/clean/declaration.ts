// What image_clean takes and gives: the single source of its documents, options, types and checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { siteFields, storeFields } from '../fields.js';

const ageFields = defineFields({
  hide_image_age_in_month: {
    type: 'integer',
    minimum: 0,
    maximum: 1200,
    description:
      'Age in calendar months from which an image is hidden. It must be smaller than `delete_image_age_in_month`.',
    default: 12,
    siteYaml: ['hide_image_age_in_month'],
  },
  delete_image_age_in_month: {
    type: 'integer',
    minimum: 1,
    maximum: 1200,
    description: 'Age in calendar months from which an image is deleted.',
    default: 18,
    siteYaml: ['delete_image_age_in_month'],
  },
  age_from: {
    type: 'string',
    choices: ['created', 'superseded'],
    description:
      'From when an image ages: from its creation in Glance, or from the day that it was replaced, and from its creation where that day is not known.',
    default: 'created',
    siteYaml: ['age_from'],
  },
  grace_days: {
    type: 'integer',
    minimum: 0,
    maximum: 3650,
    description:
      'Days that must lie between the last change of a hidden image, usually its hiding, and its deletion. For an image that bears a production name they are 30 at least.',
    default: 0,
    siteYaml: ['grace_days'],
  },
  hide_mode: {
    type: 'string',
    choices: ['private', 'os_hidden'],
    description:
      'How an image is hidden: `private` keeps other projects from using it; with `os_hidden` it is only left out of lists.',
    default: 'private',
    siteYaml: ['hide_mode'],
  },
});

/** How long which images are kept: shared with those who say beforehand what a cleaning would do. */
export const retentionFields = defineFields({
  ...ageFields,
  skip_images: {
    type: 'list',
    description: 'Images that are never hidden and never deleted: ids, names, production names, or patterns.',
    default: [],
    siteYaml: ['skip_images'],
  },
  keep_deprecated: {
    type: 'boolean',
    description:
      'Keep production images whose name has left the catalogue. Otherwise they age like replaced ones, are hidden first, and deleted 30 days later at the earliest.',
    default: false,
    siteYaml: ['keep_deprecated'],
  },
  accept_losses: {
    type: 'boolean',
    description:
      'Believe a catalogue that has lost more than two names and more than a third of those that the site has in production. Without it such a catalogue deprecates nothing, and the run fails where an image would have been hidden or deleted for it.',
    default: false,
    siteYaml: ['accept_losses'],
  },
  max_deletes: {
    type: 'integer',
    minimum: 0,
    description:
      'A fuse: a plan that deletes more images is refused whole, and nothing is hidden or deleted. There is no limit unless given.',
    siteYaml: ['max_deletes'],
  },
});

const choiceFields = defineFields({
  images: {
    type: 'list',
    description:
      'Clean only these images: ids, names, production names, or patterns such as `CC-Ubuntu*`. All of them unless given.',
    aliases: ['image'],
  },
  exclude: {
    type: 'list',
    description: 'Leave these images out: ids, names, production names, or patterns.',
    default: [],
  },
  image_prefix: siteFields.image_prefix,
  lock_dir: siteFields.lock_dir,
});

export const catalogueFields = defineFields({
  ...storeFields,
  object_store_url: {
    ...storeFields.object_store_url,
    description: `${storeFields.object_store_url.description} Without it that catalogue is not read, and no name counts as deprecated.`,
  },
});

export const imageCleanDeclaration = defineDeclaration({
  name: 'image_clean',
  command: 'clean',
  versionAdded: '0.1.0',
  summary: 'Hide and delete old images of the site, but never one that is in use',
  description: [
    'Looks at the images that this system, or an earlier tool that it takes over from, has brought into the project: replaced ones, and those whose name has left the catalogue. They are hidden at one age and deleted at another.',
    'The production image of a name of the catalogue, an image that a server, a volume, a node or another image uses, a protected one, and one whose name says nothing are left alone. Use is looked at again right before each change.',
    'Where Nova, Cinder, Ironic or Doni is in the catalogue of the cloud and does not answer completely, or does not show this login what other projects have, nothing is changed and the run fails. The same where the clock of this host is more than an hour from that of the services. A second run changes nothing.',
  ],
  writes: true,
  fields: { ...retentionFields, ...choiceFields, ...catalogueFields, ...loginFields },
  returns: {
    images: {
      description: 'One entry for each image that this system cares for, by production name, the oldest first.',
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
          description: 'The name that it has or had in production.',
          type: 'str',
          returned: 'when its name tells',
        },
        state: {
          description: '`current`, `deprecated` (its name has left the catalogue) or `archived`.',
          type: 'str',
          returned: 'always',
          sample: 'archived',
        },
        action: {
          description:
            'What was done, or in check mode would be: `keep`, `hide`, `delete`, `skip` (old enough, but something forbids it) or `failed`.',
          type: 'str',
          returned: 'always',
          sample: 'delete',
        },
        reason: {
          description: 'Why.',
          type: 'str',
          returned: 'always',
          sample: 'used by server web-3 of project climate; 19 months old, deleted from 18',
        },
        age_months: { description: 'Whole calendar months.', type: 'int', returned: 'when Glance tells', sample: 19 },
        created_at: { description: 'When it was created, RFC 3339, UTC.', type: 'str', returned: 'always' },
        visibility: {
          description: "Glance's visibility before the run.",
          type: 'str',
          returned: 'always',
          sample: 'public',
        },
        hidden: { description: 'Whether `os_hidden` was set before the run.', type: 'bool', returned: 'always' },
      },
    },
    sources: {
      description: 'The services that were asked who uses an image.',
      type: 'list',
      returned: 'always',
      sample: ['compute', 'baremetal'],
    },
    absent: {
      description: 'The services that would have been asked, and that this cloud does not have.',
      type: 'list',
      returned: 'always',
      sample: ['block-storage', 'inventory'],
    },
  },
  examples: [
    {
      title: 'See what would be hidden and deleted',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' },
      dryRun: true,
    },
    { title: 'Clean as the site says', arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' } },
    {
      title:
        'Hide after six months and delete after a year, counted from the day of replacement, but keep two images and refuse to delete more than ten',
      arguments: {
        cloud: 'uc_dev',
        object_store_url: 'https://store.example.org:7480/swift/v1/AUTH_images',
        hide_image_age_in_month: 6,
        delete_image_age_in_month: 12,
        age_from: 'superseded',
        skip_images: ['CC-Ubuntu18.04*', '6f0c2a54-92e3-4b51-8a0d-0f5b3f4c1d2e'],
        max_deletes: 10,
      },
    },
  ],
});
