// The help texts: each option on a line of its own, with its description below.
import type { Field } from '../core/fields.js';
import type { AnyOperation, Example } from '../core/operation.js';
import { completionCommand, completionSummary, helpCommand, helpSummary, shells } from './completion.js';
import { exitCodesHelp } from './exit-codes.js';
import { flagName, generalFlags, isOpenMapping, type Flag } from './flags.js';

const program = 'chameleon-image-tools';
const widest = 100;
const margin = '        ';

/** The commands in the order in which a site usually needs them. */
const journey: readonly { readonly heading: string; readonly commands: readonly string[] }[] = [
  {
    heading: 'Images of the site:',
    commands: ['deploy', 'rollback', 'clean', 'info', 'report', 'set-property', 'check'],
  },
  { heading: 'A store of your own:', commands: ['publish'] },
  { heading: 'IPA images, and copies of images on this host:', commands: ['ipa-test', 'cache'] },
  { heading: 'Bare-metal nodes:', commands: ['node', 'port', 'enroll'] },
  { heading: 'This command line:', commands: [helpCommand, completionCommand] },
];

type Listed = Pick<AnyOperation, 'command' | 'summary'>;

/** What `--help` shows without a command. */
export function generalHelp(operations: readonly Listed[], columns: number): string {
  return joined([
    `Usage: ${program} <command> [options]`,
    'Disk images on a Chameleon site.',
    ...commandLists([
      ...operations,
      { command: helpCommand, summary: helpSummary },
      { command: completionCommand, summary: completionSummary },
    ]),
    sectionOf('Options:', generalFlags, columns),
    `${program} help <command> shows the options of a command; so does ${program} <command> --help.`,
    exitCodesHelp,
  ]);
}

/** A list of commands for each heading; what has no heading is listed last. */
function commandLists(all: readonly Listed[]): string[] {
  const longest = Math.max(...all.map(({ command }) => command.length));
  const listed = journey.flatMap(({ commands }) => commands);
  const others = all.map(({ command }) => command).filter((command) => !listed.includes(command));
  return [...journey, { heading: 'Other commands:', commands: others }].flatMap(({ heading, commands }) => {
    const found = commands.flatMap((command) => all.filter((candidate) => candidate.command === command));
    const lines = found.map(({ command, summary }) => `  ${command.padEnd(longest)}  ${summary}.`);
    return lines.length === 0 ? [] : [[heading, ...lines].join('\n')];
  });
}

/** What `completion --help` shows. */
export function completionHelp(columns: number): string {
  const target = {
    bash: '~/.local/share/bash-completion/completions/chameleon-image-tools',
    zsh: '~/.zfunc/_chameleon-image-tools',
    fish: '~/.config/fish/completions/chameleon-image-tools.fish',
  };
  return joined([
    `Usage: ${program} ${completionCommand} ${shells.join('|')}`,
    wrap(`${completionSummary}.`, columns, ''),
    wrap('The Ansible role installs the script for bash. To install one for yourself:', columns, ''),
    shells.map((shell) => `  ${program} ${completionCommand} ${shell} > ${target[shell]}`).join('\n'),
    wrap('The folder must exist. For zsh, it must be in fpath before compinit runs.', columns, ''),
    sectionOf('Options:', generalFlags, columns),
  ]);
}

/** What `<command> --help` shows. */
export function commandHelp(operation: AnyOperation, flags: readonly Flag[], columns: number): string {
  const all = [...flags, ...generalFlags];
  const groups = [...new Set([...groupOrder, ...all.map((flag) => flag.group)])];
  const sections = groups.map((group) =>
    sectionOf(
      group,
      all.filter((flag) => flag.group === group),
      columns,
    ),
  );
  return joined([
    `Usage: ${[program, operation.command, ...positionalNames(operation)].join(' ')} [options]`,
    wrap(`${operation.summary}.`, columns, ''),
    ...operation.description.map((paragraph) => wrap(paragraph.replaceAll('`', ''), columns, '')),
    ...sections.filter((section) => section !== ''),
    [
      'Examples:',
      ...operation.examples.map((example) => `  # ${example.title}\n  ${commandOf(operation, example)}`),
    ].join('\n'),
    exitCodesHelp,
    `In Ansible: ansible-doc -t module ${operation.name}`,
  ]);
}

const groupOrder = [
  'What to select:',
  'The image store:',
  'How it is done:',
  'The login:',
  'What is shown:',
  'Monitoring:',
];

function positionalNames({ positional = [] }: Pick<AnyOperation, 'positional'>): string[] {
  return positional.map((name) => name.toUpperCase());
}

/** An example as a command line. */
export function commandOf(
  operation: Pick<AnyOperation, 'command' | 'fields' | 'positional'>,
  example: Example,
): string {
  const { positional = [] } = operation;
  const words = positional.flatMap((name) => spell(example.arguments[name] ?? name.toUpperCase(), undefined));
  const named = Object.entries(example.arguments).filter(([name]) => !positional.includes(name));
  const options = named.flatMap(([name, value]) => [
    `--${flagName(name)}`,
    ...(value === true ? [] : spell(value, operation.fields[name])),
  ]);
  return [program, operation.command, ...words, ...options, ...(example.dryRun ? ['--dry-run'] : [])].join(' ');
}

function spell(value: unknown, field: Field | undefined): string[] {
  if (field?.type === 'records') return ['FILE'];
  if (typeof value !== 'object' || value === null) return [quoted(String(value))];
  if (Array.isArray(value)) return [quoted(value.join(','))];
  if (!field || !(field.type === 'object' || isOpenMapping(field))) return ['FILE'];
  return Object.entries(value).map(([key, inner]) =>
    quoted(`${key}=${typeof inner === 'string' ? inner : JSON.stringify(inner)}`),
  );
}

function quoted(text: string): string {
  return /^[\w./:@,+=-]+$/.test(text) ? text : `'${text}'`;
}

function sectionOf(title: string, flags: readonly Flag[], columns: number): string {
  if (flags.length === 0) return '';
  return [title, ...flags.map((flag) => `  ${spellings(flag)}\n${wrap(helpOf(flag), columns, margin)}`)].join('\n');
}

/** Such as `-v, --verbose` or `--image, --images LIST`. */
export function spellings({ name, aliases, placeholder }: Flag): string {
  const short = aliases.filter((alias) => alias.length === 1).map((alias) => `-${alias}`);
  const long = [name, ...aliases.filter((alias) => alias.length > 1)].map((word) => `--${word}`);
  return [...short, ...long].join(', ') + (placeholder === '' ? '' : ` ${placeholder}`);
}

function helpOf({ help, defaultText }: Flag): string {
  return defaultText === undefined ? help : `${help} Default: ${defaultText}.`;
}

function wrap(text: string, columns: number, indent: string): string {
  const width = Math.min(Math.max(columns, 40), widest) - indent.length;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => indent + line).join('\n');
}

function joined(paragraphs: readonly string[]): string {
  return `${paragraphs.join('\n\n')}\n`;
}
