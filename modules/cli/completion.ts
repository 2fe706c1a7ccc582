// Shell completion, made from the declarations: commands, options, their choices, and files where a
// file is expected. The scripts are self-contained, so that pressing Tab does not start Node.js.
import type { AnyOperation } from '../core/operation.js';
import { commandNames, flagsOf, generalFlags, type Flag } from './flags.js';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export const completionCommand = 'completion';
export const completionSummary = 'Print the completion script of a shell';
export const helpCommand = 'help';
export const helpSummary = 'Show the help of a command';

const program = 'chameleon-image-tools';
const functionName = '_chameleon_image_tools';

/** One command as the scripts see it. */
interface CompletedCommand {
  readonly command: string;
  /** All of its names, its own first. */
  readonly names: readonly string[];
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What may follow instead of options: `bash` after `completion`. */
  readonly words?: readonly string[];
}

type Completed = Pick<AnyOperation, 'name' | 'command' | 'commandAliases' | 'summary' | 'fields' | 'writes'>;

/** The completion script of a shell. */
export function completionScript(shell: Shell, operations: readonly Completed[]): string {
  const commands: readonly CompletedCommand[] = [
    ...operations.map((operation) => ({
      command: operation.command,
      names: commandNames(operation),
      summary: operation.summary,
      flags: [...flagsOf(operation), ...generalFlags],
    })),
    ownCommand(completionCommand, completionSummary, shells),
    ownCommand(helpCommand, helpSummary, [...operations.map(({ command }) => command), completionCommand]),
  ];
  const lines = { bash: bashLines, zsh: zshLines, fish: fishLines }[shell](commands);
  return `${lines.join('\n')}\n`;
}

function ownCommand(command: string, summary: string, words: readonly string[]): CompletedCommand {
  return { command, names: [command], summary, flags: generalFlags, words };
}

/** `--image-type`, and `--no-ipa` for a switch that may be turned off. */
function dashedNames(flag: Flag): string[] {
  return [`--${flag.name}`, ...(flag.isNegatable ? [`--no-${flag.name}`] : [])];
}

/** Every spelling that a value may follow. */
function spellingsOf(flag: Flag): string[] {
  return [flag.name, ...flag.aliases].map((name) => (name.length === 1 ? `-${name}` : `--${name}`));
}

function takesFile({ kind }: Flag): boolean {
  return kind === 'path' || kind === 'file' || kind === 'texts' || kind === 'object' || kind === 'records';
}

function takesSeveral({ kind }: Flag): boolean {
  return kind === 'list' || kind === 'texts' || kind === 'object';
}

function takesValue({ kind }: Flag): boolean {
  return kind !== 'switch' && kind !== 'count';
}

/** The first sentence of a flag's help. */
function gist({ help }: Flag): string {
  const [sentence = ''] = help.split('. ');
  const text = sentence.replace(/\.$/, '');
  return text.length > 90 ? `${text.slice(0, 89)}…` : text;
}

function bashLines(commands: readonly CompletedCommand[]): string[] {
  return [
    `# bash completion of ${program}, written by \`${program} completion bash\`.`,
    `${functionName}() {`,
    '  local current=${COMP_WORDS[COMP_CWORD]} index=$((COMP_CWORD - 1)) command= option= listed= prefix= word',
    '  COMPREPLY=()',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case $word in',
    ...commands.map(({ command, names }) => `      ${names.join('|')}) command=${command}; break ;;`),
    '    esac',
    '  done',
    '  # bash takes --option=value apart at the equals sign.',
    '  [[ $current == "=" ]] && current=',
    '  [[ ${COMP_WORDS[index]} == "=" ]] && index=$((index - 1))',
    '  if [[ $current != -* ]]; then',
    '    # Behind the first word of a list the option is further back.',
    '    while ((index > 1)) && [[ ${COMP_WORDS[index]} != -* ]]; do index=$((index - 1)) listed=1; done',
    '    option=${COMP_WORDS[index]}',
    '  fi',
    '  case $command:$option in',
    ...commands.flatMap(({ command, flags }) => flags.flatMap((flag) => bashCase(command, flag))),
    '  esac',
    '  case $command in',
    ...commands.map(
      ({ command, flags, words = flags.flatMap(dashedNames) }) =>
        `    ${command}) COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$current")) ;;`,
    ),
    '    "") COMPREPLY=($(compgen -W ' +
      `${quoted([...commands.map(({ command }) => command), ...generalFlags.flatMap(dashedNames)].join(' '))} -- ` +
      '"$current")) ;;',
    '  esac',
    '}',
    `complete -F ${functionName} ${program}`,
  ];
}

function bashCase(command: string, flag: Flag): string[] {
  if (!takesValue(flag)) return [];
  const pattern = spellingsOf(flag)
    .map((spelling) => `${command}:${spelling}`)
    .join('|');
  const isList = takesSeveral(flag);
  const choices = quoted(flag.choices.join(' '));
  const action = takesFile(flag)
    ? 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); '
    : flag.choices.length === 0
      ? ''
      : isList
        ? `[[ $current == *,* ]] && prefix=\${current%,*},; COMPREPLY=($(compgen -P "$prefix" -W ${choices} -- ` +
          '"${current##*,}")); '
        : `COMPREPLY=($(compgen -W ${choices} -- "$current")); `;
  // A second word belongs to an option that takes several, and to no other.
  return [`    ${pattern}) ${isList ? `${action}return ;;` : `[[ $listed ]] || { ${action}return; } ;;`}`];
}

function zshLines(commands: readonly CompletedCommand[]): string[] {
  return [
    `#compdef ${program}`,
    `# zsh completion of ${program}, written by \`${program} completion zsh\`.`,
    `${functionName}() {`,
    '  local context state state_descr line',
    '  typeset -A opt_args',
    `  _arguments -C ${generalFlags.flatMap(zshSpecs).join(' ')} '1:command:->command' '*::argument:->argument'`,
    '  case $state in',
    '    command)',
    '      local -a commands=(',
    ...commands.map(({ command, summary }) => `        ${quoted(`${command}:${summary}`)}`),
    '      )',
    '      _describe -t commands command commands ;;',
    '    argument)',
    '      case $words[1] in',
    ...commands.flatMap(({ names, flags, words }) => [
      `        ${names.join('|')})`,
      '          _arguments \\',
      ...flags.flatMap(zshSpecs).map((spec) => `            ${spec} \\`),
      words ? `            ${quoted(`1:word:(${words.join(' ')})`)} ;;` : '            && : ;;',
    ]),
    '      esac ;;',
    '  esac',
    '}',
    '# Autoloaded from a directory of fpath, or read by a shell that has run compinit.',
    `if [[ $funcstack[1] == _${program} ]]; then ${functionName} "$@"; else compdef ${functionName} ${program}; fi`,
  ];
}

function zshSpecs(flag: Flag): string[] {
  const text = gist(flag).replace(/[[\]\\]/g, '\\$&');
  const isRepeatable = takesSeveral(flag) || flag.kind === 'count';
  const star = isRepeatable ? '*' : '';
  if (!takesValue(flag))
    return [...dashedNames(flag), ...spellingsOf(flag).filter((name) => !name.startsWith('--'))].map((name) =>
      quoted(`${star}${name}[${text}]`),
    );
  const action = takesFile(flag)
    ? '_files'
    : flag.choices.length === 0
      ? ' '
      : flag.kind === 'list'
        ? `_values -s , ${flag.placeholder} ${flag.choices.join(' ')}`
        : `(${flag.choices.join(' ')})`;
  return [quoted(`${star}--${flag.name}=[${text}]:${flag.placeholder}:${action}`)];
}

function fishLines(commands: readonly CompletedCommand[]): string[] {
  const complete = `complete --command ${program}`;
  return [
    `# fish completion of ${program}, written by \`${program} completion fish\`.`,
    `${complete} --no-files`,
    ...commands.map(
      ({ command, summary }) =>
        `${complete} --condition __fish_use_subcommand --arguments ${command} --description ${quoted(summary)}`,
    ),
    ...generalFlags.map((flag) => `${complete} --condition __fish_use_subcommand ${fishFlag(flag, flag.name)}`),
    ...commands.flatMap(({ names, flags }) =>
      flags.flatMap((flag) =>
        dashedNames(flag).map(
          (name) =>
            `${complete} --condition '__fish_seen_subcommand_from ${names.join(' ')}' ${fishFlag(flag, name.slice(2))}`,
        ),
      ),
    ),
    ...commands.flatMap(({ command, words }) =>
      words
        ? [`${complete} --condition '__fish_seen_subcommand_from ${command}' --arguments ${quoted(words.join(' '))}`]
        : [],
    ),
  ];
}

function fishFlag(flag: Flag, name: string): string {
  const short = flag.aliases.filter((alias) => alias.length === 1).map((alias) => ` --short-option ${alias}`);
  const value = !takesValue(flag)
    ? ''
    : takesFile(flag)
      ? ' --require-parameter --force-files'
      : ` --exclusive${flag.choices.length > 0 ? ` --arguments ${quoted(flag.choices.join(' '))}` : ''}`;
  return `--long-option ${name}${short.join('')}${value} --description ${quoted(gist(flag))}`;
}

/** In single quotes, which all three shells read alike. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
