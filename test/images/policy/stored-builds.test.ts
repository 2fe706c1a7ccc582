import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { archiveName, parseName } from '../../../modules/images/policy/archive-names.js';
import { isImageOfBuild, newestOf, parseBuild } from '../../../modules/images/policy/stored-builds.js';
import { headersOf, storedBuild } from './build-fixtures.js';
import { siteImage } from './image-fixtures.js';

describe('the headers of an object', () => {
  test('give its identity, when it was built, and each build-* as a property', () => {
    const read = parseBuild('id', [
      ...headersOf({ 'Build-Cuda-Version': 'cuda11' }),
      ['X-Object-Meta-Owner', 'me'],
      ['X-Object-Meta-X-Sdk-Md5', 'abc'],
    ]);

    expect(read).toEqual({
      build: {
        ...{ id: 'id', diskFormat: 'qcow2', revision: '20230302', tag: 'CC-Ubuntu20.04-1677628504' },
        ...{ timestamp: '1677628504.897832', builtAt: new Date('2023-02-28T23:55:04.897Z') },
        identity: { distro: 'ubuntu', release: 'focal', variant: 'base', ipa: 'na' },
        properties: {
          ...{
            'build-distro': 'ubuntu',
            'build-release': 'focal',
            'build-variant': 'base',
            'build-ipa': 'na',
            'build-timestamp': '1677628504.897832',
          },
          ...{
            'build-os-base-image-revision': '20230302',
            'build-tag': 'CC-Ubuntu20.04-1677628504',
            'build-repo': 'https://github.com/ChameleonCloud/abracadabra',
          },
          'build-cuda-version': 'cuda11',
        },
      },
    });
  });

  test.each([
    ['false', 'na'],
    ['False', 'na'],
    ['na', 'na'],
    [undefined, 'na'],
    ['kernel', 'kernel'],
    ['initramfs', 'initramfs'],
  ])('say with build-ipa %s that it is %s', (given, ipa) => {
    expect(parseBuild('id', headersOf({ 'build-ipa': given }))).toMatchObject({ build: { identity: { ipa } } });
  });

  test.each(['build-distro', 'build-release', 'build-variant', 'build-timestamp'])(
    'without %s are of something else',
    (name) => {
      expect(parseBuild('id', headersOf({ [name]: undefined }))).toHaveProperty('foreign');
    },
  );

  test.each([
    ['build-timestamp', 'yesterday', 'its build-timestamp "yesterday" is not a time'],
    ['build-ipa', 'ramdisk', 'its build-ipa is "ramdisk"'],
    ['disk-format', undefined, 'it has no disk-format'],
    ['disk-format', 'vmdk', 'its disk-format is "vmdk"'],
  ])('with %s %s have a fault', (name, value, fault) => {
    expect(parseBuild('id', headersOf({ [name]: value }))).toMatchObject({
      faulty: { id: 'id', fault: expect.stringContaining(fault) },
    });
  });

  test('without a revision are accepted: later builds have none', () => {
    expect(parseBuild('id', headersOf({ 'build-os-base-image-revision': undefined }))).not.toHaveProperty(
      'build.revision',
    );
  });

  test('never give a property that is not build-*', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string())), (headers) => {
        const read = parseBuild('id', [
          ...headersOf(),
          ...headers.map(([name, value]): [string, string] => [`x-object-meta-${name}`, value]),
        ]);

        if ('build' in read)
          for (const [name, value] of Object.entries(read.build.properties))
            expect(`${name}=${value}`).toMatch(/^build-[\w.:-]+=[^\u0000-\u001f]+$/);
      }),
    );
  });
});

describe('the newest build', () => {
  test('is the latest, however the times are written', () => {
    const builds = [
      storedBuild('posix', { 'build-timestamp': '1677628504.897832' }),
      storedBuild('nine-digits', { 'build-timestamp': '999999999.5' }),
      storedBuild('written', { 'build-timestamp': '2023-03-02 10:00:00' }),
    ];

    expect(newestOf(builds)?.id).toBe('written');
  });

  test('of one instant is the one that was stored last', () => {
    const stored = (id: string, day: number) =>
      parseBuild(id, [...headersOf({}), ['Last-Modified', `Thu, 0${day} Jun 2023 10:00:00 GMT`]]);
    const builds = [stored('b', 1), stored('a', 1), stored('c', 8)].flatMap((read) =>
      'build' in read ? [read.build] : [],
    );

    expect(newestOf(builds)?.id).toBe('c');
    expect(newestOf(builds.slice(0, 2))?.id).toBe('a');
  });

  test('is the same whatever the order of the list', () => {
    const builds = fc.uniqueArray(
      fc.record({ id: fc.uuid(), seconds: fc.integer({ min: 1_600_000_000, max: 1_600_000_003 }) }),
      { selector: ({ id }) => id, minLength: 1 },
    );
    fc.assert(
      fc.property(builds, (given) => {
        const all = given.map(({ id, seconds }) => storedBuild(id, { 'build-timestamp': String(seconds) }));

        expect(newestOf([...all].reverse())).toEqual(newestOf(all));
        for (const build of all)
          expect(newestOf(all)?.builtAt.getTime()).toBeGreaterThanOrEqual(build.builtAt.getTime());
      }),
    );
  });
});

describe('an image of the site', () => {
  const build = storedBuild('id');
  const made = { ...build.properties };

  test.each([
    ['the same properties', {}, true],
    ['the moment in the other spelling', { 'build-timestamp': '2023-02-28 23:55:04.897832' }, true],
    ['false for na', { 'build-ipa': 'false' }, true],
    ['another moment', { 'build-timestamp': '1677628505.897832' }, false],
    ['no moment', { 'build-timestamp': '' }, false],
    ['another revision', { 'build-os-base-image-revision': '20230303' }, false],
    ['another variant', { 'build-variant': 'gpu' }, false],
    ['another half', { 'build-ipa': 'kernel' }, false],
  ])('with %s is made of the build: %s %s', (_, changes, expected) => {
    expect(isImageOfBuild({ properties: { ...made, ...changes } }, build)).toBe(expected);
  });

  test.each([
    ['a revision', {}, 'CC-Ubuntu22.04-20230302-1677628504.897832'],
    [
      'a revision with a dash',
      { 'build-os-base-image-revision': '20230124-1270' },
      'CC-Ubuntu22.04-20230124-1270-1677628504.897832',
    ],
    ['no revision', { 'build-os-base-image-revision': '' }, 'CC-Ubuntu22.04_1677628504.897832'],
    ['a release', { current: '20250422-v1' }, 'CC-Ubuntu22.04_1677628504.897832'],
  ])('with %s is archived under a name that the cleaner reads again', (_, changes, expected) => {
    const image = siteImage({ properties: { ...made, ...changes } });

    const name = archiveName(image, new Set());

    expect(name).toBe(expected);
    expect(archiveName(image, new Set([name]))).toBe(`${name}.2`);
    for (const archived of [name, `${name}.2`])
      expect(parseName({ ...image, name: archived }, new Set())).toEqual({
        productionName: 'CC-Ubuntu22.04',
        isArchive: true,
      });
  });
});
