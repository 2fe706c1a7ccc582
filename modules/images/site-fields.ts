// Single options that several operations have, so that they mean the same in each.
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
