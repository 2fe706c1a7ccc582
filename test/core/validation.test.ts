import { Ajv } from 'ajv';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InputError } from '../../modules/core/errors.js';
import { defineFields } from '../../modules/core/fields.js';
import { schemaOf } from '../../modules/core/schema.js';
import { assertValid, nearest, withDefaults } from '../../modules/core/validation.js';
import { ajvOptions } from '../../scripts/validators.js';

const fields = defineFields({
  image_type: { type: 'string', choices: ['qcow2', 'raw'], default: 'qcow2', description: 'The format.' },
  scope: { type: 'string', pattern: { regex: '^[a-z]+$', meaning: 'small letters' }, description: 'The scope.' },
  lock_dir: { type: 'path', description: 'A folder.' },
  attempts: { type: 'integer', minimum: 1, description: 'A number.' },
  files: {
    type: 'records',
    description: 'Some files.',
    fields: {
      dest: { type: 'path', required: true, description: 'A path.' },
      mode: { type: 'string', pattern: { regex: '^0[0-7]{3}$', meaning: 'octal digits' }, description: 'A mode.' },
      kernel: {
        type: 'mapping',
        description: 'A kernel.',
        fields: { url: { type: 'string', required: true, description: 'A URL.' } },
      },
    },
  },
  share: { type: 'number', maximum: 2, description: 'A number.' },
  images: { type: 'list', description: 'Some names.' },
  states: { type: 'list', choices: ['on', 'off'], description: 'Some states.' },
  auth: {
    type: 'mapping',
    description: 'A login.',
    fields: {
      username: { type: 'string', required: true, description: 'A name.' },
      password: { type: 'string', secret: true, description: 'A secret.' },
    },
  },
  properties: { type: 'mapping', description: 'Any keys.' },
});
const validate = new Ajv(ajvOptions).compile(schemaOf(fields));
const check = (values: unknown, origins?: ReadonlyMap<string, string>): void =>
  assertValid(values as Record<string, unknown>, {
    name: 'image_deploy',
    fields,
    validate,
    ...(origins ? { origins } : {}),
  });

describe('a message names the field, the value and what is allowed', () => {
  test.each([
    [{ image_type: 'vmdk' }, 'image_type: "vmdk" is not allowed; allowed: qcow2, raw'],
    [{ scope: 'PROD' }, 'scope: "PROD" is not allowed; it must be small letters'],
    [{ lock_dir: '' }, 'lock_dir: "" is not allowed; it must not be empty'],
    [{ lock_dir: 'a\u0000' }, 'lock_dir: "a\\u0000" is not allowed; it must not contain control characters'],
    [{ attempts: 0 }, 'attempts: 0 is out of range; allowed: 1 or more'],
    [{ attempts: 1.5 }, 'attempts: 1.5 is of the wrong type; it must be a whole number'],
    [{ share: 3 }, 'share: 3 is out of range; allowed: at most 2'],
    [{ images: ['ok', ''] }, 'images[1]: "" is not allowed; it must not be empty'],
    [{ states: ['on', 'in'] }, 'states[1]: "in" is not allowed; allowed: on, off'],
    [{ auth: {} }, 'auth.username is required'],
    [{ files: [{ dest: '/a' }, {}] }, 'files[1].dest is required'],
    [{ files: [{ dest: '/a', mode: '644' }] }, 'files[0].mode: "644" is not allowed; it must be octal digits'],
    [
      { files: [{ dest: '/a', dst: 'b' }] },
      'files[0].dst is not an option of image_deploy; did you mean files[0].dest?',
    ],
    [{ files: [{ dest: '/a', kernel: {} }] }, 'files[0].kernel.url is required'],
    [{ files: ['/a'] }, 'files[0]: "/a" is of the wrong type; it must be a mapping'],
    [{ files: { dest: '/a' } }, 'files: {"dest":"/a"} is of the wrong type; it must be a list'],
    [{ auth: { username: 'u', password: 7 } }, 'auth.password: the value given is of the wrong type; it must be text'],
    [{ auth: 'password=x' }, 'auth: the value given is of the wrong type; it must be a mapping'],
    [
      { auth: { usrname: 'u', username: 'u' } },
      'auth.usrname is not an option of image_deploy; did you mean auth.username?',
    ],
    [{ image_typ: 'raw' }, 'image_typ is not an option of image_deploy; did you mean image_type?'],
    [{ 'qqq zzz': 1 }, /^"qqq zzz" is not an option of image_deploy; allowed: attempts, auth, files, image_type/],
    [{ properties: { a: {} } }, /^properties.*: \{\} is of the wrong type; it must be text$/],
  ])('%j', (values, message) => {
    expect(() => check(values)).toThrow(message instanceof RegExp ? message : new InputError(message));
  });

  test('and the file that gave it', () => {
    expect(() => check({ scope: 'PROD' }, new Map([['scope', 'scope (from /etc/site.yaml)']]))).toThrow(
      'scope (from /etc/site.yaml): "PROD" is not allowed; it must be small letters',
    );
  });

  test('and is short, however long the value', () => {
    expect(() => check({ scope: 'X'.repeat(10_000) })).toThrow(/^scope: "X{76}… is not allowed/);
  });
});

test('whatever is given is accepted or refused with INVALID_INPUT', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...Object.keys(fields))), fc.jsonValue()),
      (values) => {
        try {
          check(values);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          expect((error as InputError).message).not.toContain('undefined');
        }
      },
    ),
  );
});

test('defaults fill only what is absent', () => {
  expect(withDefaults(fields, { scope: 'prod' })).toEqual({ scope: 'prod', image_type: 'qcow2' });
  expect(withDefaults(fields, { image_type: 'raw' })).toEqual({ image_type: 'raw' });
});

describe('the nearest name', () => {
  test.each([
    ['clod', 'cloud'],
    ['Cloud', 'cloud'],
    ['site_yml', 'site_yaml'],
    ['image', 'images'],
    ['qqq', undefined],
  ])('of %s is %s', (word, expected) => {
    expect(nearest(word, ['cloud', 'site_yaml', 'images', 'scope'])).toBe(expected);
  });

  test('of an empty text is undefined', () => {
    expect(nearest('cloud', [])).toBeUndefined();
  });
});
