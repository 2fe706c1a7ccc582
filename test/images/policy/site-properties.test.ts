import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  parseSiteProperties,
  sitePropertiesOf,
  unmatchedSiteProperties,
  withDesired,
} from '../../../modules/images/policy/site-properties.js';

/** What an image gets. */
function propertiesOf(
  name: string,
  option: Readonly<Record<string, unknown>>,
  catalogue: Readonly<Record<string, string>> = {},
) {
  return withDesired(catalogue, sitePropertiesOf(name, parseSiteProperties(option)));
}

test.each<[string, Record<string, unknown>, Record<string, string>]>([
  ['nothing', {}, { os_distro: 'ubuntu' }],
  ['a pattern', { 'CC-*': { hw_disk_bus: 'scsi' } }, { os_distro: 'ubuntu', hw_disk_bus: 'scsi' }],
  ['a pattern of others', { 'CC-Debian*': { hw_disk_bus: 'scsi' } }, { os_distro: 'ubuntu' }],
  ['the same property', { 'CC-*': { os_distro: 'debian' } }, { os_distro: 'debian' }],
  ['the same in another spelling', { 'CC-*': { OS_distro: 'debian' } }, { OS_distro: 'debian' }],
  [
    'two patterns, the second counts',
    { 'CC-*': { x: 'first' }, '*22*': { x: 'second' } },
    { os_distro: 'ubuntu', x: 'second' },
  ],
  [
    'the name first, it counts all the same',
    { 'CC-Ubuntu22.04': { x: 'own' }, 'CC-*': { x: 'all', y: 'all' } },
    { os_distro: 'ubuntu', x: 'own', y: 'all' },
  ],
  [
    'numbers and booleans',
    { '*': { a: 22.04, b: true, c: '' } },
    { os_distro: 'ubuntu', a: '22.04', b: 'true', c: '' },
  ],
  ['null', { '*': { os_distro: null } }, {}],
  ['null, and a value by name', { '*': { os_distro: null }, 'CC-Ubuntu22.04': { os_distro: 'x' } }, { os_distro: 'x' }],
])('%s', (_, option, expected) => {
  expect(propertiesOf('CC-Ubuntu22.04', option, { os_distro: 'ubuntu' })).toEqual(expected);
});

test('a name with brackets is matched as it is written', () => {
  expect(propertiesOf('Debian 12 [daily]', { 'Debian 12 [daily]': { x: 'y' } })).toEqual({ x: 'y' });
});

describe('is refused', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ 'CC-*': 'scsi' }, '"CC-*" must be followed by a mapping of properties to values'],
    [{ 'CC-*': ['x'] }, '"CC-*" must be followed by a mapping'],
    [{ '': { x: 'y' } }, 'a name or a pattern is empty'],
    [{ '*': { min_ram: 512 } }, '"min_ram" of "*" cannot be set: it is an attribute of Glance'],
    [{ '*': { Visibility: 'public' } }, 'it is an attribute of Glance'],
    [{ '*': { image_tools_id: 'x' } }, 'identify their images by this marker'],
    [{ '*': { os_glance_x: 'x' } }, 'Glance reserves such names'],
    [{ '*': { kernel_id: 'x' } }, 'refers to resources of the site'],
    [{ '*': { cinder_encryption_key_id: 'x' } }, 'refers to resources of the site'],
    [{ '*': { image_type: 'snapshot' } }, 'refers to resources of the site'],
    [{ '*': { current: 'x' } }, 'reserved by Glance or these tools'],
    [{ '*': { 'build-timestamp': 'x' } }, 'the build of an image is identified by it'],
    [{ '*': { x: ['y'] } }, '"x" of "*" cannot be set: its value must be text, a number, true or false, or null'],
    [{ '*': { x: {} } }, 'its value must be text'],
    [{ '*': { x: 'a\nb' } }, 'control characters'],
    [{ '*': { x: 'x'.repeat(5000) } }, 'longer than 4096'],
    [{ '*': { x: 'a', X: 'b' } }, '"X" of "*" is given twice, in different spellings'],
    [{ '*': { '': 'x' } }, 'a property needs a name'],
  ])('%j', (option, message) => {
    expect(() => parseSiteProperties(option)).toThrow(message);
  });

  test('with all faults at once', () => {
    expect(() => parseSiteProperties({ 'CC-*': { owner: 'x', ok: 'y' }, Debian: { status: 'x' } })).toThrow(
      /^properties: "owner" of "CC-\*" .*; "status" of "Debian" .*/,
    );
  });
});

test('names and patterns that no image has are reported, with the nearest name', () => {
  const site = parseSiteProperties({ 'CC-*': {}, 'CC-Debian*': {}, 'CC-Ubunto22.04': {}, 'Debian 12 (ARN)': {} });

  expect(unmatchedSiteProperties(site, ['CC-Ubuntu22.04', 'Debian 12 (ARM)'])).toEqual([
    'properties: no image of the catalogue matches CC-Debian*',
    'properties: no image of the catalogue matches CC-Ubunto22.04; did you mean CC-Ubuntu22.04?',
    'properties: no image of the catalogue matches Debian 12 (ARN); did you mean Debian 12 (ARM)?',
  ]);
});

test('what the exact name says always counts, and a second look changes nothing', () => {
  const values = fc.dictionary(
    fc.constantFrom('a', 'B', 'b', 'hw_x'),
    fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 3 })),
    { maxKeys: 2 },
  );
  fc.assert(
    fc.property(
      values,
      values,
      fc.dictionary(fc.constantFrom('a', 'hw_x', 'kept'), fc.constantFrom('1', '2')),
      (all, own, catalogue) => {
        fc.pre([all, own].every((each) => !('b' in each && 'B' in each)));
        const desired = sitePropertiesOf('name', parseSiteProperties({ name: own, 'n*': all }));

        const once = withDesired(catalogue, desired);

        for (const [key, value] of Object.entries(own)) expect(once[key]).toBe(value ?? undefined);
        expect(withDesired(once, desired)).toEqual(once);
        if ('kept' in catalogue) expect(once.kept).toBe(catalogue.kept);
      },
    ),
  );
});
