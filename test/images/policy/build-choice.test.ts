import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseNamed, chooseNewest, type StoreContent } from '../../../modules/images/policy/build-choice.js';
import type { StoredBuild } from '../../../modules/images/policy/stored-builds.js';
import { parseSupports } from '../../../modules/images/policy/supported-builds.js';
import { supports } from '../../sandbox/builds.js';
import { half, storedBuild } from './build-fixtures.js';
import { siteImage } from './image-fixtures.js';

const { builds: supported } = parseSupports(supports, '/etc/supports.yaml');
const [focal, , , kernel, initramfs] = supported;

function choose(builds: readonly StoredBuild[], content: Partial<StoreContent> = {}) {
  const { subscriptions, failures } = chooseNewest(supported, { builds, faulty: [], unread: 0, ...content });
  return { byName: new Map(subscriptions.map((subscription) => [subscription.name, subscription])), failures };
}

const chosenIn = (chosen: ReturnType<typeof choose>, build = focal): string | undefined =>
  chosen.byName.get(build?.name ?? '')?.build?.id;
const pairIn = (chosen: ReturnType<typeof choose>): (string | undefined)[] => [
  chosenIn(chosen, kernel),
  chosenIn(chosen, initramfs),
];
const at = (timestamp: string): Record<string, string> => ({ 'build-timestamp': timestamp });

describe('of the images of one identity', () => {
  test('the newest is chosen, and reported with its object and time', () => {
    const chosen = choose([storedBuild('old', at('2023-01-01 00:00:00')), storedBuild('new')]);

    expect(chosen.byName.get('CC-Ubuntu20.04')).toMatchObject({
      release: 'new 1677628504.897832',
      build: { id: 'new' },
    });
    expect(chosen.failures).toEqual([]);
  });

  test('each that the store lacks has a fault', () => {
    expect(choose([]).byName.get('CC-Ubuntu20.04-CUDA')?.fault).toBe(
      'the store has no object for ubuntu focal gpu; remove it from supports.yaml if it is not needed',
    );
  });

  test('a newer one that cannot be used is reported, and the previous one chosen', () => {
    const faulty = { id: 'bad', identity: storedBuild('x').identity, fault: 'it has no disk-format' };
    const newer = { ...faulty, builtAt: new Date('2024-01-01') };
    const older = { ...faulty, builtAt: new Date('2020-01-01') };

    expect(choose([storedBuild('good')], { faulty: [newer] }).failures).toEqual([
      expect.stringContaining('CC-Ubuntu20.04: object bad cannot be used: it has no disk-format'),
    ]);
    expect(choose([storedBuild('good')], { faulty: [faulty] }).failures).toHaveLength(1);
    expect(choose([storedBuild('good')], { faulty: [older] }).failures).toEqual([]);
    expect(chosenIn(choose([storedBuild('good')], { faulty: [newer] }))).toBe('good');
    expect(choose([], { faulty: [older] }).byName.get('CC-Ubuntu20.04')?.fault).toContain('object bad cannot be used');
  });

  test.each([
    ['older', at('2023-01-01 00:00:00'), false],
    ['newer', at('2024-01-01 00:00:00'), true],
    ['of unknown age', at(''), true],
  ])('with objects unread, an image that is %s is kept: %s %s', (_, properties, isKept) => {
    const subscription = choose([storedBuild('id')], { unread: 2 }).byName.get('CC-Ubuntu20.04');
    const objection = subscription?.objectionTo?.(siteImage({ properties }));

    expect(objection !== undefined).toBe(isKept);
    if (isKept) expect(objection).toContain('2 objects of the store could not be read');
  });

  test('with all objects read, the newest replaces whatever there is', () => {
    expect(choose([storedBuild('id')]).byName.get('CC-Ubuntu20.04')?.objectionTo).toBeUndefined();
  });
});

describe('of an agent', () => {
  const pair = (prefix: string, metadata: Record<string, string | undefined> = {}) => [
    half(`${prefix}-k`, 'kernel', metadata),
    half(`${prefix}-i`, 'initramfs', metadata),
  ];
  const newer = at('2023-06-01 00:00:00');

  test.each<[string, StoredBuild[], (string | undefined)[]]>([
    ['the newest pair', [...pair('old'), ...pair('new', newer)], ['new-k', 'new-i']],
    [
      'halves with one tag and two moments',
      [half('k', 'kernel', { 'build-tag': 't' }), half('i', 'initramfs', { ...newer, 'build-tag': 't' })],
      ['k', 'i'],
    ],
    [
      'by aki and ari where both say initramfs',
      [half('k', 'initramfs', { 'disk-format': 'aki' }), half('i', 'initramfs')],
      ['k', 'i'],
    ],
    [
      'by aki and ari where both say kernel',
      [half('k', 'kernel'), half('i', 'kernel', { 'disk-format': 'ari' })],
      ['k', 'i'],
    ],
    [
      'by aki and ari where both say false',
      [half('k', 'false'), half('i', 'false', { 'disk-format': 'ari' })],
      ['k', 'i'],
    ],
    [
      'by build-ipa where both are aki',
      [half('k', 'kernel'), half('i', 'initramfs', { 'disk-format': 'aki' })],
      ['k', 'i'],
    ],
    ['by build-ipa where both are raw', pair('x', { 'disk-format': 'raw' }), ['x-k', 'x-i']],
    [
      'nothing of one moment and two revisions',
      [half('k', 'kernel'), half('i', 'initramfs', { 'build-os-base-image-revision': '1' })],
      [undefined, undefined],
    ],
    [
      'nothing of one moment and two tags',
      [half('k', 'kernel', { 'build-tag': 'a' }), half('i', 'initramfs', { 'build-tag': 'b' })],
      [undefined, undefined],
    ],
    [
      'nothing where format and build-ipa contradict each other',
      [half('k', 'kernel', { 'disk-format': 'ari' }), half('i', 'initramfs', { 'disk-format': 'aki' })],
      [undefined, undefined],
    ],
    ['nothing where both are the same', [half('k', 'kernel'), half('i', 'kernel')], [undefined, undefined]],
    [
      'the whole build of a tag that a lone half has too',
      [...pair('x', { 'build-tag': 't' }), half('lone', 'kernel', { ...newer, 'build-tag': 't' })],
      ['x-k', 'x-i'],
    ],
  ])('%s is chosen', (_, builds, expected) => {
    expect(pairIn(choose(builds))).toEqual(expected);
    expect(pairIn(choose([...builds].reverse()))).toEqual(expected);
  });

  test('half a pair is reported with the missing half, and the older complete pair chosen', () => {
    const chosen = choose([...pair('old'), half('lone', 'kernel', newer)]);

    expect(pairIn(chosen)).toEqual(['old-k', 'old-i']);
    expect(chosen.failures).toEqual([
      expect.stringMatching(
        /^CC-IPA-Debian11-AMD64\.initramfs: the build of 2023-06-01 00:00:00 has no initramfs, only lone;/,
      ),
    ]);
    // A site that has the newer pair keeps it.
    expect(
      chosen.byName.get('CC-IPA-Debian11-AMD64.kernel')?.objectionTo?.(siteImage({ properties: newer })),
    ).toContain('has no initramfs');
  });

  test('each half names the other, and has the build-ipa of its kind', () => {
    const { byName } = choose([half('k', 'initramfs', { 'disk-format': 'aki' }), half('i', 'initramfs')]);

    expect(byName.get('CC-IPA-Debian11-AMD64.kernel')).toMatchObject({
      pairedWith: 'CC-IPA-Debian11-AMD64.initramfs',
      build: { properties: { 'build-ipa': 'kernel' }, diskFormat: 'aki' },
    });
    expect(byName.get('CC-IPA-Debian11-AMD64.initramfs')).toMatchObject({
      pairedWith: 'CC-IPA-Debian11-AMD64.kernel',
      build: { properties: { 'build-ipa': 'initramfs' } },
    });
  });

  test('a half is never chosen alone, nor halves of two builds', () => {
    const object = fc.record({
      ...{
        ipa: fc.constantFrom('kernel', 'initramfs', 'false'),
        format: fc.constantFrom('aki', 'ari', 'raw'),
        tag: fc.constantFrom('a', 'b', undefined),
      },
      ...{ seconds: fc.constantFrom('1677628504', '1677628505'), revision: fc.constantFrom('1', '2', undefined) },
    });
    fc.assert(
      fc.property(fc.array(object, { maxLength: 8 }), (objects) => {
        const builds = objects.map(({ ipa, format, tag, seconds, revision }, index) =>
          half(`o${index}`, ipa, {
            'disk-format': format,
            'build-tag': tag,
            'build-timestamp': seconds,
            'build-os-base-image-revision': revision,
          }),
        );
        const { byName } = choose(builds);
        const [one, other] = [kernel, initramfs].map((entry) => byName.get(entry?.name ?? '')?.build);

        expect(one === undefined).toBe(other === undefined);
        if (!one || !other) return;
        expect(one.id).not.toBe(other.id);
        const isOfOneTime = one.builtAt.getTime() === other.builtAt.getTime() && one.revision === other.revision;
        expect(isOfOneTime || (one.tag !== undefined && one.tag === other.tag)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an object that is named by its id', () => {
  const named = (ids: string[], builds: readonly StoredBuild[], content: Partial<StoreContent> = {}) =>
    chooseNamed(
      ids,
      supported,
      { builds, faulty: [], unread: 0, ...content },
      new Map([['gone', 'the store has no image gone']]),
    );

  test('is chosen although it is not the newest', () => {
    const chosen = named(['old'], [storedBuild('new'), storedBuild('old', at('2023-01-01 00:00:00'))]);

    expect(chosen).toMatchObject([{ name: 'CC-Ubuntu20.04', build: { id: 'old' } }]);
  });

  test('and is half an agent implies the other half of its build', () => {
    const chosen = named(
      ['k'],
      [half('k', 'kernel'), half('i', 'initramfs'), half('newer', 'initramfs', at('2024-01-01 00:00:00'))],
    );

    expect(chosen.map(({ name, build }) => [name, build?.id])).toEqual([
      ['CC-IPA-Debian11-AMD64.kernel', 'k'],
      ['CC-IPA-Debian11-AMD64.initramfs', 'i'],
    ]);
  });

  test.each<[string, string[], StoredBuild[], string]>([
    ['is not there', ['gone'], [], 'the store has no image gone'],
    ['is not an image', ['other'], [storedBuild('x')], 'the store has no object with this id'],
    [
      'is half a pair',
      ['k'],
      [half('k', 'kernel')],
      'has no initramfs, only k; kernel and initramfs are deployed only together',
    ],
    [
      'is of a build that supports.yaml does not list',
      ['x'],
      [storedBuild('x', { 'build-release': 'xenial' })],
      'supports.yaml does not list ubuntu xenial base',
    ],
    [
      'is of the same name as another that is named',
      ['a', 'b'],
      [storedBuild('a'), storedBuild('b')],
      'it is CC-Ubuntu20.04, as is a; give only one of them',
    ],
  ])('and %s has a fault', (_, ids, builds, fault) => {
    expect(
      named(ids, builds)
        .map((subscription) => subscription.fault ?? '')
        .join(),
    ).toContain(fault);
  });
});

describe('a build that the site pins', () => {
  const [older, newest] = ['2023-01-01 00:00:00', '2024-01-01 00:00:00'];
  const builds = [storedBuild('old', at(older)), storedBuild('new', at(newest))];
  const content = { builds, faulty: [], unread: 0 };
  const pinnedTo = (pin: string) => {
    const { subscriptions } = chooseNewest(supported, content, { 'CC-Ubuntu20.04': pin });
    return subscriptions.find(({ name }) => name === 'CC-Ubuntu20.04');
  };

  test('is chosen, and told what is newer', () => {
    expect(pinnedTo(older)).toMatchObject({ build: { id: 'old' }, pin: { newest: expect.stringContaining(newest) } });
    expect(pinnedTo(newest)).toMatchObject({ build: { id: 'new' }, pin: {} });
  });

  test('that the store does not have is no build, and an image of it is kept', () => {
    const gone = pinnedTo('2020-01-01 00:00:00');

    expect(gone?.build).toBeUndefined();
    expect(gone?.isBuiltFrom(siteImage({ properties: at('2020-01-01 00:00:00') }))).toBe(true);
    expect(gone?.isBuiltFrom(siteImage({ properties: at(newest) }))).toBe(false);
  });

  test('is not replaced by another that is requested by its id', () => {
    const requested = chooseNamed(['new'], supported, content, new Map(), { 'CC-Ubuntu20.04': older });

    expect(requested).toMatchObject([{ fault: `pins keeps it at ${older}, and object new is another release` }]);
  });
});
