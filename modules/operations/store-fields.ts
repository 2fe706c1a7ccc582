// Where the central image store is: shared by the operations that read it.
import { defineFields } from '../core/fields.js';

export const storeFields = defineFields({
  object_store_url: {
    type: 'string',
    required: true,
    pattern: { regex: '^https?://[^\\s/?#]+[^\\s?#]*$', meaning: 'an http or https URL' },
    description: 'The store: the URL of a Swift account, or of the folder of a web server that holds the container.',
    siteYaml: ['object_store_url'],
  },
  image_container: {
    type: 'string',
    pattern: { regex: '^[A-Za-z0-9][A-Za-z0-9._-]*$', meaning: 'letters, digits, dots, dashes and underscores' },
    description: 'The container of the store.',
    default: 'chameleon-supported-images',
    siteYaml: ['image_container'],
  },
  scope: {
    type: 'string',
    pattern: { regex: '^[A-Za-z0-9][A-Za-z0-9._-]*$', meaning: 'letters, digits, dots, dashes and underscores' },
    description: 'Which catalogue of the container: `prod`, `staging`, `dev`.',
    default: 'prod',
    siteYaml: ['scope'],
  },
});
