// Compares what Glance stored with what the store has, before anyone can see it.
import { downloadImage, type Image } from '../../clients/glance/images.js';
import type { HttpClient } from '../../clients/http/client.js';
import { withoutCredentials } from '../../core/urls.js';
import type { StoreObject } from '../../clients/store/object.js';
import { readSource, type SourceOptions } from '../../clients/store/source.js';
import { OperationError } from '../../core/errors.js';
import { canDigest, startDigests, unavailable } from '../digests.js';
import { discarded } from './discard.js';
import { assertStoredFormat, formatGuard } from './format.js';
import type { GlanceDigests, Source, Work } from './job.js';

type Streamed = ReadonlyMap<string, string>;

/**
 * The digests that a transfer has to compute so that both the store's and Glance's word can be checked. Each costs as much as all the rest
 * of the transfer, so none is computed twice over: bytes that have the store's SHA-256 are the store's object, and if the store publishes the
 * object's MD5 too, that is what Glance's MD5 is compared with. `glance` is undefined where no image shows yet what this Glance reports.
 * Never one that this host cannot compute: MD5 where FIPS forbids it.
 */
export function digestsNeeded(source: Source, glance: GlanceDigests | undefined): string[] {
  const { md5, sha256 } = source.object;
  const forStore = sha256 ? ['sha256'] : md5 && canDigest('md5') ? ['md5'] : [];
  if (glance?.md5 && sha256 && md5) return forStore;
  if (glance?.md5 && canDigest('md5')) return [...new Set([...forStore, 'md5'])];
  const forGlance =
    glance?.algorithm && canDigest(glance.algorithm) ? [glance.algorithm] : ['sha512', 'md5'].filter(canDigest);
  return [...new Set([...forStore, ...forGlance])];
}

/** Whether the store publishes a checksum by which an image can be verified that did not pass through this host. */
export function isVerifiableUnsent({ object }: Source): boolean {
  return object.sha256 !== undefined || object.md5 !== undefined;
}

/**
 * Verifies an active image and says by what. `streamed`: digests of the bytes that were sent. Where there are none (Glance fetched them
 * itself, or an earlier run sent them) Glance's data are looked at: their format, and, wherever the store publishes SHA-256, all of them.
 * A mismatch deletes the image and throws CHECKSUM_MISMATCH, FORMAT_MISMATCH or FORMAT_UNSAFE.
 */
export async function verify(image: Image, streamed: Streamed | undefined, work: Work): Promise<string[]> {
  const verifiedBy: string[] = [];
  const check: Check = (what, found, expected) => {
    if (found !== expected) throw mismatch(work, { what, found, expected });
    verifiedBy.push(what);
  };
  try {
    if (image.size === 0)
      throw new OperationError('FORMAT_MISMATCH', 'Glance has stored no byte of the image', { id: image.id });
    check('size', image.size, work.source.object.bytes);
    if (streamed) await verifySent(image, streamed, work, check);
    else await verifyStored(image, work, check);
    return verifiedBy;
  } catch (error) {
    throw await discarded(image.id, error, work);
  }
}

type Check = (what: string, found: string | number | undefined, expected: string | number) => void;

function mismatch(
  { source }: Work,
  { what, found, expected }: { what: string; found: string | number | undefined; expected: string | number },
): OperationError {
  const url = withoutCredentials(source.object.url);
  return new OperationError(
    'CHECKSUM_MISMATCH',
    `the ${what} of the image is ${found}, but of ${url} it is ${expected}`,
    { url, found, expected },
  );
}

/** What was sent is the store's object, and what was sent is what Glance has. */
async function verifySent(image: Image, sent: Streamed, work: Work, check: Check): Promise<void> {
  const { md5, sha256 } = work.source.object;
  if (sha256) check("store's sha256", sent.get('sha256'), sha256);
  else if (md5) check("store's md5", sent.get('md5') ?? reportedMd5(image), md5);
  const own = glanceDigest(image, sent);
  if (own) return check(own.what, own.found, own.expected);
  if (md5 && image.checksum === md5) return check("Glance's md5", image.checksum, md5);
  // Glance reports nothing to compare by, or an MD5 that contradicts what the store says of the same bytes: its bytes decide.
  const [algorithm] = sha256 ? ['sha256'] : [...sent.keys()];
  if (algorithm === undefined)
    throw new OperationError('UNVERIFIABLE', `image ${image.id} cannot be verified: ${unavailable('md5')}`, {
      id: image.id,
    });
  check(
    `Glance's data by ${algorithm}`,
    (await digestStored(image.id, [algorithm], work)).get(algorithm),
    sent.get(algorithm) as string,
  );
}

/** Glance's MD5, on a host that cannot compute one. */
function reportedMd5({ id, checksum }: Image): string {
  if (checksum) return checksum;
  throw new OperationError(
    'UNVERIFIABLE',
    `image ${id} cannot be verified: the store publishes only an MD5, and ${unavailable('md5')}`,
    { id },
  );
}

async function verifyStored(image: Image, work: Work, check: Check): Promise<void> {
  const { md5, sha256 } = work.source.object;
  if (sha256 && image.os_hash_algo !== 'sha256')
    return check("store's sha256", (await digestStored(image.id, ['sha256'], work)).get('sha256'), sha256);
  await assertStoredFormat(image.id, work);
  if (sha256) return check("store's sha256", image.os_hash_value, sha256);
  if (md5 && image.checksum) return check("store's md5", image.checksum, md5);
  if (md5 && !canDigest('md5')) reportedMd5(image);
  if (md5) return check("store's md5", (await digestStored(image.id, ['md5'], work)).get('md5'), md5);
  const own = glanceDigest(image, await digestAgain(image, work));
  if (!own)
    throw new OperationError('UNVERIFIABLE', `image ${image.id} cannot be verified: Glance reports ${offered(image)}`, {
      id: image.id,
    });
  check(own.what, own.found, own.expected);
}

function offered({ os_hash_algo: algorithm }: Image): string {
  return algorithm ? `only its ${algorithm}, which this host cannot compute` : 'no checksum';
}

/** What Glance reports of the data of an image. */
export function digestsOf({ os_hash_algo: algorithm, checksum }: Image): GlanceDigests {
  return { md5: checksum !== undefined, ...(algorithm ? { algorithm } : {}) };
}

/** Glance's own word on what it stored, beside ours on the bytes that are meant. Undefined where they have nothing in common. */
function glanceDigest(
  { os_hash_algo: algorithm, os_hash_value: value, checksum }: Image,
  digests: Streamed,
): { what: string; found: string; expected: string } | undefined {
  const strong = algorithm ? digests.get(algorithm) : undefined;
  if (algorithm && value && strong) return { what: `Glance's ${algorithm}`, found: value, expected: strong };
  const md5 = digests.get('md5');
  return checksum && md5 ? { what: "Glance's md5", found: checksum, expected: md5 } : undefined;
}

/** Reads the image back from Glance, and looks at its format on the way. */
async function digestStored(id: string, algorithms: readonly string[], work: Work): Promise<Streamed> {
  const { run, source } = work;
  // The checksums tell a continuation that it may be one: Glance shows no validators, and its data never change.
  const { bytes, sha256, md5 } = source.object;
  const http: HttpClient = ({ headers = {}, expect = [200] }) => downloadImage(run.cloud, id, { headers, expect });
  const guard = formatGuard(source);
  return digestAll(
    { url: `glance://${id}`, bytes, ...(sha256 ? { sha256 } : {}), ...(md5 ? { md5 } : {}) },
    http,
    algorithms,
    work,
    guard,
  );
}

/** Reads the store's object once more. */
async function digestAgain(image: Image, work: Work): Promise<Streamed> {
  return digestAll(
    work.source.object,
    work.run.http,
    digestsNeeded(work.source, digestsOf(image)),
    work,
    () => undefined,
  );
}

async function digestAll(
  object: StoreObject,
  http: HttpClient,
  algorithms: readonly string[],
  { job, run }: Work,
  look: (chunk: Buffer) => void,
): Promise<Streamed> {
  const digests = startDigests(algorithms);
  const totalBytes = object.bytes;
  let doneBytes = 0;
  const options: SourceOptions = {
    http,
    signal: run.context.signal,
    stallSeconds: run.args.stall_timeout,
    budgetSeconds: run.args.stall_timeout * 3,
    onInterruption: (reason) => run.context.log('info', `${job.planned.name}: ${reason}; continuing`),
  };
  for await (const chunk of readSource(object, options)) {
    look(chunk);
    digests.update(chunk);
    doneBytes += chunk.length;
    run.context.progress({ subject: job.planned.name, stage: 'verify', doneBytes, totalBytes });
  }
  return digests.finish();
}
