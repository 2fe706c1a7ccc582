// The results of image_cache.
import type { ReturnField } from '../core/operation.js';

const reasons =
  '`absent`, `newer`, `no-last-modified`, `no-store`, `checksum`, `other-source`, `forced`, `fresh`; ' +
  'with `freshness: strict` also `by-etag`, `size`, `older`';

const source: Readonly<Record<string, ReturnField>> = {
  source: {
    description: 'URL or id of the source.',
    type: 'str',
    returned: 'when present',
    sample: 'https://images.example.org/ipa/ipa.kernel',
  },
  reason: {
    description: `The reason of the action: ${reasons}.`,
    type: 'str',
    returned: 'when the source answered',
    sample: 'newer',
  },
  detail: {
    description: 'The reason as a sentence.',
    type: 'str',
    returned: 'always',
    sample: 'modified at 2026-11-02T08:00:00Z, the copy at 2026-10-01T08:00:00Z',
  },
};

const content: Readonly<Record<string, ReturnField>> = {
  path: {
    description: 'Path of the copy.',
    type: 'str',
    returned: 'always',
    sample: '/var/lib/ironic/images/jammy.img',
  },
  bytes: { description: 'Size of the copy.', type: 'int', returned: 'when a copy exists', sample: 681574400 },
  digests: {
    description: "Checksums of the copy in lower-case hex, by hashlib's names.",
    type: 'dict',
    returned: 'when a copy exists',
  },
  last_modified: {
    description: 'Modification time of the copy, which is the Last-Modified of its source, in UTC.',
    type: 'str',
    returned: 'when a copy exists',
    sample: '2026-11-02T08:00:00Z',
  },
  etag: { description: 'The ETag with which the copy was fetched.', type: 'str', returned: 'when the server sent one' },
};

const part: ReturnField = {
  description: 'One of the two files of the set.',
  type: 'dict',
  returned: 'when present',
  contains: { ...content, ...source },
};
const action: ReturnField = {
  description:
    'What was done, or in check mode would be done: `fresh`, `fetch`, `adjust` (only owner or permissions), ' +
    '`remove`, `absent` or `failed`.',
  type: 'str',
  returned: 'always',
  sample: 'fetch',
};
const changed: ReturnField = {
  description:
    'Whether something was changed, or in check mode may be changed. ' +
    'A file that was fetched and has the same content as before is not changed.',
  type: 'bool',
  returned: 'always',
};
const code: ReturnField = {
  description: 'The error code, as listed in modules/README.md.',
  type: 'str',
  returned: 'on failure',
  sample: 'CHECKSUM_MISMATCH',
};
const instanceInfo = 'Keys of `instance_info` to deploy a node';

export const returns: Readonly<Record<string, ReturnField>> = {
  files: {
    description: 'One entry for each element of `files`.',
    type: 'list',
    returned: 'always',
    contains: {
      ...content,
      ...source,
      action,
      changed,
      code,
      instance_info: {
        description:
          `${instanceInfo} from this file: \`image_source\`, \`image_os_hash_algo\`, \`image_os_hash_value\`, and ` +
          '`image_checksum` if its MD5 is known.',
        type: 'dict',
        returned: 'when a copy exists',
        sample: {
          image_source: 'file:///var/lib/ironic/images/jammy.img',
          image_os_hash_algo: 'sha256',
          image_os_hash_value: 'b5bb9d80…',
        },
      },
    },
  },
  sets: {
    description: 'One entry for each element of `sets`.',
    type: 'list',
    returned: 'always',
    contains: {
      name: { description: 'Name of the set.', type: 'str', returned: 'always', sample: 'ipa-debian' },
      path: {
        description: 'The link to the folder of the current version.',
        type: 'str',
        returned: 'always',
        sample: '/var/lib/ironic/ipa/ipa-debian',
      },
      version: {
        description: 'Name of the current version.',
        type: 'str',
        returned: 'when a version exists',
        sample: '20261102T080000Z',
      },
      action,
      changed,
      code,
      kernel: part,
      ramdisk: part,
      driver_info: {
        description: 'Keys of `driver_info` for a node that boots with this set: `deploy_kernel` and `deploy_ramdisk`.',
        type: 'dict',
        returned: 'when a copy exists',
        sample: {
          deploy_kernel: 'file:///var/lib/ironic/ipa/ipa-debian/kernel',
          deploy_ramdisk: 'file:///var/lib/ironic/ipa/ipa-debian/ramdisk',
        },
      },
      instance_info: {
        description: `${instanceInfo} from a partition image with this pair: \`kernel\` and \`ramdisk\`.`,
        type: 'dict',
        returned: 'when a copy exists',
      },
    },
  },
  digests: {
    description:
      'The SHA-256 of every copy, by source for files and by `name/kernel` and `name/ramdisk` for sets. ' +
      'Conductors with different values have different images.',
    type: 'dict',
    returned: 'always',
  },
  pruned: {
    description: 'What was removed because of `keep`, `max_age` or `max_size`, or in check mode would be removed.',
    type: 'list',
    returned: 'always',
    contains: {
      path: { description: 'The file, or the folder of the version.', type: 'str', returned: 'always' },
      reason: { description: 'The reason.', type: 'str', returned: 'always', sample: 'keep is 1' },
    },
  },
};
