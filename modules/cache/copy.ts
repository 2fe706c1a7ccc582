// Looks at a copy: is it what was fetched, and what the checksum says?
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { readFileChunks } from '../clients/download/part-file.js';
import { modifiedMsOf, statOf } from '../clients/files/durable.js';
import { isPrivate } from '../clients/files/accounts.js';
import { shownPath } from '../clients/files/paths.js';
import { OperationError } from '../core/errors.js';
import type { Checksum } from '../images/policy/checksums.js';
import type { Copy } from './policy/freshness.js';
import { startDigests } from '../images/digests.js';
import { identityOf, isSameIdentity, type RecordEntry } from './record.js';
import type { Run } from './run.js';

export interface InspectedCopy {
  readonly path: string;
  readonly stats: Stats;
  readonly entry: RecordEntry;
  /** What decides over its freshness. */
  readonly copy: Copy;
  /** False where another user may have put it there: it is replaced, and never changed in its place. */
  readonly isTrusted: boolean;
  /** True where the record does not yet say what was found by reading the file. */
  readonly isReadAnew: boolean;
}

/**
 * The copy with its digests; undefined where there is none. They come from the record while size, mtime and inode are those of the record; else,
 * or where one is missing, the file is read. Throws CACHE_PATH_TAKEN for what is no file.
 */
export async function inspectCopy(
  path: string,
  entries: readonly RecordEntry[],
  checksum: Checksum | undefined,
  run: Run,
): Promise<InspectedCopy | undefined> {
  const stats = await statOf(path, { ofLink: true });
  if (!stats) return undefined;
  if (!stats.isFile())
    throw new OperationError(
      'CACHE_PATH_TAKEN',
      `${shownPath(path)} is not a file: move it away, or name another dest`,
      { path: shownPath(path) },
    );
  const identity = await identityOf(path);
  const known = entries.find((entry) => isSameIdentity(entry, identity));
  const needed = algorithmsFor(run, checksum);
  const isKnown = known !== undefined && needed.every((name) => known.digests[name] !== undefined);
  const digests = isKnown ? known.digests : await digestsOfFile(path, needed, run);
  // A copy that was only touched, or put back from a backup, is recognised by its bytes.
  const origin = known ?? entries.find((entry) => entry.digests.sha256 === digests.sha256) ?? entries[0];
  const entry: RecordEntry = { source: origin?.source ?? '', etag: origin?.etag, ...identity, digests };
  const isTrusted = known !== undefined || isPrivate(await fs.stat(dirname(path)));
  const fault =
    faultOf(entry, { origin, checksum }) ??
    (isTrusted ? undefined : 'it is not what this cache put there, and others may write to its folder');
  const copy: Copy = {
    modifiedMs: modifiedMsOf(stats),
    bytes: stats.size,
    source: origin?.source || undefined,
    etag: origin?.etag,
    fault,
  };
  return { path, stats, entry, copy, isTrusted, isReadAnew: !isKnown };
}

/** SHA-256 always, what the result is to have, and what the checksum is of. */
export function algorithmsFor({ args }: Run, checksum: Checksum | undefined): string[] {
  return [...new Set(['sha256', args.checksum_algorithm, ...(checksum ? [checksum.algorithm] : [])])];
}

function faultOf(
  { digests, bytes }: RecordEntry,
  { origin, checksum }: { origin: RecordEntry | undefined; checksum: Checksum | undefined },
): string | undefined {
  const found = checksum && digests[checksum.algorithm];
  if (checksum && found !== checksum.digest) return `its ${checksum.algorithm} is ${found}, not ${checksum.digest}`;
  if (!origin || origin.digests.sha256 === digests.sha256) return undefined;
  return origin.bytes === bytes
    ? 'its bytes are not those that were fetched'
    : `it has ${bytes} bytes, and ${origin.bytes} were fetched`;
}

async function digestsOfFile(
  path: string,
  algorithms: readonly string[],
  { context }: Run,
): Promise<Readonly<Record<string, string>>> {
  const digests = startDigests(algorithms);
  for await (const chunk of readFileChunks(path)) {
    context.signal.throwIfAborted();
    digests.update(chunk);
  }
  return Object.fromEntries(digests.finish());
}
