// What image_info takes and gives.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { catalogueFields, retentionFields } from '../clean/declaration.js';
import { loginFields } from '../../runtime/login-fields.js';
import { siteFields } from '../fields.js';

const filterFields = defineFields({
  images: {
    type: 'list',
    description: 'Only these images: ids, names, or patterns such as `CC-Ubuntu*`. All of them unless given.',
    aliases: ['image'],
  },
  state: {
    type: 'list',
    choices: ['current', 'archived', 'incoming', 'unmanaged'],
    description:
      'Only images in these states: `current` (the production image of its name), `archived` (replaced by a newer one), `incoming` (still being brought in), `unmanaged` (not ours to care for).',
    default: ['current', 'archived', 'incoming'],
  },
  uses: {
    type: 'boolean',
    description:
      'Say of each image who uses it: servers, volumes, nodes, hardware of Doni, images that boot with it. It asks every service for everything that it has, so it takes longer.',
    default: false,
  },
  plan: {
    type: 'boolean',
    description:
      'Say of each image what `image_clean` would do with it now, given the same options, and when it is due. It reads the catalogues and who uses what.',
    default: false,
  },
  image_prefix: siteFields.image_prefix,
});

export const imageInfoDeclaration = defineDeclaration({
  name: 'image_info',
  command: 'info',
  versionAdded: '0.1.0',
  summary: 'List the images of the site: release, age, current or archived, managed or not',
  description: [
    "Lists the images of the site's Glance and says of each which release it is, how old, and whether it is current, archived, being brought in, or not managed.",
    'With `uses` it says who uses each image, with `plan` what `image_clean` would do with it. A service that does not show everything is named in `uses_unknown`, and the task fails.',
    'Never changes anything. Where nothing matches, the list is empty and the task succeeds.',
  ],
  writes: false,
  fields: { ...filterFields, ...retentionFields, ...catalogueFields, ...loginFields },
  returns: {
    images: {
      description: 'The images, by name, the newest of a name first.',
      type: 'list',
      returned: 'always',
      contains: {
        id: { description: "The image's id.", type: 'str', returned: 'always' },
        name: { description: "The image's name.", type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
        production_name: {
          description: 'The name that it has, had, or will have in production.',
          type: 'str',
          returned: 'when managed',
        },
        release: {
          description: 'The release, from the property `current`.',
          type: 'str',
          returned: 'when known',
          sample: '20250422-v1-amd',
        },
        state: {
          description: '`current`, `archived`, `incoming` or `unmanaged`.',
          type: 'str',
          returned: 'always',
          sample: 'current',
        },
        managed: {
          description: 'Whether this system brought it in, or an earlier tool that it takes over from.',
          type: 'bool',
          returned: 'always',
        },
        status: { description: "Glance's status.", type: 'str', returned: 'always', sample: 'active' },
        visibility: { description: "Glance's visibility.", type: 'str', returned: 'always', sample: 'public' },
        hidden: { description: 'Whether `os_hidden` is set.', type: 'bool', returned: 'always' },
        owner: { description: 'Id of the owning project.', type: 'str', returned: 'always' },
        owner_name: {
          description: 'Name of the owning project.',
          type: 'str',
          returned: 'when Keystone lets this login list projects',
        },
        owned_by_us: {
          description:
            "Whether that is the login's project. What another project owns is never managed, whatever its markers say.",
          type: 'bool',
          returned: 'always',
        },
        disk_format: { description: 'The disk format.', type: 'str', returned: 'when known', sample: 'qcow2' },
        bytes: { description: 'Size in bytes.', type: 'int', returned: 'when known' },
        created_at: {
          description: 'When it was created, RFC 3339, UTC; null where that cannot be read.',
          type: 'str',
          returned: 'always',
        },
        age_days: {
          description: 'Whole days since then; null where the date cannot be read.',
          type: 'int',
          returned: 'always',
          sample: 12,
        },
        superseded_at: {
          description: 'When it was replaced, RFC 3339, UTC; null where that cannot be read.',
          type: 'str',
          returned: 'when it was replaced by this system',
        },
        used_by: {
          description: 'Who uses it, at most twenty of them.',
          type: 'list',
          returned: 'with `uses`',
          sample: ['server web-3 of project climate'],
        },
        used_by_count: { description: 'How many use it.', type: 'int', returned: 'with `uses`', sample: 1 },
        plan: {
          description: 'What `image_clean` would do with it.',
          type: 'dict',
          returned: 'with `plan`, when managed',
          contains: {
            action: {
              description: '`keep`, `hide`, `delete`, or `skip` (old enough, but something forbids it).',
              type: 'str',
              returned: 'always',
              sample: 'hide',
            },
            reason: { description: 'Why.', type: 'str', returned: 'always', sample: '12 months old, hidden from 12' },
            hide_from: {
              description: 'The day from which it is due to be hidden, UTC.',
              type: 'str',
              returned: 'when it ages',
              sample: '2026-04-22',
            },
            delete_from: {
              description: 'The day from which it is due to be deleted, UTC.',
              type: 'str',
              returned: 'when it ages',
              sample: '2026-10-22',
            },
          },
        },
      },
    },
    uses_unknown: {
      description: 'The services that did not show everything, and why.',
      type: 'list',
      returned: 'with `uses` or `plan`',
      contains: {
        service: { description: 'As the catalogue calls it.', type: 'str', returned: 'always', sample: 'baremetal' },
        reason: { description: 'Why.', type: 'str', returned: 'always' },
      },
    },
  },
  examples: [
    { title: 'See what the site has', arguments: { cloud: 'uc_dev' } },
    {
      title: 'See who uses each image, and what the next cleaning would do',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', uses: true, plan: true },
    },
    {
      title: 'List the archived Ubuntu images',
      arguments: { cloud: 'uc_dev', images: ['CC-Ubuntu*'], state: ['archived'] },
    },
  ],
});
