// What image_cache gives back.
import type { ReturnField } from '../core/operation.js';

const reasons =
  '`absent`, `newer`, `no-last-modified`, `no-store`, `checksum`, `other-source`, `forced`, `fresh`; with `freshness: strict` also `by-etag`, `size`, `older`';

const source: Readonly<Record<string, ReturnField>> = {
  source: {
    description: 'Where it comes from.',
    type: 'str',
    returned: 'when present',
    sample: 'https://images.example.org/ipa/ipa.kernel',
  },
  reason: { description: `Why: ${reasons}.`, type: 'str', returned: 'when its source could be asked', sample: 'newer' },
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
  bytes: { description: 'Size of the copy.', type: 'int', returned: 'when there is one', sample: 681574400 },
  digests: {
    description: "Digests of the copy in lower-case hex, by hashlib's names.",
    type: 'dict',
    returned: 'when there is one',
  },
  last_modified: {
    description: 'Its mtime, which is the Last-Modified of its source, UTC.',
    type: 'str',
    returned: 'when there is one',
    sample: '2026-11-02T08:00:00Z',
  },
  etag: { description: 'The ETag that it came with.', type: 'str', returned: 'when there was one' },
};

const part: ReturnField = {
  description: 'One of the two files.',
  type: 'dict',
  returned: 'when present',
  contains: { ...content, ...source },
};
const action: ReturnField = {
  description:
    'What was done, or in check mode would be: `fresh`, `fetch`, `adjust` (only owner or permissions), `remove`, `absent` or `failed`.',
  type: 'str',
  returned: 'always',
  sample: 'fetch',
};
const changed: ReturnField = {
  description:
    'Whether it is another than before, or in check mode may be. What was fetched and turned out to have the same bytes is not changed.',
  type: 'bool',
  returned: 'always',
};
const code: ReturnField = {
  description: 'The code of the failure, one of those in modules/README.md.',
  type: 'str',
  returned: 'when it failed',
  sample: 'CHECKSUM_MISMATCH',
};
const instanceInfo = 'Keys for `instance_info` of a node that is deployed';

export const returns: Readonly<Record<string, ReturnField>> = {
  files: {
    description: 'One entry for each of `files`.',
    type: 'list',
    returned: 'always',
    contains: {
      ...content,
      ...source,
      action,
      changed,
      code,
      instance_info: {
        description: `${instanceInfo} from this file: \`image_source\`, \`image_os_hash_algo\`, \`image_os_hash_value\`, and \`image_checksum\` where its MD5 is known.`,
        type: 'dict',
        returned: 'when there is a copy',
        sample: {
          image_source: 'file:///var/lib/ironic/images/jammy.img',
          image_os_hash_algo: 'sha256',
          image_os_hash_value: 'b5bb9d80…',
        },
      },
    },
  },
  sets: {
    description: 'One entry for each of `sets`.',
    type: 'list',
    returned: 'always',
    contains: {
      name: { description: 'Name of the set.', type: 'str', returned: 'always', sample: 'ipa-debian' },
      path: {
        description: 'The link, which leads to the folder of the current version.',
        type: 'str',
        returned: 'always',
        sample: '/var/lib/ironic/ipa/ipa-debian',
      },
      version: {
        description: 'Name of the current version.',
        type: 'str',
        returned: 'when there is one',
        sample: '20261102T080000Z',
      },
      action,
      changed,
      code,
      kernel: part,
      ramdisk: part,
      driver_info: {
        description: 'Keys for `driver_info` of a node that boots with this set: `deploy_kernel` and `deploy_ramdisk`.',
        type: 'dict',
        returned: 'when there is a copy',
        sample: {
          deploy_kernel: 'file:///var/lib/ironic/ipa/ipa-debian/kernel',
          deploy_ramdisk: 'file:///var/lib/ironic/ipa/ipa-debian/ramdisk',
        },
      },
      instance_info: {
        description: `${instanceInfo} from a partition image with this pair: \`kernel\` and \`ramdisk\`.`,
        type: 'dict',
        returned: 'when there is a copy',
      },
    },
  },
  digests: {
    description:
      'The SHA-256 of every copy, by source for files and by `name/kernel` and `name/ramdisk` for sets: the same on every conductor, or they have different images.',
    type: 'dict',
    returned: 'always',
  },
  pruned: {
    description: 'What was removed to keep the limits, or in check mode would be.',
    type: 'list',
    returned: 'always',
    contains: {
      path: { description: 'The file, or the folder of the version.', type: 'str', returned: 'always' },
      reason: { description: 'Why.', type: 'str', returned: 'always', sample: 'keep is 1' },
    },
  },
};
