import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { markers } from '../../../modules/images/policy/site-image.js';
import {
  conflictingNames,
  differencesBetween,
  changeObstacle,
  parseAssignments,
  quote,
  propertyRefusal,
  type DesiredProperties,
} from '../../../modules/images/policy/image-properties.js';

const id = '3e0e2b1c-7a1e-4c58-9b52-0d4a5f6c7d8e';
const desired = (entries: Readonly<Record<string, string | undefined>>): DesiredProperties =>
  new Map(Object.entries(entries));

describe('what differs', () => {
  test.each<[string, Record<string, string>, Record<string, string | undefined>, object[]]>([
    ['nothing where all is as wished', { a: '1', b: '2' }, { a: '1', c: undefined }, []],
    ['a value', { a: '1' }, { a: '2' }, [{ name: 'a', before: '1', after: '2' }]],
    ['a property that is missing', {}, { a: '' }, [{ name: 'a', after: '' }]],
    ['a property that is to be gone', { a: '' }, { a: undefined }, [{ name: 'a', before: '' }]],
    ['case', { a: 'No' }, { a: 'no' }, [{ name: 'a', before: 'No', after: 'no' }]],
    ['what only every object has', {}, { constructor: undefined, toString: 'x' }, [{ name: 'toString', after: 'x' }]],
  ])('is %s', (_, present, wanted, expected) => {
    expect(differencesBetween(present, desired(wanted))).toEqual(expected);
  });

  test('is nothing once it was applied, and touches no other property', () => {
    const name = fc.string({ minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.string()),
        fc.array(fc.tuple(name, fc.option(fc.string(), { nil: undefined }))),
        (present, entries) => {
          const wanted: DesiredProperties = new Map(entries);
          const after = new Map(Object.entries(present));
          for (const difference of differencesBetween(present, wanted)) {
            if (difference.after === undefined) after.delete(difference.name);
            else after.set(difference.name, difference.after);
          }

          expect(differencesBetween(Object.fromEntries(after), wanted)).toEqual([]);
          expect([...after].filter(([key]) => !wanted.has(key))).toEqual(
            Object.entries(present).filter(([key]) => !wanted.has(key)),
          );
        },
      ),
    );
  });
});

test('two requests conflict if they give one property different values, or set and remove it', () => {
  const one = desired({ a: '1', b: '2', c: undefined, d: undefined });

  expect(conflictingNames(one, desired({ a: '1', b: '3', c: 'x', d: undefined, e: '5' }))).toEqual(['b', 'c']);
});

test.each([
  ['active', true],
  ['queued', true],
  ['deactivated', true],
  ['saving', false],
  ['uploading', false],
  ['importing', false],
])('an image that is %s can be changed: %s', (status, expected) => {
  expect(changeObstacle(status) === undefined).toBe(expected);
});

describe('a property', () => {
  test.each([
    'chameleon-supported',
    'current',
    'build-timestamp',
    'image_type',
    'hw:mem_page_size',
    'a/b~c',
    'os_distro',
    'Ünïcode',
    'x'.repeat(255),
  ])('%s may be set', (name) => {
    expect(propertyRefusal(name)).toBeUndefined();
  });

  test.each([
    ['visibility', 'an attribute of Glance'],
    ['MIN_DISK', 'an attribute of Glance'],
    ['deleted_at', 'an attribute of Glance'],
    ['image_tools_new', 'by this marker'],
    ['Image_Tools_Id', 'by this marker'],
    ['os_glance_import_task', 'Glance reserves'],
    ['', 'needs a name'],
    [' current', 'a space'],
    ['x'.repeat(256), 'longer than 255'],
    ['a\tb', 'control characters'],
    ...Object.values(markers).map((name) => [name, 'by this marker']),
  ])('%j may not be set', (name, why) => {
    expect(propertyRefusal(name)).toContain(why);
  });
});

describe('lines of UUID:value', () => {
  test('are read without comments, blank lines and the spaces around id and value', () => {
    const text =
      `\uFEFF# a comment\r\n\r\n  ${id}: no \r\n${id.toUpperCase()}:2025-04-22 15:30:45 # kept\n   # another\n` +
      `${id}:a:`;

    expect(parseAssignments(text)).toEqual({
      assignments: [
        { line: 3, id, value: 'no' },
        { line: 4, id: id.toUpperCase(), value: '2025-04-22 15:30:45 # kept' },
        { line: 6, id, value: 'a:' },
      ],
      faults: [],
    });
  });

  test('that cannot be read are each reported, with their number', () => {
    const text = [id, 'CC-Ubuntu22.04:no', `${id}:`, `${id}:a\tb`, ':no', `${id}0:no`, `${id}:yes`].join('\n');

    const { assignments, faults } = parseAssignments(text);

    expect(assignments).toEqual([{ line: 7, id, value: 'yes' }]);
    expect(faults).toEqual([
      { line: 1, text: `"${id}" has no colon: each line must be UUID:value` },
      { line: 2, text: '"CC-Ubuntu22.04" is not the id of an image: each line must be UUID:value' },
      { line: 3, text: `no value is given for image ${id}: each line must be UUID:value` },
      { line: 4, text: `the value for image ${id} contains control characters: each line must be UUID:value` },
      { line: 5, text: '"" is not the id of an image: each line must be UUID:value' },
      { line: 6, text: `"${id}0" is not the id of an image: each line must be UUID:value` },
    ]);
  });

  test('give back every value that has no control characters or outer spaces', () => {
    const value = fc
      .string({ minLength: 1 })
      .filter((text) => text === text.trim() && !/[\u0000-\u001f\u007f-\u009f]/.test(text));
    fc.assert(
      fc.property(value, (text) => {
        expect(parseAssignments(`${id}:${text}`)).toEqual({ assignments: [{ line: 1, id, value: text }], faults: [] });
      }),
    );
  });
});

test('a text in a message is quoted, and shortened if it is long', () => {
  expect(quote('a"\n')).toBe('"a\\"\\n"');
  expect(quote('x'.repeat(1000))).toHaveLength(79);
});
