// The declaration of image_property: the single source of its documentation, options, types and
// checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { dailyUsePage, imageApi, loginsPage } from '../../runtime/pages.js';

const propertyFields = defineFields({
  images: {
    type: 'list',
    aliases: ['image'],
    description:
      'Images for `set`, `remove` and `value`: ids, or names that exactly one image of the ' +
      "login's project has. An image of another project is changed only if its id is given. " +
      'Patterns are not supported.',
  },
  set: {
    type: 'mapping',
    description:
      'Properties to set on each of `images`, as a mapping of names to values. Quote `yes`, ' +
      '`no`, `on` and `off`, which YAML otherwise reads as `true` and `false`.',
  },
  remove: { type: 'list', description: 'Names of properties to remove from each of `images`.' },
  property: {
    type: 'string',
    aliases: ['metadata_field'],
    description: 'The property that `value`, `values`, `values_file` and `single_value` set.',
  },
  value: { type: 'string', description: 'Value of `property` for each of `images`.' },
  values: {
    type: 'mapping',
    description: 'Value of `property` for each image, as a mapping of ids or names to values.',
  },
  values_file: {
    type: 'path',
    description:
      'File with lines `UUID:value`, each with the value of `property` for one image. The value ' +
      'may contain colons. Blank lines and lines that begin with `#` are ignored.',
  },
  single_value: { type: 'string', description: 'A single line `UUID:value`, as in `values_file`.' },
  concurrency: {
    type: 'integer',
    minimum: 1,
    maximum: 16,
    description: 'Number of images that are read or changed at the same time.',
    default: 4,
  },
});

export const imagePropertyDeclaration = defineDeclaration({
  name: 'image_property',
  command: 'set-property',
  versionAdded: '0.1.0',
  commandAliases: ['set_image_property'],
  summary: 'Set or remove properties of images',
  description: [
    'Sets and removes properties of images in Glance: several properties on the same images with ' +
      '`images`, `set` and `remove`, or one property with a value for each image with `property` ' +
      'and `values` or `values_file`.',
    'All errors are reported together before anything is changed: an id or name that no image ' +
      'has, a name that several images have, an invalid line, a property that may not be set.',
    'Only differences are sent. Each image is read back, and changes that another writer has ' +
      'undone are sent again. A second run changes nothing. If one image fails, the others are ' +
      'still changed, and the run fails at the end.',
    'Attributes of Glance such as `visibility` and `min_disk`, its reserved properties ' +
      '`os_glance_*`, and the markers `image_tools_*` by which this system identifies its images ' +
      'are refused. `current` and `build-*` may be set.',
    'The command is also available as `set_image_property`, with the options `--metadata-field`, ' +
      '`--single-value` and `--values-file` of that older tool.',
  ],
  writes: true,
  seeAlso: ['image_deploy', 'image_info', dailyUsePage, loginsPage, imageApi],
  fields: { ...propertyFields, ...loginFields },
  returns: {
    images: {
      description: 'One entry for each image that was given.',
      type: 'list',
      returned: 'always',
      contains: {
        id: { description: "The image's id.", type: 'str', returned: 'always' },
        name: { description: "The image's name.", type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
        action: {
          description: 'What was done, or in check mode would be done: `up_to_date`, `change` or `failed`.',
          type: 'str',
          returned: 'always',
          sample: 'change',
        },
        reason: {
          description: 'Reason, or the changes in detail.',
          type: 'str',
          returned: 'always',
          sample: 'chameleon-supported: set to "no", was "yes"',
        },
        before: {
          description: 'The properties that differ, before the change.',
          type: 'dict',
          returned: 'always',
          sample: { 'chameleon-supported': 'yes' },
        },
        after: {
          description: 'The properties that differ, after the change.',
          type: 'dict',
          returned: 'always',
          sample: { 'chameleon-supported': 'no' },
        },
      },
    },
  },
  examples: [
    {
      title: 'Mark an image as no longer supported',
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
      title: 'Show what a file with lines UUID:value would change',
      arguments: {
        site_yaml: '/etc/chameleon_image_tools/site.yaml',
        property: 'chameleon-supported',
        values_file: 'supported.txt',
      },
      dryRun: true,
    },
  ],
});
