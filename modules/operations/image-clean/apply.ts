// Carries the plan out, one image after the other; each is looked at once more right before it is touched.
import { deleteImage, getImage, type Image } from '../../clients/glance/images.js';
import { statusOf } from '../../clients/http/errors.js';
import { messageOf, rethrowProgramFault } from '../../core/errors.js';
import { neededBy, type PlannedRetention, type RetentionImage } from '../../policy/retention.js';
import { describeUse } from '../../policy/uses.js';
import { changeImage } from '../change-image.js';
import { readSiteImages } from '../site-images.js';
import type { Done, Run } from './run.js';
import { readUses } from './sources.js';

export interface Applied {
  readonly done: readonly Done[];
  /** Why the run was broken off. */
  readonly halt?: string;
}

/** Stops at once where it can no longer be told what is in use; the failure of one image does not stop the others. */
export async function apply(planned: readonly PlannedRetention[], run: Run): Promise<Applied> {
  const done: Done[] = [];
  let halt: string | undefined;
  for (const entry of inOrder(planned)) {
    if (entry.action !== 'hide' && entry.action !== 'delete') {
      done.push(asPlanned(entry));
    } else if (halt !== undefined) {
      done.push({ planned: entry, action: 'skip', reason: `not touched, since the run was broken off: would ${entry.action}; ${entry.reason}` });
    } else {
      const look = await lookAgain(entry, run);
      if ('halt' in look) halt = look.halt;
      done.push('done' in look ? look.done : await touch(entry, run));
    }
  }
  return { done, ...(halt === undefined ? {} : { halt }) };
}

export function asPlanned(planned: PlannedRetention): Done {
  return { planned, action: planned.action, reason: planned.reason };
}

/** An image goes before those that it boots with. */
function inOrder(planned: readonly PlannedRetention[]): PlannedRetention[] {
  const needing = planned.filter(({ image }) => neededBy(image).length > 0);
  const others = planned.filter(({ image }) => neededBy(image).length === 0);
  return [...needing, ...others];
}

/** Empty where the image may be touched now. */
async function lookAgain(planned: PlannedRetention, run: Run): Promise<{ done: Done; halt?: string } | Record<string, never>> {
  const { image, reason } = planned;
  const skip = (why: string): { done: Done } => ({ done: { planned, action: 'skip', reason: `${why}; ${reason}` } });
  try {
    run.context.signal.throwIfAborted();
    const present = await getImage(run.cloud, image.id);
    if (!present) return skip('somebody deleted it meanwhile');
    const change = changeOf(image, present);
    if (change) return skip(`somebody changed its ${change} meanwhile`);
    const user = await userOf(image, run);
    return user ? skip(`used by ${user}`) : {};
  } catch (error) {
    const why = messageOf(error);
    return { done: { planned, action: 'failed', reason: `not touched: ${why}` }, halt: why };
  }
}

function changeOf(planned: RetentionImage, present: Image): string | undefined {
  const attributes = ['name', 'owner', 'visibility', 'os_hidden', 'protected', 'status'] as const;
  return attributes.find((attribute) => planned[attribute] !== present[attribute]);
}

async function userOf(image: RetentionImage, run: Run): Promise<string | undefined> {
  const use = (await readUses(run.cloud, (id) => id === image.id, image.id)).get(image.id);
  if (use) return describeUse(use, await run.projectNames());
  for (const property of ['kernel_id', 'ramdisk_id']) {
    const [other] = (await readSiteImages(run.cloud, { community: true, property: [property, image.id] })).filter(({ id }) => id !== image.id);
    if (other) return `image ${other.name} (${other.id}) as its ${property}`;
  }
  return undefined;
}

async function touch(planned: PlannedRetention, run: Run): Promise<Done> {
  const { image, action, reason } = planned;
  try {
    if (action === 'delete') await deleteImage(run.cloud, image.id);
    else await hide(image, run);
    return asPlanned(planned);
  } catch (error) {
    rethrowProgramFault(error);
    // 403: protected, or a policy of the site. 409: a store that has clones of the image keeps it.
    const isRefused = statusOf(error) === 403 || statusOf(error) === 409;
    return { planned, action: isRefused ? 'skip' : 'failed', reason: `${isRefused ? 'Glance refuses' : `could not ${action} it`}: ${messageOf(error)}; ${reason}` };
  }
}

async function hide(image: RetentionImage, { args, cloud }: Run): Promise<void> {
  const change = args.hide_mode === 'private' ? ({ attribute: 'visibility', value: 'private' } as const) : ({ attribute: 'os_hidden', value: true } as const);
  await changeImage(cloud, image.id, [{ op: 'replace', ...change }]);
}
