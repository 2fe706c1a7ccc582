// Gives the production name to a verified image and the archive name to the one before it, in this order: the name is never missing.
import { getImage, listPublicImages, type Image, type ImageChange } from '../../clients/glance/images.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { archiveName, isProduction, markers, type SiteImage } from '../../policy/images.js';
import { changeImage } from '../change-image.js';
import type { Job, Run } from './job.js';

export interface Archived {
  readonly id: string;
  readonly name: string;
}

/** Makes `image` the production image, and archives the present one. If that is refused, the promotion is taken back. */
export async function promote(image: Image, job: Job, run: Run): Promise<Archived | undefined> {
  const { name } = job.planned;
  const production = await presentProduction(image, job, run);
  const replaces: ImageChange[] = production && image.properties[markers.replaces] !== production.id ? [{ op: 'add', attribute: markers.replaces, value: production.id }] : [];
  await changeImage(run.cloud, image.id, [{ op: 'replace', attribute: 'name', value: name }, { op: 'replace', attribute: 'visibility', value: 'public' }, ...replaces]);
  if (!production) return undefined;
  try {
    return await archive(production, run);
  } catch (error) {
    throw await takeBack(image, error, { name, production, run });
  }
}

/** The image to replace, as it is now: a transfer takes long, and another run may have promoted another release meanwhile. */
async function presentProduction(image: Image, job: Job, run: Run): Promise<SiteImage | undefined> {
  const { name } = job.planned;
  const present = (await listPublicImages(run.cloud, name)).filter(({ id }) => id !== image.id);
  if (present.length > 1 || present.some((other) => !isProduction(other, name, run.cloud.projectId))) {
    const ids = present.map(({ id }) => id).join(', ');
    throw new OperationError('NAME_TAKEN', `${name}: during the transfer other public images of this name came up (${ids}); ${image.id} stays private`, { name, ids });
  }
  return present[0];
}

/** Renames an image that was replaced, marks it, and leaves it public. Undefined when it is gone. */
export async function archive(image: SiteImage, run: Run): Promise<Archived | undefined> {
  const present = await getImage(run.cloud, image.id);
  if (!present) return undefined;
  // A run elsewhere went on with the same promotion and was faster.
  if (present.name !== image.name) return { id: present.id, name: present.name };
  const name = archiveName(present, run.takenNames);
  run.takenNames.add(name);
  await changeImage(run.cloud, image.id, [
    { op: 'replace', attribute: 'name', value: name },
    { op: 'add', attribute: run.args.image_metadata_field, value: 'no' },
    { op: 'add', attribute: markers.supersededAt, value: run.context.now().toISOString().replace(/\.\d+Z$/, 'Z') },
  ]);
  return { id: image.id, name };
}

async function takeBack(image: Image, error: unknown, { name, production, run }: { name: string; production: SiteImage; run: Run }): Promise<OperationError> {
  const refused = `${name}: the present image ${production.id} could not be archived (${messageOf(error)})`;
  const facts = { name, id: image.id, present: production.id };
  try {
    await changeImage(run.cloud, image.id, [
      { op: 'replace', attribute: 'name', value: run.args.image_prefix + name },
      { op: 'replace', attribute: 'visibility', value: 'private' },
    ]);
    return new OperationError('PROMOTION_ROLLED_BACK', `${refused}; the promotion of ${image.id} was taken back, and the next run tries again`, facts, error);
  } catch (second) {
    const state = `two public images have this name now: ${image.id} and ${production.id}; the next run puts it right`;
    return new OperationError('PROMOTION_HALF_DONE', `${refused}, and taking the promotion back failed too (${messageOf(second)}); ${state}`, facts, error);
  }
}
