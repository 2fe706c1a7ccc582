// The main program of the command line: reads it, runs the operation, shows the result, exits with
// the right code.
import { OperationError } from '../core/errors.js';
import { untilAborted, watchInterruptions, type Interruption } from '../core/interruption.js';
import type { AnyOperation, Outcome } from '../core/operation.js';
import { limitExit, outputLostError } from '../runtime/ending.js';
import { execute, type ExecutionContext, knownSecrets, type KnownSecrets } from '../runtime/execute.js';
import { readCommandLine, type CommandRun } from './command-line.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import { createProgress, type ProgressDisplay } from './progress.js';
import { printable } from './printable.js';
import { showFailure, showOutcome, type Shown } from './show.js';

const deadlineSeconds = 24 * 60 * 60;
const graceSeconds = 10;
const narrowest = 80;

/** Runs one command and ends the process. */
export async function main(argv: readonly string[], operations: readonly AnyOperation[]): Promise<void> {
  const secrets = knownSecrets(process.env);
  const wantsJson = argv.includes('--json') || argv.includes('--json=true');
  // end() reports what cannot be written.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const interruption = watchInterruptions({ source: process, deadlineSeconds, graceSeconds });
  interruption.signal.addEventListener('abort', () => (interrupted = interruption.signal.reason));
  const fail = (error: unknown): void => {
    const options = {
      json: wantsJson,
      secrets: secrets.list(),
      withStack: verbosityIn(argv) >= (error instanceof OperationError ? 3 : 2),
    };
    void end(showFailure(error, options), exitCodeOf(error));
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  try {
    const commandLine = await untilAborted(
      readCommandLine(argv, operations, terminalColumns() ?? narrowest),
      interruption.signal,
    );
    if (commandLine.kind === 'text') return await end({ stdout: commandLine.text, stderr: '' }, exitCodes.done);
    await run(commandLine, { secrets, interruption });
  } catch (error) {
    fail(error);
  }
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

async function run(
  commandLine: CommandRun,
  { secrets, interruption }: Pick<Surroundings, 'secrets' | 'interruption'>,
): Promise<void> {
  const progress = createProgress(process.stderr, commandLine.showProgress, () => performance.now());
  let outcome: Outcome;
  try {
    const context = contextOf(commandLine, { secrets, interruption, progress });
    outcome = await interruption.bound(execute(commandLine.operation, commandLine.raw, context));
  } finally {
    progress.stop();
  }
  const shown = showOutcome(outcome, {
    json: commandLine.json,
    secrets: secrets.list(),
    verbosity: commandLine.verbosity,
    columns: terminalColumns(),
  });
  const failed = outcome.failures.length > 0;
  await end(shown, failed ? (interrupted ? exitCodeOf(interrupted) : exitCodes.failed) : exitCodes.done);
}

interface Surroundings {
  readonly secrets: KnownSecrets;
  readonly interruption: Interruption;
  readonly progress: ProgressDisplay;
}

function contextOf(
  { dryRun, verbosity }: CommandRun,
  { secrets, interruption, progress }: Surroundings,
): ExecutionContext {
  return {
    reader: 'command line',
    checkMode: dryRun,
    environment: process.env,
    signal: interruption.signal,
    now: () => new Date(),
    random: Math.random,
    log: (level, text) => {
      if (verbosity >= (level === 'info' ? 1 : 2)) progress.line(printable(secrets.redact(text)));
    },
    progress: (event) => progress.show(event),
    learnSecrets: secrets.learn,
    redact: secrets.redact,
  };
}

let ended = false;
/** What interrupted the run. */
let interrupted: unknown;

/**
 * Waits until both streams have taken everything, since process.exit() alone would drop what a pipe
 * has not read yet. Only the first call counts. Output that cannot be written, such as to a full
 * disk, is a failure; a reader that has gone away (`| head`) is not.
 */
async function end(shown: Shown, code: number): Promise<void> {
  if (ended) return;
  ended = true;
  // At a terminal, what failed is best read last.
  const faults = await Promise.all([written(process.stdout, shown.stdout), written(process.stderr, shown.stderr)]);
  const [fault] = faults.filter((error) => error !== undefined && error.code !== 'EPIPE');
  if (fault)
    await written(
      process.stderr,
      showFailure(outputLostError(fault), { json: false, secrets: [], withStack: false }).stderr,
    );
  if (interrupted !== undefined) limitExit(interrupted);
  process.exit(fault && code === exitCodes.done ? exitCodes.failed : code);
}

function written(stream: NodeJS.WriteStream, text: string): Promise<NodeJS.ErrnoException | undefined> {
  if (text === '') return Promise.resolve(undefined);
  return new Promise((resolve) => stream.write(text, (error) => resolve(error ?? undefined)));
}
