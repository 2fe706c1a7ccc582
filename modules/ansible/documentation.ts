// The documentation file of a module, which `ansible-doc` prints: made from the declaration when
// the project is built.
import { stringify } from 'yaml';
import { fieldsBelow, rangeOf, type Field, type Fields } from '../core/fields.js';
import type { Declaration, Example, ReturnField } from '../core/operation.js';

/** The text of `<module>.yml`. */
export function writeSidecar(declaration: Declaration): string {
  const document = {
    DOCUMENTATION: documentationOf(declaration),
    EXAMPLES: examplesOf(declaration),
    RETURN: mapValues(declaration.returns, returnOf),
  };
  return yamlText(document);
}

/** Ansible reads YAML 1.1, where a bare `yes` is not a text. */
function yamlText(document: unknown): string {
  return stringify(document, { lineWidth: 0, version: '1.1' });
}

/** The examples as tasks. */
export function examplesOf(declaration: Declaration): string {
  return declaration.examples.map((example) => yamlText([taskOf(declaration.name, example)])).join('\n');
}

function taskOf(name: string, example: Example): Record<string, unknown> {
  return { name: example.title, [name]: example.arguments, ...(example.dryRun ? { check_mode: true } : {}) };
}

function documentationOf({
  name,
  versionAdded,
  summary,
  description,
  fields,
  writes,
}: Declaration): Record<string, unknown> {
  return {
    module: name,
    version_added: versionAdded,
    short_description: summary,
    description: description.map(toMarkup),
    author: ['Chameleon (@ChameleonCloud)'],
    requirements: ['Node.js 18 or newer on the host that runs the task'],
    attributes: {
      check_mode: {
        support: writes ? 'full' : 'N/A',
        description: writes ? ['Plans and reports everything, and changes nothing.'] : ['Never changes anything.'],
      },
      diff_mode: {
        support: writes ? 'full' : 'N/A',
        description: writes ? ['Shows what was, or in check mode would be, changed.'] : ['Never changes anything.'],
      },
      platform: {
        support: 'full',
        platforms: 'posix',
        description: ['Runs on hosts with Node.js 18 or newer.'],
      },
    },
    options: optionsOf(fields),
  };
}

function optionsOf(fields: Fields): Record<string, unknown> {
  return mapValues(fields, (field) => {
    const inner = fieldsBelow(field);
    return {
      description: [field.description, ...remarksOn(field)].map(toMarkup),
      type: typeNames[field.type],
      ...(field.versionAdded ? { version_added: field.versionAdded } : {}),
      ...(field.type === 'list' ? { elements: 'str' } : field.type === 'records' ? { elements: 'dict' } : {}),
      required: isAlwaysRequired(field),
      ...('default' in field && field.default !== undefined ? { default: field.default } : {}),
      ...('choices' in field && field.choices ? { choices: field.choices } : {}),
      ...(field.aliases ? { aliases: field.aliases } : {}),
      ...(inner ? { suboptions: optionsOf(inner) } : {}),
    };
  });
}

/** What site.yaml may give is not required in the task. */
function isAlwaysRequired(field: Field): boolean {
  return field.required === true && field.siteYaml === undefined;
}

function remarksOn(field: Field): string[] {
  const keys = field.siteYaml?.map((key) => `\`${key}\``).join(' or ');
  const range = rangeOf(field);
  return [
    ...(field.required && keys ? [`Required, here or in \`site_yaml\` as ${keys}.`] : []),
    ...(!field.required && keys ? [`In \`site_yaml\`: ${keys}.`] : []),
    ...(range ? [`Allowed: ${range}.`] : []),
  ];
}

function returnOf(value: ReturnField): Record<string, unknown> {
  return {
    description: toMarkup(value.description),
    returned: value.returned,
    type: value.type,
    ...(value.type === 'list' ? { elements: value.contains ? 'dict' : 'str' } : {}),
    ...(value.sample === undefined ? {} : { sample: value.sample }),
    ...(value.contains ? { contains: mapValues(value.contains, returnOf) } : {}),
  };
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

/** Ansible's markup for text in backquotes. Its C(…) ends at the first parenthesis. */
function toMarkup(text: string): string {
  return text.replace(/`([^`]*)`/g, (_, code: string) => (code.includes(')') ? `"${code}"` : `C(${code})`));
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
