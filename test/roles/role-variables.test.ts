// A variable of the role is in three files, which are generated from one; these tests hold what
// sites rely on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const role = join(process.cwd(), 'roles/chameleon_image_tools');
const read = (path: string): string => readFileSync(path, 'utf8');

interface Option {
  readonly type: string;
  readonly description: string;
  readonly default: unknown;
  readonly choices?: readonly unknown[];
  readonly no_log?: boolean;
}

const defaults = parse(read(join(role, 'defaults/main.yml'))) as Record<string, unknown>;
const forSites = parse(read(join(process.cwd(), 'defaults.yml'))) as Record<string, unknown>;
const { options } = (
  parse(read(join(role, 'meta/argument_specs.yml'))) as {
    argument_specs: { main: { options: Record<string, Option> } };
  }
).argument_specs.main;
const privates = parse(read(join(role, 'vars/main.yml'))) as Record<string, unknown>;

/** The variables that sites have had before there was the role. */
const namesOfOld = [
  'enable_image_deployer',
  'enable_image_cleaner',
  'hide_image_age_in_month',
  'delete_image_age_in_month',
];

test('the specification has the variables of the defaults, in their order and with their values', () => {
  const specified = Object.entries(options).map(([name, option]) => [name, option.default]);

  expect(specified).toEqual(Object.entries(defaults));
});

test('defaults.yml has the variables of the role, in their order and with their values', () => {
  expect(Object.entries(forSites)).toEqual(Object.entries(defaults));
});

test.each(Object.entries(options))('%s has a type that its default is of, and a sentence', (_, option) => {
  const types: Record<string, string> = {
    boolean: 'bool',
    number: 'int',
    string: 'str',
    object: Array.isArray(option.default) ? 'list' : 'dict',
  };

  expect(option.type).toBe(types[typeof option.default]);
  expect(option.description).toMatch(/^[A-Z`].*\.$/);
  if (option.choices && !String(option.default).includes('{{'))
    expect(option.choices).toEqual(expect.arrayContaining([option.default].flat()));
});

test('what is secret is not logged', () => {
  const secrets = Object.keys(options).filter((name) => /password|secret/.test(name));

  expect(secrets.filter((name) => options[name]?.no_log !== true)).toEqual([]);
});

test('variables have the name of the role as prefix, private ones with an underscore', () => {
  const foreign = Object.keys(defaults).filter(
    (name) => !name.startsWith('chameleon_image_tools_') && !namesOfOld.includes(name),
  );

  expect(foreign).toEqual([]);
  expect(Object.keys(privates).filter((name) => !name.startsWith('_chameleon_image_tools_'))).toEqual([]);
});

test('each default has a comment, by itself or with the variables next to it', () => {
  const blocks = read(join(process.cwd(), 'defaults.yml')).split(/\n\n/).slice(1);

  for (const block of blocks) expect(block.trim()).toMatch(/^#/);
});
