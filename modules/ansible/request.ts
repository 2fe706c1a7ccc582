// What Ansible hands to a module: a JSON file with the task's arguments and its own `_ansible_*` keys among them.
import { readFileSync, statSync } from 'node:fs';
import type { RawArguments } from '../core/coercion.js';
import { InputError, messageOf } from '../core/errors.js';
import { parseJson, TooDeep } from '../core/json-text.js';

/** What Ansible asks of the module, beside the task's own arguments. Keys that we do not know are ignored. */
export interface Request {
  readonly arguments: RawArguments;
  readonly checkMode: boolean;
  readonly diff: boolean;
  readonly noLog: boolean;
  readonly verbosity: number;
  /** False where the caller does not want to see its own arguments again (ansible-core 2.22). */
  readonly injectInvocation: boolean;
}

const largestFile = 16 * 1024 * 1024;
const prefix = '_ansible_';

/** Reads the file that Ansible names as the first argument. Throws BAD_ARGUMENTS_FILE; its content is never quoted, for it may hold a password. */
export function readRequest(path: string): Request {
  const refuse = (fault: string, cause?: unknown): never => {
    const hint = 'Ansible writes this file itself: it must hold one JSON object with the options of the task';
    throw Object.assign(new InputError(`the arguments file ${path} ${fault}; ${hint}`, undefined, 'BAD_ARGUMENTS_FILE'), { cause });
  };
  const text = readText(path, refuse);
  if (text.trim() === '') return refuse('is empty');
  let content: unknown;
  try {
    content = parseJson(text, { numbers: 'written' });
  } catch (error) {
    if (error instanceof TooDeep) return refuse(`cannot be used: ${error.message}`, error);
    return refuse(text.trimStart().startsWith('<') ? 'holds HTML or XML instead of JSON' : 'is not JSON', error);
  }
  if (Array.isArray(content)) return refuse('holds a list');
  if (typeof content !== 'object' || content === null) return refuse(`holds a ${content === null ? 'null' : typeof content}`);
  return requestFrom(content as Record<string, unknown>);
}

function readText(path: string, refuse: (fault: string, cause?: unknown) => never): string {
  try {
    const { size } = statSync(path);
    if (size > largestFile) return refuse(`is larger than ${largestFile / 1024 / 1024} MiB (${size} bytes)`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    return refuse(`cannot be read (${messageOf(error)})`, error);
  }
}

function requestFrom(content: Readonly<Record<string, unknown>>): Request {
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
