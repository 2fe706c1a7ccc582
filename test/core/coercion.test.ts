import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { coerce } from '../../modules/core/coercion.js';
import { defineFields } from '../../modules/core/fields.js';

const fields = defineFields({
  text: { type: 'string', description: 'Some text.' },
  count: { type: 'integer', description: 'A number.' },
  share: { type: 'number', description: 'A number.' },
  force: { type: 'boolean', description: 'A switch.' },
  names: { type: 'list', aliases: ['name'], description: 'Some names.' },
  auth: { type: 'mapping', description: 'A login.', fields: { port: { type: 'integer', description: 'A port.' } } },
  headers: { type: 'mapping', description: 'Any keys.' },
  ports: {
    type: 'records',
    description: 'Some ports.',
    fields: { port: { type: 'integer', aliases: ['number'], description: 'A port.' } },
  },
});

describe('a value is converted to the type of its field', () => {
  test.each([
    ['text', 5, '5'],
    ['text', true, 'true'],
    ['text', ['a'], ['a']],
    ['count', '5', 5],
    ['count', ' -7 ', -7],
    ['count', '5.5', 5.5],
    ['count', '5 GB', '5 GB'],
    ['count', '', ''],
    ['count', true, true],
    ['share', '0.25', 0.25],
    ['share', '1e3', '1e3'],
    ['force', 'yes', true],
    ['force', 'On', true],
    ['force', 1, true],
    ['force', '0', false],
    ['force', 'No', false],
    ['force', 'perhaps', 'perhaps'],
    ['force', 2, 2],
    ['force', ['yes'], ['yes']],
    ['names', 'a, b ,c', ['a', 'b', 'c']],
    ['names', '', []],
    ['names', 7, ['7']],
    ['names', [1, 'b'], ['1', 'b']],
    ['names', [{ a: 1 }], [{ a: 1 }]],
    ['auth', { port: '80' }, { port: 80 }],
    ['auth', '{"port": "80"}', { port: 80 }],
    ['auth', '{broken', '{broken'],
    ['auth', 'port=80', 'port=80'],
    ['ports', [{ port: '80' }, { number: '81' }, 'x'], [{ port: 80 }, { port: 81 }, 'x']],
    ['ports', '[{"port": "80"}]', [{ port: 80 }]],
    ['ports', { port: '80' }, { port: '80' }],
    ['headers', { a: 1, b: true, c: [1] }, { a: '1', b: 'true', c: [1] }],
  ])('%s: %j becomes %j', (name, value, expected) => {
    expect(coerce(fields, { [name]: value })).toEqual({ [name]: expected });
  });

  test('null is absent', () => {
    expect(coerce(fields, { text: null, count: undefined, auth: { port: null } })).toEqual({ auth: {} });
  });

  test('an alias becomes the field', () => {
    expect(coerce(fields, { name: 'a' })).toEqual({ names: ['a'] });
  });

  test('the same option under two names is refused', () => {
    expect(() => coerce(fields, { name: 'a', names: 'b' })).toThrow(
      'name and names are the same option: give one of them',
    );
  });

  test('also in an element of a list', () => {
    expect(() => coerce(fields, { ports: [{}, { port: 1, number: 2 }] })).toThrow(
      'ports[1].port and ports[1].number are the same option: give one of them',
    );
  });

  test.each(['__proto__', 'constructor', 'toString'])('an unknown key %s is kept for the schema to refuse', (key) => {
    expect(Object.keys(coerce(fields, JSON.parse(`{"${key}": {"a": 1}}`) as Record<string, unknown>))).toEqual([key]);
  });
});

const anyArguments = fc.record(
  { text: fc.anything(), count: fc.anything(), force: fc.anything(), names: fc.jsonValue(), auth: fc.jsonValue() },
  { requiredKeys: [] },
);

test('doing it twice is the same as doing it once', () => {
  fc.assert(
    fc.property(anyArguments, (raw) => {
      const once = coerce(fields, raw);

      expect(coerce(fields, once)).toEqual(once);
    }),
  );
});

test('the input is not changed', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const raw = { auth: value, names: value };
      const before = structuredClone(raw);

      coerce(fields, raw);

      expect(raw).toEqual(before);
    }),
  );
});
