// Which image a name or an id means: an administrator sees the images of all projects, and anybody
// can give an image any name.
import { InputError } from '../../core/errors.js';
import type { SiteImage } from './site-image.js';

type Owned = Pick<SiteImage, 'id' | 'name' | 'owner' | 'visibility'>;

export interface NamedImages<I> {
  /**
   * The images that the name means: those of our own project if any, else public ones, else
   * community images.
   */
  readonly matches: readonly I[];
  /**
   * Private and shared images of other projects with this name, which it never means.
   */
  readonly refused: readonly I[];
}

/** `owner`: id of our project; empty for a login without one, which treats all images alike. */
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

/**
 * The one image that a name means. Throws INVALID_INPUT for the option `label`; `missing` is the
 * reason if no image has the name.
 */
export function chooseImageNamed<I extends Owned>(
  name: string,
  images: readonly I[],
  { owner, label, missing }: { readonly owner: string; readonly label: string; readonly missing: string },
): I {
  const quoted = JSON.stringify(name);
  const { matches, refused } = imagesNamed(name, images, owner);
  const [image, other] = matches;
  if (!image && refused.length > 0)
    throw new InputError(
      `${label}: only private or shared images of other projects have the name ${quoted}, and these are never ` +
        `used: ${describeOwners(refused)}`,
      label,
    );
  if (!image) throw new InputError(`${label}: ${missing}`, label);
  if (other)
    throw new InputError(
      `${label}: ${matches.length} images have the name ${quoted} (${matches.map(({ id }) => id).join(', ')}): ` +
        'give an id',
      label,
    );
  return image;
}

export function isForeign({ owner: of }: Pick<Owned, 'owner'>, owner: string): boolean {
  return owner !== '' && of !== owner;
}

/** Why an image must not be used, not even by its id; undefined if it may. */
export function foreignImageRefusal(image: Owned, owner: string): string | undefined {
  if (!isForeign(image, owner) || image.visibility === 'public' || image.visibility === 'community') return undefined;
  return (
    `${image.id} is a ${image.visibility} image of another project (${image.owner}), and is not used; ` +
    "give an image of the login's project or a public one"
  );
}

/** `3e0e… (private, of project 5f0c…)`, for each. */
export function describeOwners(images: readonly Owned[]): string {
  return images.map(({ id, visibility, owner }) => `${id} (${visibility}, of project ${owner})`).join(', ');
}
