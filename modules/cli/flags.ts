// The options of a subcommand, made from the fields of its declaration: image_type becomes
// --image-type.
import type { Options } from 'yargs';
import { rangeOf, type Field, type Fields } from '../core/fields.js';
import type { AnyOperation } from '../core/operation.js';
import { loginFields } from '../runtime/login-fields.js';
import { storeFields } from '../images/fields.js';

export interface Flag {
  /** Without the leading dashes. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** The field that it sets; undefined for an option of the command line itself. */
  readonly field: string | undefined;
  readonly kind: 'text' | 'path' | 'list' | 'switch' | 'count' | 'file' | 'texts' | 'object' | 'records';
  /** The values that are allowed, if only some are. */
  readonly choices: readonly string[];
  /** True for a switch that `--no-…` turns off. */
  readonly isNegatable: boolean;
  /** The placeholder of its value in the help; empty for a switch. */
  readonly placeholder: string;
  readonly group: string;
  readonly help: string;
  readonly defaultText: string | undefined;
}

const selectingFields: ReadonlySet<string> = new Set(['images', 'exclude', 'latest', 'ipa', 'force', 'state']);
const outputGroup = 'What is shown:';
const monitoringGroup = 'Monitoring:';

/** The options of an operation, then those of every subcommand. */
export function flagsOf(operation: Pick<AnyOperation, 'fields' | 'writes' | 'monitors'>): Flag[] {
  return [
    ...Object.entries(operation.fields).map(([name, field]) => flagOf(name, field)),
    ...runFlags.filter((flag) => operation.writes || flag.name !== 'dry-run'),
    ...(operation.monitors ? [monitoringFlag] : []),
  ];
}

/** The name of a field on the command line: `image-type` for `image_type`. */
export function flagName(field: string): string {
  return field.replaceAll('_', '-');
}

/** All names of a subcommand: its own first, then that of the module and those of older tools. */
export function commandNames({
  command,
  name,
  commandAliases = [],
}: Pick<AnyOperation, 'command' | 'name' | 'commandAliases'>): string[] {
  return [...new Set([command, flagName(name), name, ...commandAliases])];
}

const ownFlag = {
  aliases: [],
  field: undefined,
  kind: 'switch',
  choices: [],
  isNegatable: false,
  placeholder: '',
  group: outputGroup,
  defaultText: undefined,
} as const;

/** Options that may be given with or without a command. */
export const generalFlags: readonly Flag[] = [
  { ...ownFlag, name: 'help', aliases: ['h'], help: 'Show this help.' },
  { ...ownFlag, name: 'version', help: 'Show the version.' },
];

/**
 * Options of the command line itself, the same for every operation; one that only reads has no
 * `--dry-run`.
 */
export const runFlags: readonly Flag[] = [
  { ...ownFlag, name: 'dry-run', group: 'How it is done:', help: 'Plan and report everything, but change nothing.' },
  { ...ownFlag, name: 'json', help: 'Print the result as one JSON document on standard output, even if it failed.' },
  {
    ...ownFlag,
    name: 'verbose',
    aliases: ['v'],
    kind: 'count',
    help: 'Print more on standard error: -v the steps and differences, -vv also every request.',
  },
  { ...ownFlag, name: 'debug', help: 'The same as -vv.' },
  {
    ...ownFlag,
    name: 'quiet',
    aliases: ['q'],
    help:
      'Show no progress, and of what was done only one sentence. Warnings and failures are still printed, on ' +
      'standard error. The table of a command that only reads is its result, and is printed.',
  },
  { ...ownFlag, name: 'no-progress', help: 'Show no progress of transfers.' },
  { ...ownFlag, name: 'show-progress', help: 'Show the progress of transfers, which is the default.' },
  {
    ...ownFlag,
    name: 'no-color',
    help:
      'Use no colours. They are used only at a terminal, never with --json, and not if the variable NO_COLOR is ' +
      'set or TERM is dumb.',
  },
  {
    ...ownFlag,
    name: 'journal',
    isNegatable: true,
    help:
      'Begin each line with a priority for the journal of systemd, as is done if it reads the output. ' +
      '--no-journal turns it off.',
  },
  {
    ...ownFlag,
    name: 'metrics-file',
    kind: 'path',
    placeholder: 'PATH',
    group: monitoringGroup,
    help:
      "Write the run's metrics to this file, such as one of node_exporter's textfile collector. Values that the " +
      'run does not know stay as they are. A dry run writes nothing.',
  },
  {
    ...ownFlag,
    name: 'push-gateway',
    kind: 'text',
    placeholder: 'URL',
    group: monitoringGroup,
    help: "Push the run's metrics to this push gateway of Prometheus, such as http://10.0.0.1:9091.",
  },
];

const monitoringFlag: Flag = {
  ...ownFlag,
  name: 'monitoring',
  help:
    'Print one line and end with the exit code of a monitoring plugin: 0 in order, 1 warning, 2 critical, ' +
    '3 unknown.',
};

/**
 * How yargs parses a flag. It gets no defaults: a value that was not given must not hide that of
 * site.yaml.
 */
export function yargsOptions(flag: Flag): Options {
  const types = {
    text: 'string',
    path: 'string',
    list: 'array',
    switch: 'boolean',
    count: 'count',
    file: 'string',
    texts: 'array',
    object: 'array',
    records: 'string',
  } as const;
  return {
    alias: [...flag.aliases],
    type: types[flag.kind],
    ...(types[flag.kind] === 'array' ? { string: true } : {}),
  };
}

function flagOf(name: string, field: Field): Flag {
  const hasDefault =
    'default' in field && field.default !== undefined && !(Array.isArray(field.default) && field.default.length === 0);
  return {
    name: flagName(name),
    aliases: (field.aliases ?? []).map(flagName),
    field: name,
    kind: kindOf(field),
    choices: ('choices' in field && field.choices) || [],
    isNegatable: isNegatable(field),
    placeholder: isOpenMapping(field) ? placeholders.object : placeholders[field.type],
    group: groupOf(name),
    help: [field.description.replaceAll('`', ''), ...remarksOn(name, field)].join(' '),
    defaultText: hasDefault && field.type !== 'boolean' ? String(field.default) : undefined,
  };
}

const placeholders: Readonly<Record<Field['type'], string>> = {
  string: 'TEXT',
  path: 'PATH',
  integer: 'NUMBER',
  number: 'NUMBER',
  boolean: '',
  list: 'LIST',
  mapping: 'FILE',
  object: 'FILE|KEY=VALUE',
  records: 'FILE',
};

function kindOf(field: Field): Flag['kind'] {
  if (field.type === 'list') return 'list';
  if (field.type === 'boolean') return 'switch';
  if (field.type === 'path') return 'path';
  if (field.type === 'object' || field.type === 'records') return field.type;
  if (field.type === 'mapping') return isOpenMapping(field) ? 'texts' : 'file';
  return 'text';
}

/** A mapping with any keys: no secret of a login, so it may be given as KEY=VALUE. */
export function isOpenMapping(field: Field): boolean {
  return field.type === 'mapping' && field.fields === undefined;
}

function isNegatable(field: Field): boolean {
  return field.type === 'boolean' && field.default !== false;
}

function groupOf(name: string): string {
  const isOf = (fields: Fields): boolean => Object.hasOwn(fields, name);
  if (selectingFields.has(name)) return 'What to select:';
  if (isOf(storeFields)) return 'The image store:';
  return isOf(loginFields) ? 'The login:' : 'How it is done:';
}

function remarksOn(name: string, field: Field): string[] {
  const keys = field.siteYaml?.join(' or ');
  const range = rangeOf(field);
  return [
    ...('choices' in field && field.choices ? [`One of: ${field.choices.join(', ')}.`] : []),
    ...(range ? [`Allowed: ${range}.`] : []),
    ...(field.type === 'list' ? ['Separate several by commas or spaces, or repeat the option.'] : []),
    ...(isNegatable(field) ? [`--no-${flagName(name)} turns it off.`] : []),
    ...(field.type === 'mapping'
      ? [
          isOpenMapping(field)
            ? 'Give KEY=VALUE as often as needed, a YAML or JSON file, or JSON itself.'
            : 'Give a YAML or JSON file.',
        ]
      : []),
    ...(field.type === 'records' ? ['Give a YAML or JSON file that holds a list.'] : []),
    ...(field.type === 'object'
      ? [
          'Give a YAML or JSON file, JSON itself, or KEY=VALUE as often as needed; ' +
            'a value that is valid JSON is read as JSON, so null removes a key.',
        ]
      : []),
    ...(field.required
      ? [keys ? `Required, here or in site.yaml as ${keys}.` : 'Required.']
      : keys
        ? [`In site.yaml: ${keys}.`]
        : []),
  ];
}
