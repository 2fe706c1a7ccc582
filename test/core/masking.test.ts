import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defineFields } from '../../modules/core/fields.js';
import { maskArguments, masked, secretsIn } from '../../modules/core/masking.js';
import { redact, redactAll } from '../../modules/core/redaction.js';

const fields = defineFields({
  cloud: { type: 'string', description: 'A name.' },
  token: { type: 'string', secret: true, aliases: ['auth_token'], description: 'A secret.' },
  auth: {
    type: 'mapping',
    description: 'A login.',
    fields: {
      username: { type: 'string', description: 'A name.' },
      password: { type: 'string', secret: true, description: 'A secret.' },
    },
  },
  properties: { type: 'mapping', description: 'Any keys.' },
  headers: { type: 'mapping', secret: true, description: 'Secret values of any keys.' },
  hosts: {
    type: 'records',
    description: 'Some logins.',
    fields: {
      host: { type: 'string', description: 'A host.' },
      password: { type: 'string', secret: true, description: 'A secret.' },
    },
  },
});

describe('arguments that are shown', () => {
  test.each([
    ['a plain one as it is', { cloud: 'a' }, { cloud: 'a' }],
    ['a secret masked', { token: 'x' }, { token: masked }],
    ['a secret under its alias masked', { auth_token: 'x' }, { auth_token: masked }],
    [
      'a nested secret masked',
      { auth: { username: 'u', password: 'x' } },
      { auth: { username: 'u', password: masked } },
    ],
    ['a mapping of secrets given as text masked', { auth: 'password=x' }, { auth: masked }],
    ['an unknown one masked', { tokn: 'x', constructor: 'x' }, { tokn: masked, constructor: masked }],
    [
      'a secret in an element of a list masked',
      { hosts: [{ host: 'h', password: 'x' }] },
      { hosts: [{ host: 'h', password: masked }] },
    ],
    ['what is no mapping among mappings with secrets masked', { hosts: ['password=x'] }, { hosts: [masked] }],
    ['free keys as they are', { properties: { a: 'b' } }, { properties: { a: 'b' } }],
  ])('have %s', (_, values, expected) => {
    expect(maskArguments(fields, values)).toEqual(expected);
  });
});

test('secrets are found nested and under aliases, the longest first', () => {
  expect(secretsIn(fields, { auth_token: 'ab', auth: { password: 'abcd', username: 'zzzzzz' }, cloud: 'c' })).toEqual([
    'abcd',
    'ab',
  ]);
});

test('secrets are found in lists, below a secret mapping, and in URLs', () => {
  const values = {
    hosts: [{ host: 'h', password: 'in-a-list' }],
    headers: { Authorization: 'below-a-mapping' },
    cloud: 'https://user:in-a-url@host/path',
  };

  expect(secretsIn(fields, values)).toEqual(['below-a-mapping', 'in-a-list', 'in-a-url']);
});

describe('a text', () => {
  test.each([
    ['has a secret replaced wherever it stands', 'xlong-secretx', ['long-secret'], 'x********x'],
    [
      'has a short secret replaced where it is a word',
      'http://p@host?password=p: p',
      ['p'],
      'http://********@host?password=********: ********',
    ],
    ['has a short one of signs replaced', 'a $.* b', ['$.*'], 'a ******** b'],
    [
      'has nothing left of a secret that holds another',
      'login abcd failed, ab too',
      ['abcd', 'ab'],
      'login ******** failed, ******** too',
    ],
  ])('%s', (_, text, secrets, expected) => {
    expect(redact(text, secrets)).toBe(expected);
  });

  test('that is nothing but a secret is replaced, of whatever characters it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (secret) => {
        expect(redact(secret, [secret])).toBe('********');
      }),
      { numRuns: 30 },
    );
  });
});

test('keys, numbers and null stay as they are', () => {
  expect(redactAll({ secret: 1, list: [null, true, 'a secret'] }, ['secret'])).toEqual({
    secret: 1,
    list: [null, true, 'a ********'],
  });
});

test('no text of any result holds a secret', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 8 }).filter((text) => !text.includes('*')),
      fc.jsonValue(),
      fc.string(),
      (secret, value, around) => {
        const result = redactAll({ value, message: `${around}${secret}${around}` }, [secret]);

        const texts: string[] = [];
        JSON.stringify(result, (_, inner: unknown) => (typeof inner === 'string' && texts.push(inner), inner));
        expect(texts.filter((text) => text.includes(secret))).toEqual([]);
      },
    ),
  );
});

describe('a mapping of anything', () => {
  const anything = defineFields({ driver_info: { type: 'object', description: 'Anything at all.' } });
  const given = {
    driver_info: {
      ipmi_address: 'x',
      ipmi_password: 'hunter2 hunter2',
      deep: { snmp_auth_key: 'k3y', list: [{ token: 7 }] },
      deploy_secret: null,
    },
  };

  test('has secrets masked by their keys, at any depth', () => {
    expect(maskArguments(anything, given)).toEqual({
      driver_info: {
        ipmi_address: 'x',
        ipmi_password: masked,
        deep: { snmp_auth_key: masked, list: [{ token: masked }] },
        deploy_secret: null,
      },
    });
  });

  test('lists its secrets', () => {
    expect(secretsIn(anything, given)).toEqual(['hunter2 hunter2', 'k3y', '7']);
  });
});
