// What the kinds of catalogue have in common, and what a run takes from several of them.
import picomatch from 'picomatch';
import { nearest } from '../../core/validation.js';
import type { Subscription } from '../policy/deployment.js';
import type { CatalogueKind } from '../policy/site-image.js';
import type { Source } from './job.js';

/** What is needed to bring an image in, and what is worth saying of it. */
export interface Sourced {
  readonly source: Source;
  readonly warnings: readonly string[];
}

/** An image of a catalogue, and the way to its data. */
export interface Subscribed extends Subscription {
  /** Looks at the object, before any data are moved; absent where there is a fault. */
  readonly readSource?: () => Promise<Sourced>;
}

export interface Catalogue {
  readonly kind: CatalogueKind;
  /** What the URLs of its objects begin with. */
  readonly sourcePrefix: string;
  /** All names that it has, those too whose image cannot be used. */
  readonly names: readonly string[];
  /** Reads what the store has of these names. */
  subscribe(names: ReadonlySet<string>): Promise<{
    readonly subscribed: readonly Subscribed[];
    readonly failures: readonly string[];
    readonly warnings: readonly string[];
  }>;
}

export interface NameSelection {
  /** Names and patterns; all names where it is undefined. */
  readonly images: readonly string[] | undefined;
  readonly exclude: readonly string[];
}

export interface SelectedNames {
  readonly names: ReadonlyMap<Catalogue, ReadonlySet<string>>;
  /** What was asked for by name and no catalogue has. */
  readonly missing: readonly Subscribed[];
  readonly warnings: readonly string[];
}

/** Divides the selected names among the catalogues: of several that have a name the first one gives it. `isWhole`: none is missing. */
export function selectNames(
  catalogues: readonly Catalogue[],
  { images, exclude }: NameSelection,
  isWhole: boolean,
): SelectedNames {
  const isIncluded = images ? picomatch([...images]) : () => true;
  const isExcluded = picomatch([...exclude]);
  const given = new Set<string>();
  const names = new Map<Catalogue, ReadonlySet<string>>();
  for (const catalogue of catalogues) {
    const own = catalogue.names.filter((name) => !given.has(name));
    for (const name of own) given.add(name);
    names.set(catalogue, new Set(own.filter((name) => isIncluded(name) && !isExcluded(name))));
  }
  const selected = [...names.values()].flatMap((set) => [...set]);
  const unknown = (images ?? []).filter(
    (wanted) => !given.has(wanted) && !selected.some((name) => picomatch.isMatch(name, wanted)),
  );
  const isPattern = (wanted: string): boolean => picomatch.scan(wanted).isGlob;
  return {
    names,
    missing: unknown.filter((wanted) => !isPattern(wanted)).map((name) => missingImage(name, [...given], isWhole)),
    warnings: unknown.filter(isPattern).map((pattern) => `images: no image of the catalogue matches ${pattern}`),
  };
}

function missingImage(name: string, known: readonly string[], isWhole: boolean): Subscribed {
  const near = nearest(name, known);
  const fault = isWhole
    ? `the catalogue has no image of this name${near ? `; did you mean ${near}?` : ''}`
    : 'no catalogue that could be read has an image of this name';
  return { name, release: '', fault, isBuiltFrom: () => false, describe: () => undefined };
}
