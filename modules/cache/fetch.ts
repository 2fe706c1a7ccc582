// Brings a file into its part and verifies it, before anything that is in use is touched.
import { removePart } from '../clients/download/part-file.js';
import { shownPath } from '../clients/files/paths.js';
import { readSmallFile } from '../clients/files/yaml-file.js';
import { hasCode, messageOf, OperationError } from '../core/errors.js';
import { findChecksum, type Checksum } from '../images/policy/checksums.js';
import type { Remote } from './policy/freshness.js';
import { startDigests, type Digests } from '../images/digests.js';
import { algorithmsFor } from './copy.js';
import { openAllowed } from './file-source.js';
import { openSource } from './open-source.js';
import type { Origin, Run, Wanted, WantedChecksum } from './run.js';
import type { Received, Source } from './source.js';

/** A file that is wanted, with its source opened and its checksum read. */
export interface Item {
  readonly label: string;
  readonly source: Source;
  readonly checksum: Checksum | undefined;
}

export interface Fetched extends Received {
  /** Lower-case hex by hashlib's names. */
  readonly digests: Readonly<Record<string, string>>;
}

const largestChecksumFile = 1024 * 1024;
/** How often a source may change under our hands before we give up. */
const rounds = 3;

/** Opens the source and reads the checksum file, if there is one. Throws CHECKSUM_FILE_UNUSABLE. */
export async function openItem({ label, origin, checksum }: Wanted, run: Run): Promise<Item> {
  const source = await openSource(origin, label, run);
  return {
    label,
    source,
    checksum: checksum ? await resolveChecksum(checksum, source.fileName, run) : source.checksum,
  };
}

async function resolveChecksum(wanted: WantedChecksum, fileName: string, run: Run): Promise<Checksum> {
  if (wanted.kind === 'checksum') return wanted.checksum;
  const source = await openSource(wanted.origin, 'checksum', run);
  const refuse = (why: string, cause?: unknown): OperationError =>
    new OperationError(
      'CHECKSUM_FILE_UNUSABLE',
      `the checksum file ${source.shown} cannot be used: ${why}`,
      { url: source.shown },
      cause,
    );
  const text = await readText(wanted, run).catch((error: unknown) => {
    run.context.signal.throwIfAborted();
    throw refuse(messageOf(error), error);
  });
  const found = findChecksum(text, { name: fileName, algorithm: wanted.algorithm, fileName: source.fileName });
  if ('fault' in found) throw refuse(found.fault);
  return found;
}

async function readText({ origin }: Extract<WantedChecksum, { kind: 'url' }>, run: Run): Promise<string> {
  if (origin.kind === 'file') return readAllowed(origin, run);
  const answer = await run.http({ method: 'GET', url: origin.url, headers: { 'Accept-Encoding': 'identity' } });
  return answer.text({ maxBytes: largestChecksumFile });
}

async function readAllowed(origin: Extract<Origin, { kind: 'file' }>, run: Run): Promise<string> {
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
 * Leaves the whole, verified file in `part`. A source that changes meanwhile, or may have, is looked at again and fetched anew, a few times. Throws
 * CHECKSUM_MISMATCH, and then leaves no part, so that the next run begins anew.
 */
export async function fetchItem(
  { label, source, checksum }: Item,
  to: { part: string; folder: string; remote: Remote },
  run: Run,
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
      const isMixed = error instanceof OperationError && error.facts.isSpliced === true;
      if (!hasCode(error, 'SOURCE_CHANGED') && !isMixed) throw error;
      await removePart(to.part);
      if (round === rounds) throw error;
      run.context.log('info', `${label}: ${messageOf(error)}; fetching it anew`);
      remote = await source.look();
    }
  }
}

async function receiveOnce(
  { label, source, checksum }: Item,
  to: { part: string; folder: string; remote: Remote },
  run: Run,
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
  { source, checksum }: Item,
  { part, digests, isSpliced }: { part: string; digests: Readonly<Record<string, string>>; isSpliced: boolean },
): Promise<void> {
  const found = checksum && digests[checksum.algorithm];
  if (!checksum || found === checksum.digest) return;
  await removePart(part);
  const message = `${source.shown}: its ${checksum.algorithm} is ${found}, not ${checksum.digest}; the copy at hand was left as it is`;
  throw new OperationError('CHECKSUM_MISMATCH', message, {
    url: source.shown,
    algorithm: checksum.algorithm,
    expected: checksum.digest,
    found,
    isSpliced,
  });
}
