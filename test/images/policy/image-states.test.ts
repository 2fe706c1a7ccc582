import { expect, test } from '@jest/globals';
import { imageStateOf } from '../../../modules/images/policy/image-states.js';
import { markers } from '../../../modules/images/policy/site-image.js';
import { incomingImage, owner, siteImage } from './image-fixtures.js';

const copied = { current: '20250422-v1-amd', 'build-distro': 'ubuntu', [markers.id]: 'the-original' };

test.each([
  ['the production image of an earlier tool', siteImage(), 'current', 'CC-Ubuntu22.04'],
  [
    'our production image',
    siteImage({ properties: { [markers.id]: 'old', [markers.name]: 'CC-Ubuntu22.04' } }),
    'current',
    'CC-Ubuntu22.04',
  ],
  ['an image that is being brought in', incomingImage(), 'incoming', 'CC-Ubuntu22.04'],
  [
    'one that an earlier tool was bringing in',
    siteImage({ name: 'testing_CC-Ubuntu22.04', visibility: 'private' }),
    'incoming',
    'CC-Ubuntu22.04',
  ],
  ['an archived one', siteImage({ name: 'CC-Ubuntu22.04_2025-04-22 15:30:45.123456' }), 'archived', 'CC-Ubuntu22.04'],
  ['a production image that was made private', siteImage({ visibility: 'private' }), 'archived', 'CC-Ubuntu22.04'],
  [
    'a snapshot that inherited every property',
    siteImage({ properties: { ...copied, image_type: 'snapshot' } }),
    'unmanaged',
    undefined,
  ],
  ['a copy', siteImage({ properties: copied }), 'unmanaged', undefined],
  ['an image of another project', siteImage({ owner: 'stranger' }), 'unmanaged', undefined],
  ['an image without a build', siteImage({ properties: {} }), 'unmanaged', undefined],
])('%s is told by its markers and its name', (_, image, state, productionName) => {
  expect(imageStateOf(image, owner, 'testing_')).toEqual(
    productionName === undefined ? { state } : { state, productionName },
  );
});
