// The words of a result for whoever reads it: options as the reader spells them, and files by the
// path at which the reader can open them.
import { InputError } from '../core/errors.js';
import { isMapping } from '../core/mapping.js';
import type { Context, Environment, Outcome } from '../core/operation.js';
import { inputTextFor, textFor, type Reader } from '../core/option-text.js';

/**
 * Of files that this process reads in the place of others, such as the credentials of a systemd
 * service: `copy=original`, separated by colons. The wrapper of the service sets it.
 */
const copiesVariable = 'CHAMELEON_IMAGE_TOOLS_COPIES';

export interface Wording {
  text(text: string): string;
  outcome(outcome: Outcome): Outcome;
  /** The same error, with its message in these words. */
  error(error: unknown): unknown;
  context<C extends Context>(context: C): C;
}

/** `options`: the names of the operation's own. */
export function wordingFor(reader: Reader, options: readonly string[], environment: Environment): Wording {
  const originals = originalsIn(environment);
  const named = (text: string): string => originals.reduce((all, [copy, path]) => all.replaceAll(copy, path), text);
  const text = (each: string): string => named(textFor(reader, each));
  return {
    text,
    outcome: (outcome) => mapTexts(outcome, text),
    error: (error) => {
      if (!(error instanceof Error)) return error;
      error.message =
        error instanceof InputError ? named(inputTextFor(reader, error.message, options)) : text(error.message);
      if (error.stack !== undefined) error.stack = text(error.stack);
      return error;
    },
    context: (context) => ({
      ...context,
      log: (level, line) => context.log(level, text(line)),
      progress: (event) => context.progress({ ...event, subject: text(event.subject), stage: text(event.stage) }),
    }),
  };
}

function originalsIn(environment: Environment): [copy: string, original: string][] {
  return (environment[copiesVariable] ?? '').split(':').flatMap((pair) => {
    const [copy, original] = pair.split('=');
    return copy && original ? [[copy, original] as [string, string]] : [];
  });
}

function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((element: unknown) => mapTexts(element, change)) as T;
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)])) as T;
}
