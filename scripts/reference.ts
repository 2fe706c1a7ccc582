// Writes one page of docs/reference from a declaration.
import { examplesOf } from '../modules/ansible/documentation.js';
import type { Collection } from '../modules/ansible/markup.js';
import { commandOf } from '../modules/cli/help.js';
import { flagName, isOpenMapping } from '../modules/cli/flags.js';
import { fieldsBelow, rangeOf, type Field, type Fields } from '../modules/core/fields.js';
import type { Declaration, Page, ReturnField } from '../modules/core/operation.js';
import { handbookUrl } from '../modules/runtime/pages.js';

/** The page's Markdown. */
export function referenceOf(declaration: Declaration, collection: Collection): string {
  const { name, command, summary, description, fields, returns, writes, repeats } = declaration;
  const commands = declaration.examples.map((example) => `# ${example.title}\n${commandOf(declaration, example)}`);
  return `${[
    `# ${name}`,
    '<!-- Written by `npm run docs` from the declaration. Change that, not this. -->',
    ...[
      `${summary}. As a module \`${name}\`, as a command \`chameleon-image-tools ${command}\`.`,
      ...description,
      writes
        ? 'Supports check mode and `--dry-run`: everything is planned and reported, but nothing is changed. ' +
          'Supports `--diff`.'
        : 'Only reads: check mode makes no difference.',
      ...(repeats === undefined ? [] : [repeats]),
    ].map(wrapped),
    '## Options',
    optionsTable(fields),
    ...nestedTables(fields),
    '## Result',
    'Besides `changed`, `msg`, `warnings`, and on failure `failed`, `code`, `failures` and `details`:',
    returnsTable(returns),
    '## Examples',
    `As tasks; without the collection, leave out the prefix \`${collection.name}.\`:`,
    `\`\`\`yaml\n${examplesOf(declaration, `${collection.name}.`).trimEnd()}\n\`\`\``,
    'As commands:',
    `\`\`\`sh\n${commands.join('\n')}\n\`\`\``,
    '## See also',
    declaration.seeAlso.map(linkTo).join('\n'),
  ].join('\n\n')}\n`;
}

/** Pages of the handbook are linked from page to page, so that the links work in every copy. */
function linkTo(page: string | Page): string {
  if (typeof page === 'string') return `* [${page}](${page}.md)`;
  const url = page.url.startsWith(handbookUrl) ? page.url.replace(handbookUrl, '..') : page.url;
  return `* [${page.title}](${url})`;
}

/** A paragraph in lines of at most 100 columns. */
function wrapped(paragraph: string): string {
  return paragraph.replace(/(?=.{101})(.{1,100}) /g, '$1\n');
}

function optionsTable(fields: Fields): string {
  return table(
    ['option', 'command line', 'type', 'default', 'in site.yaml', 'meaning'],
    Object.entries(fields).map(([name, field]) => [
      code(name),
      code(`--${flagName(name)}${placeholderOf(field)}`),
      typeOf(field),
      defaultOf(field),
      (field.siteYaml ?? []).map(code).join(', '),
      meaningOf(field),
    ]),
  );
}

function placeholderOf(field: Field): string {
  const { type } = field;
  if (type === 'object' || isOpenMapping(field)) return ' FILE or KEY=VALUE';
  return type === 'mapping' || type === 'records' ? ' FILE' : '';
}

function nestedTables(fields: Fields, prefix = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const below = fieldsBelow(field);
    if (!below) return [];
    const path = prefix + name;
    const rows = Object.entries(below).map(([key, inner]) => [
      code(key),
      typeOf(inner),
      defaultOf(inner),
      meaningOf(inner),
    ]);
    const title = field.type === 'records' ? `### Keys of each of \`${path}\`` : `### Keys of \`${path}\``;
    return [
      title,
      table(['key', 'type', 'default', 'meaning'], rows),
      ...nestedTables(below, `${path}${field.type === 'records' ? '[]' : ''}.`),
    ];
  });
}

function returnsTable(returns: Readonly<Record<string, ReturnField>>): string {
  return table(['value', 'type', 'returned', 'meaning'], returnRows(returns, ''));
}

function returnRows(returns: Readonly<Record<string, ReturnField>>, prefix: string): string[][] {
  return Object.entries(returns).flatMap(([name, value]) => [
    [code(prefix + name), value.type, value.returned, value.description + sampleOf(value)],
    ...returnRows(value.contains ?? {}, `${prefix}${name}${value.type === 'list' ? '[]' : ''}.`),
  ]);
}

function sampleOf({ sample }: ReturnField): string {
  return sample === undefined ? '' : ` Such as \`${typeof sample === 'string' ? sample : JSON.stringify(sample)}\`.`;
}

const typeNames: Partial<Record<Field['type'], string>> = { object: 'mapping', records: 'list of mappings' };

function typeOf(field: Field): string {
  const type = typeNames[field.type] ?? field.type;
  if ('choices' in field && field.choices)
    return `${type === 'list' ? 'list of ' : ''}${field.choices.map(code).join(', ')}`;
  const range = rangeOf(field);
  return range ? `${type}, ${range}` : type;
}

function defaultOf(field: Field): string {
  if (field.required) return 'required';
  if (!('default' in field) || field.default === undefined) return '';
  const { default: value } = field;
  if (typeof value === 'object') return value.length === 0 ? 'empty' : value.map(code).join(', ');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : code(String(value));
}

function meaningOf(field: Field): string {
  const aliases = field.aliases ? ` Also called ${field.aliases.map(code).join(', ')}.` : '';
  const since = field.versionAdded ? ` New in ${field.versionAdded}.` : '';
  return field.description + aliases + since + (field.secret ? ' Secret: never shown.' : '');
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
