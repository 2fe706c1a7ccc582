// Reads the command line: the operation, its raw arguments, and how to show the result. Prints
// nothing itself.
import yargs, { type Argv, type Options } from 'yargs';
import { messageOf } from '../core/errors.js';
import type { AnyOperation } from '../core/operation.js';
import { nearest } from '../core/validation.js';
import { pushUrl } from '../runtime/push-gateway.js';
import { completionCommand, completionScript, helpCommand, shells } from './completion.js';
import { commandNames, flagName, flagsOf, generalFlags, runFlags, yargsOptions, type Flag } from './flags.js';
import { commandHelp, completionHelp, generalHelp } from './help.js';
import { expandAbbreviations, normalizeSwitches } from './argv.js';
import { argumentsFrom } from './raw-arguments.js';
import { UsageError } from './exit-codes.js';
import type { MetricsTargets } from './metrics.js';
import packageDescription from '#package' with { type: 'json' };

/** A run to start, or a text to show. */
export type CommandLine = CommandRun | { readonly kind: 'text'; readonly text: string };

export interface CommandRun {
  readonly kind: 'run';
  readonly operation: AnyOperation;
  readonly raw: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** Show the result as a monitoring plugin does. */
  readonly monitoring: boolean;
  readonly verbosity: number;
  readonly showProgress: boolean;
  /** Whether the output is for the journal; undefined if that follows from where it goes. */
  readonly journal: boolean | undefined;
  readonly metrics: MetricsTargets;
  /** Of what was done, only the sentence is shown. */
  readonly isQuiet: boolean;
}

/** The same as -vv. */
const debugVerbosity = 2;

type Parsed = Readonly<Record<string, unknown>> & { readonly _: readonly (string | number)[] };

/** Throws UsageError for an unknown command or option, and for a missing value. */
export async function readCommandLine(
  argv: readonly string[],
  operations: readonly AnyOperation[],
  columns: number,
): Promise<CommandLine> {
  const parsed = parse(argv, operations);
  const words = parsed._.map(String);
  const isHelp = words[0] === helpCommand;
  const [command, ...extra] = isHelp ? words.slice(1) : words;
  const wantsHelp = isHelp || parsed.help === true;
  if (parsed.version === true) return { kind: 'text', text: `${packageDescription.version}\n` };
  if (isHelp) refuseUnknown(helpCommand, parsed, runFlags);
  if (wantsHelp && (command === undefined || command === helpCommand))
    return { kind: 'text', text: generalHelp(operations, columns) };
  if (command === completionCommand) {
    refuseUnknown(completionCommand, parsed, runFlags);
    return { kind: 'text', text: wantsHelp ? completionHelp(columns) : completionFor(extra, operations) };
  }
  const operation = operationCalled(command, operations);
  if (wantsHelp) return { kind: 'text', text: commandHelp(operation, flagsOf(operation), columns) };
  return runOf(operation, withPositional(operation, parsed, extra));
}

function parse(argv: readonly string[], operations: readonly AnyOperation[]): Parsed {
  const isKnown = (command: string, name: string): boolean => {
    const operation = operations.find((candidate) => commandNames(candidate).includes(command));
    return [...generalFlags, ...(operation ? flagsOf(operation) : runFlags)].some((flag) =>
      [flag.name, `no-${flag.name}`, ...flag.aliases].some((spelling) => spelling === name && spelling.length > 1),
    );
  };
  // What is a switch of one command may have a value in another.
  const command = argv.find((word) => operations.some((operation) => commandNames(operation).includes(word)));
  const own = operations.filter((operation) => command === undefined || commandNames(operation).includes(command));
  const words = normalizeSwitches(expandAbbreviations(argv, isKnown), [...own.flatMap(flagsOf), ...generalFlags]);
  let parsed: Parsed | undefined;
  parserFor(operations).parse(words, (error: Error | undefined, result: unknown) => {
    if (error) throw new UsageError(messageOf(error));
    parsed = result as Parsed;
  });
  if (!parsed) throw new UsageError('the command line could not be read');
  return parsed;
}

/** Words in the place of options. Throws UsageError for a word too many, and for a value given twice. */
function withPositional(operation: AnyOperation, parsed: Parsed, words: readonly string[]): Parsed {
  const names = (operation.positional ?? []).map(flagName);
  if (words.length > names.length)
    throw new UsageError(
      `${JSON.stringify(words[names.length])} is not expected here: options begin with --`,
      operation.command,
    );
  const given = words.map((word, index) => [names[index] ?? '', word] as const);
  const twice = given.find(([name]) => parsed[name] !== undefined);
  if (twice)
    throw new UsageError(`--${twice[0]} is also given as ${JSON.stringify(twice[1])}: give it once`, operation.command);
  return { ...parsed, ...Object.fromEntries(given) };
}

async function runOf(operation: AnyOperation, parsed: Parsed): Promise<CommandRun> {
  const flags = flagsOf(operation);
  refuseUnknown(operation.command, parsed, flags);
  refuseLoudQuiet(operation.command, parsed);
  const isQuiet = parsed.quiet === true;
  if (parsed.json === true && parsed.monitoring === true)
    throw new UsageError('--json and --monitoring exclude each other', operation.command);
  return {
    kind: 'run',
    operation,
    raw: await argumentsFrom(parsed, flags, operation.command),
    dryRun: parsed['dry-run'] === true,
    json: parsed.json === true,
    monitoring: parsed.monitoring === true,
    verbosity: Math.max(Number(parsed.verbose ?? 0), parsed.debug === true ? debugVerbosity : 0),
    showProgress: !isQuiet && parsed['no-progress'] !== true && parsed['show-progress'] !== false,
    isQuiet,
    journal: typeof parsed.journal === 'boolean' ? parsed.journal : undefined,
    metrics: metricsOptions(parsed, operation.command),
  };
}

function metricsOptions(parsed: Parsed, command: string): MetricsTargets {
  const given = (name: string): string | undefined => {
    const value = parsed[name];
    if (value === undefined) return undefined;
    if (Array.isArray(value)) throw new UsageError(`--${name} was given ${value.length} times: give it once`, command);
    if (value === '') throw new UsageError(`--${name} needs a value`, command);
    return String(value);
  };
  const gateway = given('push-gateway');
  if (gateway !== undefined) {
    try {
      pushUrl(gateway, command);
    } catch (error) {
      throw new UsageError(`--push-gateway: ${messageOf(error)}`, command);
    }
  }
  return { file: given('metrics-file'), gateway };
}

function refuseLoudQuiet(command: string, parsed: Parsed): void {
  if (parsed.quiet !== true) return;
  const loud = ['verbose', 'debug', 'show-progress'].find((name) => Number(parsed[name] ?? 0) > 0);
  if (loud !== undefined) throw new UsageError(`--quiet and --${loud} exclude each other: give one of them`, command);
}

function completionFor(words: readonly string[], operations: readonly AnyOperation[]): string {
  const [name, ...extra] = words;
  const shell = shells.find((known) => known === name);
  if (shell !== undefined && extra.length === 0) return completionScript(shell, operations);
  throw new UsageError(`${completionCommand} takes one shell: ${shells.join(', ')}`, completionCommand);
}

function operationCalled(command: string | undefined, operations: readonly AnyOperation[]): AnyOperation {
  const commands = [...operations.map((operation) => operation.command), helpCommand, completionCommand];
  if (command === undefined) throw new UsageError(`a command is missing: ${commands.join(', ')}`);
  const found = operations.find((operation) => commandNames(operation).includes(command));
  if (found) return found;
  const near = nearest(command, commands);
  throw new UsageError(
    `${JSON.stringify(command)} is not a command; ` +
      `${near ? `did you mean ${near}?` : `commands: ${commands.join(', ')}`}`,
  );
}

function refuseUnknown(command: string, parsed: Parsed, flags: readonly Flag[]): void {
  const known = new Set(['_', '$0', ...[...generalFlags, ...flags].flatMap((flag) => [flag.name, ...flag.aliases])]);
  const spellings = [...generalFlags, ...flags]
    .flatMap((flag) => [flag.name, ...flag.aliases])
    .filter((name) => name.length > 1);
  for (const key of Object.keys(parsed)) {
    if (known.has(key)) continue;
    const near = nearest(flagName(key), spellings);
    const dashed = key.length === 1 ? `-${key}` : `--${key}`;
    throw new UsageError(`${dashed} is not an option of ${command}${near ? `; did you mean --${near}?` : ''}`, command);
  }
}

/**
 * yargs only parses. Its own help, once bundled as an ES module, breaks lines in the middle of
 * words.
 */
function parserFor(operations: readonly AnyOperation[]): Argv {
  const parser = yargs([])
    .parserConfiguration({
      ...{ 'camel-case-expansion': false, 'dot-notation': false, 'boolean-negation': false },
      ...{ 'parse-numbers': false, 'parse-positional-numbers': false, 'strip-aliased': true },
    })
    .locale('en')
    .exitProcess(false)
    .help(false)
    .version(false)
    .options(optionsOf([...generalFlags, ...runFlags]));
  for (const operation of operations) {
    parser.command({
      command: commandNames(operation),
      builder: (sub) => sub.options(optionsOf(flagsOf(operation))),
      handler: () => undefined,
    });
  }
  return parser;
}

/** Hidden, since yargs would write its help before each command that it runs. */
function optionsOf(flags: readonly Flag[]): Record<string, Options> {
  return Object.fromEntries(flags.map((flag) => [flag.name, { ...yargsOptions(flag), hidden: true }]));
}
