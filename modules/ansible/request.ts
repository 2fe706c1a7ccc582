// What Ansible passes to a module: a JSON file with the task's arguments and its own `_ansible_*`
// keys.
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { RawArguments } from '../core/coercion.js';
import { InputError, isSystemError, messageOf } from '../core/errors.js';
import { isMapping } from '../core/mapping.js';
import { parseJson, TooDeep } from '../core/json-text.js';
import { sleep } from '../core/waiting.js';
import { mebibyte } from '../core/sizes.js';

/**
 * The task's arguments, and what Ansible asks for besides. Unknown keys of Ansible's own are
 * ignored.
 */
export interface ModuleRequest {
  readonly arguments: RawArguments;
  readonly checkMode: boolean;
  readonly diff: boolean;
  readonly noLog: boolean;
  readonly verbosity: number;
  /** False if the result must not contain the arguments (ansible-core 2.22). */
  readonly injectInvocation: boolean;
}

const largestFile = 16 * mebibyte;
const prefix = '_ansible_';

/**
 * Reads the file that Ansible names as the first argument. Throws BAD_ARGUMENTS_FILE; never quotes
 * the content, which may contain a password.
 */
export async function readRequest(path: string, signal: AbortSignal): Promise<ModuleRequest> {
  const refuse = (fault: string, cause?: unknown): never => {
    const hint = 'Ansible writes this file itself: it must hold one JSON object with the options of the task';
    throw Object.assign(
      new InputError(`the arguments file ${path} ${fault}; ${hint}`, undefined, 'BAD_ARGUMENTS_FILE'),
      { cause },
    );
  };
  const text = await readText(path, signal, refuse);
  if (text.trim() === '') return refuse('is empty');
  let content: unknown;
  try {
    content = parseJson(text, { numbers: 'written' });
  } catch (error) {
    if (error instanceof TooDeep) return refuse(`cannot be used: ${error.message}`, error);
    return refuse(text.trimStart().startsWith('<') ? 'holds HTML or XML instead of JSON' : 'is not JSON', error);
  }
  if (Array.isArray(content)) return refuse('holds a list');
  if (!isMapping(content)) return refuse(`holds a ${content === null ? 'null' : typeof content}`);
  return requestFrom(content);
}

async function readText(
  path: string,
  signal: AbortSignal,
  refuse: (fault: string, cause?: unknown) => never,
): Promise<string> {
  try {
    // A pipe must block neither the process, which could then not be stopped, nor one of its
    // threads.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await readAll(descriptor, signal, () => refuse(`is larger than ${largestFile / mebibyte} MiB`));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof InputError) throw error;
    return refuse(`cannot be read (${messageOf(error)})`, error);
  }
}

const pauseMilliseconds = 20;

async function readAll(descriptor: number, signal: AbortSignal, refuse: () => never): Promise<string> {
  const chunks: Buffer[] = [];
  for (let bytes = 0; ; ) {
    const chunk = Buffer.alloc(64 * 1024);
    const count = await readSome(descriptor, chunk, signal);
    if (count === 0) return Buffer.concat(chunks).toString('utf8');
    chunks.push(chunk.subarray(0, count));
    bytes += count;
    if (bytes > largestFile) refuse();
  }
}

async function readSome(descriptor: number, chunk: Buffer, signal: AbortSignal): Promise<number> {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (error) {
      if (!isSystemError(error, 'EAGAIN')) throw error;
      await sleep(pauseMilliseconds, signal);
    }
  }
}

function requestFrom(content: Readonly<Record<string, unknown>>): ModuleRequest {
  const flag = (name: string): boolean => content[prefix + name] === true || content[prefix + name] === 'True';
  const verbosity = Number(content[`${prefix}verbosity`] ?? 0);
  return {
    arguments: Object.fromEntries(Object.entries(content).filter(([key]) => !key.startsWith(prefix))),
    checkMode: flag('check_mode'),
    diff: flag('diff'),
    noLog: flag('no_log'),
    verbosity: Number.isFinite(verbosity) ? verbosity : 0,
    injectInvocation: content[`${prefix}inject_invocation`] !== false,
  };
}
