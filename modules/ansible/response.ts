// What a module answers: one JSON object, with nothing secret in it and in characters that every Ansible reads.
import { writeSync } from 'node:fs';
import { OperationError } from '../core/errors.js';
import type { Fields } from '../core/fields.js';
import { maskArguments } from '../core/masking.js';
import { redactAll } from '../core/redaction.js';
import type { Difference, Outcome } from '../core/operation.js';
import { toYamlText, resultOfOutcome, resultOfError } from '../runtime/result.js';
import type { ModuleRequest } from './request.js';

export interface ResponseParts {
  readonly fields: Fields;
  /** Undefined when the arguments file could not be read. */
  readonly request: ModuleRequest | undefined;
  readonly secrets: readonly string[];
  readonly log: readonly string[];
}

/** The answer to a run that ended, be it with failed parts. */
export function responseTo(outcome: Outcome, parts: ResponseParts): Record<string, unknown> {
  const wantsDiff = parts.request?.diff === true && !parts.request.noLog && outcome.differences.length > 0;
  const differences = redactAll(outcome.differences, parts.secrets);
  return finish({ ...resultOfOutcome(outcome), ...(wantsDiff ? { diff: differences.map(diffEntry) } : {}) }, parts);
}

/** The answer to a run that could not be carried out. The stack of a fault of the program is shown from -vv on, any other from -vvv on. */
export function responseToError(error: unknown, parts: ResponseParts): Record<string, unknown> {
  const needed = error instanceof OperationError ? 3 : 2;
  const stack =
    error instanceof Error && (parts.request?.verbosity ?? 0) >= needed ? { exception: stackOf(error) } : {};
  return finish({ ...resultOfError(error), ...stack }, parts);
}

function finish(
  result: Readonly<Record<string, unknown>>,
  { fields, request, secrets, log }: ResponseParts,
): Record<string, unknown> {
  const shown = request !== undefined && !request.noLog;
  return redactAll(
    {
      ...result,
      ...(shown && log.length > 0 ? { log } : {}),
      ...(shown && request.injectInvocation
        ? { invocation: { module_args: maskArguments(fields, request.arguments) } }
        : {}),
    },
    secrets,
  );
}

function diffEntry({ header, before, after }: Difference): Record<string, string> {
  return { before_header: header, after_header: header, before: toYamlText(before), after: toYamlText(after) };
}

/** The error with all that caused it, as Node prints it. */
function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\nCaused by: ${stackOf(error.cause)}` : own;
}

/**
 * JSON in ASCII: Ansible splits a module's output at U+2028 and U+0085 too. Half a surrogate pair, which JSON allows and
 * no terminal can print, becomes U+FFFD.
 */
export function toAsciiJson(value: unknown): string {
  const wellFormed = (_: string, inner: unknown): unknown =>
    typeof inner === 'string' ? inner.replace(/\p{Surrogate}/gu, '\ufffd') : inner;
  return JSON.stringify(value, wellFormed).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const pauseMilliseconds = 5;

/** Writes the whole text, waiting for a pipe that is full. Throws the system's error where it cannot be written, EPIPE where the reader is gone. */
export function writeFully(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMilliseconds);
    }
  }
}
