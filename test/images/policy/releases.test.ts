import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { imageId } from '../../../modules/images/policy/new-image.js';
import { parseCatalogue, parseManifest } from '../../../modules/images/policy/releases.js';
import { parseBuildTimestamp } from '../../../modules/images/policy/dates.js';

describe('a catalogue', () => {
  test('lists its entries by name', () => {
    const entries = parseCatalogue(
      { 'CC-Ubuntu24.04': '20250422-v1-amd', 'CC-CentOS9-Stream': '20250422-v1-centos' },
      'http://store/current',
    );

    expect(entries).toEqual([
      { name: 'CC-CentOS9-Stream', release: '20250422-v1-centos' },
      { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd' },
    ]);
  });

  test.each([
    ['a list', []],
    ['null', null],
    ['a string', '<html>'],
    ['a number', 5],
  ])('that is %s is refused as a whole', (kind, document) => {
    expect(() => parseCatalogue(document, 'http://store/current')).toThrow(
      `the catalogue http://store/current is ${kind}`,
    );
  });

  test.each([
    ['a path', '../../etc/passwd', '20250422-v1'],
    ['control characters', 'CC-\u001b[31mUbuntu', '20250422-v1'],
    ['nothing', '', '20250422-v1'],
    ['300 letters', 'C'.repeat(300), '20250422-v1'],
    ['a path for its release', 'CC-Ubuntu22.04', '../20250422-v1'],
    ['a newline in its release', 'CC-Ubuntu22.04', '20250422-v1\n'],
    ['a number for its release', 'CC-Ubuntu22.04', 20250422],
    ['a null release', 'CC-Ubuntu22.04', null],
    ['a nested release', 'CC-Ubuntu22.04', { release: '1' }],
    [
      'a release that is nested without end',
      'CC-Ubuntu22.04',
      JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`),
    ],
  ])('keeps the fault of an entry with %s to that entry', (_, name, release) => {
    const entries = parseCatalogue({ [name]: release, 'CC-Good': '20250422-v1' }, 'http://store/current');

    expect(entries).toHaveLength(2);
    expect(entries.filter(({ fault }) => fault === undefined)).toEqual([{ name: 'CC-Good', release: '20250422-v1' }]);
    for (const entry of entries) expect(Object.values(entry).join('')).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe('a manifest', () => {
  test('passes all its properties on as text', () => {
    const manifest = parseManifest(
      { 'build-distro': 'ubuntu', 'build-ipa': false, something_new: 7 },
      'http://store/m',
    );

    expect(manifest).toEqual({
      properties: { 'build-distro': 'ubuntu', 'build-ipa': 'false', something_new: '7' },
      ignored: [],
      meaningful: [],
    });
  });

  test.each([
    'id',
    'name',
    'owner',
    'status',
    'visibility',
    'protected',
    'checksum',
    'size',
    'os_hidden',
    'os_hash_value',
    'min_disk',
    'tags',
    'locations',
    'Visibility',
    'current',
    'image_tools_id',
    'image_tools_replaces',
    'os_glance_import_task',
    'owner_specified.openstack.md5',
    '__proto__',
    'with/slash',
    'with space',
    '',
  ])('cannot set %p', (key) => {
    const manifest = parseManifest(
      JSON.parse(JSON.stringify({ good: 'yes' }).replace('{', `{${JSON.stringify(key)}:"evil",`)),
      'http://store/m',
    );

    expect(manifest.properties).toEqual({ good: 'yes' });
    expect(manifest.ignored).toEqual([key]);
  });

  test('cannot set what a service acts on, unless the site allows it', () => {
    const document = { hw_firmware_type: 'uefi', image_type: 'snapshot', os_distro: 'ubuntu' };

    expect(parseManifest(document, 'http://store/m')).toEqual({
      properties: { os_distro: 'ubuntu' },
      ignored: [],
      meaningful: ['hw_firmware_type', 'image_type'],
    });
    expect(parseManifest(document, 'http://store/m', ['hw_*', 'image_*'])).toMatchObject({
      properties: { os_distro: 'ubuntu', hw_firmware_type: 'uefi' },
      meaningful: ['image_type'],
    });
  });

  test.each([[{ nested: true }], [['a']], [null], ['a\u0000b'], ['x'.repeat(5000)]])(
    'cannot set a value like %j',
    (value) => {
      expect(parseManifest({ key: value }, 'http://store/m').ignored).toEqual(['key']);
    },
  );

  test('that is HTML is refused', () => {
    expect(() => parseManifest('<html>', 'http://store/m')).toThrow('the manifest http://store/m is a string');
  });

  test('never yields a reserved property', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (document) => {
        const { properties } = parseManifest(document, 'http://store/m');

        for (const [key, value] of Object.entries(properties)) {
          expect(key).not.toMatch(/^(id|name|owner|status|visibility|image_tools_.*)$/i);
          expect(typeof value).toBe('string');
        }
      }),
    );
  });
});

test.each([
  ['2025-04-22 15:30:45.123456', '2025-04-22T15:30:45.123Z'],
  ['2025-04-22 15:30:45', '2025-04-22T15:30:45.000Z'],
  ['1677628504.897832', '2023-02-28T23:55:04.897Z'],
  ['1677628504', '2023-02-28T23:55:04.000Z'],
  ['1677628504.123', '2023-02-28T23:55:04.123Z'],
])('the build timestamp %s is %s', (text, moment) => {
  expect(parseBuildTimestamp(text)?.toISOString()).toBe(moment);
});

test.each([undefined, '', 'yesterday', '2025-13-45 99:99:99', '2025-04-22'])(
  'the build timestamp %p is unknown',
  (text) => {
    expect(parseBuildTimestamp(text)).toBeUndefined();
  },
);

test('the id of an image is the same everywhere, and differs by project, name, release and attempt', () => {
  const image = { project: 'a1', name: 'CC-Ubuntu22.04', release: '20250422-v1', attempt: 0 };
  const others = [{ project: 'a2' }, { name: 'CC-Ubuntu24.04' }, { release: '20250601-v1' }, { attempt: 1 }].map(
    (change) => imageId({ ...image, ...change }),
  );

  expect(imageId(image)).toBe('ad878758-b211-5ab6-9d32-b687378ec4bc');
  expect(new Set([...others, imageId(image)]).size).toBe(5);
  for (const id of others) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
