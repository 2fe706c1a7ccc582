import { expect, test } from '@jest/globals';
import type { Architecture } from '../../../modules/ipa/policy/ipa-images.js';
import { chooseServerImage, selectPair } from '../../../modules/ipa/policy/pair-choice.js';
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

test('an image for another architecture is not deployed', () => {
  expect(() => chooseServerImage({ idOrName: 'CC-A-ARM64', isDefault: false }, site, 'x86_64')).toThrow(
    "server_image: CC-A-ARM64 (2) is for aarch64, and the node's cpu_arch is x86_64",
  );
});

test('a pair of URLs is taken as it is, with a warning, and half of one is refused', () => {
  const [kernel, initramfs] = ['http://127.0.0.1/k', 'http://127.0.0.1/r'];
  const pair = { kernel_image: kernel, initramfs_image: initramfs, image_prefix: 'testing_' };

  expect(selectPair(pair, site, 'x86_64')).toMatchObject({
    kernel: { reference: kernel, isUrl: true },
    initramfs: { reference: initramfs, isUrl: true },
    warnings: [expect.stringMatching(/are URLs: nothing shows whether they are of the same build$/)],
  });
  expect(() => selectPair({ ...pair, ipa_name: 'CC-IPA' }, site, 'x86_64')).toThrow(
    'ipa_name: it selects among the newest pairs; omit it if',
  );
});

test('without Glance a pair has to be given', () => {
  expect(() => selectPair({ image_prefix: 'testing_' }, { ...site, images: [], hasGlance: false }, undefined)).toThrow(
    'kernel_image: it is required because this cloud has no Glance to find the newest pair in; give the URLs of',
  );
});
