// The declaration of image_rollback: the single source of its documentation, options, types and
// checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { dailyUsePage, imageApi, loginsPage } from '../../runtime/pages.js';
import { listFields, siteFields } from '../fields.js';
import { hidingFields } from '../hiding-fields.js';

const rollbackFields = defineFields({
  image: {
    type: 'string',
    required: true,
    description:
      'Production name of the image, such as `CC-Ubuntu22.04`. For an agent the name of either half, or the name ' +
      'without ' +
      '`.kernel` and `.initramfs`, means both halves.',
  },
  to: {
    type: 'string',
    description:
      'What to put back: a release such as `20250422-v1-amd`, for an image of the older store its ' +
      '`build-timestamp`, or the ' +
      'id of an archived image. The default is the image that the present one replaced.',
  },
  release: {
    type: 'boolean',
    description: 'End the hold instead: the next deployment brings in what the catalogue has.',
    default: false,
  },
  image_prefix: siteFields.image_prefix,
  image_metadata_field: siteFields.image_metadata_field,
  image_manager_tag: listFields.image_manager_tag,
  ...hidingFields,
  pins: siteFields.pins,
  lock_dir: siteFields.lock_dir,
});

export const imageRollbackDeclaration = defineDeclaration({
  name: 'image_rollback',
  command: 'rollback',
  versionAdded: '0.1.0',
  summary: 'Put an archived image back into production, and hold the release that it replaces',
  description: [
    'Gives an archived image the production name and makes it public again, also if it was hidden, and then gives ' +
      'the ' +
      'present one its archive name. The production image is never missing, and if a run is interrupted the next ' +
      'one, of ' +
      '`image_rollback` or `image_deploy`, finishes the job.',
    'The release that was replaced is held: `image_deploy` does not bring it in again until the catalogue has a ' +
      'newer one. ' +
      '`force` of `image_deploy`, or `release` here, ends the hold earlier. `image_clean` leaves held images alone.',
    'Kernel and initramfs of an agent go back together, to the same build. A second run changes nothing; to go ' +
      'further ' +
      'back, name the release. No data are transferred.',
  ],
  writes: true,
  seeAlso: ['image_deploy', 'image_info', 'image_clean', dailyUsePage, loginsPage, imageApi],
  fields: { ...rollbackFields, ...loginFields },
  returns: {
    images: {
      description: 'One entry for the image, or for each half of an agent.',
      type: 'list',
      returned: 'always',
      contains: {
        name: { description: 'Production name.', type: 'str', returned: 'always', sample: 'CC-Ubuntu22.04' },
        action: {
          description:
            'What was done, or in check mode would be done: `rollback`, `resume` (begun by an earlier run), ' +
            '`release` (the ' +
            'hold has ended), `up_to_date` or `failed`.',
          type: 'str',
          returned: 'always',
          sample: 'rollback',
        },
        reason: {
          description: 'Reason for the action.',
          type: 'str',
          returned: 'always',
          sample: '20250422-v1-amd instead of 20250601-v1-amd',
        },
        id: { description: 'Id of the production image.', type: 'str', returned: 'always' },
        release: {
          description: 'Release of the production image; for the older store its `build-timestamp`.',
          type: 'str',
          returned: 'always',
          sample: '20250422-v1-amd',
        },
        archived_id: {
          description: 'Id of the image that was replaced.',
          type: 'str',
          returned: 'when an image was replaced',
        },
        archived_name: {
          description: 'The name that the replaced image has now.',
          type: 'str',
          returned: 'when an image was replaced',
        },
        archived_hidden: {
          description: 'True if the replaced image is hidden, because of `hide_at`.',
          type: 'bool',
          returned: 'when the run has hidden it',
        },
        held_releases: {
          description: 'Releases that are held.',
          type: 'list',
          returned: 'when any are held',
          sample: ['20250601-v1-amd'],
        },
        held_since: {
          description: 'Time since which they are held, in RFC 3339 format and UTC.',
          type: 'str',
          returned: 'when any are held',
        },
      },
    },
  },
  examples: [
    {
      title: 'Show what going back would do',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', image: 'CC-Ubuntu22.04' },
      dryRun: true,
    },
    {
      title: 'Go back to the previous image',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', image: 'CC-Ubuntu22.04' },
    },
    {
      title: 'Go back to a certain release',
      arguments: { cloud: 'uc_dev', image: 'CC-Ubuntu22.04', to: '20250115-v1-amd' },
    },
    {
      title: 'End the hold, so that the next deployment goes on',
      arguments: { cloud: 'uc_dev', image: 'CC-Ubuntu22.04', release: true },
    },
  ],
});
