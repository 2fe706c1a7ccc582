// Carries the plan out, a batch at a time: before each batch everybody is asked again who uses what, and each image is looked at right before it is touched.
import { deleteImage, getImage, type Image, type ImageChange } from '../../clients/glance/images.js';
import { statusOf } from '../../clients/http/errors.js';
import { messageOf, rethrowProgramFault } from '../../core/errors.js';
import { comparableId } from '../../core/uuid.js';
import { markers } from '../policy/site-image.js';
import { isHidden, requiredImageIds, type PlannedRetention, type RetentionImage } from '../policy/retention.js';
import { markerTime } from '../policy/dates.js';
import { describeUse, describeUser, type ImageUse } from '../policy/image-uses.js';
import { changeImage, readSiteImages } from '../site-images.js';
import { assertClock } from './clock.js';
import type { Done, Run } from './run.js';
import { findServerOf, readUses } from './sources.js';

export interface Applied {
  readonly done: readonly Done[];
  /** Why the run was broken off. */
  readonly halt?: string;
}

/** How many images one look at all uses serves, and for how long: it must not get old. */
const batchImages = 20;
const batchSeconds = 10;

/** Stops at once where it can no longer be told what is in use; the failure of one image does not stop the others. */
export async function apply(planned: readonly PlannedRetention[], run: Run): Promise<Applied> {
  const done: Done[] = planned.filter(({ action }) => action !== 'hide' && action !== 'delete').map(asPlanned);
  const waiting = inOrder(planned.filter(({ action }) => action === 'hide' || action === 'delete'));
  while (waiting.length > 0) {
    try {
      for await (const result of applyBatch(waiting, run)) done.push(result);
    } catch (error) {
      rethrowProgramFault(error);
      const halt = messageOf(error);
      const [failed, ...others] = waiting;
      if (failed) done.push({ planned: failed, action: 'failed', reason: `not touched: ${halt}` });
      done.push(...others.map((entry) => leftOut(entry)));
      return { done, halt };
    }
  }
  return { done };
}

export function asPlanned(planned: PlannedRetention): Done {
  return { planned, action: planned.action, reason: planned.reason };
}

function leftOut(planned: PlannedRetention): Done {
  return skip(planned, `not touched, since the run was broken off: would ${planned.action}`);
}

function skip(planned: PlannedRetention, why: string): Done {
  return { planned, action: 'skip', reason: `${why}; ${planned.reason}` };
}

/** An image goes before those that it boots with. */
function inOrder(planned: readonly PlannedRetention[]): PlannedRetention[] {
  const needing = planned.filter(({ image }) => requiredImageIds(image).length > 0);
  const others = planned.filter(({ image }) => requiredImageIds(image).length === 0);
  return [...needing, ...others];
}

/** Takes from the front of those that wait as many as one look at all uses serves, and gives what became of each. */
async function* applyBatch(waiting: PlannedRetention[], run: Run): AsyncGenerator<Done> {
  const batch = waiting.slice(0, batchImages);
  const changes = await changesOf(batch, run);
  const users = await readUsers(batch, run);
  const end = performance.now() + batchSeconds * 1000;
  for (const entry of batch) {
    if (performance.now() > end) return;
    const change = changes.get(entry);
    const result = change ? skip(entry, change) : await applyOne(entry, { run, users });
    waiting.shift();
    if (result.action === 'delete') users.forget(entry.image.id);
    yield result;
  }
}

/** Those that drop out before anybody is asked who uses them. */
async function changesOf(batch: readonly PlannedRetention[], run: Run): Promise<ReadonlyMap<PlannedRetention, string>> {
  const changes = new Map<PlannedRetention, string>();
  for (const entry of batch) {
    run.context.signal.throwIfAborted();
    const change = await changeOf(entry.image, run);
    if (change) changes.set(entry, change);
  }
  return changes;
}

/** What somebody did to the image since the plan was made. */
async function changeOf(image: RetentionImage, { cloud }: Run): Promise<string | undefined> {
  const present = await getImage(cloud, image.id);
  if (!present) return 'somebody deleted it meanwhile';
  const attributes = ['name', 'owner', 'visibility', 'os_hidden', 'protected', 'status'] as const;
  const changed = attributes.find((attribute) => image[attribute] !== present[attribute]);
  return changed && `somebody changed its ${changed} meanwhile`;
}

/** Who uses the images of a batch, as of one moment. */
interface Users {
  of(id: string): Promise<string | undefined>;
  /** An image that is gone needs no other any more. */
  forget(id: string): void;
}

async function readUsers(batch: readonly PlannedRetention[], run: Run): Promise<Users> {
  assertClock(run.clock);
  const asked = new Set(batch.map(({ image }) => comparableId(image.id)));
  const uses = await readUses(run.cloud, (id) => asked.has(id));
  const needing = needingOf(await readSiteImages(run.cloud, { community: true }), asked);
  const gone = new Set<string>();
  return {
    of: async (id) => {
      const use: ImageUse | undefined = uses.get(comparableId(id));
      if (use) return describeUse(use, await run.projectNames());
      const other = needing.get(comparableId(id))?.find((image) => !gone.has(image.id));
      return other && `image ${other.name} (${other.id}) as its kernel or ramdisk`;
    },
    forget: (id) => void gone.add(id),
  };
}

function needingOf(images: readonly Image[], asked: ReadonlySet<string>): ReadonlyMap<string, readonly Image[]> {
  const needing = new Map<string, Image[]>();
  for (const image of images) {
    for (const id of requiredImageIds(image)) {
      if (asked.has(id) && id !== comparableId(image.id)) needing.set(id, [...(needing.get(id) ?? []), image]);
    }
  }
  return needing;
}

async function applyOne(entry: PlannedRetention, { run, users }: { run: Run; users: Users }): Promise<Done> {
  run.context.signal.throwIfAborted();
  const { image } = entry;
  const user = await users.of(image.id);
  if (user) return skip(entry, `used by ${user}`);
  const change = await changeOf(image, run);
  if (change) return skip(entry, change);
  // Users start servers at any time: of these the last word is asked.
  const server = await findServerOf(run.cloud, image.id);
  if (server) return skip(entry, `used by ${describeUser(server, await run.projectNames())}`);
  return touch(entry, run);
}

async function touch(planned: PlannedRetention, run: Run): Promise<Done> {
  const { image, action, reason } = planned;
  try {
    if (action === 'delete') await deleteImage(run.cloud, image.id);
    else await hide(planned, run);
    return asPlanned(planned);
  } catch (error) {
    rethrowProgramFault(error);
    // 403: protected, or a policy of the site. 409: a store that has clones of the image keeps it.
    const isRefused = statusOf(error) === 403 || statusOf(error) === 409;
    return {
      planned,
      action: isRefused ? 'skip' : 'failed',
      reason: `${isRefused ? 'Glance refuses' : `could not ${action} it`}: ${messageOf(error)}; ${reason}`,
    };
  }
}

async function hide({ image, isNoted }: PlannedRetention, { args, cloud, context }: Run): Promise<void> {
  const change =
    args.hide_mode === 'private'
      ? ({ attribute: 'visibility', value: 'private' } as const)
      : ({ attribute: 'os_hidden', value: true } as const);
  const changes: ImageChange[] = isHidden(image) ? [] : [{ op: 'replace', ...change }];
  if (isNoted) changes.push({ op: 'add', attribute: markers.hiddenAt, value: markerTime(context.now()) });
  await changeImage(cloud, image.id, changes, { signal: context.signal });
}
