// The documentation of a module, which `ansible-doc` prints: made from the declaration when the
// project is built.
import { stringify } from 'yaml';
import { fieldsBelow, rangeOf, type Field, type Fields } from '../core/fields.js';
import { handbookUrl } from '../runtime/pages.js';
import type { Declaration, Example, Page, ReturnField } from '../core/operation.js';
import { plainMarkup, semanticMarkup, wholeModule, type Collection, type Markup, type Place } from './markup.js';

/** The text of `<module>.yml`, beside a module that Ansible finds by its path. */
export function writeSidecar(declaration: Declaration): string {
  return yamlText(documentsOf(declaration));
}

/**
 * The text of `<module>.py`, which contains the documents of a module of the collection and nothing
 * else.
 */
export function writeStub(declaration: Declaration, collection: Collection): string {
  const documents = Object.entries(documentsOf(declaration, collection)).map(([name, document]) => {
    const text = typeof document === 'string' ? document : yamlText(document);
    if (text.includes("'''")) throw new Error(`${declaration.name}: ${name} cannot be quoted in Python`);
    return `${name} = r'''\n---\n${text}'''\n`;
  });
  return [
    '#!/usr/bin/python\n# SPDX-License-Identifier: Apache-2.0\n',
    `# The documents alone, for Galaxy and ansible-doc. The module itself is ${declaration.name}.mjs.\n`,
    ...documents.map((text) => `\n${text}`),
  ].join('');
}

/** The examples as tasks, with `prefix` before the name of the module. */
export function examplesOf(declaration: Declaration, prefix = ''): string {
  return declaration.examples.map((example) => yamlText([taskOf(`${prefix}${declaration.name}`, example)])).join('\n');
}

function documentsOf(declaration: Declaration, collection?: Collection): Record<string, string | object> {
  const markup = collection ? semanticMarkup(declaration, collection) : plainMarkup;
  return {
    DOCUMENTATION: documentationOf(declaration, markup, collection),
    EXAMPLES: examplesOf(declaration, collection ? `${collection.name}.` : ''),
    RETURN: returnsOf(declaration.returns, markup, { part: 'value', path: [] }),
  };
}

/** Ansible reads YAML 1.1, where a bare `yes` is not a text. */
function yamlText(document: unknown): string {
  return stringify(document, { lineWidth: 0, version: '1.1' });
}

function taskOf(name: string, example: Example): Record<string, unknown> {
  return { name: example.title, [name]: example.arguments, ...(example.dryRun ? { check_mode: true } : {}) };
}

function documentationOf(
  declaration: Declaration,
  markup: Markup,
  collection: Collection | undefined,
): Record<string, unknown> {
  return {
    module: declaration.name,
    version_added: declaration.versionAdded,
    short_description: declaration.summary,
    description: declaration.description.map((text) => markup(text, wholeModule)),
    author: ['Chameleon (@ChameleonCloud)'],
    requirements: ['Node.js 18 or newer on the host that runs the task'],
    attributes: attributesOf(declaration, markup, collection),
    options: optionsOf(declaration.fields, markup, wholeModule),
    seealso: declaration.seeAlso.map((page) => referenceTo(page, collection)),
  };
}

/** The attributes that the documentation of Ansible defines for modules. */
function attributesOf(
  { writes, repeats }: Declaration,
  markup: Markup,
  collection: Collection | undefined,
): Record<string, unknown> {
  return {
    check_mode: {
      support: 'full',
      description: [writes ? 'Plans and reports everything, and changes nothing.' : 'Never changes anything.'],
    },
    diff_mode: {
      support: writes ? 'full' : 'N/A',
      description: [writes ? 'Shows what was, or in check mode would be, changed.' : 'Never changes anything.'],
    },
    idempotent: {
      support: repeats === undefined ? 'full' : 'partial',
      description: ['A second run with the same options changes nothing.'],
      ...(repeats === undefined ? {} : { details: [markup(repeats, wholeModule)] }),
    },
    platform: {
      support: 'full',
      platforms: 'posix',
      description: ['Runs on hosts with Node.js 18 or newer.'],
    },
    ...(collection ? { action_group: actionGroupOf(collection) } : {}),
  };
}

/** Each module is in the group: even those that need no login accept one. */
function actionGroupOf({ name }: Collection): Record<string, unknown> {
  return {
    support: 'full',
    membership: [`${name}.cloud`],
    description: [`The login can be set once for all modules, by C(group/${name}.cloud) in C(module_defaults).`],
  };
}

function optionsOf(fields: Fields, markup: Markup, place: Place): Record<string, unknown> {
  return mapValues(fields, (field, name) => {
    const inner = fieldsBelow(field);
    const here = { ...place, field };
    return {
      description: [markup(field.description, here), ...remarksOn(field, markup, here)],
      type: typeNames[field.type],
      ...(field.versionAdded ? { version_added: field.versionAdded } : {}),
      ...(field.type === 'list' ? { elements: 'str' } : field.type === 'records' ? { elements: 'dict' } : {}),
      required: isAlwaysRequired(field),
      ...('default' in field && field.default !== undefined ? { default: field.default } : {}),
      ...('choices' in field && field.choices ? { choices: field.choices } : {}),
      ...(field.aliases ? { aliases: field.aliases } : {}),
      ...(inner ? { suboptions: optionsOf(inner, markup, { part: 'option', path: [...place.path, name] }) } : {}),
    };
  });
}

/** What site.yaml may give is not required in the task. */
function isAlwaysRequired(field: Field): boolean {
  return field.required === true && field.siteYaml === undefined;
}

function remarksOn(field: Field, markup: Markup, place: Place): string[] {
  // Keys of the file are not options, even where they have the same name.
  const keys = field.siteYaml?.map((key) => `C(${key})`).join(' or ');
  const range = rangeOf(field);
  return [
    ...(field.required && keys ? [markup(`Required, here or in \`site_yaml\` as ${keys}.`, place)] : []),
    ...(!field.required && keys ? [markup(`In \`site_yaml\`: ${keys}.`, place)] : []),
    ...(range ? [`Allowed: ${range}.`] : []),
  ];
}

function returnsOf(
  returns: Readonly<Record<string, ReturnField>>,
  markup: Markup,
  place: Place,
): Record<string, unknown> {
  return mapValues(returns, (value, name) => ({
    description: markup(value.description, { ...place, value: name }),
    // Options decide on this.
    returned: markup(value.returned, wholeModule),
    type: value.type,
    ...(value.type === 'list' ? { elements: value.contains ? 'dict' : 'str' } : {}),
    ...(value.sample === undefined ? {} : { sample: value.sample }),
    ...(value.contains
      ? { contains: returnsOf(value.contains, markup, { part: 'value', path: [...place.path, name] }) }
      : {}),
  }));
}

/** Outside the collection a module's page is that of our handbook: Ansible's site has none. */
function referenceTo(page: string | Page, collection: Collection | undefined): Record<string, unknown> {
  if (typeof page !== 'string') return { name: page.title, link: page.url, description: page.description };
  if (collection) return { module: `${collection.name}.${page}` };
  return { name: page, link: `${handbookUrl}/reference/${page}.md`, description: `Reference of the module ${page}.` };
}

const typeNames: Readonly<Record<Field['type'], string>> = {
  string: 'str',
  path: 'path',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
  list: 'list',
  mapping: 'dict',
  object: 'dict',
  records: 'list',
};

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}
