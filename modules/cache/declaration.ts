// What image_cache takes and gives: the single source of its documents, options, types and checks.
import { defineFields } from '../core/fields.js';
import { defineDeclaration } from '../core/operation.js';
import { algorithmNames } from '../images/policy/checksums.js';
import { defaultAllowedPaths } from '../images/policy/image-urls.js';
import { loginFields } from '../runtime/login-fields.js';
import { returns } from './returns.js';

const checksum = {
  type: 'string',
  description:
    'The checksum that the file must have: hex digits, `algo:hex` with the name of any algorithm of hashlib, or the URL of a checksum file in the style of coreutils, of BSD, or with nothing but the digits. It is compared on every run.',
} as const;

const ownership = defineFields({
  mode: {
    type: 'string',
    pattern: { regex: '^0[0-7]{3}$', meaning: 'four octal digits in quotes, such as "0644"' },
    description: 'Permissions, such as `"0644"`, in quotes. Unless given, those of the copy before, or 0644.',
  },
  owner: {
    type: 'string',
    description:
      'User that owns it, by name or number. Unless given, the owner of the copy before, or the user that runs this.',
  },
  group: {
    type: 'string',
    description:
      'Group that owns it, by name or number. Unless given, the group of the copy before, or that of the user that runs this.',
  },
});

const partFields = defineFields({
  url: { type: 'string', required: true, description: 'Where it comes from: `http://`, `https://` or `file:///`.' },
  checksum,
});

const whatFields = defineFields({
  files: {
    type: 'records',
    description: 'Single files, such as disk images.',
    fields: {
      url: {
        type: 'string',
        description: 'Where it comes from: `http://`, `https://` or `file:///`. Needed unless `state` is `absent`.',
      },
      dest: { type: 'path', required: true, description: 'Where the copy is to be: the absolute path of a file.' },
      checksum,
      ...ownership,
    },
  },
  sets: {
    type: 'records',
    description:
      'Pairs of kernel and ramdisk that must fit together, and are switched as one: `dest/name` is a link to a folder with the files `kernel` and `ramdisk`.',
    fields: {
      name: {
        type: 'string',
        required: true,
        pattern: {
          regex: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
          meaning: 'up to 100 letters, digits, dots, dashes and underscores',
        },
        description: 'Name of the set, and of the link.',
      },
      dest: { type: 'path', required: true, description: 'The absolute path of the folder that has the link.' },
      kernel: {
        type: 'mapping',
        fields: partFields,
        description: 'The kernel, by URL. Needed with `ramdisk`, unless there is `glance` or `state` is `absent`.',
      },
      ramdisk: { type: 'mapping', fields: partFields, description: 'The ramdisk, by URL.' },
      glance: {
        type: 'mapping',
        description:
          "Kernel and ramdisk from the Glance of the login, instead of URLs. A name means an image of the login's project, else a public one, else one of the community; private and shared ones of other projects are refused.",
        fields: {
          kernel: { type: 'string', required: true, description: "Id or name of the kernel's image." },
          ramdisk: { type: 'string', required: true, description: "Id or name of the ramdisk's image." },
        },
      },
      ...ownership,
    },
  },
  state: {
    type: 'string',
    choices: ['present', 'absent'],
    description: '`absent` removes the files and sets that are named, with all versions.',
    default: 'present',
  },
  force: { type: 'boolean', description: 'Fetch everything anew, whatever the copies are.', default: false },
});

const ruleFields = defineFields({
  freshness: {
    type: 'string',
    choices: ['last_modified', 'strict'],
    description:
      '`last_modified` is the rule of the Bare Metal service: fetch when the source is newer than the copy, or does not say its date. `strict` also fetches when ETag or size differ, or when the source is older than the copy, and trusts an equal ETag where there is no date.',
    default: 'last_modified',
  },
  checksum_algorithm: {
    type: 'string',
    choices: algorithmNames,
    description:
      "What is computed for the result, by hashlib's name. SHA-256 is always computed, and with `md5` both: older servers want `image_checksum`.",
    default: 'sha256',
  },
  file_url_allowed_paths: {
    type: 'list',
    aliases: ['allowed_paths'],
    description:
      "Folders in which `file:///` may read, as in Ironic's `[conductor]file_url_allowed_paths`. The real path counts, symbolic links resolved. /dev, /sys, /proc, /boot, /etc and /run are never read.",
    default: defaultAllowedPaths,
  },
  path_prefix: {
    type: 'string',
    description:
      'The folder of `dest` as the conductor sees it, where it runs in a container: a path, or `FOLDER=PATH` where only what is below FOLDER is mounted elsewhere.',
  },
  url_prefix: {
    type: 'string',
    description:
      'The URL at which a web server offers the folder of `dest`, or `FOLDER=URL`. The result then has these URLs instead of `file://`.',
  },
});

const pruningFields = defineFields({
  keep: {
    type: 'integer',
    minimum: 0,
    maximum: 1000,
    description: 'How many replaced versions of each set stay beside the current one.',
    default: 1,
  },
  max_age: {
    type: 'number',
    minimum: 0,
    description:
      'Days after which cached files that are not named here, and replaced versions, are removed when nobody used them. Unless given, they stay.',
  },
  max_size: {
    type: 'string',
    pattern: { regex: '^\\d+(\\.\\d+)? ?([KMGT]i?B?|B)?$', meaning: 'a size such as 20GiB or 500MiB' },
    description:
      'How large a folder of the cache may become, such as `20GiB`. The oldest of what is not named here goes first. What is current, or has a further hard link, as Ironic makes for a node, is never removed.',
  },
});

const transferFields = defineFields({
  hosts: {
    type: 'records',
    description: 'Logins and headers for single hosts. They are sent to no other host, not after a redirect either.',
    fields: {
      host: {
        type: 'string',
        required: true,
        description: 'Name or address of the host, with `:port` where only that port is meant.',
      },
      username: { type: 'string', description: 'User for basic authentication.' },
      password: { type: 'string', secret: true, description: 'Password for basic authentication.' },
      headers: { type: 'mapping', secret: true, description: 'Further headers of each request.' },
    },
  },
  tls_minimum_version: {
    type: 'string',
    choices: ['1.2', '1.3'],
    description: 'The oldest version of TLS that is spoken.',
    default: '1.2',
  },
  concurrency: {
    type: 'integer',
    minimum: 1,
    maximum: 16,
    description: 'How many files are fetched at a time.',
    default: 2,
  },
  attempts: {
    type: 'integer',
    minimum: 1,
    maximum: 100,
    description: 'How often in a row a download may break off without having come further.',
    default: 5,
  },
  stall_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 3600,
    description:
      'Seconds without a single byte after which a connection counts as broken. A whole download has no limit.',
    default: 60,
  },
  lock_timeout: {
    type: 'integer',
    minimum: 0,
    maximum: 86400,
    description: 'Seconds to wait for another run that is at the same folder.',
    default: 600,
  },
});

export const declaration = defineDeclaration({
  name: 'image_cache',
  command: 'cache',
  versionAdded: '0.1.0',
  summary: 'Keep verified local copies of images that come from URLs',
  description: [
    'Keeps copies of files, and of pairs of kernel and ramdisk, for the conductors of the Bare Metal service, by its own rule of freshness: HEAD is asked for Last-Modified; newer than the copy, or unknown, is fetched; equal or older is fresh. Where HEAD is refused a conditional GET tells.',
    'The copy at hand stays until the new one is whole, verified and on the disk; then it is replaced at once, a set by one link. A download that broke off is continued, by the next run too. Size and checksum are compared on every run; the digest is kept beside the copy with its size, mtime and inode, so that a copy that nobody touched is not read again.',
    'The result has `driver_info` and `instance_info` ready to use. Needs no login to a cloud, unless a set comes from `glance`.',
    'Run it on every conductor, as the playbook `image_cache.yml` does, or once where they share a file system.',
  ],
  writes: true,
  fields: { ...whatFields, ...ruleFields, ...pruningFields, ...transferFields, ...loginFields },
  returns,
  examples: [
    {
      title: 'Cache a disk image, checked against the checksum file of its publisher',
      arguments: {
        files: [
          {
            url: 'https://images.example.org/jammy/jammy-server-cloudimg-amd64.img',
            dest: '/var/lib/ironic/images/jammy.img',
            checksum: 'https://images.example.org/jammy/SHA256SUMS',
          },
        ],
      },
    },
    {
      title: 'Cache the deploy kernel and ramdisk of the conductors, and see first why',
      arguments: {
        sets: [
          {
            name: 'ipa-debian',
            dest: '/var/lib/ironic/ipa',
            kernel: {
              url: 'https://images.example.org/ipa/ipa.kernel',
              checksum: 'https://images.example.org/ipa/ipa.kernel.sha256',
            },
            ramdisk: {
              url: 'https://images.example.org/ipa/ipa.initramfs',
              checksum: 'https://images.example.org/ipa/ipa.initramfs.sha256',
            },
            owner: 'ironic',
            group: 'ironic',
          },
        ],
        keep: 2,
      },
      dryRun: true,
    },
    {
      title: 'Cache a pair from Glance in a folder that the container of the conductor has as /var/lib/ironic',
      arguments: {
        cloud: 'uc_dev',
        sets: [
          {
            name: 'ipa',
            dest: '/var/lib/docker/volumes/ironic/_data/ipa',
            glance: { kernel: 'ironic-agent.kernel', ramdisk: 'ironic-agent.initramfs' },
          },
        ],
        path_prefix: '/var/lib/docker/volumes/ironic/_data=/var/lib/ironic',
      },
    },
  ],
});
