// What Glance is asked about properties, and what its refusals mean.
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import {
  judgeProtections,
  probeImage,
  probesOf,
  protectedName,
} from '../../../modules/images/policy/check-properties.js';
import { siteImage } from './image-fixtures.js';

const owner = 'ours';
const image = (id: string, properties: Record<string, string>, more = {}) =>
  siteImage({ id, owner, properties, ...more });

describe('the image that Glance is asked with', () => {
  test.each([
    ['the managed one', [image('a', {}), image('b', { current: '1' })], 'b'],
    [
      'that with the fewest of the properties',
      [image('a', { current: '1', x: '1' }), image('b', { current: '1' })],
      'b',
    ],
    ['any of the project if none is managed', [image('a', {})], 'a'],
    ['none of another project', [image('a', {}, { owner: 'theirs' })], undefined],
    ['none without data', [image('a', {}, { status: 'queued' })], undefined],
  ])('is %s', (_, images, id) => {
    expect(probeImage(images, owner, ['x'])?.id).toBe(id);
  });
});

test('a change that took effect after all would leave each property that the image has as it is', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), fc.array(fc.string()), (properties, names) => {
      const probes = probesOf({ properties }, [...names, ...Object.keys(properties)]);

      for (const { op, attribute, value } of probes)
        expect(op === 'add' ? properties[attribute] : value).toBe(op === 'add' ? undefined : properties[attribute]);
      expect(new Set(probes.map(({ attribute }) => attribute)).size).toBe(probes.length);
    }),
  );
});

test('a property that must be the id of an image is asked about with one', () => {
  const asked = new Map(
    probesOf({ properties: {} }, ['kernel_id', 'x']).map((probe) => [probe.attribute, probe.value]),
  );

  expect(asked.get('kernel_id')).toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
  expect(asked.get('x')).toBe('no');
});

test.each([
  ["PATCH http://x answered 403: Attribute 'chameleon-supported' is reserved.", 'chameleon-supported'],
  ['PATCH http://x answered 403: You are not authorized to complete modify_image action.', undefined],
])('%s', (message, name) => {
  expect(protectedName(message)).toBe(name);
});

test.each([
  ['none', [], [undefined]],
  ['one that is to be created', [{ op: 'add', attribute: 'current', value: '' }], [['deploy']]],
  ['one that the image has already', [{ op: 'replace', attribute: 'current', value: '' }], [[]]],
  ['one that is to be reconciled', [{ op: 'replace', attribute: 'wished', value: '' }], [['deploy']]],
  ['the one that marks what was replaced', [{ op: 'replace', attribute: 'mark', value: '' }], [['deploy']]],
] as const)('refused: %s', (_, refused, fails) => {
  expect(
    judgeProtections(refused, { metadataField: 'mark', reconciled: new Set(['wished']) }).map(
      ({ fault }) => fault?.fails,
    ),
  ).toEqual(fails);
});
