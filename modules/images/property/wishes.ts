// Which images the arguments name, and what they want of each. Every fault is collected, so that all are told together.
import { readSmallFile } from '../../clients/files/yaml-file.js';
import { withHome } from '../../clients/files/paths.js';
import { InputError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import { parseAssignments, propertyRefusal, type DesiredProperties } from '../policy/image-properties.js';
import type { imagePropertyDeclaration } from './declaration.js';

export type PropertyArguments = ArgumentsOf<(typeof imagePropertyDeclaration)['fields']>;

/** What the arguments want of one image. */
export interface Request {
  /** The id or name, as it was given. */
  readonly key: string;
  /** Where it was given, such as `images` or `/tmp/values line 3`. */
  readonly place: string;
  readonly wishes: DesiredProperties;
}

export interface Requests {
  readonly requests: readonly Request[];
  readonly faults: readonly string[];
}

const nothing: Requests = { requests: [], faults: [] };

/** Reads the arguments and the file that they name. Throws INVALID_INPUT where options do not go together or the file cannot be read. */
export async function readRequests(
  args: PropertyArguments,
  context: Pick<Context, 'environment' | 'signal'>,
): Promise<Requests> {
  const amiss = faultsOfCombination(args);
  if (amiss.length > 0) throw new InputError(amiss.join('; '));
  const lines = [await readValuesFile(args, context), readSingleValue(args)];
  const wishes = wishesForAll(args);
  return {
    requests: [
      ...(args.images ?? []).map((key) => ({ key, place: 'images', wishes })),
      ...Object.entries(args.values ?? {}).map(([key, value]) => ({
        key,
        place: 'values',
        wishes: wishFor(args, value),
      })),
      ...lines.flatMap(({ requests }) => requests),
    ],
    faults: [...faultsOfNames(args), ...lines.flatMap(({ faults }) => faults)],
  };
}

type Option = 'images' | 'set' | 'remove' | 'property' | 'value' | 'values' | 'values_file' | 'single_value';

/** An option, and those of which it needs one. */
const needs: readonly (readonly [Option, readonly Option[]])[] = [
  ['images', ['set', 'remove', 'value']],
  ['set', ['images']],
  ['remove', ['images']],
  ['value', ['images']],
  ['value', ['property']],
  ['values', ['property']],
  ['values_file', ['property']],
  ['single_value', ['property']],
  ['property', ['value', 'values', 'values_file', 'single_value']],
];

function faultsOfCombination(args: PropertyArguments): string[] {
  if (needs.every(([option]) => args[option] === undefined)) {
    return [
      'nothing is asked for: give images with set, remove or value, or property with values, values_file or single_value',
    ];
  }
  return needs
    .filter(([option, others]) => args[option] !== undefined && others.every((other) => args[other] === undefined))
    .map(([option, others]) => `${option} needs ${others.join(' or ')} beside it`);
}

function faultsOfNames(args: PropertyArguments): string[] {
  const set = [...Object.keys(args.set ?? {}), ...(args.value === undefined ? [] : [args.property ?? ''])];
  const twice = set.filter((name, index) => args.remove?.includes(name) || set.indexOf(name) !== index);
  const given = [
    ['set', Object.keys(args.set ?? {})],
    ['remove', args.remove ?? []],
    ['property', args.property === undefined ? [] : [args.property]],
  ] as const;
  const refused = given.flatMap(([option, names]) =>
    names.flatMap((name) => {
      const why = propertyRefusal(name);
      return why === undefined ? [] : [`${option}: ${JSON.stringify(name)} cannot be changed: ${why}`];
    }),
  );
  return [...refused, ...twice.map((name) => `property ${JSON.stringify(name)} is given twice for the same images`)];
}

/** What `set`, `remove` and `value` want of each of `images`. */
function wishesForAll(args: PropertyArguments): DesiredProperties {
  const removals = (args.remove ?? []).map((name): [string, undefined] => [name, undefined]);
  const own = args.value === undefined ? [] : wishFor(args, args.value);
  return new Map([...Object.entries(args.set ?? {}), ...own, ...removals]);
}

function wishFor({ property = '' }: PropertyArguments, value: string): DesiredProperties {
  return new Map([[property, value]]);
}

async function readValuesFile(
  args: PropertyArguments,
  { environment, signal }: Pick<Context, 'environment' | 'signal'>,
): Promise<Requests> {
  if (args.values_file === undefined) return nothing;
  const path = withHome(args.values_file, environment);
  const { text } = await readSmallFile(path, { signal }).catch((error: unknown) => {
    throw error instanceof InputError ? new InputError(`values_file: ${error.message}`, 'values_file') : error;
  });
  return readLines(text, args, { whole: `values_file: ${path}`, placeOf: (line) => `${path} line ${line}` });
}

function readSingleValue(args: PropertyArguments): Requests {
  return args.single_value === undefined
    ? nothing
    : readLines(args.single_value, args, { whole: 'single_value', placeOf: () => 'single_value' });
}

function readLines(
  text: string,
  args: PropertyArguments,
  { whole, placeOf }: { whole: string; placeOf: (line: number) => string },
): Requests {
  const { assignments, faults } = parseAssignments(text);
  // Most likely another file is meant, and a run that does nothing would hide it.
  if (assignments.length + faults.length === 0)
    return { requests: [], faults: [`${whole} has no line UUID:value in it`] };
  return {
    requests: assignments.map(({ line, id, value }) => ({
      key: id,
      place: placeOf(line),
      wishes: wishFor(args, value),
    })),
    faults: faults.map((fault) => `${placeOf(fault.line)}: ${fault.text}`),
  };
}
