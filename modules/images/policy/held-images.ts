// Which images of the site are held or pinned: image_clean leaves them alone, and image_info shows
// why.
import { otherHalfName } from './agent-pairs.js';
import { holdLabel, holdOf, type Hold } from './holds.js';
import { isImageOfPin, pinOf, type Pins } from './pinned-builds.js';
import { unmarkedPutBacks, withPutBacks } from './put-backs.js';
import { isGone, isManaged, isProduction, wasArchived, type SiteImage } from './site-image.js';

export interface ImageHold {
  /** `held`: the release waits. `back`: the image was put back, and holds that release. */
  readonly role: 'held' | 'back';
  readonly hold: Hold;
}

/** What keeps an image. `productionName`: the name that it has or had in production. */
export interface HeldImages {
  holdOn(image: SiteImage, productionName: string): ImageHold | undefined;
  isPinned(image: SiteImage, productionName: string): boolean;
  /** Why the image is left alone; undefined if it is neither held nor pinned. */
  reasonToKeep(image: SiteImage, productionName: string): string | undefined;
}

export function findHeldImages(
  images: readonly SiteImage[],
  { owner, pins, now }: { readonly owner: string; readonly pins: Pins; readonly now: Date },
): HeldImages {
  const alive = images.filter((image) => image.owner === owner && !isGone(image));
  const inProduction = (image: SiteImage): boolean => isProduction(image, image.name, owner);
  // Images that were put back by hand hold too, although no deployment has recorded it yet.
  const names = alive
    .filter((image) => inProduction(image) && wasArchived(image))
    .map(({ name }) => ({ name, fallbackRelease: '' }));
  const site = { images: alive, owner, metadataField: '', now };
  const marked = withPutBacks(alive, unmarkedPutBacks(names, site));
  const holders = marked.flatMap((image) => {
    const hold = inProduction(image) ? holdOf(image) : undefined;
    return hold && hold.releases.length > 0 ? [{ id: image.id, name: image.name, hold }] : [];
  });

  function holdOn(image: SiteImage, productionName: string): ImageHold | undefined {
    if (image.owner !== owner) return undefined;
    const own = holders.find(({ id }) => id === image.id);
    if (own) return { role: 'back', hold: own.hold };
    const label = holdLabel(image);
    const holder = holders.find(({ name, hold }) => name === productionName && hold.releases.includes(label));
    return holder && { role: 'held', hold: holder.hold };
  }

  function isPinned(image: SiteImage, productionName: string): boolean {
    const pin = pinOf(productionName, pins) ?? pinOf(otherHalfName(productionName) ?? '', pins);
    if (pin === undefined || image.owner !== owner) return false;
    if (!isManaged(image, owner)) return image.properties.internal_version === pin;
    return holdLabel(image) === pin || isImageOfPin(image, pin);
  }

  function reasonToKeep(image: SiteImage, productionName: string): string | undefined {
    const found = holdOn(image, productionName);
    if (found) return `${found.role === 'held' ? 'held' : 'put back into production'} since ${found.hold.since}`;
    return isPinned(image, productionName) ? 'pinned to this release' : undefined;
  }

  return { holdOn, isPinned, reasonToKeep };
}
