// What a run of image_deploy covers: which catalogues and names the arguments mean, and what to
// report about the others.
import { optionText } from '../../core/option-text.js';
import picomatch from 'picomatch';
import { InputError } from '../../core/errors.js';
import { isUuid } from '../../core/uuid.js';
import { suggestion } from '../../core/validation.js';
import type { Subscription } from './deployment.js';
import { managerVersion } from './image-manager-images.js';
import { isNamePattern } from './image-selection.js';
import { allowedPropertyRefusal } from './manifest-properties.js';
import { originOf, type CatalogueKind, type SiteImage } from './site-image.js';
import { isMeant, wordsOf, type Half, type SupportedBuild } from './supported-builds.js';

export interface DeployRequest {
  readonly images?: readonly string[] | undefined;
  readonly latest?: readonly string[] | undefined;
  readonly ipa?: Half | undefined;
  readonly allowed_properties: readonly string[];
}

export interface DeployScope {
  readonly kinds: readonly CatalogueKind[];
  /** Objects of the older store that are requested by id. */
  readonly ids: readonly string[];
}

/**
 * An id, `latest` and `ipa` mean the older store, whatever `catalog` says: the present one has
 * neither ids nor IPA images, and its images are not distinguished by distribution, release and
 * variant. Throws INVALID_INPUT if the arguments contradict each other.
 */
export function decideScope(
  { images = [], latest, ipa, allowed_properties }: DeployRequest,
  kinds: readonly CatalogueKind[],
): DeployScope {
  const refusals = allowed_properties.flatMap((pattern) => allowedPropertyRefusal(pattern) ?? []);
  if (refusals.length > 0) throw new InputError(`allowed_properties: ${refusals.join('; ')}`, 'allowed_properties');
  if (latest && latest.length > 3)
    throw new InputError(
      `latest: ${latest.join(',')} has more than three words: distribution, release, variant`,
      'latest',
    );
  const ids = images.filter(isUuid);
  if (ids.length > 0 && ids.length < images.length)
    throw new InputError(`images: ${images.join(', ')} mixes ids and names; give only one kind`, 'images');
  if (ids.length > 0 && (latest || ipa))
    throw new InputError(`images: an id cannot be combined with ${optionText(latest ? 'latest' : 'ipa')}`, 'images');
  return { kinds: ids.length > 0 || latest || ipa ? ['objects'] : kinds, ids: [...new Set(ids)] };
}

/** Throws INVALID_INPUT if supports.yaml lists no image that `latest` and `ipa` mean. */
export function assertListed(
  { latest, ipa }: Pick<DeployRequest, 'latest' | 'ipa'>,
  supported: readonly SupportedBuild[],
): void {
  if (!(latest || ipa) || supported.some(({ identity }) => isMeant(identity, latest, ipa))) return;
  const listed = [
    ...new Set(supported.map(({ identity }) => wordsOf({ ...identity, ipa: 'na' }).replaceAll(' ', ','))),
  ];
  const words = latest && latest.length > 0 ? [`latest ${latest.join(',')}`] : [];
  throw new InputError(
    `${[...words, ...(ipa ? [`ipa ${ipa}`] : [])].join(' and ')}: supports.yaml lists no such image; it lists: ` +
      `${listed.join(' ') || 'nothing'}`,
    words.length > 0 ? 'latest' : 'ipa',
  );
}

export interface NameSelection {
  /** Names and patterns; all names if undefined. */
  readonly images: readonly string[] | undefined;
  readonly exclude: readonly string[];
}

export interface SelectedNames<C> {
  readonly names: ReadonlyMap<C, ReadonlySet<string>>;
  /** Names that were requested and that no catalogue has. */
  readonly missing: readonly Subscription[];
  readonly warnings: readonly string[];
}

/**
 * Divides the selected names among the catalogues: the first catalogue that has a name provides it.
 * `isComplete`: all catalogues could be read.
 */
export function selectNames<C extends { readonly names: readonly string[] }>(
  catalogues: readonly C[],
  { images, exclude }: NameSelection,
  isComplete: boolean,
): SelectedNames<C> {
  const isIncluded = images ? matcher(images) : () => true;
  const isExcluded = matcher(exclude);
  const known = new Set<string>();
  const names = new Map<C, ReadonlySet<string>>();
  for (const catalogue of catalogues) {
    const own = catalogue.names.filter((name) => !known.has(name));
    for (const name of own) known.add(name);
    names.set(catalogue, new Set(own.filter((name) => isIncluded(name) && !isExcluded(name))));
  }
  const selected = [...names.values()].flatMap((set) => [...set]);
  const unmatched = (images ?? []).filter(
    (entry) => !known.has(entry) && !selected.some((name) => picomatch.isMatch(name, entry)),
  );
  return {
    names,
    missing: unmatched
      .filter((entry) => !isNamePattern(entry))
      .map((name) => unavailable(name, missingFault(name, [...known], isComplete))),
    warnings: unmatched.filter(isNamePattern).map((pattern) => `images: no image of the catalogue matches ${pattern}`),
  };
}

/** A name means itself, even where a pattern would mean something else: `Debian 12 (ARM)`. */
function matcher(entries: readonly string[]): (name: string) => boolean {
  const matches = picomatch([...entries]);
  return (name) => entries.includes(name) || matches(name);
}

function missingFault(name: string, known: readonly string[], isComplete: boolean): string {
  if (!isComplete) return 'no catalogue that could be read has an image of this name';
  return `the catalogue has no image of this name${suggestion(name, known)}`;
}

/** Names that were requested by id and that `exclude` removes: these are always reported. */
export function excludedNames<C extends { readonly names: readonly string[] }>(
  { ids }: DeployScope,
  catalogues: readonly C[],
  selected: ReadonlyMap<C, ReadonlySet<string>>,
): Subscription[] {
  if (ids.length === 0) return [];
  return catalogues
    .flatMap((catalogue) => catalogue.names.filter((name) => !selected.get(catalogue)?.has(name)))
    .map((name) => unavailable(name, 'it is requested by its id, but exclude leaves it out'));
}

/** A name that is asked for and of which there is nothing to deploy. */
export function unavailable(name: string, fault: string): Subscription {
  return { name, release: '', label: '', fault, isBuiltFrom: () => false, describe: () => undefined };
}

interface UnreadBefore {
  /** The catalogues of higher priority that could not be read. */
  readonly unread: readonly CatalogueKind[];
  /** The tag of images of openstack-image-manager, which only lists take over. */
  readonly managerTag: string;
}

/**
 * A catalogue of higher priority that could not be read may have this name: an image that came from
 * there is not replaced until then.
 */
export function deferTo<S extends Subscription>(
  image: S,
  kind: CatalogueKind,
  { unread: [first], managerTag }: UnreadBefore,
): S {
  if (first === undefined) return image;
  const reason =
    `the catalogue ${first}, which takes precedence over ${kind} and may have this name, could not be read; ` +
    'the image that came from it is kept';
  const cameFrom = (present: SiteImage): CatalogueKind =>
    managerVersion(present, managerTag) === undefined ? originOf(present) : 'list';
  return { ...image, objectionTo: (present) => (cameFrom(present) === first ? reason : image.objectionTo?.(present)) };
}
