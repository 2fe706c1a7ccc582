// The result that programs read, with the same keys from a module and from the command line's
// --json; and differences as text.
import { InputError, messageOf, OperationError, type Facts } from '../core/errors.js';
import type { Outcome } from '../core/operation.js';

export interface Result {
  readonly changed: boolean;
  readonly msg: string;
  readonly failed?: true;
  /** Stable code of the failure, listed in modules/README.md. */
  readonly code?: string;
  readonly failures?: readonly string[];
  /** What the failure is about, as data. */
  readonly details?: Facts;
  readonly warnings?: readonly string[];
  readonly [value: string]: unknown;
}

/**
 * The keys that no operation may declare as a value of its own, since Ansible, Jinja
 * (`result.items`) or this project gives them a meaning.
 */
export const reservedKeys: readonly string[] = [
  ...[
    'changed',
    'failed',
    'msg',
    'rc',
    'skipped',
    'results',
    'diff',
    'warnings',
    'deprecations',
    'exception',
    'invocation',
  ],
  ...[
    'ansible_facts',
    'ansible_job_id',
    'stdout',
    'stderr',
    'censored',
    'code',
    'failures',
    'details',
    'differences',
    'log',
  ],
  ...['items', 'keys', 'values', 'get', 'pop', 'update', 'copy', 'clear'],
];

/**
 * The result of an outcome. Failed parts make it a failure that still contains everything that
 * succeeded.
 */
export function resultOfOutcome(outcome: Outcome): Result {
  const { changed, message, summary, values, failures, warnings } = outcome;
  return {
    changed,
    msg: [message, ...failures].join('; '),
    ...(failures.length > 0 ? { failed: true, code: 'PART_FAILED', failures } : {}),
    ...(summary === undefined ? {} : { summary }),
    ...values,
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/**
 * The result of an error, without its stack. An error that was not thrown on purpose is reported as
 * a bug in this program.
 */
export function resultOfError(error: unknown): Result {
  if (!(error instanceof OperationError)) {
    return {
      changed: false,
      failed: true,
      code: 'INTERNAL_ERROR',
      msg: `this is a fault of the program, please report it: ${messageOf(error)}`,
    };
  }
  const details = Object.fromEntries(Object.entries(error.facts).filter(([, value]) => value !== undefined));
  return {
    changed: false,
    failed: true,
    code: error.code,
    msg: error.message,
    ...(Object.keys(details).length > 0 && !(error instanceof InputError) ? { details } : {}),
  };
}

/**
 * A mapping as YAML-like text that ends with a newline, for comparing two of them line by line; an
 * empty text for an empty mapping.
 */
export function toYamlText(values: Readonly<Record<string, unknown>>): string {
  return linesOf(values)
    .map((line) => `${line}\n`)
    .join('');
}

function linesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((element: unknown) => nested('-', element, '- '));
  return Object.entries(value ?? {})
    .filter(([, inner]) => inner !== undefined)
    .flatMap(([key, inner]) => nested(`${scalar(key)}:`, inner, '  '));
}

function nested(label: string, value: unknown, indent: string): string[] {
  if (typeof value !== 'object' || value === null) return [`${label} ${scalar(value)}`];
  const lines = linesOf(value);
  if (lines.length === 0) return [`${label} ${Array.isArray(value) ? '[]' : '{}'}`];
  if (indent === '- ') return lines.map((line, index) => `${index === 0 ? '- ' : '  '}${line}`);
  return [label, ...lines.map((line) => indent + line)];
}

/** The text itself if YAML would read it back as the same text, otherwise in JSON's quotes. */
function scalar(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  const plain = /^[\p{L}_/][\p{L}\p{N} _/.@*+=()<>-]*(:[\p{L}\p{N}_/.@-]+)*$/u.test(value) && value === value.trim();
  const word = /^(y|yes|n|no|on|off|true|false|null|\.inf|\.nan)$/i.test(value);
  return plain && !word ? value : JSON.stringify(value);
}
