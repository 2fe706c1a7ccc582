// The declaration of image_info: the single source of its documentation, options, types and checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { catalogueFields, retentionFields } from '../clean/declaration.js';
import { loginFields } from '../../runtime/login-fields.js';
import { dailyUsePage, imageApi, loginsPage } from '../../runtime/pages.js';
import { siteFields } from '../fields.js';

const filterFields = defineFields({
  images: {
    type: 'list',
    description:
      'List only these images: ids, names, or patterns such as `CC-Ubuntu*`. The default is all ' + 'images.',
    aliases: ['image'],
  },
  state: {
    type: 'list',
    choices: ['current', 'archived', 'incoming', 'unmanaged'],
    description:
      'List only images in these states: `current` (the production image of its name), ' +
      '`archived` (replaced by a newer image), `incoming` (still being uploaded), `unmanaged` ' +
      '(not managed by this system).',
    default: ['current', 'archived', 'incoming'],
  },
  uses: {
    type: 'boolean',
    description:
      'Report who uses each image: servers, volumes, nodes, hardware in Doni, and images that ' +
      'boot with it. This reads all resources of each service and takes longer.',
    default: false,
  },
  plan: {
    type: 'boolean',
    description:
      'Report what `image_clean` would do with each image now, given the same options, and when ' +
      'the image is due. This reads the catalogues and who uses each image.',
    default: false,
  },
  image_prefix: siteFields.image_prefix,
});

export const imageInfoDeclaration = defineDeclaration({
  name: 'image_info',
  command: 'info',
  versionAdded: '0.1.0',
  summary: 'List the images of the site with their release, age and state',
  description: [
    'Lists the images in the Glance of the site with the release and the age of each, and ' +
      'whether it is current, archived, being uploaded, or not managed.',
    'With `uses` it reports who uses each image, with `plan` what `image_clean` would do with ' +
      'it. A service that does not report everything is listed in `uses_unknown`, and the task ' +
      'fails.',
    'Never changes anything. If no image matches, the list is empty and the task succeeds.',
  ],
  writes: false,
  seeAlso: ['image_clean', 'image_deploy', dailyUsePage, loginsPage, imageApi],
  fields: { ...filterFields, ...retentionFields, ...catalogueFields, ...loginFields },
  returns: {
    images: {
      description: 'The images, sorted by name, the newest of each name first.',
      type: 'list',
      returned: 'always',
      contains: {
        id: { description: "The image's id.", type: 'str', returned: 'always' },
        name: { description: "The image's name.", type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
        production_name: {
          description: 'The name that the image has, had, or will have in production.',
          type: 'str',
          returned: 'when managed',
        },
        release: {
          description: 'The release, from the property `current`.',
          type: 'str',
          returned: 'when known',
          sample: '20250422-v1-amd',
        },
        origin: {
          description: 'The catalogue that the image came from: `releases`, `objects` or `list`.',
          type: 'str',
          returned: 'when managed',
          sample: 'releases',
        },
        state: {
          description: '`current`, `archived`, `incoming` or `unmanaged`.',
          type: 'str',
          returned: 'always',
          sample: 'current',
        },
        managed: {
          description: 'Whether this system or one of its predecessors has deployed the image.',
          type: 'bool',
          returned: 'always',
        },
        status: { description: 'Status in Glance.', type: 'str', returned: 'always', sample: 'active' },
        visibility: { description: 'Visibility in Glance.', type: 'str', returned: 'always', sample: 'public' },
        hidden: { description: 'Whether `os_hidden` is set.', type: 'bool', returned: 'always' },
        protected: { description: 'Whether Glance refuses to delete the image.', type: 'bool', returned: 'always' },
        owner: { description: 'Id of the owning project.', type: 'str', returned: 'always' },
        owner_name: {
          description: 'Name of the owning project.',
          type: 'str',
          returned: 'when Keystone allows this login to list projects',
        },
        owned_by_us: {
          description:
            'Whether the image belongs to the project of the login. Images of other projects are ' +
            'never managed, whatever their markers.',
          type: 'bool',
          returned: 'always',
        },
        disk_format: { description: 'The disk format.', type: 'str', returned: 'when known', sample: 'qcow2' },
        bytes: { description: 'Size in bytes.', type: 'int', returned: 'when known' },
        created_at: {
          description: 'Time of creation, in RFC 3339 format and UTC; null if unreadable.',
          type: 'str',
          returned: 'always',
        },
        age_days: {
          description: 'Whole days since the creation; null if its time is unreadable.',
          type: 'int',
          returned: 'always',
          sample: 12,
        },
        held: {
          description: 'Whether the release is held: it was taken back, and waits for a newer one.',
          type: 'bool',
          returned: 'when held',
        },
        held_releases: {
          description: 'Releases that are held because this image was put back into production.',
          type: 'list',
          returned: 'when put back',
          sample: ['20250601-v1-amd'],
        },
        held_since: {
          description: 'Time of the rollback, in RFC 3339 format and UTC.',
          type: 'str',
          returned: 'when held or put back',
        },
        pinned: {
          description: 'Whether `pins` keeps the name at this release.',
          type: 'bool',
          returned: 'when pinned',
        },
        superseded_at: {
          description: 'Time of replacement, in RFC 3339 format and UTC; null if unreadable.',
          type: 'str',
          returned: 'when replaced by this system',
        },
        used_by: {
          description: 'Users of the image, at most twenty of them.',
          type: 'list',
          returned: 'with `uses`',
          sample: ['server web-3 of project climate'],
        },
        used_by_count: { description: 'Number of users.', type: 'int', returned: 'with `uses`', sample: 1 },
        plan: {
          description: 'What `image_clean` would do with the image.',
          type: 'dict',
          returned: 'with `plan`, when managed',
          contains: {
            action: {
              description: '`keep`, `hide`, `delete`, or `skip` (old enough, but something forbids it).',
              type: 'str',
              returned: 'always',
              sample: 'hide',
            },
            reason: {
              description: 'Reason for the action.',
              type: 'str',
              returned: 'always',
              sample: '12 months old, hidden at 12',
            },
            hide_from: {
              description: 'Day on which the image is due to be hidden, in UTC.',
              type: 'str',
              returned: 'when the image ages',
              sample: '2026-04-22',
            },
            delete_from: {
              description: 'Day on which the image is due to be deleted, in UTC.',
              type: 'str',
              returned: 'when the image ages',
              sample: '2026-10-22',
            },
          },
        },
      },
    },
    uses_unknown: {
      description: 'The services that did not report everything, and why.',
      type: 'list',
      returned: 'with `uses` or `plan`',
      contains: {
        service: {
          description: 'Type of the service in the catalogue of Keystone.',
          type: 'str',
          returned: 'always',
          sample: 'baremetal',
        },
        reason: { description: 'Reason.', type: 'str', returned: 'always' },
      },
    },
  },
  examples: [
    { title: 'List the images of the site', arguments: { cloud: 'uc_dev' } },
    {
      title: 'Show who uses each image and what image_clean would do next',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', uses: true, plan: true },
    },
    {
      title: 'List the archived Ubuntu images',
      arguments: { cloud: 'uc_dev', images: ['CC-Ubuntu*'], state: ['archived'] },
    },
  ],
});
