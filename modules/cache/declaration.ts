// The arguments and results of image_cache: the single source of its documents, options, types and
// checks.
import { defineFields } from '../core/fields.js';
import { defineDeclaration } from '../core/operation.js';
import { sizePattern } from '../core/sizes.js';
import { algorithmNames } from '../images/policy/checksums.js';
import { defaultAllowedPaths } from '../images/policy/image-urls.js';
import { loginFields } from '../runtime/login-fields.js';
import { bareMetalApi, imageApi, loginsPage, preparingPage } from '../runtime/pages.js';
import { returns } from './returns.js';

const checksum = {
  type: 'string',
  description:
    'Expected checksum of the file: hex digits, `algorithm:hex` with the name of any hashlib algorithm, or the ' +
    'URL of a checksum file in coreutils or BSD format, or with only the digits. It is compared on every run.',
} as const;

const ownership = defineFields({
  mode: {
    type: 'string',
    pattern: { regex: '^0[0-7]{3}$', meaning: 'four octal digits in quotes, such as "0644"' },
    description: 'Permissions in quotes, such as `"0644"`. Defaults to those of the previous copy, or 0644.',
  },
  owner: {
    type: 'string',
    description: 'Owner, by name or number. Defaults to the owner of the previous copy, or the user that runs this.',
  },
  group: {
    type: 'string',
    description:
      'Group, by name or number. Defaults to the group of the previous copy, or that of the user that runs this.',
  },
});

const partFields = defineFields({
  url: { type: 'string', required: true, description: 'URL of the source: `http://`, `https://` or `file:///`.' },
  checksum,
});

const contentFields = defineFields({
  files: {
    type: 'records',
    description: 'Single files to cache, such as disk images.',
    fields: {
      url: {
        type: 'string',
        description: 'URL of the source: `http://`, `https://` or `file:///`. Required unless `state` is `absent`.',
      },
      dest: { type: 'path', required: true, description: 'Absolute path of the copy.' },
      checksum,
      ...ownership,
    },
  },
  sets: {
    type: 'records',
    description:
      'Pairs of kernel and ramdisk that belong together and are switched in one step: ' +
      '`dest/name` is a symbolic link to a folder with the files `kernel` and `ramdisk`.',
    fields: {
      name: {
        type: 'string',
        required: true,
        pattern: {
          regex: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
          meaning: 'up to 100 letters, digits, dots, dashes and underscores',
        },
        description: 'Name of the set and of the link.',
      },
      dest: { type: 'path', required: true, description: 'Absolute path of the folder of the link.' },
      kernel: {
        type: 'mapping',
        fields: partFields,
        description: 'The kernel, by URL. Required with `ramdisk`, unless `glance` is given or `state` is `absent`.',
      },
      ramdisk: { type: 'mapping', fields: partFields, description: 'The ramdisk, by URL.' },
      glance: {
        type: 'mapping',
        description:
          "Kernel and ramdisk from Glance instead of URLs. A name selects an image of the login's project, else " +
          'a public image, else a community image; private and shared images of other projects are refused.',
        fields: {
          kernel: { type: 'string', required: true, description: 'Id or name of the kernel image.' },
          ramdisk: { type: 'string', required: true, description: 'Id or name of the ramdisk image.' },
        },
      },
      ...ownership,
    },
  },
  state: {
    type: 'string',
    choices: ['present', 'absent'],
    description: '`absent` removes the given files and sets, including all versions.',
    default: 'present',
  },
  force: { type: 'boolean', description: 'Fetch everything again, even if the copies are fresh.', default: false },
});

const freshnessFields = defineFields({
  freshness: {
    type: 'string',
    choices: ['last_modified', 'strict'],
    description:
      '`last_modified` is the rule of the Bare Metal service: ' +
      'fetch if the source is newer than the copy or has no date. ' +
      '`strict` also fetches if ETag or size differ or if the source is older than the copy, and trusts an equal ' +
      'ETag if there is no date.',
    default: 'last_modified',
  },
  checksum_algorithm: {
    type: 'string',
    choices: algorithmNames,
    description:
      "Algorithm of the checksum in the result, by hashlib's name. " +
      'SHA-256 is always computed, with `md5` in addition to it: ' +
      'older releases of Ironic require `image_checksum`.',
    default: 'sha256',
  },
  file_url_allowed_paths: {
    type: 'list',
    aliases: ['allowed_paths'],
    description:
      "Folders from which `file:///` may read, as in Ironic's `[conductor]file_url_allowed_paths`. " +
      'The real path is checked, with symbolic links resolved. ' +
      '/dev, /sys, /proc, /boot, /etc and /run are never read.',
    default: defaultAllowedPaths,
  },
  path_prefix: {
    type: 'string',
    description:
      'Path at which a conductor in a container sees the folder of `dest`, or `FOLDER=PATH` if only FOLDER is ' +
      'mounted elsewhere.',
  },
  url_prefix: {
    type: 'string',
    description:
      'URL at which a web server publishes the folder of `dest`, or `FOLDER=URL`. ' +
      'The result then has these URLs instead of `file://`.',
  },
});

const pruningFields = defineFields({
  keep: {
    type: 'integer',
    minimum: 0,
    maximum: 1000,
    description: 'Number of previous versions to keep of each set, in addition to the current one.',
    default: 1,
  },
  max_age: {
    type: 'number',
    minimum: 0,
    description:
      'Remove cached files that this run does not name, and previous versions, if they were not used for this ' +
      'number of days. By default they are kept.',
  },
  max_size: {
    type: 'string',
    pattern: sizePattern,
    description:
      'Maximum size of a folder of the cache, such as `20GiB`. ' +
      'The oldest files that this run does not name are removed first. ' +
      'Current files, and files with another hard link, such as Ironic creates for a node, are never removed.',
  },
});

const transferFields = defineFields({
  hosts: {
    type: 'records',
    description:
      'Credentials and headers for individual hosts. They are not sent to any other host, even after a redirect.',
    fields: {
      host: {
        type: 'string',
        required: true,
        description: 'Name or address of the host, with `:port` for one port only.',
      },
      username: { type: 'string', description: 'User name for basic authentication.' },
      password: { type: 'string', secret: true, description: 'Password for basic authentication.' },
      headers: { type: 'mapping', secret: true, description: 'Additional headers of each request.' },
    },
  },
  tls_minimum_version: {
    type: 'string',
    choices: ['1.2', '1.3'],
    description: 'Minimum version of TLS.',
    default: '1.2',
  },
  concurrency: {
    type: 'integer',
    minimum: 1,
    maximum: 16,
    description: 'Number of files to fetch at a time.',
    default: 2,
  },
  attempts: {
    type: 'integer',
    minimum: 1,
    maximum: 100,
    description: 'Number of failures in a row without progress after which a download is given up.',
    default: 5,
  },
  stall_timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 3600,
    description:
      'Seconds without any data after which a connection counts as broken. The duration of a download is not limited.',
    default: 60,
  },
  lock_timeout: {
    type: 'integer',
    minimum: 0,
    maximum: 86400,
    description: 'Seconds to wait for another run in the same folder.',
    default: 600,
  },
});

export const imageCacheDeclaration = defineDeclaration({
  name: 'image_cache',
  command: 'cache',
  versionAdded: '0.1.0',
  summary: 'Keep verified local copies of images that come from URLs',
  description: [
    'Keeps copies of files, and of pairs of kernel and ramdisk, for the conductors of the Bare Metal service, by ' +
      'the rule of its own image cache: a file is fetched if its Last-Modified, from a HEAD request, is newer than ' +
      'the copy or unknown; equal or older is fresh. If HEAD is refused, a conditional GET is used.',
    'The present copy stays until the new one is complete, verified and on disk; ' +
      'then it is replaced in one step, a set by switching a link. ' +
      'An interrupted download is resumed, even by the next run. Size and checksum are compared on every run; ' +
      'the digest is recorded with the size, mtime and inode of the copy, so that an untouched copy is not read ' +
      'again.',
    'The result has ready-to-use `driver_info` and `instance_info`. ' +
      'Credentials for a cloud are required only for sets from `glance`.',
    'Run it on every conductor, as the playbook `image_cache.yml` does, or once if they share a file system.',
  ],
  writes: true,
  repeats: 'With `force`, every run fetches all files again.',
  seeAlso: ['baremetal_node', 'ipa_test', preparingPage, loginsPage, bareMetalApi, imageApi],
  fields: { ...contentFields, ...freshnessFields, ...pruningFields, ...transferFields, ...loginFields },
  returns,
  examples: [
    {
      title: 'Cache a disk image and verify it by the checksum file of its publisher',
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
      title: 'Show what would be fetched of the deploy kernel and ramdisk, and why',
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
      title: 'Cache a pair from Glance in a folder that is /var/lib/ironic in the container of the conductor',
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
