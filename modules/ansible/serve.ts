// One operation as an Ansible module: reads the arguments file, runs, and prints one JSON object,
// whatever happens.
import { untilAborted, watchInterruptions, type Interruption } from '../core/interruption.js';
import type { AnyOperation, LogLevel } from '../core/operation.js';
import { limitExit, outputLostError } from '../runtime/ending.js';
import { execute, type ExecutionContext, knownSecrets, type KnownSecrets } from '../runtime/execute.js';
import { readRequest, type ModuleRequest } from './request.js';
import { responseTo, responseToError, toAsciiJson, writeFully, type ResponseParts } from './response.js';

/** A task's `timeout:` does not stop the process, so every run has a limit of its own. */
const deadlineSeconds = 24 * 60 * 60;
const graceSeconds = 10;
const longestLog = 2000;

interface Session {
  request: ModuleRequest | undefined;
  readonly secrets: KnownSecrets;
  readonly log: string[];
  answered: boolean;
}

/** Serves one task; an entry file does nothing else. */
export async function serve(operation: AnyOperation): Promise<void> {
  const [, , path] = process.argv;
  if (path === undefined || path.startsWith('-')) {
    const isWritten = tryWriting(usageOf(operation));
    process.exit(isWritten && (path === '--help' || path === '-h') ? 0 : 2);
  }
  const session: Session = { request: undefined, secrets: knownSecrets(process.env), log: [], answered: false };
  const parts = (): ResponseParts => ({ ...session, secrets: session.secrets.list(), fields: operation.fields });
  const answer = (response: Record<string, unknown>): void => {
    if (session.answered) return;
    session.answered = true;
    const isWritten = tryWriting(`${toAsciiJson(response)}\n`);
    if (interruption.signal.aborted) limitExit(interruption.signal.reason);
    process.exit(isWritten && response.failed !== true ? 0 : 1);
  };
  const interruption = watchInterruptions({ source: process, deadlineSeconds, graceSeconds });
  const fail = (error: unknown): void => answer(responseToError(error, parts()));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  process.on('exit', () => fail(new Error('the module ended before it had a result')));
  try {
    session.request = await untilAborted(readRequest(path, interruption.signal), interruption.signal);
    const work = execute(operation, session.request.arguments, contextOf(session, session.request, interruption));
    answer(responseTo(await interruption.bound(work), parts()));
  } catch (error) {
    fail(error);
  }
}

/** Reports on standard error why an answer cannot be written, such as to a full disk. */
function tryWriting(text: string): boolean {
  try {
    writeFully(1, text);
    return true;
  } catch (error) {
    process.stderr.write(`${outputLostError(error).message}\n`);
    return false;
  }
}

function contextOf(session: Session, request: ModuleRequest, interruption: Interruption): ExecutionContext {
  return {
    checkMode: request.checkMode,
    environment: process.env,
    signal: interruption.signal,
    now: () => new Date(),
    random: Math.random,
    log: (level, text) => {
      if (request.verbosity >= verbosityOf[level] && session.log.length < longestLog)
        session.log.push(`${level}: ${text}`);
    },
    progress: () => undefined,
    learnSecrets: session.secrets.learn,
    redact: session.secrets.redact,
  };
}

/** The number of -v from which on a line is part of the result. */
const verbosityOf: Readonly<Record<LogLevel, number>> = { info: 1, debug: 2 };

/** What the module is and how to run it, for somebody who starts it by hand. */
function usageOf({ name, command, summary }: AnyOperation): string {
  return [
    `${name}: ${summary}.`,
    '',
    'This is an Ansible module: Ansible runs it and passes it a file with its arguments. To use it,',
    '',
    `  ansible localhost -m ${name} -a 'cloud=NAME'     as an ad-hoc call, with a cloud of clouds.yaml`,
    `  ansible-doc -t module ${name}                    all options, results and examples`,
    `  chameleon-image-tools ${command} --help          the same from the command line, without Ansible`,
    '',
    'A file with the arguments as a JSON object may also be given by hand:',
    '',
    `  echo '{"cloud": "NAME"}' > arguments.json && ./${name}.mjs arguments.json`,
    '',
  ].join('\n');
}
