import { Ajv } from 'ajv';
import { fieldsBelow, type Field, type Fields } from './fields.js';
import type { Declaration, ReturnField } from './operation.js';
import { schemaOf } from './schema.js';

/**
 * Throws an error with a line for everything that is missing or wrong in a declaration. The build
 * and a test call it.
 */
export function checkDeclaration(declaration: Declaration, reservedReturns: readonly string[] = []): void {
  const fieldFaults = faultsOfFields(declaration.fields);
  const faults = [
    ...faultsOfTexts(declaration),
    ...fieldFaults,
    ...Object.entries(declaration.returns).flatMap(([name, value]) => faultsOfReturn(name, value)),
    ...Object.keys(declaration.returns).flatMap((name) =>
      reservedReturns.includes(name) ? [`returns.${name}: the name is taken`] : [],
    ),
    ...(fieldFaults.length > 0
      ? []
      : declaration.examples.flatMap((example) => faultsOfExample(example, declaration.fields))),
  ];
  if (faults.length > 0)
    throw new Error(`the declaration of ${declaration.name} is incomplete:\n  ${faults.join('\n  ')}`);
}

function faultsOfTexts(declaration: Declaration): string[] {
  const {
    name,
    command,
    versionAdded,
    summary,
    description,
    seeAlso,
    examples,
    returns,
    positional = [],
  } = declaration;
  return [
    ...(/^[a-z]+(_[a-z]+)*$/.test(name) ? [] : ['name: must be snake_case']),
    ...(/^[a-z]+(-[a-z]+)*$/.test(command) ? [] : ['command: must be kebab-case']),
    ...faultsOfVersion('versionAdded', versionAdded),
    ...(summary.split(' ').length < 3 || summary.endsWith('.')
      ? ['summary: must be a phrase of several words without a full stop']
      : []),
    ...(description.length === 0 ? ['description: is missing'] : []),
    ...description.flatMap((text, index) => faultsOfSentence(`description[${index}]`, text)),
    ...(seeAlso.length === 0 ? ['seeAlso: is missing'] : []),
    ...(declaration.repeats === undefined ? [] : faultsOfSentence('repeats', declaration.repeats)),
    ...seeAlso.flatMap((page, index) =>
      typeof page === 'string' ? [] : faultsOfSentence(`seeAlso[${index}]`, page.description),
    ),
    ...positional
      .filter((field) => !Object.hasOwn(declaration.fields, field))
      .map((field) => `positional: ${field} is not a field`),
    ...(examples.length === 0 ? ['examples: are missing'] : []),
    ...(Object.keys(returns).length === 0 ? ['returns: are missing'] : []),
  ];
}

function faultsOfFields(fields: Fields, prefix = ''): string[] {
  return [
    ...faultsOfAliases(fields, prefix),
    ...Object.entries(fields).flatMap(([name, field]) => [
      ...faultsOfField(prefix + name, name, field),
      ...faultsOfFields(fieldsBelow(field) ?? {}, `${prefix}${name}.`),
    ]),
  ];
}

function faultsOfAliases(fields: Fields, prefix: string): string[] {
  const spellings = Object.entries(fields).flatMap(([name, field]) => [name, ...(field.aliases ?? [])]);
  const clashing = spellings.filter((spelling, index) => spellings.indexOf(spelling) !== index);
  return clashing.map((spelling) => `${prefix}${spelling}: two fields have this name`);
}

function faultsOfField(path: string, name: string, field: Field): string[] {
  const hasDefault = 'default' in field && field.default !== undefined;
  return [
    ...(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name) ? [] : [`${path}: must be snake_case`]),
    ...faultsOfSentence(path, field.description),
    ...(field.description.trim().split(/\s+/).length > 1 ? [] : [`${path}: one word is not a description`]),
    ...(/password|secret|token/.test(name) && field.type === 'string' && !field.choices && !field.secret
      ? [`${path}: must be marked secret`]
      : []),
    ...(field.secret && hasDefault ? [`${path}: a secret has no default`] : []),
    ...(field.required && hasDefault ? [`${path}: a required field has no default`] : []),
    ...(path.includes('.') && hasDefault ? [`${path}: defaults of nested fields are not applied`] : []),
    ...(field.versionAdded === undefined ? [] : faultsOfVersion(`${path}: versionAdded`, field.versionAdded)),
    ...('choices' in field && field.choices && new Set(field.choices).size !== field.choices.length
      ? [`${path}: a choice is listed twice`]
      : []),
    ...faultsOfSchema(path, field),
  ];
}

function faultsOfSchema(path: string, field: Field): string[] {
  if ('pattern' in field && field.pattern && field.choices) return [`${path}: choices and pattern exclude each other`];
  try {
    const validate = new Ajv({ strict: true }).compile(schemaOf({ field }));
    if (!('default' in field) || field.default === undefined || validate({ field: field.default })) return [];
    return [
      `${path}: its own schema refuses the default: ${validate.errors?.map((error) => error.message).join(', ')}`,
    ];
  } catch (error) {
    return [`${path}: its schema does not compile: ${String(error)}`];
  }
}

function faultsOfReturn(path: string, value: ReturnField): string[] {
  return [
    ...faultsOfSentence(`returns.${path}`, value.description),
    ...(value.returned.trim() === '' ? [`returns.${path}: does not say when it is returned`] : []),
    ...(value.contains && value.type !== 'list' && value.type !== 'dict'
      ? [`returns.${path}: only a list or a dict contains values`]
      : []),
    ...Object.entries(value.contains ?? {}).flatMap(([name, inner]) => faultsOfReturn(`${path}.${name}`, inner)),
  ];
}

function faultsOfExample(example: Declaration['examples'][number], fields: Fields): string[] {
  const label = `example "${example.title}"`;
  if (example.title.trim() === '') return ['an example has no title'];
  const unknown = Object.keys(example.arguments).filter((name) => !Object.hasOwn(fields, name));
  if (unknown.length > 0) return unknown.map((name) => `${label}: ${name} is not a field`);
  // Required values may come from site.yaml, so an example may leave them out.
  const validate = new Ajv({ strict: true }).compile({ ...schemaOf(fields), required: [] });
  return validate(example.arguments)
    ? []
    : [`${label}: ${validate.errors?.map((error) => `${error.instancePath} ${error.message}`).join(', ')}`];
}

function faultsOfVersion(label: string, version: string): string[] {
  return /^\d+\.\d+\.\d+$/.test(version) ? [] : [`${label}: must be a release such as 1.2.0`];
}

function faultsOfSentence(label: string, text: string): string[] {
  if (text.trim() === '') return [`${label}: has no description`];
  return text.endsWith('.') && text === text.trim() ? [] : [`${label}: its description must end with a full stop`];
}
