// Options about the data of images: how they are read.
import { defineFields } from '../../core/fields.js';
import { sizePattern } from '../../core/sizes.js';

export const dataFields = defineFields({
  connections: {
    type: 'integer',
    minimum: 1,
    maximum: 16,
    description:
      'How many parts of an object may be read at once, if one connection is slower than Glance takes the data and ' +
      'the store can send parts. Each takes up to 4 MiB of memory.',
    default: 4,
    siteYaml: ['connections'],
  },
  max_size: {
    type: 'string',
    pattern: sizePattern,
    description:
      'The most that a compressed image may have when it is decompressed, such as `200GiB`. Whatever this says, it ' +
      'may have no more than 1,000 times the size of its source. Units are powers of 1024.',
    default: '1TiB',
    siteYaml: ['max_size'],
  },
});
