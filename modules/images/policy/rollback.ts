// Which archived image goes back into production, what it takes with it, and what is held then: one
// pure decision over the site's images.
import { optionText } from '../../core/option-text.js';
import { InputError, OperationError } from '../../core/errors.js';
import { isUuid, sameId } from '../../core/uuid.js';
import { suggestion } from '../../core/validation.js';
import { isSameBuild, otherHalfName } from './agent-pairs.js';
import { parseBuildTimestamp } from './dates.js';
import { holdLabel, holdOf, newHold, putBackEdits, releaseEdits, type Hold } from './holds.js';
import type { ImageEdit } from './image-edits.js';
import { productionNamesakes, settleProduction } from './production.js';
import { archivedImages, unmarkedPutBacks, withPutBacks, type PutBackSite, type UnmarkedPutBack } from './put-backs.js';
import { imageStateOf } from './image-states.js';
import {
  hasProductionStatus,
  isGone,
  isProduction,
  markers,
  productionVisibility,
  releaseLabel,
  type SiteImage,
} from './site-image.js';

export interface RollbackRequest extends PutBackSite {
  /** A production name; of an agent also the name without its half. */
  readonly name: string;
  /** A release or an id; by default the image that was in production before. */
  readonly to?: string | undefined;
  readonly prefix: string;
}

/** What happens to one name. */
export interface RollbackStep {
  readonly name: string;
  /** `resume`: the image is back already, and something that an earlier run began is missing. */
  readonly action: 'rollback' | 'resume' | 'release' | 'up_to_date';
  readonly reason: string;
  /** The image that is in production afterwards, as it is before. */
  readonly image: SiteImage;
  readonly edits: readonly ImageEdit[];
  /** The images to archive, the production image of before last. */
  readonly replaced: readonly SiteImage[];
  /** What is held afterwards, or what was held and is released. */
  readonly hold?: Hold | undefined;
}

/**
 * One step, or two for the halves of an agent. Throws INVALID_INPUT if the request means no image or
 * several, ROLLBACK_REFUSED if the site's images do not allow it.
 */
export function planRollback(request: RollbackRequest): RollbackStep[] {
  const site = completed(request);
  const [first, second] = namesMeant(site);
  const chosen = planName(first, site, (production) => chooseTarget(first, production, site));
  if (second === undefined) return [chosen];
  return [chosen, planName(second, site, (production) => otherHalf(second, production, chosen.image, site))];
}

/** One step for each name whose hold ends. Throws as `planRollback`. */
export function planRelease(request: RollbackRequest): RollbackStep[] {
  return [...namesMeant(request)].map((name: string): RollbackStep => {
    const { present, replaced } = settledProduction(name, request);
    if (!present) throw refused(`${name} has no production image, so nothing of it is held`, name);
    const hold = holdOf(present);
    const edits = releaseEdits(present, request.metadataField);
    const base = { name, image: present, edits, replaced, hold };
    if (edits.length === 0)
      return { ...base, replaced: [], action: 'up_to_date', reason: `no release of ${name} is held` };
    const what = hold
      ? `${hold.releases.join(', ') || 'nothing'}, held since ${hold.since}`
      : 'an image put back by hand';
    return { ...base, action: 'release', reason: `${what}: the next deployment goes on` };
  });
}

/** The request after a rollback by hand, or one that was interrupted, has got its marks. */
function completed(
  request: RollbackRequest,
): RollbackRequest & { readonly unmarked: ReadonlyMap<string, UnmarkedPutBack> } {
  const images = request.images.filter((image) => !isGone(image));
  const names = [...namesMeant({ ...request, images })].map((name: string) => ({ name, fallbackRelease: '' }));
  const putBacks = unmarkedPutBacks(names, { ...request, images });
  return {
    ...request,
    images: withPutBacks(images, putBacks),
    unmarked: new Map(putBacks.map((each) => [each.image.id, each])),
  };
}

/** The name, and that of the other half of an agent. */
function namesMeant({ name, images, owner }: RollbackRequest): [string] | [string, string] {
  const isKnown = (known: string): boolean =>
    images.some((image) => isProduction(image, known, owner)) || archivedImages(known, images, owner).length > 0;
  const half = isKnown(name) || !isKnown(`${name}.kernel`) ? name : `${name}.kernel`;
  const other = otherHalfName(half);
  return other !== undefined && isKnown(other) ? [half, other] : [half];
}

type CompletedRequest = ReturnType<typeof completed>;

function planName(
  name: string,
  site: CompletedRequest,
  choose: (production: SiteImage | undefined) => SiteImage,
): RollbackStep {
  const { present, replaced } = settledProduction(name, site);
  const image = choose(present);
  const own = present ? [...replaced, present] : [];
  if (image.id === present?.id) {
    const unmarked = site.unmarked.get(image.id);
    const edits = unmarked?.edits ?? [];
    const hold = holdOf(present);
    const base = { name, image: unmarked?.image ?? present, edits, replaced, hold };
    const isDone = edits.length === 0 && replaced.length === 0;
    const reason = isDone
      ? alreadyThere(present, hold, site)
      : 'the marks of a rollback are missing, or an image is still to be archived';
    return { ...base, action: isDone ? 'up_to_date' : 'resume', reason };
  }
  const obstacle = obstacleTo(image, present);
  if (obstacle !== undefined) throw refused(`${name}: image ${image.id} (${describeRelease(image)}) ${obstacle}`, name);
  const hold = newHold(image, own.filter(({ id }) => id !== image.id).reverse(), site.now);
  return {
    name,
    action: 'rollback',
    reason: present
      ? `${describeRelease(image)} instead of ${describeRelease(present)}`
      : `${describeRelease(image)}; the site has no image of this name`,
    image,
    edits: putBackEdits(image, {
      name,
      metadataField: site.metadataField,
      hold,
      visibility: productionVisibility(present ?? image),
    }),
    replaced: own.filter(({ id }) => id !== image.id),
    hold,
  };
}

function alreadyThere(present: SiteImage, hold: Hold | undefined, { to }: RollbackRequest): string {
  const since = hold ? ` since the rollback of ${hold.since}` : '';
  const further = hold && to === undefined ? '; to go further back, say to which release (to)' : '';
  return `${describeRelease(present)} is in production${since}${further}`;
}

/** An image that is kept from use never takes the place of one that can be used. */
function obstacleTo(image: SiteImage, present: SiteImage | undefined): string | undefined {
  const { status } = image;
  if (status === 'active' || (hasProductionStatus(image) && present?.status !== 'active')) return undefined;
  return status === 'deactivated'
    ? 'is deactivated, so nobody could use it; reactivate it (openstack image set --activate), or choose another one'
    : `cannot be used: its status is ${status}`;
}

/** Throws ROLLBACK_REFUSED if it is not certain which image is in production. */
function settledProduction(
  name: string,
  { images, owner }: Pick<PutBackSite, 'images' | 'owner'>,
): { readonly present?: SiteImage; readonly replaced: readonly SiteImage[] } {
  const { own, conflicting } = productionNamesakes(images, name, owner);
  const settled = settleProduction(own, images);
  if (conflicting.length === 0 && (own.length === 0 || settled)) return settled ?? { replaced: [] };
  const ids = [...own, ...conflicting].map((image) => `${image.id} of project ${image.owner}`).join(', ');
  throw refused(
    `${name}: no marker explains the public images of this name (${ids}); rename or remove all but one`,
    name,
  );
}

/** Archived images, and those that an interrupted promotion has still to archive. */
function candidatesFor(name: string, { images, owner }: RollbackRequest): SiteImage[] {
  return [...archivedImages(name, images, owner), ...settledProduction(name, { images, owner }).replaced];
}

/** The image to put back. */
function chooseTarget(name: string, production: SiteImage | undefined, site: CompletedRequest): SiteImage {
  const archived = candidatesFor(name, site);
  if (site.to !== undefined) return imageMeant(site.to, name, production, archived);
  const hold = production && holdOf(production);
  const isBegun = settledProduction(name, site).replaced.length > 0;
  if (hold && (hold.releases.length > 0 || isBegun)) return production;
  const replacedId = production?.properties[markers.replaces];
  const previous = archived.find(({ id }) => id === replacedId) ?? newestArchived(archived, production);
  if (previous) return previous;
  throw new InputError(`image: ${noArchived(name, archived, site)}`, 'image');
}

/** The image that was archived last; without such a mark the newest older build. */
function newestArchived(archived: readonly SiteImage[], production: SiteImage | undefined): SiteImage | undefined {
  const built = (image: SiteImage): number =>
    (parseBuildTimestamp(image.properties['build-timestamp']) ?? new Date(image.created_at)).getTime();
  const usable = archived.filter(
    (image) => image.status === 'active' && (!production || built(image) <= built(production)),
  );
  const archivedAt = ({ properties }: SiteImage): string => properties[markers.supersededAt] ?? '';
  return [...usable].sort(
    (one, other) =>
      archivedAt(other).localeCompare(archivedAt(one)) || built(other) - built(one) || (one.id < other.id ? 1 : -1),
  )[0];
}

function imageMeant(
  to: string,
  name: string,
  production: SiteImage | undefined,
  archived: readonly SiteImage[],
): SiteImage {
  const known = production ? [production, ...archived] : archived;
  if (isUuid(to)) {
    const image = known.find(({ id }) => sameId(id, to));
    if (image) return image;
    throw new InputError(`to: image ${to} is not an archived image of ${name}; ${listed(archived)}`, 'to');
  }
  if (production && holdLabel(production) === to) return production;
  const matches = archived.filter((image) => holdLabel(image) === to);
  const [image, second] = matches;
  if (!image)
    throw new InputError(
      `to: the site has no archived image of ${name} with the release ${JSON.stringify(to)}; ${listed(archived)}`,
      'to',
    );
  if (second)
    throw new InputError(
      `to: ${matches.length} archived images of ${name} have the release ${to}: give an id ` +
        `(${matches.map(({ id }) => id).join(', ')})`,
      'to',
    );
  return image;
}

/** The half of the same build as the image that goes, or has gone, back. */
function otherHalf(
  name: string,
  production: SiteImage | undefined,
  image: SiteImage,
  site: CompletedRequest,
): SiteImage {
  if (production && isSameBuild(production, image)) return production;
  const archived = candidatesFor(name, site);
  const half = archived.find((each) => isSameBuild(each, image));
  if (half) return half;
  throw refused(
    `${image.id} (${describeRelease(image)}) goes back only together with ${name} of the same build, which the site ` +
      `does not have; ${listed(archived)}`,
    name,
  );
}

function noArchived(name: string, archived: readonly SiteImage[], { images, owner, prefix }: RollbackRequest): string {
  if (archived.length > 0)
    return (
      `no archived image of ${name} is usable and older than the present one: ` +
      `give ${optionText('to')}; ${listed(archived)}`
    );
  const names = new Set(
    images.flatMap((image) => {
      const { state, productionName } = imageStateOf(image, owner, prefix);
      return state === 'archived' && productionName !== undefined ? [productionName] : [];
    }),
  );
  const others = [...names].sort().join(', ') || 'none';
  return (
    `the site has no archived image of ${name}${suggestion(name, [...names])}; names with archived ` +
    `images: ${others}`
  );
}

function listed(archived: readonly SiteImage[]): string {
  const images = archived.map((image) => `${describeRelease(image)} (${image.id})`);
  return images.length > 0 ? `archived: ${images.join(', ')}` : 'none is archived';
}

function describeRelease(image: SiteImage): string {
  return releaseLabel(image) || `the image of ${image.created_at}`;
}

function refused(message: string, name: string): OperationError {
  return new OperationError('ROLLBACK_REFUSED', message, { name });
}
