// Opens sources, and fetches a file into its part and verifies it, before anything that is in use
// is touched.
import { removePart } from '../clients/download/part-file.js';
import { shownPath } from '../clients/files/paths.js';
import { readSmallFile } from '../clients/files/yaml-file.js';
import { hasCode, messageOf, OperationError } from '../core/errors.js';
import { checksumInFile, largestChecksumFile } from '../images/checksum-files.js';
import type { Checksum } from '../images/policy/checksums.js';
import type { Remote } from './policy/freshness.js';
import { startDigests, type Digests } from '../images/digests.js';
import { algorithmsFor } from './copy.js';
import { fileSource, openAllowed } from './file-source.js';
import { glanceSource } from './glance-source.js';
import { httpSource } from './http-source.js';
import type { CacheRun, Origin, RequestedChecksum, RequestedFile } from './run.js';
import type { CacheSource, Received } from './source.js';

/** A requested file, with its source opened and its checksum read. */
export interface SourceFile {
  readonly label: string;
  readonly source: CacheSource;
  readonly checksum: Checksum | undefined;
}

export interface Fetched extends Received {
  /** In lower-case hex, by hashlib's names. */
  readonly digests: Readonly<Record<string, string>>;
}

/** How many times a source that keeps changing is fetched. */
const maxRounds = 3;

/** Opens the source and reads the checksum file, if any. Throws CHECKSUM_FILE_UNUSABLE. */
export async function openSourceFile({ label, origin, checksum }: RequestedFile, run: CacheRun): Promise<SourceFile> {
  const source = await openSource(origin, label, run);
  return {
    label,
    source,
    checksum: checksum ? await resolveChecksum(checksum, source.fileName, run) : source.checksum,
  };
}

/**
 * Looks up a name in Glance, and checks the real path of a file. Throws INVALID_INPUT,
 * FILE_REFUSED.
 */
function openSource(origin: Origin, label: string, run: CacheRun): Promise<CacheSource> | CacheSource {
  if (origin.kind === 'http') return httpSource(origin.url, run);
  return origin.kind === 'file' ? fileSource(origin, run) : glanceSource(origin.nameOrId, label, run);
}

async function resolveChecksum(requested: RequestedChecksum, fileName: string, run: CacheRun): Promise<Checksum> {
  if (requested.kind === 'checksum') return requested.checksum;
  const { shown, fileName: ownName } = await openSource(requested.origin, 'checksum', run);
  const file = { shown, fileName: ownName, read: () => readText(requested, run) };
  return checksumInFile(file, { name: fileName, algorithm: requested.algorithm }, run.context.signal);
}

async function readText({ origin }: Extract<RequestedChecksum, { kind: 'url' }>, run: CacheRun): Promise<string> {
  if (origin.kind === 'file') return readAllowed(origin, run);
  const answer = await run.http({ method: 'GET', url: origin.url, headers: { 'Accept-Encoding': 'identity' } });
  return answer.text({ maxBytes: largestChecksumFile });
}

async function readAllowed(origin: Extract<Origin, { kind: 'file' }>, run: CacheRun): Promise<string> {
  const file = await openAllowed(origin, run);
  try {
    return (await readSmallFile(`/proc/self/fd/${file.fd}`, { signal: run.context.signal })).text;
  } catch (error) {
    throw new Error(shownPath(messageOf(error)), { cause: error });
  } finally {
    await file.close();
  }
}

/**
 * Leaves the complete, verified file in `part`. If the source changes in the meantime, or may have
 * changed, it is fetched again, a few times.
 * Throws CHECKSUM_MISMATCH, and then leaves no part, so that the next run starts from the
 * beginning.
 */
export async function fetchSourceFile(
  { label, source, checksum }: SourceFile,
  to: { part: string; folder: string; remote: Remote },
  run: CacheRun,
): Promise<Fetched> {
  let { remote } = to;
  for (let round = 1; ; round++) {
    try {
      const { received, digests } = await receiveOnce({ label, source, checksum }, { ...to, remote }, run);
      await assertChecksum(
        { label, source, checksum },
        { part: to.part, digests, isSpliced: received.isSpliced === true },
      );
      return { ...received, digests };
    } catch (error) {
      const isSpliced = error instanceof OperationError && error.facts.isSpliced === true;
      if (!hasCode(error, 'SOURCE_CHANGED') && !isSpliced) throw error;
      await removePart(to.part);
      if (round === maxRounds) throw error;
      run.context.log('info', `${label}: ${messageOf(error)}; fetching it again`);
      remote = await source.look();
    }
  }
}

async function receiveOnce(
  { label, source, checksum }: SourceFile,
  to: { part: string; folder: string; remote: Remote },
  run: CacheRun,
): Promise<{ received: Received; digests: Readonly<Record<string, string>> }> {
  let digests: Digests = startDigests(algorithmsFor(run, checksum));
  const received = await source.receive({
    ...to,
    isChecked: checksum !== undefined,
    sink: {
      update: (chunk) => digests.update(chunk),
      restart: () => void (digests = startDigests(algorithmsFor(run, checksum))),
    },
    onProgress: (doneBytes, totalBytes) =>
      run.context.progress({
        subject: label,
        stage: 'fetch',
        doneBytes,
        ...(totalBytes === undefined ? {} : { totalBytes }),
      }),
  });
  return { received, digests: Object.fromEntries(digests.finish()) };
}

async function assertChecksum(
  { source, checksum }: SourceFile,
  { part, digests, isSpliced }: { part: string; digests: Readonly<Record<string, string>>; isSpliced: boolean },
): Promise<void> {
  const found = checksum && digests[checksum.algorithm];
  if (!checksum || found === checksum.digest) return;
  await removePart(part);
  const message =
    `${source.shown}: its ${checksum.algorithm} is ${found}, not ${checksum.digest}; ` +
    'the present copy was left unchanged';
  throw new OperationError('CHECKSUM_MISMATCH', message, {
    url: source.shown,
    algorithm: checksum.algorithm,
    expected: checksum.digest,
    found,
    isSpliced,
  });
}
