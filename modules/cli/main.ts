// The main program of the command line: reads it, runs the operation, shows the result, exits with
// the right code.
import { parseBoolean } from '../core/coercion.js';
import { OperationError } from '../core/errors.js';
import { untilAborted, watchInterruptions, type Interruption } from '../core/interruption.js';
import type { AnyOperation, Outcome } from '../core/operation.js';
import { secretsInUrls } from '../core/urls.js';
import { limitExit, outputLostError } from '../runtime/ending.js';
import { execute, type ExecutionContext, knownSecrets, type KnownSecrets } from '../runtime/execute.js';
import { isSmartTerminal, paintFor } from './colours.js';
import { readCommandLine, type CommandRun } from './command-line.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import { monitorError, monitorOutcome, type Monitored } from './monitoring.js';
import { createProgress, type ProgressDisplay } from './progress.js';
import { printable } from './printable.js';
import { chooseRunId, leadsToJournal, lineFormat } from './log-lines.js';
import { metricsTargets, recordRun } from './metrics.js';
import { showFailure, showOutcome, type Shown, type ShownFormats } from './show.js';

const deadlineSeconds = 24 * 60 * 60;
const graceSeconds = 10;
const narrowest = 80;

/** Runs one command and ends the process. */
export async function main(argv: readonly string[], operations: readonly AnyOperation[]): Promise<void> {
  const secrets = knownSecrets(process.env);
  const wantsJson = hasSwitch(argv, 'json');
  const wantsMonitoring = hasSwitch(argv, 'monitoring');
  const paints = paintsFor(argv);
  // end() reports what cannot be written.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const interruption = watchInterruptions({ source: process, deadlineSeconds, graceSeconds });
  interruption.signal.addEventListener('abort', () => (interrupted = interruption.signal.reason));
  let formats = formatsFor({ verbosity: verbosityIn(argv), journal: journalIn(argv), json: wantsJson }, paints);
  let record: RecordEnd = async () => undefined;
  const fail = async (error: unknown): Promise<void> => {
    if (!claimEnd()) return;
    await record(error instanceof Error ? error : new Error(String(error)));
    if (wantsMonitoring) return endMonitored(monitorError(error, secrets.list()), formats);
    const options = {
      json: wantsJson,
      secrets: secrets.list(),
      withStack: verbosityIn(argv) >= (error instanceof OperationError ? 3 : 2),
      formats,
    };
    await end(showFailure(error, options), exitCodeOf(error), formats);
  };
  process.on('uncaughtException', (error) => void fail(error));
  process.on('unhandledRejection', (error) => void fail(error));
  try {
    const commandLine = await untilAborted(
      readCommandLine(argv, operations, terminalColumns() ?? narrowest),
      interruption.signal,
    );
    if (commandLine.kind === 'text') {
      if (claimEnd()) await end({ stdout: commandLine.text, stderr: '' }, exitCodes.done, formats);
      return;
    }
    formats = formatsFor(commandLine, paints);
    record = recorderOf(commandLine, { secrets, formats });
    await run(commandLine, { secrets, interruption, formats, record });
  } catch (error) {
    await fail(error);
  }
}

/** How lines begin: at -v with an id of the run, so that those of several runs can be told apart. */
function formatsFor(
  { verbosity, journal, json }: Pick<CommandRun, 'verbosity' | 'journal' | 'json'>,
  paints: ShownFormats['paints'],
): ShownFormats {
  const isJournal = (descriptor: number): boolean => journal ?? leadsToJournal(descriptor, process.env);
  const runId = verbosity > 0 ? chooseRunId(process.env, isJournal(2)) : undefined;
  return {
    // A program that reads JSON expects no priority before it, unless it was asked for.
    stdout: lineFormat({ isJournal: journal ?? (!json && isJournal(1)) }),
    stderr: lineFormat({ isJournal: isJournal(2), runId }),
    paints,
  };
}

function paintsFor(argv: readonly string[]): ShownFormats['paints'] {
  const options = { environment: process.env, isWanted: !hasSwitch(argv, 'json') && !hasSwitch(argv, 'no-color') };
  return { stdout: paintFor(process.stdout, options), stderr: paintFor(process.stderr, options) };
}

/** Whether a switch is on, even if the command line is otherwise invalid. */
function hasSwitch(argv: readonly string[], name: string): boolean {
  return argv.some((word) => {
    const [flag, ...value] = word.split('=');
    return flag === `--${name}` && (value.length === 0 || parseBoolean(value.join('=')) === true);
  });
}

/** Records how the run ended, and shows what keeps that from being recorded. */
type RecordEnd = (ended: Outcome | Error) => Promise<void>;

function recorderOf(
  { operation, dryRun, metrics }: CommandRun,
  { secrets, formats }: Pick<Surroundings, 'secrets' | 'formats'>,
): RecordEnd {
  const targets = metricsTargets(metrics, process.env);
  secrets.learn(secretsInUrls(targets.gateway ?? ''));
  const started = performance.now();
  return async (ended) => {
    if (dryRun) return;
    isRecorded = true;
    const seconds = Math.round(performance.now() - started) / 1000;
    const run = { name: operation.name, seconds, targets, environment: process.env, now: new Date() };
    const mark = formats.paints.stderr('yellow', 'warning:');
    for (const warning of await recordRun(ended, run))
      process.stderr.write(`${formats.stderr(`${mark} ${printable(secrets.redact(warning))}`, 'warning')}\n`);
  };
}

/** The width of the terminal; undefined if standard output is none, since nothing needs to fit then. */
function terminalColumns(): number | undefined {
  if (!process.stdout.isTTY) return undefined;
  // A serial console has no size of its own.
  const columns = process.stdout.columns || Number(process.env.COLUMNS);
  return columns > 0 ? columns : undefined;
}

/** How often `-v` was given, even if the command line is otherwise invalid. */
function verbosityIn(argv: readonly string[]): number {
  return argv.reduce((sum, word) => sum + (word === '--verbose' ? 1 : /^-v+$/.test(word) ? word.length - 1 : 0), 0);
}

/** Whether the journal reads the output, as far as the command line says so, even if it is otherwise invalid. */
function journalIn(argv: readonly string[]): boolean | undefined {
  return argv.includes('--journal') ? true : argv.includes('--no-journal') ? false : undefined;
}

async function run(
  commandLine: CommandRun,
  { secrets, interruption, formats, record }: Omit<Surroundings, 'progress'> & { readonly record: RecordEnd },
): Promise<void> {
  const progress = createProgress(process.stderr, {
    isShown: commandLine.showProgress,
    format: formats.stderr,
    isSmart: isSmartTerminal(process.stderr, process.env),
    now: () => performance.now(),
  });
  let outcome: Outcome;
  try {
    const context = contextOf(commandLine, { secrets, interruption, progress, formats });
    outcome = await interruption.bound(execute(commandLine.operation, commandLine.raw, context));
  } finally {
    progress.stop();
  }
  if (!claimEnd()) return;
  await record(outcome);
  if (commandLine.monitoring) return endMonitored(monitorOutcome(outcome, secrets.list()), formats);
  const shown = showOutcome(outcome, {
    json: commandLine.json,
    secrets: secrets.list(),
    verbosity: commandLine.verbosity,
    isTableHidden: commandLine.isQuiet && commandLine.operation.writes,
    columns: terminalColumns(),
    formats,
  });
  const failed = outcome.failures.length > 0;
  const code = failed ? (interrupted ? exitCodeOf(interrupted) : exitCodes.failed) : exitCodes.done;
  await end(shown, code, formats);
}

interface Surroundings {
  readonly secrets: KnownSecrets;
  readonly interruption: Interruption;
  readonly progress: ProgressDisplay;
  readonly formats: ShownFormats;
}

function contextOf(
  { dryRun, verbosity }: CommandRun,
  { secrets, interruption, progress, formats }: Surroundings,
): ExecutionContext {
  return {
    reader: 'command line',
    checkMode: dryRun,
    environment: process.env,
    signal: interruption.signal,
    now: () => new Date(),
    random: Math.random,
    log: (level, text) => {
      if (verbosity >= (level === 'info' ? 1 : 2))
        progress.line(formats.stderr(printable(secrets.redact(text)), level));
    },
    progress: (event) => progress.show(event),
    learnSecrets: secrets.learn,
    redact: secrets.redact,
  };
}

/** What interrupted the run. */
let interrupted: unknown;
let isEnding = false;
/** Whether metrics were to be written, or the name of a push gateway resolved. */
let isRecorded = false;

/** True for the first caller, which alone says how the run ended. */
function claimEnd(): boolean {
  if (isEnding) return false;
  isEnding = true;
  return true;
}

/**
 * Waits until both streams have taken everything, since process.exit() alone would drop what a pipe
 * has not read yet. Output that cannot be written, such as to a full disk, is a failure; a reader
 * that has gone away (`| head`) is not.
 */
async function end(shown: Shown, code: number, formats: ShownFormats): Promise<void> {
  // At a terminal, what failed is best read last.
  const faults = await Promise.all([written(process.stdout, shown.stdout), written(process.stderr, shown.stderr)]);
  const [fault] = faults.filter((error) => error !== undefined && error.code !== 'EPIPE');
  if (fault)
    await written(
      process.stderr,
      showFailure(outputLostError(fault), { json: false, secrets: [], withStack: false, formats }).stderr,
    );
  if (interrupted !== undefined || isRecorded) limitExit(interrupted);
  process.exit(fault && code === exitCodes.done ? exitCodes.failed : code);
}

function endMonitored({ line, code }: Monitored, formats: ShownFormats): Promise<void> {
  return end({ stdout: line, stderr: '' }, code, formats);
}

function written(stream: NodeJS.WriteStream, text: string): Promise<NodeJS.ErrnoException | undefined> {
  if (text === '') return Promise.resolve(undefined);
  return new Promise((resolve) => stream.write(text, (error) => resolve(error ?? undefined)));
}
