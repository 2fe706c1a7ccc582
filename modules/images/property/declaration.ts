// What image_property takes and gives.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';

const propertyFields = defineFields({
  images: {
    type: 'list',
    aliases: ['image'],
    description:
      "The images that `set`, `remove` and `value` are for: ids, or names that exactly one image of the login's own project has. An image of another project is changed only where its id is given. Patterns are not taken.",
  },
  set: {
    type: 'mapping',
    description:
      'Properties to set on each of `images`, names to values. Quote `yes`, `no`, `on` and `off`, which YAML takes for `true` and `false`.',
  },
  remove: { type: 'list', description: 'Names of properties that none of `images` is to have.' },
  property: {
    type: 'string',
    aliases: ['metadata_field'],
    description: 'The one property that `value`, `values`, `values_file` and `single_value` are for.',
  },
  value: { type: 'string', description: 'The value that `property` is to have on each of `images`.' },
  values: {
    type: 'mapping',
    description: 'The value that `property` is to have on each image: ids or names to values.',
  },
  values_file: {
    type: 'path',
    description:
      'A file of lines `UUID:value`, each with the value that `property` is to have on one image. The value may contain colons. Blank lines are skipped, and lines that begin with `#`.',
  },
  single_value: { type: 'string', description: 'One such line, `UUID:value`.' },
  concurrency: {
    type: 'integer',
    minimum: 1,
    maximum: 16,
    description: 'How many images are looked at or changed at a time.',
    default: 4,
  },
});

export const imagePropertyDeclaration = defineDeclaration({
  name: 'image_property',
  command: 'set-property',
  versionAdded: '0.1.0',
  commandAliases: ['set_image_property'],
  summary: 'Set or remove properties of one image or of many',
  description: [
    'Sets and removes properties of images in Glance: several on some images by `images` with `set` and `remove`, or one with a value for each image by `property` with `values` or `values_file`.',
    'What is wrong is reported all together before anything is changed: an id or a name that no image has, a name that several have, a line that cannot be read, a property that may not be set.',
    'Only what differs is sent. Each image is read back, and what another writer undid is sent again. A second run changes nothing. Where one image fails the others are still changed; the run then fails.',
    "Attributes of Glance's own (`visibility`, `min_disk` and the like), its `os_glance_*`, and the marks `image_tools_*` by which this system knows its images are refused. `current` and `build-*` may be set.",
    'The command is also called `set_image_property`, with the options `--metadata-field`, `--single-value` and `--values-file` of that older tool.',
  ],
  writes: true,
  fields: { ...propertyFields, ...loginFields },
  returns: {
    images: {
      description: 'One entry for each image that was named.',
      type: 'list',
      returned: 'always',
      contains: {
        id: { description: "The image's id.", type: 'str', returned: 'always' },
        name: { description: "The image's name.", type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
        action: {
          description: 'What was done, or in check mode would be: `up_to_date`, `change` or `failed`.',
          type: 'str',
          returned: 'always',
          sample: 'change',
        },
        reason: {
          description: 'Why, or what exactly.',
          type: 'str',
          returned: 'always',
          sample: 'chameleon-supported: set to "no", was "yes"',
        },
        before: {
          description: 'The properties that differ, as they were.',
          type: 'dict',
          returned: 'always',
          sample: { 'chameleon-supported': 'yes' },
        },
        after: {
          description: 'The properties that differ, as they are wanted.',
          type: 'dict',
          returned: 'always',
          sample: { 'chameleon-supported': 'no' },
        },
      },
    },
  },
  examples: [
    {
      title: 'Mark an image as supported no longer',
      arguments: { cloud: 'uc_dev', images: ['CC-Ubuntu20.04'], property: 'chameleon-supported', value: 'no' },
    },
    {
      title: 'Set two properties of an image and remove a third',
      arguments: {
        cloud: 'uc_dev',
        images: ['3e0e2b1c-7a1e-4c58-9b52-0d4a5f6c7d8e'],
        set: { 'chameleon-supported': 'yes', description: 'Ubuntu 22.04 with CUDA' },
        remove: ['deprecated'],
      },
    },
    {
      title: 'See what a file of lines UUID:value would change',
      arguments: {
        site_yaml: '/etc/chameleon_image_tools/site.yaml',
        property: 'chameleon-supported',
        values_file: 'supported.txt',
      },
      dryRun: true,
    },
  ],
});
