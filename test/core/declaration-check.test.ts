import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { writeSidecar } from '../../modules/ansible/documentation.js';
import { checkDeclaration } from '../../modules/core/declaration-check.js';
import type { Declaration } from '../../modules/core/operation.js';
import { reservedKeys } from '../../modules/runtime/result.js';
import { loadDeclarations } from '../../scripts/declarations.js';

const complete: Declaration = {
  name: 'image_info',
  command: 'info',
  versionAdded: '0.1.0',
  summary: 'List what is there',
  description: ['Lists what is there.'],
  writes: false,
  seeAlso: ['image_deploy'],
  fields: { cloud: { type: 'string', description: 'Name of the cloud.' } },
  returns: { images: { description: 'The images.', type: 'list', returned: 'always' } },
  examples: [{ title: 'List all', arguments: { cloud: 'one' } }],
};

const withField = (name: string, field: unknown): Declaration => ({
  ...complete,
  fields: { ...complete.fields, [name]: field } as Declaration['fields'],
});

test('a complete declaration passes', () => {
  expect(() => checkDeclaration(complete, reservedKeys)).not.toThrow();
});

test('every declaration of this project passes', async () => {
  const declarations = await loadDeclarations();

  expect(declarations.length).toBeGreaterThan(0);
  for (const declaration of declarations) expect(() => checkDeclaration(declaration, reservedKeys)).not.toThrow();
});

describe('an incomplete declaration is refused', () => {
  test.each([
    ['no description', withField('a', { type: 'string', description: '' }), 'a: has no description'],
    [
      'no full stop',
      withField('a', { type: 'string', description: 'Some text' }),
      'a: its description must end with a full stop',
    ],
    ['one word', withField('a', { type: 'string', description: 'Text.' }), 'a: one word is not a description'],
    [
      'a version that is none',
      withField('a', { type: 'string', versionAdded: 'next', description: 'Some text.' }),
      'a: versionAdded: must be a release such as 1.2.0',
    ],
    [
      'camel case',
      withField('imageType', { type: 'string', description: 'Some text.' }),
      'imageType: must be snake_case',
    ],
    [
      'a default that is no choice',
      withField('a', { type: 'string', choices: ['x'], default: 'y', description: 'Some text.' }),
      'a: its own schema refuses the default',
    ],
    [
      'a default out of range',
      withField('a', { type: 'integer', minimum: 2, default: 1, description: 'A number.' }),
      'a: its own schema refuses the default',
    ],
    [
      'a pattern that is none',
      withField('a', { type: 'string', pattern: { regex: '(', meaning: 'x' }, description: 'Some text.' }),
      'a: its schema does not compile',
    ],
    [
      'a password in the open',
      withField('admin_password', { type: 'string', description: 'Some text.' }),
      'admin_password: must be marked secret',
    ],
    [
      'a secret with a default',
      withField('a', { type: 'string', secret: true, default: 'x', description: 'Some text.' }),
      'a: a secret has no default',
    ],
    [
      'required with a default',
      withField('a', { type: 'string', required: true, default: 'x', description: 'Some text.' }),
      'a: a required field has no default',
    ],
    [
      'two fields of a name',
      withField('a', { type: 'string', aliases: ['cloud'], description: 'Some text.' }),
      'cloud: two fields have this name',
    ],
    [
      'a nested default',
      withField('a', {
        type: 'mapping',
        description: 'A mapping.',
        fields: { b: { type: 'integer', default: 1, description: 'A number.' } },
      }),
      'a.b: defaults of nested fields are not applied',
    ],
    [
      'an example with an unknown field',
      { ...complete, examples: [{ title: 'x', arguments: { clod: 'a' } }] },
      'example "x": clod is not a field',
    ],
    [
      'an example that would be refused',
      { ...complete, examples: [{ title: 'x', arguments: { cloud: 5 } }] },
      'example "x": /cloud must be string',
    ],
    ['no examples', { ...complete, examples: [] }, 'examples: are missing'],
    [
      'a result without description',
      { ...complete, returns: { images: { description: '', type: 'list', returned: 'always' } as const } },
      'returns.images: has no description',
    ],
    [
      'a result with a name that is taken',
      { ...complete, returns: { msg: { description: 'Text.', type: 'str', returned: 'always' } as const } },
      'returns.msg: the name is taken',
    ],
  ])('%s', (_, declaration, message) => {
    expect(() => checkDeclaration(declaration, reservedKeys)).toThrow(message);
  });

  test('with all its faults at once', () => {
    expect(() => checkDeclaration({ ...complete, summary: 'x', examples: [] })).toThrow(/summary: .*\n.*examples: /s);
  });
});

test('ansible-doc says of a module, and of each option that came later, in which release it came', () => {
  const sidecar = writeSidecar(
    withField('later', { type: 'string', versionAdded: '0.2.0', description: 'Some text.' }),
  );

  expect(parse(sidecar).DOCUMENTATION).toMatchObject({
    version_added: '0.1.0',
    options: {
      later: { version_added: '0.2.0' },
      cloud: expect.not.objectContaining({ version_added: expect.anything() }),
    },
  });
});
