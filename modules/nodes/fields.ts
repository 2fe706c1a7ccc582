// Options that baremetal_node, baremetal_port and baremetal_enroll share.
import { InputError } from '../core/errors.js';
import { defineFields } from '../core/fields.js';
import type { ReturnField } from '../core/operation.js';
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

export const inspectDescription =
  'Whether a node that has never been inspected is inspected (verb `inspect`) before it leaves ' +
  '`manageable`, once, in-band or out-of-band as its `inspect_interface` does it; an in-band ' +
  'inspection boots the node. Values that are given are kept, and what else is found stays as ' +
  'found. A node that is `available` or in use is not taken back for it. Requires `state` to be ' +
  '`manageable` or beyond.';

/** Throws INVALID_INPUT for a state on whose way no node is inspected. */
export function assertInspectable(state: string | undefined): void {
  if (state === undefined || state === 'enroll')
    throw new InputError(
      `inspect: a node is inspected on its way to manageable, available or active; state is ${state ?? 'not given'}`,
      'inspect',
    );
}

const ifFound = 'when it is known';

/** What an inspection found, in the result of a node. */
export const inspectionReturn: ReturnField = {
  description: 'What the inspection of the node found.',
  type: 'dict',
  returned: 'when `inspect` is set and an inspection has finished',
  contains: {
    source: {
      description:
        '`inventory`, or `properties` if Ironic keeps no inventory of the node: then these are its ' +
        'properties and ports.',
      type: 'str',
      returned: 'always',
      sample: 'inventory',
    },
    finished_at: {
      description: 'When the inspection finished.',
      type: 'str',
      returned: 'always',
      sample: '2026-11-27T13:40:11+00:00',
    },
    cpu_arch: { description: 'Architecture of the CPUs.', type: 'str', returned: ifFound, sample: 'x86_64' },
    cpus: { description: 'Number of logical CPUs.', type: 'int', returned: ifFound, sample: 48 },
    memory_mb: { description: 'Memory in MiB.', type: 'int', returned: ifFound, sample: 262144 },
    local_gb: {
      description:
        'Size in GiB of the root disk that Ironic has determined, or else of the smallest disk with at least 4 GiB.',
      type: 'int',
      returned: ifFound,
      sample: 480,
    },
    ports: {
      description: 'MAC addresses of the network interfaces.',
      type: 'list',
      returned: 'always',
      sample: ['52:54:00:ab:cd:01'],
    },
    unnamed_ports: {
      description: 'Addresses of ports that the node has and that are not among the given `ports`; they are kept.',
      type: 'list',
      returned: 'always',
      sample: [],
    },
  },
};
