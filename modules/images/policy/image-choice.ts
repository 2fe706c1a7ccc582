// What a name or an id of an image may mean: an administrator is shown the images of all projects,
// and anybody can give any name. No I/O, no clock.
import type { SiteImage } from './site-image.js';

type Owned = Pick<SiteImage, 'id' | 'name' | 'owner' | 'visibility'>;

export interface NamedImages<I> {
  /**
   * Those that the name means: of our own project where it has any, else public ones, else those
   * that others offer to everybody.
   */
  readonly matches: readonly I[];
  /**
   * Those of other projects that have the name and are never matches by it: private and shared
   * ones.
   */
  readonly refused: readonly I[];
}

/** `owner`: id of our project; empty for a login without one, to which all images are alike. */
export function imagesNamed<I extends Owned>(name: string, images: readonly I[], owner: string): NamedImages<I> {
  const named = images.filter((image) => image.name === name);
  const tiers = [
    named.filter((image) => !isForeign(image, owner)),
    ...['public', 'community'].map((visibility) => named.filter((image) => image.visibility === visibility)),
  ];
  return {
    matches: tiers.find((tier) => tier.length > 0) ?? [],
    refused: named.filter((image) => foreignImageRefusal(image, owner) !== undefined),
  };
}

export function isForeign({ owner: of }: Pick<Owned, 'owner'>, owner: string): boolean {
  return owner !== '' && of !== owner;
}

/** Why an image must not be taken, by its id either: undefined where it may. */
export function foreignImageRefusal(image: Owned, owner: string): string | undefined {
  if (!isForeign(image, owner) || image.visibility === 'public' || image.visibility === 'community') return undefined;
  return `${image.id} is a ${image.visibility} image of another project (${image.owner}), and is not taken: use an image of the login's project, or a public one`;
}

/** `has it: 3e0e… (private, of project 5f0c…)`, for each. */
export function describeOwners(images: readonly Owned[]): string {
  return images.map(({ id, visibility, owner }) => `${id} (${visibility}, of project ${owner})`).join(', ');
}
