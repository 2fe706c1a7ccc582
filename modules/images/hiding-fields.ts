// When and how replaced images are hidden: options of image_deploy and image_clean.
import { defineFields } from '../core/fields.js';

export const hidingFields = defineFields({
  hide_at: {
    type: 'string',
    choices: ['age', 'replacement'],
    description:
      'When a replaced image is hidden. With `age` it stays visible until it has reached ' +
      '`hide_image_age_in_month`. With `replacement` `image_deploy` and `image_rollback` hide it in the ' +
      'request that gives it its archive name, even if it is in use, and `image_clean` hides those that were ' +
      'replaced earlier, unless they are in use. It is not deleted any sooner, and `image_rollback` makes it ' +
      'visible again.',
    default: 'age',
    siteYaml: ['hide_at'],
  },
  hide_mode: {
    type: 'string',
    choices: ['private', 'os_hidden'],
    description:
      'How images are hidden. `private` prevents other projects from using the image, even for a server that was ' +
      'made from it; `os_hidden` only omits it from lists.',
    default: 'private',
    siteYaml: ['hide_mode'],
  },
});
