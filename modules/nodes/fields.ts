// Options that baremetal_node, baremetal_port and baremetal_enroll share.
import { defineFields } from '../core/fields.js';
import { defaultAllowedPaths } from '../images/policy/image-urls.js';

export const handlingFields = defineFields({
  purge: {
    type: 'list',
    choices: ['driver_info', 'properties', 'extra', 'instance_info', 'traits', 'ports'],
    description:
      'Fields that are replaced by the given values. All other fields are merged: keys, traits ' +
      'and ports that are not given stay.',
    default: [],
  },
  update_secrets: {
    type: 'string',
    choices: ['on_create', 'changed', 'always'],
    description:
      'When to write passwords. Ironic masks them, so a given password cannot be compared with ' +
      'the one that the node has. `on_create` writes a password only if the node has none, or has ' +
      'never worked and is brought out of the state `enroll`, and warns about those that it could ' +
      'not compare. `changed` writes a password that differs ' +
      'from the one that this option wrote last: it keeps an HMAC of each password in the ' +
      "node's `extra.image_tools_hmac`, and needs `secrets_key_file` or `secrets_key`. `always` " +
      'writes the given passwords in every run, so that every run reports a change.',
    default: 'on_create',
  },
  secrets_key_file: {
    type: 'path',
    description:
      'File with the key of these HMACs: at least 32 characters, such as the output of `openssl ' +
      'rand -hex 32`, and not accessible to other users. If the key changes, each password is ' +
      'written once more.',
  },
  secrets_key: {
    type: 'string',
    secret: true,
    description: 'The key itself instead of a file, for example from Ansible Vault. At least 32 characters.',
  },
  force_in_use: {
    type: 'boolean',
    description:
      'Change, move or delete nodes even if they are in use: deployed, or with an instance or an allocation.',
    default: false,
  },
  move: {
    type: 'boolean',
    description: 'Move a port that belongs to another node: it is deleted on that node and created on this one.',
    default: false,
  },
  with_maintenance: {
    type: 'boolean',
    description:
      'Put the node into maintenance while its ports are changed, if the change requires it, and ' +
      'end the maintenance afterwards.',
    default: false,
  },
  check_images: {
    type: 'boolean',
    description:
      'Check the images that differ before anything is changed: that the URL scheme is ' +
      'supported, that a HEAD request returns 200 and a length, that the image ID exists in ' +
      'Glance and is active, and that each kernel has its ramdisk. If `image_source` has no ' +
      'checksum, its SHA-256 is computed.',
    default: true,
  },
  file_url_allowed_paths: {
    type: 'list',
    description:
      'Directories from which Ironic may read `file:///` images. Set it to the value of ' +
      "`[conductor]file_url_allowed_paths` in the conductors' configuration.",
    default: defaultAllowedPaths,
  },
  state_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds to wait for a node to reach the requested state, including cleaning and deployment.',
    default: 3600,
  },
  lock_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 3600,
    description: 'Seconds to wait for a node that is locked by another operation.',
    default: 120,
  },
});
