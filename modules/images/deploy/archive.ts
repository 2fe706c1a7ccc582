// The images that had a production name before: which there are, and how they get their archive names.
import { getImage, listPublicImages, type Image } from '../../clients/glance/images.js';
import { OperationError } from '../../core/errors.js';
import { archiveName, isProduction, markers, type SiteImage } from '../policy/site-image.js';
import { settleName, type SettledName } from '../policy/production.js';
import { markerTime } from '../policy/dates.js';
import { changeImage, readSiteImages } from '../site-images.js';
import type { Run } from './job.js';

export interface Archived {
  readonly id: string;
  readonly name: string;
}

/**
 * The image to replace, as it is now: a transfer takes long, and another run may have promoted another release meanwhile.
 * Throws NAME_TAKEN where public images of the name came up that no marker explains.
 */
export async function presentProduction(image: Image, name: string, run: Run): Promise<SiteImage | undefined> {
  const present = (await listPublicImages(run.cloud, name)).filter(({ id }) => id !== image.id);
  const own = present.filter((other) => isProduction(other, name, run.cloud.projectId));
  const inTheWay = present.filter(
    (other) => !own.includes(other) && (other.owner === run.cloud.projectId || own.length === 0),
  );
  const settled = await settleOwn(own, run);
  if (inTheWay.length > 0 || (own.length > 0 && !settled)) throw nameTaken(name, present, `${image.id} stays private`);
  return settled?.present;
}

/** Archives what is public under the name although another image of ours has replaced it. Throws NAME_TAKEN where no marker says which. */
export async function archiveReplaced(
  name: string,
  run: Run,
): Promise<{ readonly present: SiteImage | undefined; readonly archived: readonly Archived[] }> {
  const own = (await listPublicImages(run.cloud, name)).filter((image) =>
    isProduction(image, name, run.cloud.projectId),
  );
  const settled = await settleOwn(own, run);
  if (own.length > 0 && !settled) throw nameTaken(name, own, 'rename or remove all but one');
  const archived: Archived[] = [];
  for (const image of settled?.replaced ?? []) {
    // The one that is to stay may have been taken back meanwhile.
    if (!settled || !(await isInProduction(settled.present.id, name, run))) break;
    const done = await archive(image, run);
    if (done) archived.push(done);
  }
  return { present: settled?.present, archived };
}

/** Most often their own markers explain them; else those of archived images are followed too. */
async function settleOwn(own: readonly Image[], run: Run): Promise<SettledName | undefined> {
  return settleName(own) ?? (own.length > 1 ? settleName(own, await readSiteImages(run.cloud)) : undefined);
}

function nameTaken(name: string, images: readonly Image[], then: string): OperationError {
  const ids = images.map(({ id, owner }) => `${id} of project ${owner}`).join(', ');
  return new OperationError(
    'NAME_TAKEN',
    `during the transfer other public images of the name ${name} came up (${ids}); ${then}`,
    { name, ids },
  );
}

export async function isInProduction(id: string, name: string, run: Run): Promise<boolean> {
  const image = await getImage(run.cloud, id);
  return image !== undefined && isProduction(image, name, run.cloud.projectId);
}

/** Renames an image that was replaced, marks it, and leaves it public. Undefined when it is gone. */
export async function archive(image: SiteImage, run: Run): Promise<Archived | undefined> {
  const present = await getImage(run.cloud, image.id);
  if (!present) return undefined;
  // A run elsewhere went on with the same promotion and was faster.
  if (present.name !== image.name) return { id: present.id, name: present.name };
  const name = archiveName(present, run.takenNames);
  run.takenNames.add(name);
  const changes = [
    { op: 'replace', attribute: 'name', value: name },
    { op: 'add', attribute: run.args.image_metadata_field, value: 'no' },
    { op: 'add', attribute: markers.supersededAt, value: markerTime(run.context.now()) },
  ] as const;
  // Two runs may archive it at once, each with its own time and perhaps another free name.
  const archived = await changeImage(run.cloud, image.id, changes, {
    signal: run.context.signal,
    isOvertaken: (found) => found.name !== image.name && found.properties[markers.supersededAt] !== undefined,
  });
  return { id: image.id, name: archived.name };
}
