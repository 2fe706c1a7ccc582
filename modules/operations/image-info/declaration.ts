// What image_info takes and gives.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../login-fields.js';
import { siteFields } from '../site-fields.js';

const filterFields = defineFields({
  images: { type: 'list', description: 'Only these images: ids, names, or patterns such as `CC-Ubuntu*`. All of them unless given.', aliases: ['image'] },
  state: {
    type: 'list',
    choices: ['current', 'archived', 'incoming', 'unmanaged'],
    description:
      'Only images in these states: `current` (the production image of its name), `archived` (replaced by a newer one), `incoming` (still being brought in), `unmanaged` (not ours to care for).',
    default: ['current', 'archived', 'incoming'],
  },
  image_prefix: siteFields.image_prefix,
});

export const declaration = defineDeclaration({
  name: 'image_info',
  command: 'info',
  summary: 'List the images of the site: release, age, current or archived, managed or not',
  description: [
    "Lists the images of the site's Glance and says of each which release it is, how old, and whether it is current, archived, being brought in, or not managed.",
    'Never changes anything. Where nothing matches, the list is empty and the task succeeds.',
  ],
  writes: false,
  fields: { ...filterFields, ...loginFields },
  returns: {
    images: {
      description: 'The images, by name, the newest of a name first.',
      type: 'list',
      returned: 'always',
      contains: {
        id: { description: "The image's id.", type: 'str', returned: 'always' },
        name: { description: "The image's name.", type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
        production_name: { description: 'The name that it has, had, or will have in production.', type: 'str', returned: 'when managed' },
        release: { description: 'The release, from the property `current`.', type: 'str', returned: 'when known', sample: '20250422-v1-amd' },
        state: { description: '`current`, `archived`, `incoming` or `unmanaged`.', type: 'str', returned: 'always', sample: 'current' },
        managed: { description: 'Whether this system brought it in, or an earlier tool that it takes over from.', type: 'bool', returned: 'always' },
        status: { description: "Glance's status.", type: 'str', returned: 'always', sample: 'active' },
        visibility: { description: "Glance's visibility.", type: 'str', returned: 'always', sample: 'public' },
        hidden: { description: 'Whether `os_hidden` is set.', type: 'bool', returned: 'always' },
        owner: { description: 'Id of the owning project.', type: 'str', returned: 'always' },
        owner_name: { description: 'Name of the owning project.', type: 'str', returned: 'when Keystone lets this login list projects' },
        owned_by_us: { description: "Whether that is the login's project. What another project owns is never managed, whatever its markers say.", type: 'bool', returned: 'always' },
        disk_format: { description: 'The disk format.', type: 'str', returned: 'when known', sample: 'qcow2' },
        bytes: { description: 'Size in bytes.', type: 'int', returned: 'when known' },
        created_at: { description: 'When it was created, RFC 3339, UTC.', type: 'str', returned: 'always' },
        age_days: { description: 'Whole days since then.', type: 'int', returned: 'always', sample: 12 },
        superseded_at: { description: 'When it was replaced, RFC 3339, UTC.', type: 'str', returned: 'when it was replaced by this system' },
      },
    },
  },
  examples: [
    { title: 'See what the site has', arguments: { cloud: 'uc_dev' } },
    { title: 'List the archived Ubuntu images', arguments: { cloud: 'uc_dev', images: ['CC-Ubuntu*'], state: ['archived'] } },
  ],
});
