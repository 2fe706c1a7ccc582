import { expect, test } from '@jest/globals';
import type { Architecture } from '../../../modules/ipa/policy/ipa-images.js';
import { chooseServerImage } from '../../../modules/ipa/policy/pair-choice.js';
import { owner, siteImage } from '../../images/policy/image-fixtures.js';

const site = {
  images: [siteImage({ id: '1', name: 'CC-A' }), siteImage({ id: '2', name: 'CC-A-ARM64' })],
  hasGlance: true,
  projectId: owner,
};

test('the default of what is deployed follows the architecture, a given one does not', () => {
  const nameFor = (isDefault: boolean, architecture: Architecture | undefined): string =>
    chooseServerImage({ idOrName: 'CC-A', isDefault }, site, architecture).name;

  expect([nameFor(true, 'aarch64'), nameFor(true, 'x86_64'), nameFor(true, undefined)]).toEqual([
    'CC-A-ARM64',
    'CC-A',
    'CC-A',
  ]);
  expect(nameFor(false, undefined)).toBe('CC-A');
});
