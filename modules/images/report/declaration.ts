// The declaration of image_report: the single source of its documentation, options, types and
// checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { dailyUsePage, loginsPage, reportPage } from '../../runtime/pages.js';
import { catalogueFields, retentionFields } from '../clean/declaration.js';
import { imageDeployDeclaration } from '../deploy/declaration.js';

const pageFields = defineFields({
  html: {
    type: 'path',
    required: true,
    description:
      'The page to write. Its directory must exist. A file there is replaced only if it is a page of this operation, ' +
      'and keeps its owner, group and permissions; a new page belongs to the group of its directory, and only owner ' +
      'and group may read it.',
  },
  title: {
    type: 'string',
    description: 'Title of the page. The default is made of the name of the cloud, or of its region or host.',
  },
});

// What decides how data are transferred, or selects images for one run, says nothing of the next run of the timer.
const {
  force: _force,
  latest: _latest,
  ipa: _ipa,
  concurrency: _concurrency,
  attempts: _attempts,
  stall_timeout: _stall,
  images,
  exclude,
  ...deployFields
} = imageDeployDeclaration.fields;

export const imageReportDeclaration = defineDeclaration({
  name: 'image_report',
  command: 'report',
  versionAdded: '0.1.0',
  summary: 'Write one HTML page about the images of the site, their users and what comes next',
  description: [
    'Writes a page with every image of the site on a time line, from its creation to its hiding and its deletion, ' +
      'with its release and size, who uses it, its place in the catalogue, what the next runs of `image_deploy` and ' +
      '`image_clean` will do with it and why, and which nodes boot with which images of the Ironic Python Agent.',
    'The plans are those of `image_deploy` and `image_clean` in check mode, so give it the same options, or the ' +
      'same `site_yaml`. Nothing in the cloud is changed.',
    'The page is one file that loads nothing, sends nothing, and can be read without scripts and on a phone. It ' +
      'names servers, projects and nodes: put it only where their administrators alone can read it.',
    'If a service or a catalogue cannot be read, the page is written with the rest, says what is unknown and why, ' +
      'and the task fails. Images that this system does not manage are listed if they belong to the project of the ' +
      'login or are public; other images are only counted.',
  ],
  writes: true,
  repeats:
    'Every run writes the page with the current time, and `changed` is true if anything else on it is different.',
  seeAlso: ['image_clean', 'image_deploy', 'image_info', reportPage, dailyUsePage, loginsPage],
  fields: {
    ...pageFields,
    images: {
      ...images,
      description: `The images that \`image_deploy\` is given: names, or patterns. The page has all images anyway.`,
    },
    exclude: { ...exclude, description: 'The images that `image_deploy` excludes: names, or patterns.' },
    ...deployFields,
    ...retentionFields,
    ...catalogueFields,
  },
  returns: {
    html: {
      description: 'Path of the page.',
      type: 'str',
      returned: 'always',
      sample: '/var/www/images/index.html',
    },
    image_count: { description: 'Number of images on the page.', type: 'int', returned: 'always', sample: 42 },
    unknown: {
      description: 'What could not be read, and is unknown on the page.',
      type: 'list',
      returned: 'always',
      contains: {
        what: { description: 'What is unknown.', type: 'str', returned: 'always', sample: 'use by servers' },
        reason: { description: 'Why.', type: 'str', returned: 'always' },
      },
    },
  },
  examples: [
    {
      title: 'Write the page about the images of the site',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', html: '/var/www/images/index.html' },
    },
    {
      title: 'Write the page with the name of the site as its title',
      arguments: {
        cloud: 'uc_dev',
        object_store_url: ['https://store.example.org:7480/swift/v1/AUTH_images'],
        html: '/srv/reports/uc.html',
        title: 'Images of CHI@UC',
      },
    },
  ],
});
