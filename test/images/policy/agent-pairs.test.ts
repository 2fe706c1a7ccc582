// Kernel and initramfs of an agent: whether they are of one build, and what is said if they are not.
import { expect, test } from '@jest/globals';
import { isSameBuild } from '../../../modules/images/policy/agent-pairs.js';
import { planDeployment } from '../../../modules/images/policy/deployment.js';
import { subscriptionOf } from '../../../modules/images/policy/releases.js';
import { markers, type SiteImage } from '../../../modules/images/policy/site-image.js';
import { lock, now, owner, prefix, siteImage, sourcePrefix } from './image-fixtures.js';

const time = { 'build-timestamp': '2025-04-22 15:30:45' };
const revised = (revision: string) => ({ ...time, 'build-os-base-image-revision': revision });

test.each<[Record<string, string>, Record<string, string>, boolean]>([
  [{ 'build-tag': 'a' }, { 'build-tag': 'a' }, true],
  [{ 'build-tag': 'a' }, { 'build-tag': 'b' }, false],
  [{ 'build-tag': 'a', ...time }, time, true],
  [time, { 'build-timestamp': '2025-04-22 15:30:45.000000' }, true],
  [time, { 'build-timestamp': '2025-04-22 15:30:46' }, false],
  [revised('1'), revised('1'), true],
  [revised('1'), revised('2'), false],
  [{}, {}, false],
])('%j and %j are of one build: %s', (one, other, expected) => {
  expect(isSameBuild({ properties: one }, { properties: other })).toBe(expected);
});

test('halves that were put back by hand, one without the other, are reported', () => {
  const [kernel, initramfs] = ['A.kernel', 'A.initramfs'];
  const half = (name: string, tag: string): SiteImage =>
    siteImage({
      id: `id-${name}`,
      name,
      properties: {
        'build-tag': tag,
        [markers.promoted]: `id-${name}`,
        [markers.heldRelease]: '20250601-v1',
        [markers.heldSince]: '2026-05-01T00:00:00Z',
      },
    });
  const plan = (tag: string) =>
    planDeployment({
      subscriptions: [kernel, initramfs].map((name) => ({
        ...subscriptionOf({ name, release: '20250601-v1' }),
        pairedWith: name === kernel ? initramfs : kernel,
      })),
      isInScope: () => true,
      sourcePrefixes: [sourcePrefix],
      images: [half(kernel, 'a'), half(initramfs, tag)],
      owner,
      prefix,
      force: false,
      metadataField: 'chameleon-supported',
      recovery: { now, uploadTimeoutSeconds: 14400, lock },
    });

  expect(plan('a').warnings).toEqual([]);
  expect(plan('b').warnings).toContainEqual(
    expect.stringMatching(
      /^A\.kernel: its production image id-A\.kernel and that of A\.initramfs, id-A\.initramfs, are not of the same build/,
    ),
  );
});
