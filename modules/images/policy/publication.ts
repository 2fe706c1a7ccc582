// What publishing an image writes to a store, and in which order, so that nobody who reads the
// store meanwhile sees half of it: the image, its manifest, and `current` last.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';

/** An image as it is to be published. */
export interface Publication {
  readonly name: string;
  readonly release: string;
  readonly scope: string;
  readonly diskFormat: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The manifest that was requested; undefined if an existing one is to be left as it is. */
  readonly manifest: Readonly<Record<string, string>> | undefined;
  /** For a manifest that does not say when the image was built. */
  readonly buildTimestamp: string;
  readonly makeCurrent: boolean;
}

/**
 * What a store has in the place of the image. `unfinished`: a run that was killed while it wrote
 * there left it.
 */
export type StoredImageState = 'absent' | 'same' | 'other' | 'unfinished';

/** A JSON document of the store. `isUnfinished`: it was not written completely, this is a copy. */
export interface StoredDocument {
  readonly text: string;
  readonly isUnfinished?: boolean;
}

/** What the store has before the run; a document is undefined if there is none. */
export interface StoreState {
  readonly image: StoredImageState;
  readonly manifest: StoredDocument | undefined;
  readonly catalogue: StoredDocument | undefined;
}

export interface PublicationPaths {
  readonly image: string;
  readonly manifest: string;
  readonly catalogue: string;
}

/** Where the files are, below the container. */
export function publicationPaths({ name, release, scope, diskFormat }: Publication): PublicationPaths {
  const base = `${scope}/versions/${release}/${name}`;
  return { image: `${base}.${diskFormat}`, manifest: `${base}.manifest`, catalogue: `${scope}/current` };
}

/** One file of the store, in the order in which they are written. */
export interface PublicationStep {
  readonly part: 'image' | 'manifest' | 'current';
  readonly path: string;
  readonly action: 'write' | 'up_to_date';
  readonly reason: string;
  /** The content of a document that is to be written. */
  readonly text?: string;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

/**
 * Decides what is to be written. A release with a manifest, or that `current` names, is published
 * and never changes: throws RELEASE_TAKEN if it has other bytes or another manifest. Otherwise it
 * was left behind by a run that did not finish, and nobody could deploy it. Throws
 * CATALOGUE_UNUSABLE rather than overwrite something that is not a catalogue.
 */
export function planPublication(publication: Publication, state: StoreState): PublicationStep[] {
  const catalogue = catalogueIn(state.catalogue, publicationPaths(publication).catalogue);
  // One that was not finished was never read by anybody, and is written again.
  const manifest = state.manifest?.isUnfinished ? undefined : parsed(state.manifest?.text);
  const isPublished = manifest !== undefined || releaseIn(catalogue, publication.name) === publication.release;
  return [
    planImage(publication, state.image, isPublished),
    planManifest(publication, manifest),
    ...planCurrent(publication, state.catalogue),
  ];
}

function planImage(publication: Publication, image: StoredImageState, isPublished: boolean): PublicationStep {
  const { bytes, sha256 } = publication;
  const path = publicationPaths(publication).image;
  if (image === 'other' && isPublished) throw releaseTaken(publication, `${path} has other bytes`);
  const reasons = {
    absent: 'the store does not have it',
    unfinished: 'a run that was killed left a part of it',
    other: 'a run that did not finish left other bytes, which were never published',
    same: 'the store has the same bytes',
  } as const;
  const after = { bytes, sha256 };
  const action = image === 'same' ? 'up_to_date' : 'write';
  return { part: 'image', path, action, reason: reasons[image], before: action === 'write' ? {} : after, after };
}

function planManifest(publication: Publication, stored: unknown): PublicationStep {
  const path = publicationPaths(publication).manifest;
  const { manifest: requested, buildTimestamp } = publication;
  if (stored === undefined) {
    const after = { ...requested, 'build-timestamp': requested?.['build-timestamp'] ?? buildTimestamp };
    const reason = 'the release has no manifest yet';
    return { part: 'manifest', path, action: 'write', reason, text: documentText(after), before: {}, after };
  }
  if (!isMapping(stored))
    throw new OperationError('MANIFEST_UNUSABLE', `the manifest ${path} is not a JSON object of properties`, { path });
  const differing = requested === undefined ? [] : differingKeys(requested, stored);
  if (differing.length > 0) throw releaseTaken(publication, `${path} differs in ${differing.join(', ')}`);
  const reason = requested === undefined ? 'it is left as it is' : 'it is as requested';
  return { part: 'manifest', path, action: 'up_to_date', reason, before: stored, after: stored };
}

/** `build-timestamp` is only compared if it was requested: by default it follows from the file. */
function differingKeys(
  requested: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, unknown>>,
): readonly string[] {
  const keys = new Set([...Object.keys(requested), ...Object.keys(stored).filter((key) => key !== 'build-timestamp')]);
  return [...keys].filter((key) => !Object.hasOwn(stored, key) || String(stored[key]) !== requested[key]).sort();
}

/** The step for `current` alone; none if there is nothing to do with it. */
export function planCurrent(publication: Publication, stored: StoredDocument | undefined): [] | [PublicationStep] {
  const { name, release, scope, makeCurrent } = publication;
  const catalogue = catalogueIn(stored, publicationPaths(publication).catalogue);
  const isUnfinished = stored?.isUnfinished ?? false;
  const before = releaseIn(catalogue, name);
  const wanted = makeCurrent ? { ...catalogue, [name]: release } : catalogue;
  if (!makeCurrent && !isUnfinished) return [];
  const entry = before === undefined ? {} : { [name]: before };
  const shown = { part: 'current', path: `${scope}/current`, before: entry } as const;
  if (before === release && !isUnfinished)
    return [{ ...shown, action: 'up_to_date', reason: 'it names the release', after: entry }];
  const reason = isUnfinished
    ? 'a run that was killed did not finish it'
    : before === undefined
      ? 'it does not have the image yet'
      : `it names ${String(before)}`;
  const after = makeCurrent ? { [name]: release } : entry;
  return [{ ...shown, action: 'write', reason, text: documentText(wanted), after }];
}

function releaseIn(catalogue: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
}

function catalogueIn(stored: StoredDocument | undefined, path: string): Readonly<Record<string, unknown>> {
  if (stored === undefined) return {};
  const catalogue = parsed(stored.text);
  if (isMapping(catalogue)) return catalogue;
  throw new OperationError(
    'CATALOGUE_UNUSABLE',
    `${path} of the store is not a JSON object that maps image names to releases, and was left alone; ` +
      'correct it, or remove it if nothing was published there yet',
    { path },
  );
}

/** Undefined for what is not JSON: half of a document, which nobody could use. */
function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
}

function documentText(document: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The error for a release that is in the store with another content. */
export function releaseTaken({ name, release }: Publication, how: string): OperationError {
  return new OperationError(
    'RELEASE_TAKEN',
    `the store already has the release ${release} of ${name}, and ${how}; ` +
      'a published release never changes: publish under another release',
    { name, release },
  );
}
