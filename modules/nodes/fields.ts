// Options that baremetal_node, baremetal_port and baremetal_enroll share.
import { defineFields } from '../core/fields.js';
import { defaultAllowedPaths } from '../images/policy/image-urls.js';

export const handlingFields = defineFields({
  purge: {
    type: 'list',
    choices: ['driver_info', 'properties', 'extra', 'instance_info', 'traits', 'ports'],
    description:
      'What is to hold exactly what is given. Everything else is merged: keys, traits and ports that are not named stay.',
    default: [],
  },
  update_secrets: {
    type: 'string',
    choices: ['on_create', 'changed', 'always'],
    description:
      "Ironic masks passwords, so nobody can tell whether one differs. `on_create` writes one where there was none, and warns where one could not be compared. `changed` writes one that differs from what this option wrote last: it keeps an HMAC of each in the node's `extra.image_tools_hmac`, and needs `secrets_key_file` or `secrets_key`. `always` writes it in every run, which then is a change.",
    default: 'on_create',
  },
  secrets_key_file: {
    type: 'path',
    description:
      'File with the key of these HMACs, at least 32 characters, such as the output of `openssl rand -hex 32`, which nobody else may read. With another key each password is written once more.',
  },
  secrets_key: {
    type: 'string',
    secret: true,
    description: 'The key itself, at least 32 characters, instead of a file: from Ansible Vault, for instance.',
  },
  force_in_use: {
    type: 'boolean',
    description: 'Change, move or delete nodes that are in use: with an instance or an allocation, or deployed.',
    default: false,
  },
  move: {
    type: 'boolean',
    description: 'Take a port that another node has from it: it is deleted there and created here.',
    default: false,
  },
  with_maintenance: {
    type: 'boolean',
    description: "Set a node's maintenance for the moment that a change of its ports needs it, and end it again.",
    default: false,
  },
  check_images: {
    type: 'boolean',
    description:
      'Look at the images that differ before anything is changed: the scheme, whether HEAD answers 200 with a length, whether Glance has the id and it is active, whether a kernel has its ramdisk. A checksum of `image_source` is computed where none is given.',
    default: true,
  },
  file_url_allowed_paths: {
    type: 'list',
    description:
      "Folders from which Ironic reads `file:///` images, as in its own option of this name. Another list is taken for what the conductors' configuration says.",
    default: defaultAllowedPaths,
  },
  state_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds that a node may take to reach its state, cleaning and deployment included.',
    default: 3600,
  },
  lock_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 3600,
    description: "Seconds that a node's lock is waited for, which its other operations hold.",
    default: 120,
  },
});
