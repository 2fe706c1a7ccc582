import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  isMeant,
  parseSupports,
  withOtherHalves,
  wordsOf,
  type BuildIdentity,
} from '../../../modules/images/policy/supported-builds.js';
import { supports } from '../../sandbox/builds.js';

const names = (document: unknown): string[] =>
  parseSupports(document, '/etc/supports.yaml').builds.map(({ name }) => name);

/** The document with one value replaced; the path is dotted. */
function changed(path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(supports)) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop() as string;
  const parent = keys.reduce((inner, key) => inner[key] as Record<string, unknown>, copy);
  parent[last] = value;
  return copy;
}

describe('supports.yaml', () => {
  test('gives each listed variant of each release its production name, and two for an agent', () => {
    expect(names(supports)).toEqual([
      'CC-Ubuntu20.04',
      'CC-Ubuntu20.04-CUDA',
      'CC-Ubuntu22.04',
      'CC-IPA-Debian11-AMD64.kernel',
      'CC-IPA-Debian11-AMD64.initramfs',
    ]);
  });

  test('protects the names of a release without variants, but deploys nothing of it', () => {
    const { builds, names: all } = parseSupports(supports, '/etc/supports.yaml');

    expect(builds.some(({ identity }) => identity.release === 'bionic')).toBe(false);
    expect([...all]).toEqual(expect.arrayContaining(['CC-Ubuntu18.04', 'CC-Ubuntu18.04-CUDA']));
  });

  test('accepts a release whose name is a number', () => {
    const document = {
      supported_distros: { centos: { releases: { 7: { prod_name: 'CC-CentOS7', variants: ['base'] } } } },
      supported_variants: { base: null },
    };

    expect(parseSupports(document, '').builds).toEqual([
      { identity: { distro: 'centos', release: '7', variant: 'base', ipa: 'na' }, name: 'CC-CentOS7' },
    ]);
  });

  test.each([
    ['nothing', undefined, '/etc/supports.yaml is missing'],
    ['a list', [], '/etc/supports.yaml is []'],
    ['no distributions', { supported_variants: {} }, '/etc/supports.yaml: supported_distros is missing'],
    ['distributions in a list', { supported_distros: ['ubuntu'] }, 'supported_distros is ["ubuntu"]'],
    [
      'a distribution that is text',
      changed('supported_distros.ubuntu', 'focal'),
      'supported_distros.ubuntu is "focal"',
    ],
    [
      'releases in a list',
      changed('supported_distros.ubuntu.releases', ['focal']),
      'supported_distros.ubuntu.releases is ["focal"]',
    ],
    [
      'a release that is text',
      changed('supported_distros.ubuntu.releases.focal', 'CC'),
      'supported_distros.ubuntu.releases.focal is "CC"',
    ],
  ])('with %s is refused, naming the key', (_, document, message) => {
    expect(() => parseSupports(document, '/etc/supports.yaml')).toThrow(message);
  });

  const focal = 'supported_distros.ubuntu.releases.focal';
  test.each([
    [
      'a variant that is not described',
      `${focal}.variants`,
      ['base', 'gpus'],
      `${focal}.variants[1] is "gpus", which is not in supported_variants; did you mean gpu?`,
    ],
    ['no production name', `${focal}.prod_name`, null, `${focal}.prod_name is missing`],
    ['a production name with a slash', `${focal}.prod_name`, '../etc', `${focal}.prod_name is "../etc"`],
    ['variants in a text', `${focal}.variants`, 'base', `${focal}.variants is "base"; it must be a list`],
    ['a variant that is a mapping', `${focal}.variants`, [{ base: 1 }], `${focal}.variants[0] is {"base":1}`],
    [
      'a suffix that is a list',
      'supported_variants.gpu.prod_name_suffix',
      ['x'],
      'supported_variants.gpu.prod_name_suffix is ["x"]',
    ],
    ['one name for two builds', 'supported_variants.gpu.prod_name_suffix', null, 'gives this name to ubuntu focal'],
  ])('with %s has a fault of those images alone', (_, path, value, fault) => {
    const { builds } = parseSupports(changed(path, value), '/etc/supports.yaml');

    expect(builds.filter((build) => build.fault?.includes(fault))).not.toEqual([]);
    for (const build of builds) if (build.identity.release !== 'focal') expect(build.fault).toBeUndefined();
  });

  test('always gives unique names, or throws the error of a bad file', () => {
    const value = fc.oneof(
      fc.constantFrom('base', 'gpu', 'amd64', null, 7, '', 'x/y'),
      fc.array(fc.constantFrom('base', 'gpu', '__proto__', 'toString')),
      fc.jsonValue({ maxDepth: 1 }),
    );
    const release = fc.record({ prod_name: value, variants: value }, { requiredKeys: [] });
    const document = fc.record({
      supported_distros: fc.dictionary(
        fc.constantFrom('ubuntu', 'ipa_debian', 'centos'),
        fc.record({ releases: fc.dictionary(fc.constantFrom('focal', '7', 'x'), release) }),
      ),
      supported_variants: fc.dictionary(
        fc.constantFrom('base', 'gpu', 'amd64'),
        fc.oneof(fc.constant(null), fc.record({ prod_name_suffix: value })),
      ),
    });
    fc.assert(
      fc.property(document, (given) => {
        const good = parseSupports(given, 'f').builds.filter(({ fault }) => fault === undefined);

        expect(new Set(good.map(({ name }) => name)).size).toBe(good.length);
        expect(new Set(good.map(({ identity }) => wordsOf(identity))).size).toBe(good.length);
        for (const { identity, name } of good) expect(name.endsWith(`.${identity.ipa}`)).toBe(identity.ipa !== 'na');
      }),
    );
  });
});

const image: BuildIdentity = { distro: 'ubuntu', release: 'focal', variant: 'base', ipa: 'na' };
const kernel: BuildIdentity = { distro: 'ipa_debian', release: 'bullseye', variant: 'amd64', ipa: 'kernel' };

test.each([
  [image, ['ubuntu'], undefined, true],
  [image, ['ubuntu', 'focal', 'base'], undefined, true],
  [image, ['ubuntu', 'focal', 'gpu'], undefined, false],
  [image, ['ubuntu', 'jammy'], undefined, false],
  [image, [], 'kernel', false],
  [kernel, [], 'kernel', true],
  [kernel, [], 'initramfs', true],
  [kernel, ['ipa_debian', 'bullseye', 'amd64'], undefined, true],
] as const)('%j is meant by %j, ipa %s: %s', (identity, latest, ipa, expected) => {
  expect(isMeant(identity, latest, ipa)).toBe(expected);
});

test('choosing half an agent also chooses the other half', () => {
  const { builds } = parseSupports(supports, '');

  const chosen = withOtherHalves(
    builds.filter(({ name }) => /\.kernel$|22\.04$/.test(name)),
    builds,
  );

  expect(chosen.map(({ name }) => name)).toEqual([
    'CC-Ubuntu22.04',
    'CC-IPA-Debian11-AMD64.kernel',
    'CC-IPA-Debian11-AMD64.initramfs',
  ]);
});
