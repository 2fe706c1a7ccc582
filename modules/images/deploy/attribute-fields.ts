// The options of image_deploy that say what the site wants its images to be.
import { defineFields } from '../../core/fields.js';

export const attributeFields = defineFields({
  properties: {
    type: 'object',
    description:
      'Properties of the site over those of the catalogue, by production name or by a pattern such ' +
      'as `CC-Ubuntu*`: `{"CC-*": {hw_disk_bus: scsi}}`. Patterns count in the order in which they ' +
      'are written, and the exact name last. With the value null the image does not get the ' +
      'property. Values are texts; numbers and booleans are taken as they are written. Attributes ' +
      'of Glance, the markers of these tools, `build-*`, and properties that refer to other ' +
      'resources of the site are refused.',
    siteYaml: ['properties'],
  },
  reconcile: {
    type: 'boolean',
    description:
      'Whether production images that are up to date get the `properties` of the site, and what their ' +
      'catalogue wants of them (visibility, members, tags and so on), if they differ. What neither says is left as ' +
      'the image has it. Without it, this applies to new images only.',
    default: true,
    siteYaml: ['reconcile'],
  },
});
