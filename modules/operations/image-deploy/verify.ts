// Compares what Glance stored with what the store has, before anyone can see it.
import { deleteImage, type Image } from '../../clients/glance/images.js';
import { withoutCredentials } from '../../clients/http/errors.js';
import { readSource } from '../../clients/store/source.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { canDigest, startDigests } from '../digests.js';
import type { GlanceDigests, Source, Work } from './job.js';

/**
 * The digests that a transfer has to compute so that both the store's and Glance's word can be checked. Each costs as much as all the rest
 * of the transfer, so none is computed twice over: bytes that have the store's SHA-256 are the store's object, and if the store tells the
 * object's MD5 too, that is what Glance's MD5 is compared with. `glance` is undefined where no image shows yet what this Glance tells.
 */
export function digestsNeeded(source: Source, glance: GlanceDigests | undefined): string[] {
  const { md5, sha256 } = source.object;
  const forStore = sha256 ? ['sha256'] : md5 ? ['md5'] : [];
  if (glance?.md5) return sha256 && md5 ? forStore : [...new Set([...forStore, 'md5'])];
  const forGlance = glance?.algorithm && canDigest(glance.algorithm) ? [glance.algorithm] : ['sha512', 'md5'];
  return [...new Set([...forStore, ...forGlance])];
}

/** Whether the store tells a checksum that Glance tells too, so that nothing need be read to compare them. */
export function isComparableUnread(source: Source, glance: GlanceDigests | undefined): boolean {
  return source.object.md5 !== undefined || (glance?.algorithm === 'sha256' && source.object.sha256 !== undefined);
}

/**
 * Verifies an active image and says by what. `streamed`: digests of the bytes that were sent; where there are none (Glance fetched them
 * itself, or an earlier run sent them) the checksums of both sides are compared, or else the object is read once more.
 * A mismatch deletes the image and throws CHECKSUM_MISMATCH.
 */
export async function verify(image: Image, streamed: ReadonlyMap<string, string> | undefined, work: Work): Promise<string[]> {
  const { source, run } = work;
  const verifiedBy: string[] = [];
  const check = async (what: string, found: string | number | undefined, expected: string | number): Promise<void> => {
    if (found === expected) return void verifiedBy.push(what);
    const url = withoutCredentials(source.object.url);
    const fate = await deleteImage(run.cloud, image.id).then(
      () => 'the new image was deleted',
      (error: unknown) => `the new image ${image.id} is still there, private, since it could not be deleted (${messageOf(error)})`,
    );
    const mismatch = `${work.job.planned.name}: the ${what} of the image is ${found}, but of ${url} it is ${expected}`;
    throw new OperationError('CHECKSUM_MISMATCH', `${mismatch}; ${fate}, and the present one was left as it is`, { url, found, expected });
  };
  await check('size', image.size, source.object.bytes);
  const direct = streamed ? undefined : comparable(image, source);
  if (direct) {
    await check(direct.what, direct.found, direct.expected);
    return verifiedBy;
  }
  const isEnough = streamed !== undefined && glanceDigest(image, streamed, source) !== undefined;
  const digests = isEnough ? streamed : await digestAgain(image, work);
  if (source.object.sha256) await check("store's sha256", digests.get('sha256'), source.object.sha256);
  else if (source.object.md5) await check("store's md5", digests.get('md5'), source.object.md5);
  const own = glanceDigest(image, digests, source);
  if (!own) {
    const offered = image.os_hash_algo ? `only ${image.os_hash_algo}` : 'no checksum';
    throw new OperationError('UNVERIFIABLE', `image ${image.id} cannot be verified: Glance tells ${offered} of it`, { id: image.id });
  }
  await check(own.what, own.found, own.expected);
  return verifiedBy;
}

/** What Glance tells of the data of an image. */
export function digestsOf({ os_hash_algo: algorithm, checksum }: Image): GlanceDigests {
  return { md5: checksum !== undefined, ...(algorithm ? { algorithm } : {}) };
}

/** A checksum that both sides tell. */
function comparable(image: Image, source: Source): { what: string; found: string; expected: string } | undefined {
  const { md5, sha256 } = source.object;
  if (sha256 && image.os_hash_algo === 'sha256' && image.os_hash_value) return { what: "store's sha256", found: image.os_hash_value, expected: sha256 };
  if (md5 && image.checksum) return { what: "store's md5", found: image.checksum, expected: md5 };
  return undefined;
}

/** Glance's own word on what it stored, beside ours on what was sent. Undefined where they have nothing in common. */
function glanceDigest(image: Image, digests: ReadonlyMap<string, string>, { object }: Source): { what: string; found: string; expected: string } | undefined {
  const { os_hash_algo: algorithm, os_hash_value: value, checksum } = image;
  const sent = algorithm ? digests.get(algorithm) : undefined;
  if (algorithm && value && sent) return { what: `Glance's ${algorithm}`, found: value, expected: sent };
  const md5 = digests.get('md5') ?? (object.sha256 ? object.md5 : undefined);
  return checksum && md5 ? { what: "Glance's md5", found: checksum, expected: md5 } : undefined;
}

async function digestAgain(image: Image, work: Work): Promise<ReadonlyMap<string, string>> {
  const { job, source, run } = work;
  const digests = startDigests(digestsNeeded(source, digestsOf(image)));
  const totalBytes = source.object.bytes;
  let doneBytes = 0;
  const options = {
    http: run.http,
    signal: run.context.signal,
    stallSeconds: run.args.stall_timeout,
    budgetSeconds: run.args.stall_timeout * 3,
    onInterruption: (reason: string) => run.context.log('info', `${job.planned.name}: ${reason}; continuing`),
  };
  for await (const chunk of readSource(source.object, options)) {
    digests.update(chunk);
    doneBytes += chunk.length;
    run.context.progress({ subject: job.planned.name, stage: 'verify', doneBytes, totalBytes });
  }
  return digests.finish();
}
