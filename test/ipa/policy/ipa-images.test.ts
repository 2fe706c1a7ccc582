import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  architectureNamed,
  architectureOf,
  ipaImageFault,
  kindOf,
  matchPair,
  newestPair,
  type IpaImage,
} from '../../../modules/ipa/policy/ipa-images.js';
import { owner, siteImage } from '../../images/policy/image-fixtures.js';

const prefix = 'testing_';

function half(kind: 'kernel' | 'initramfs', changes: Partial<IpaImage> = {}): IpaImage {
  const properties = {
    'build-ipa': kind,
    'build-tag': 'CC-IPA-Debian11-AMD64-2025-04-22',
    'build-timestamp': '2025-04-22 15:30:45',
    ...changes.properties,
  };
  return {
    ...siteImage({ id: kind, name: `CC-IPA-Debian11-AMD64.${kind}` }),
    disk_format: kind === 'kernel' ? 'aki' : 'ari',
    ...changes,
    properties,
  };
}

test.each([
  ['by the end of the name', { name: 'CC-IPA-Debian11-AMD64.kernel', properties: {} }, 'kernel'],
  [
    'by the end of the name before the stamp of an archive',
    { name: 'CC-IPA-Debian11-AMD64.initramfs_2025-04-22 15:30:45', properties: {} },
    'initramfs',
  ],
  ['by build-ipa', { name: 'whatever', properties: { 'build-ipa': 'kernel' } }, 'kernel'],
  ['neither', { name: 'CC-Ubuntu24.04', properties: { 'build-ipa': 'na' } }, undefined],
])('tells what an image is %s', (_, changes, kind) => {
  expect(kindOf(siteImage(changes))).toBe(kind);
});

test.each([
  ['hw_architecture first', 'CC-IPA-AMD64.kernel', { hw_architecture: 'aarch64', architecture: 'x86_64' }, 'aarch64'],
  ['architecture', 'CC-IPA.kernel', { architecture: 'x86_64' }, 'x86_64'],
  ['build-variant', 'CC-IPA.kernel', { 'build-variant': 'arm64' }, 'aarch64'],
  ['the name', 'CC-IPA-Debian11-ARM64.kernel', { 'build-variant': 'base' }, 'aarch64'],
  ['the name with an underscore', 'ipa-x86_64.kernel', {}, 'x86_64'],
  ['nothing', 'CC-IPA.kernel', {}, undefined],
])('tells the architecture by %s', (_, name, properties, architecture) => {
  expect(architectureOf(siteImage({ name, properties: properties as Record<string, string> }))).toBe(architecture);
});

test('recognizes the words for an architecture, and no others', () => {
  expect(['AMD64', 'x86-64', 'Arm64', 'armv8l', 'ppc64le', undefined].map(architectureNamed)).toEqual([
    'x86_64',
    'x86_64',
    'aarch64',
    'aarch64',
    undefined,
    undefined,
  ]);
});

test.each([
  [
    'two initramfs',
    half('initramfs'),
    half('initramfs'),
    /^CC-IPA-Debian11-AMD64.initramfs \(initramfs\) is not a kernel: its name ends in .initramfs$/,
  ],
  [
    'a contradiction',
    half('kernel', { properties: { 'build-ipa': 'initramfs' } }),
    half('initramfs'),
    /its build-ipa is initramfs$/,
  ],
  ['one that is not active', half('kernel'), half('initramfs', { status: 'queued' }), /is queued, not active$/],
  [
    'a disk for a kernel',
    half('kernel', { disk_format: 'raw' }),
    half('initramfs'),
    /has disk format raw; a kernel has aki$/,
  ],
  [
    'a kernel in the format of an initramfs',
    half('kernel', { disk_format: 'ari' }),
    half('initramfs'),
    /has disk format ari; a kernel has aki$/,
  ],
  [
    'two builds by their tags',
    half('kernel', { properties: { 'build-tag': 'other' } }),
    half('initramfs'),
    /are of different builds, other and CC-IPA-Debian11-AMD64-2025-04-22$/,
  ],
  [
    'two builds by their revisions',
    untagged('kernel', { 'build-os-base-image-revision': '1' }),
    untagged('initramfs', { 'build-os-base-image-revision': '2' }),
    /are of different builds, .*\(revision 1\) and .*\(revision 2\)$/,
  ],
  [
    'one whose build is not told',
    half('kernel'),
    half('initramfs', { properties: { 'build-tag': '', 'build-timestamp': '' } }),
    /are of different builds, .* and an unknown one$/,
  ],
  [
    'two architectures',
    half('kernel', { properties: { architecture: 'aarch64' } }),
    half('initramfs'),
    /are for different architectures, aarch64 and x86_64$/,
  ],
])('refuses %s', (_, kernel, initramfs, refusal) => {
  expect(matchPair(kernel, initramfs)).toEqual({ refusal: expect.stringMatching(refusal) });
});

function untagged(kind: 'kernel' | 'initramfs', properties: Record<string, string>): IpaImage {
  return half(kind, { properties: { 'build-tag': '', ...properties } });
}

test.each([
  [
    'with the kind in their tags',
    half('kernel', { properties: { 'build-tag': 'CC-IPA.kernel-2025' } }),
    half('initramfs', { properties: { 'build-tag': 'CC-IPA.initramfs-2025' } }),
  ],
  [
    'with one instant in two styles',
    untagged('kernel', { 'build-timestamp': '1745335845' }),
    untagged('initramfs', { 'build-timestamp': '2025-04-22 15:30:45' }),
  ],
  ['with aki for both, as tools of old have it', half('kernel'), half('initramfs', { disk_format: 'aki' })],
])('takes two images of one build, %s', (_, kernel, initramfs) => {
  expect(matchPair(kernel, initramfs)).toMatchObject({ pair: { kernel, initramfs, architecture: 'x86_64' } });
});

test('two images without build information are accepted with a warning', () => {
  const bare = { properties: { 'build-tag': '', 'build-timestamp': '' } };
  expect(matchPair(half('kernel', bare), half('initramfs', bare))).toMatchObject({
    pair: {},
    warning: expect.stringMatching(/nothing shows whether they belong together/),
  });
});

const newer = { properties: { 'build-tag': 'newer', 'build-timestamp': '2025-06-01 00:00:00' } };

test('chooses the newest pair by its build time', () => {
  const images = [
    half('kernel'),
    half('initramfs'),
    half('kernel', { ...newer, id: 'k2' }),
    half('initramfs', { ...newer, id: 'i2' }),
  ];
  expect(newestPair(images, { owner, prefix })).toMatchObject({
    pair: { kernel: { id: 'k2' }, initramfs: { id: 'i2' }, build: 'newer' },
  });
});

test('of two pairs with the same build time, the one that was uploaded later is newer', () => {
  const twin = (kind: 'kernel' | 'initramfs', tag: string, created_at: string) =>
    half(kind, { id: `${tag}.${kind}`, created_at, properties: { ...newer.properties, 'build-tag': tag } });
  const pairOfTag = (tag: string, created_at: string) => [
    twin('kernel', tag, '2025-06-01T00:00:00Z'),
    twin('initramfs', tag, created_at),
  ];
  const [early, late] = [pairOfTag('z', '2025-06-02T00:00:00Z'), pairOfTag('a', '2025-06-03T00:00:00Z')];

  for (const images of [
    [...early, ...late],
    [...late, ...early],
  ])
    expect(newestPair(images, { owner, prefix })).toMatchObject({ pair: { build: 'a' } });
});

test.each([
  ['of other projects', { owner: 'other' }],
  ['hidden ones', { os_hidden: true }],
  ['those that are being brought in', { name: 'testing_CC-IPA-Debian11-AMD64.kernel' }],
  ['for another architecture', { properties: { ...newer.properties, architecture: 'aarch64' } }],
])('leaves out %s', (_, changes) => {
  const images = [
    half('kernel'),
    half('initramfs'),
    half('kernel', { ...newer, id: 'k2', ...changes }),
    half('initramfs', { ...newer, id: 'i2', ...changes }),
  ];
  expect(newestPair(images, { owner, prefix, architecture: 'x86_64' })).toMatchObject({
    pair: { kernel: { id: 'kernel' }, initramfs: { id: 'initramfs' } },
  });
});

test.each([
  ['there is none', [], /^this project has no IPA images with the name CC-IPA for aarch64: /],
  [
    'the newest build is half',
    [half('kernel'), half('initramfs'), half('kernel', newer)],
    /^the newest build, CC-IPA-Debian11-AMD64 of newer, has no initramfs: /,
  ],
  [
    'the newest build is there twice',
    [half('kernel', newer), half('kernel', { ...newer, id: 'twin' }), half('initramfs', newer)],
    /has more than one kernel: /,
  ],
  [
    'the newest build is not usable',
    [half('kernel', newer), half('initramfs', { ...newer, status: 'saving' })],
    /is saving, not active$/,
  ],
])('refuses where %s', (what, images, refusal) => {
  const wish = what === 'there is none' ? { name: 'CC-IPA', architecture: 'aarch64' as const } : {};
  expect(newestPair(images, { owner, prefix, ...wish })).toEqual({ refusal: expect.stringMatching(refusal) });
});

test('a pair is always a kernel and an initramfs without faults, of one project and one architecture', () => {
  const image = fc.record({
    kind: fc.constantFrom('kernel' as const, 'initramfs' as const),
    status: fc.constantFrom('active', 'active', 'queued'),
    owner: fc.constantFrom(owner, 'other'),
    disk_format: fc.constantFrom('aki', 'ari', 'raw'),
    name: fc.constantFrom('CC-IPA-AMD64', 'CC-IPA-ARM64'),
    build: fc.constantFrom('2025-04-22 15:30:45', '2025-06-01 00:00:00', ''),
  });
  fc.assert(
    fc.property(fc.array(image, { maxLength: 6 }), (rows) => {
      const images = rows.map(({ kind, name, build, ...rest }, index) =>
        half(kind, {
          ...rest,
          id: `${index}`,
          name: `${name}.${kind}`,
          properties: { 'build-tag': '', 'build-timestamp': build },
        }),
      );
      const choice = newestPair(images, { owner, prefix });
      if ('refusal' in choice) return choice.refusal !== '';
      const { kernel, initramfs } = choice.pair;
      const isSound =
        ipaImageFault(kernel, 'kernel') === undefined && ipaImageFault(initramfs, 'initramfs') === undefined;
      return (
        isSound &&
        [kernel, initramfs].every((chosen) => chosen.owner === owner) &&
        architectureOf(kernel) === architectureOf(initramfs)
      );
    }),
  );
});
