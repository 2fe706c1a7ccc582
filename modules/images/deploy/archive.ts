// The images that a new one replaces: finding them, and giving them their archive names.
import { getImage, listNamesakes, type Image } from '../../clients/glance/images.js';
import { OperationError } from '../../core/errors.js';
import { archiveName } from '../policy/archive-names.js';
import { isProduction, markers, type ProductionTraits, type SiteImage } from '../policy/site-image.js';
import { archiveEdits } from '../policy/holds.js';
import { isHidden } from '../policy/hiding.js';
import { productionNamesakes, settleProduction, type SettledProduction } from '../policy/production.js';
import { changeImage, readSiteImages } from '../site-images.js';
import type { ProductionRun } from './run.js';

/** Gives each image an archive name that none of our images has. */
export function archiveNames(images: readonly Image[]): ProductionRun['reserveArchiveName'] {
  const taken = new Set(images.map(({ name }) => name));
  return (image: SiteImage) => {
    const name = archiveName(image, taken);
    taken.add(name);
    return name;
  };
}

export interface ArchivedImage {
  readonly id: string;
  readonly name: string;
  /** Hidden by this run, because of `hide_at`. */
  readonly isHidden: boolean;
}

/**
 * The image to replace, read again after the transfer, during which another run may have promoted
 * another release. Throws NAME_TAKEN if images of the name have appeared that no marker
 * explains.
 */
export async function findReplaced(
  image: Image,
  name: string,
  run: ProductionRun,
  wanted?: ProductionTraits,
): Promise<SiteImage | undefined> {
  const present = (await listNamesakes(run.cloud, name)).filter(({ id }) => id !== image.id);
  const { own, conflicting } = productionNamesakes(present, name, run.cloud.projectId, wanted);
  const settled = await settleOwn(own, run);
  if (conflicting.length > 0 || (own.length > 0 && !settled))
    throw nameTaken(name, [...own, ...conflicting], `${image.id} stays private`);
  return settled?.present;
}

/**
 * Archives images in production under the name that another image of ours has replaced. Throws NAME_TAKEN if
 * no marker says which one replaces which.
 */
export async function archiveReplaced(
  name: string,
  run: ProductionRun,
  wanted?: ProductionTraits,
): Promise<{ readonly present: SiteImage | undefined; readonly archived: readonly ArchivedImage[] }> {
  const own = (await listNamesakes(run.cloud, name)).filter((image) =>
    isProduction(image, name, run.cloud.projectId, wanted),
  );
  const settled = await settleOwn(own, run);
  if (own.length > 0 && !settled) throw nameTaken(name, own, 'rename or remove all but one');
  const archived: ArchivedImage[] = [];
  for (const image of settled?.replaced ?? []) {
    // The image that stays in production may have been rolled back in the meantime.
    if (!settled || !(await isInProduction(settled.present.id, name, run, wanted))) break;
    const result = await archive(image, run);
    if (result) archived.push(result);
  }
  return { present: settled?.present, archived };
}

/** Usually their own markers are sufficient; if not, those of archived images are followed too. */
async function settleOwn(own: readonly Image[], run: ProductionRun): Promise<SettledProduction | undefined> {
  return settleProduction(own) ?? (own.length > 1 ? settleProduction(own, await readSiteImages(run.cloud)) : undefined);
}

function nameTaken(name: string, images: readonly Image[], consequence: string): OperationError {
  const ids = images.map(({ id, owner }) => `${id} of project ${owner}`).join(', ');
  return new OperationError(
    'NAME_TAKEN',
    `other images with the name ${name} appeared during the transfer (${ids}); ${consequence}`,
    { name, ids },
  );
}

export async function isInProduction(
  id: string,
  name: string,
  run: ProductionRun,
  wanted?: ProductionTraits,
): Promise<boolean> {
  const image = await getImage(run.cloud, id);
  return image !== undefined && isProduction(image, name, run.cloud.projectId, wanted);
}

/**
 * Renames a replaced image and marks it; it stays public unless `hide_at` is `replacement`. Undefined if it has been
 * deleted.
 */
export async function archive(image: SiteImage, run: ProductionRun): Promise<ArchivedImage | undefined> {
  const present = await getImage(run.cloud, image.id);
  if (!present) return undefined;
  // Another run has finished the same promotion first.
  if (present.name !== image.name) return { id: present.id, name: present.name, isHidden: false };
  const name = run.reserveArchiveName(present);
  const hideMode = run.args.hide_at === 'replacement' ? run.args.hide_mode : undefined;
  const changes = archiveEdits(present, {
    name,
    metadataField: run.args.image_metadata_field,
    now: run.context.now(),
    managerTag: run.args.image_manager_tag,
    hideMode,
  });
  // Two runs may archive it at the same time, each with its own timestamp and possibly another free
  // name.
  const archived = await changeImage(run.cloud, image.id, changes, {
    signal: run.context.signal,
    isOvertaken: (found) => found.name !== image.name && found.properties[markers.supersededAt] !== undefined,
  });
  return { id: image.id, name: archived.name, isHidden: hideMode !== undefined && isHidden(archived) };
}
