// Turns the backquotes of a declaration's texts into Ansible's markup.
import { visitFields, type Field } from '../core/fields.js';
import type { Declaration, ReturnField } from '../core/operation.js';

/** The collection that a module is documented for, with the names of all its modules. */
export interface Collection {
  readonly name: string;
  readonly modules: readonly string[];
}

/** What a text describes. */
export interface Place {
  readonly part: 'option' | 'value';
  /** The keys above, outermost first. */
  readonly path: readonly string[];
  readonly field?: Field;
  /** The returned value itself, which a text about it does not refer to. */
  readonly value?: string;
}

export type Markup = (text: string, place: Place) => string;

/** The place of a text that describes the module itself. */
export const wholeModule: Place = { part: 'option', path: [] };

/** What ansible-doc of every release can show: `C(…)`, which ends at the first parenthesis. */
export function plainMarkup(text: string): string {
  return text.replace(/`([^`]*)`/g, (_, code: string) => constantOf(code));
}

/**
 * Semantic markup, which ansible-core 2.15 and newer show, and Galaxy with links: `O(…)` is an
 * option, `V(…)` a value, `RV(…)` a returned value, and `M(…)` a module.
 */
export function semanticMarkup(declaration: Declaration, collection: Collection): Markup {
  const names = namesOf(declaration);
  return (text, place) =>
    text.replace(/`([^`]*)`/g, (_, code: string) => {
      if (code.includes(')') || code.includes('\\')) return constantOf(code);
      if (collection.modules.includes(code) && code !== declaration.name) return `M(${collection.name}.${code})`;
      if (choicesOf(place.field).includes(code)) return `V(${code})`;
      return namedBy(code, place, names) ?? (isValue(code, names) ? `V(${code})` : constantOf(code));
    });
}

function constantOf(code: string): string {
  return code.includes(')') ? `"${code}"` : `C(${code})`;
}

interface Names {
  readonly options: ReadonlySet<string>;
  readonly values: ReadonlySet<string>;
  readonly choices: ReadonlySet<string>;
}

function namesOf({ fields, returns }: Declaration): Names {
  const options = new Set<string>();
  const choices = new Set<string>();
  visitFields(fields, (path, field) => {
    options.add(path);
    for (const choice of choicesOf(field)) choices.add(choice);
  });
  return { options, values: new Set(pathsOf(returns)), choices };
}

function pathsOf(returns: Readonly<Record<string, ReturnField>>, prefix = ''): string[] {
  return Object.entries(returns).flatMap(([name, value]) => [
    prefix + name,
    ...pathsOf(value.contains ?? {}, `${prefix}${name}.`),
  ]);
}

function choicesOf(field: Field | undefined): readonly string[] {
  return field && 'choices' in field ? (field.choices ?? []) : [];
}

function isValue(code: string, { choices }: Names): boolean {
  return choices.has(code) || /^(true|false|null|-?\d+(\.\d+)?)$/.test(code);
}

/**
 * An option or returned value with this name, also as `name: value`; one of the same part before
 * one of the other.
 */
function namedBy(code: string, { part, path, value: own }: Place, { options, values }: Names): string | undefined {
  const [, name = '', value] = /^([a-z][a-z0-9_.]*)(?:: (\S+))?$/.exec(code) ?? [];
  const suffix = value === undefined ? '' : `=${value}`;
  const asOption = (above: readonly string[]): string | undefined => marked('O', nearest(name, above, options), suffix);
  const asValue = (above: readonly string[]): string | undefined =>
    name === own ? undefined : marked('RV', nearest(name, above, values), suffix);
  return part === 'option' ? (asOption(path) ?? asValue([])) : (asValue(path) ?? asOption([]));
}

function marked(mark: string, name: string | undefined, suffix: string): string | undefined {
  return name === undefined ? undefined : `${mark}(${name}${suffix})`;
}

/** Of names that are the same word at different depths, the one that a reader of this place means. */
function nearest(name: string, above: readonly string[], known: ReadonlySet<string>): string | undefined {
  if (name === '') return undefined;
  return above
    .map((_, index) => [...above.slice(0, above.length - index), name].join('.'))
    .concat(name)
    .find((path) => known.has(path));
}
