// What a module answers: one JSON object without secrets, in characters that every Ansible reads.
import { writeSync } from 'node:fs';
import { isSystemError, OperationError } from '../core/errors.js';
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

/** The answer of a run that ended, possibly with failed parts. */
export function responseTo(outcome: Outcome, parts: ResponseParts): Record<string, unknown> {
  const wantsDiff = parts.request?.diff === true && !parts.request.noLog && outcome.differences.length > 0;
  const differences = redactAll(outcome.differences, parts.secrets);
  return finish({ ...resultOfOutcome(outcome), ...(wantsDiff ? { diff: differences.map(diffEntry) } : {}) }, parts);
}

/**
 * The answer of a run that failed as a whole. The stack of a bug in this program is shown from -vv
 * on, any other from -vvv on.
 */
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

/** The stack of an error and of all its causes, as Node.js prints it. */
function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\nCaused by: ${stackOf(error.cause)}` : own;
}

/**
 * JSON in ASCII, since Ansible also splits a module's output at U+2028 and U+0085. Half a surrogate
 * pair, which JSON allows and no terminal can print, becomes U+FFFD.
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

/**
 * Writes the complete text, waiting while a pipe is full, since process.exit() after stdout.write()
 * would drop what a pipe has not taken yet. Throws the system's error, EPIPE if the reader has gone
 * away.
 */
export function writeFully(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if (!isSystemError(error, 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMilliseconds);
    }
  }
}
