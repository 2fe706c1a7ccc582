// Which properties the arguments of image_property request, for which images, and what is wrong
// with that. All faults are collected.
import { optionText } from '../../core/option-text.js';
import { isUuid } from '../../core/uuid.js';
import { describeOwners, isForeign } from './image-choice.js';
import {
  conflictingNames,
  parseAssignments,
  propertyRefusal,
  quote,
  type DesiredProperties,
} from './image-properties.js';
import type { SiteImage } from './site-image.js';

/** The options that say what to set on which images. */
export interface PropertyOptions {
  readonly images?: readonly string[] | undefined;
  readonly set?: Readonly<Record<string, string>> | undefined;
  readonly remove?: readonly string[] | undefined;
  readonly property?: string | undefined;
  readonly value?: string | undefined;
  readonly values?: Readonly<Record<string, string>> | undefined;
  readonly values_file?: string | undefined;
  readonly single_value?: string | undefined;
}

/** The properties requested for one image. */
export interface PropertyRequest {
  /** The id or name, as it was given. */
  readonly key: string;
  /** Where it was given, such as `images` or `/tmp/values line 3`. */
  readonly place: string;
  readonly desired: DesiredProperties;
}

export interface PropertyRequests {
  readonly requests: readonly PropertyRequest[];
  readonly faults: readonly string[];
}

/** An option, and those of which it requires one. */
const requirements: readonly (readonly [keyof PropertyOptions, readonly (keyof PropertyOptions)[]])[] = [
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

/** What is wrong with the combination of options. */
export function combinationFaults(options: PropertyOptions): string[] {
  if (requirements.every(([option]) => options[option] === undefined))
    return [
      `nothing is requested: give ${optionText('images')} with ${alternatives(['set', 'remove', 'value'])}, or ` +
        `${optionText('property')} with ${alternatives(['values', 'values_file', 'single_value'])}`,
    ];
  return requirements
    .filter(
      ([option, others]) => options[option] !== undefined && others.every((other) => options[other] === undefined),
    )
    .map(([option, others]) => `${optionText(option)} requires ${alternatives(others)}`);
}

function alternatives(options: readonly string[]): string {
  const [last = '', ...first] = options.map((option) => optionText(option)).reverse();
  return first.length === 0 ? last : `${first.reverse().join(', ')} or ${last}`;
}

/** The requests in the options themselves, without those in lines `UUID:value`. */
export function optionRequests(options: PropertyOptions): PropertyRequests {
  const desired = desiredForAll(options);
  return {
    requests: [
      ...(options.images ?? []).map((key) => ({ key, place: 'images', desired })),
      ...Object.entries(options.values ?? {}).map(([key, value]) => ({
        key,
        place: 'values',
        desired: desiredValue(options, value),
      })),
    ],
    faults: nameFaults(options),
  };
}

/** The requests in lines `UUID:value`. `label`: what the lines are as a whole. */
export function lineRequests(
  text: string,
  options: PropertyOptions,
  { label, placeOf }: { readonly label: string; readonly placeOf: (line: number) => string },
): PropertyRequests {
  const { assignments, faults } = parseAssignments(text);
  // Usually the wrong file, which a run that does nothing would hide.
  if (assignments.length + faults.length === 0)
    return { requests: [], faults: [`${label} contains no line UUID:value`] };
  return {
    requests: assignments.map(({ line, id, value }) => ({
      key: id,
      place: placeOf(line),
      desired: desiredValue(options, value),
    })),
    faults: faults.map((fault) => `${placeOf(fault.line)}: ${fault.text}`),
  };
}

function nameFaults({ set = {}, remove = [], property, value }: PropertyOptions): string[] {
  const assigned = [...Object.keys(set), ...(value === undefined ? [] : [property ?? ''])];
  const repeated = assigned.filter((name, index) => remove.includes(name) || assigned.indexOf(name) !== index);
  const given = [
    ['set', Object.keys(set)],
    ['remove', remove],
    ['property', property === undefined ? [] : [property]],
  ] as const;
  const refused = given.flatMap(([option, names]) =>
    names.flatMap((name) => {
      const why = propertyRefusal(name);
      return why === undefined ? [] : [`${option}: ${JSON.stringify(name)} cannot be changed: ${why}`];
    }),
  );
  return [...refused, ...repeated.map((name) => `property ${JSON.stringify(name)} is given twice for the same images`)];
}

/** What `set`, `remove` and `value` request for each of `images`. */
function desiredForAll(options: PropertyOptions): DesiredProperties {
  const removals = (options.remove ?? []).map((name): [string, undefined] => [name, undefined]);
  const own = options.value === undefined ? [] : desiredValue(options, options.value);
  return new Map([...Object.entries(options.set ?? {}), ...own, ...removals]);
}

function desiredValue({ property = '' }: PropertyOptions, value: string): DesiredProperties {
  return new Map([[property, value]]);
}

/** An image that is to be changed. */
export interface PropertyTarget<I> {
  readonly image: I;
  readonly desired: DesiredProperties;
}

export interface PropertyTargets<I> {
  readonly targets: readonly PropertyTarget<I>[];
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The images that the requests mean, in the order in which they were first named. A missing or
 * ambiguous one is a fault. A name means an image of our own project. `candidates`: the images with
 * each id or name.
 */
export function resolveTargets<I extends SiteImage>(
  requests: readonly PropertyRequest[],
  candidates: ReadonlyMap<string, readonly I[]>,
  projectId: string,
): PropertyTargets<I> {
  const targets = new Map<string, PropertyTarget<I>>();
  const faults: string[] = [];
  for (const { key, place, desired } of requests) {
    const found = candidates.get(key) ?? [];
    const images = isUuid(key) ? found : found.filter((candidate) => !isForeign(candidate, projectId));
    const [image] = images;
    if (!image || images.length > 1) {
      faults.push(`${place}: ${image ? ambiguousFault(key, images) : missingFault(key, found)}`);
      continue;
    }
    const earlier: DesiredProperties = targets.get(image.id)?.desired ?? new Map();
    faults.push(
      ...conflictingNames(earlier, desired).map(
        (name) => `${place}: ${quote(name)} of image ${image.id} is given twice with different values`,
      ),
    );
    targets.set(image.id, { image, desired: new Map([...earlier, ...desired]) });
  }
  const foreign = [...targets.values()].filter(({ image }) => isForeign(image, projectId));
  return {
    targets: [...targets.values()],
    faults,
    warnings: foreign.map(
      ({ image }) =>
        `image ${quote(image.name)}, given by its id, does not belong to this login's project: ` +
        `${describeOwners([image])}`,
    ),
  };
}

function missingFault(key: string, foreign: readonly SiteImage[]): string {
  if (foreign.length === 0)
    return `no image of this cloud that this login can see has the ${isUuid(key) ? 'id' : 'name'} ${quote(key)}`;
  return (
    `no image of this login's project has the name ${quote(key)}; ` +
    `these images of other projects do, give the id if one of them is meant: ${describeOwners(foreign)}`
  );
}

function ambiguousFault(name: string, images: readonly SiteImage[]): string {
  return (
    `${images.length} images have the name ${quote(name)}, give the id of one: ` +
    `${images.map(({ id, visibility }) => `${id} (${visibility})`).join(', ')}`
  );
}
