// A copy in the cache: whether it is what was fetched and what the checksum requires, and its
// ownership.
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { readFileChunks } from '../clients/download/part-file.js';
import { isPrivate } from '../clients/files/accounts.js';
import { modifiedMsOf, statOf } from '../clients/files/durable.js';
import { openRegular } from '../clients/files/own-files.js';
import { unsafePath, shownPath } from '../clients/files/paths.js';
import { OperationError } from '../core/errors.js';
import { startDigests } from '../images/digests.js';
import type { Checksum } from '../images/policy/checksums.js';
import { copyFault, type Copy } from './policy/freshness.js';
import { ownershipChange, type FileOwnership } from './policy/ownership.js';
import { identityOf, isSameFileIdentity, type RecordEntry } from './record.js';
import type { CacheRun, CopyContent } from './run.js';

export interface InspectedCopy {
  readonly path: string;
  readonly stats: Stats;
  readonly entry: RecordEntry;
  /** What its freshness is decided by. */
  readonly copy: Copy;
  /** False if another user may have put it there: it is replaced, and never modified in place. */
  readonly isTrusted: boolean;
  /** True if the file was read and the record is not up to date yet. */
  readonly isRead: boolean;
}

/**
 * The copy with its digests; undefined if it does not exist. The digests come from the record if
 * its size, mtime and inode match; otherwise, or if a digest is missing, the file is read. Throws
 * CACHE_PATH_TAKEN for anything but a regular file.
 */
export async function inspectCopy(
  path: string,
  entries: readonly RecordEntry[],
  checksum: Checksum | undefined,
  run: CacheRun,
): Promise<InspectedCopy | undefined> {
  const stats = await statOf(path, { ofLink: true });
  if (!stats) return undefined;
  const shown = shownPath(path);
  if (!stats.isFile()) {
    const message = `${shown} is not a file: move it away, or choose another dest`;
    throw new OperationError('CACHE_PATH_TAKEN', message, { path: shown });
  }
  const identity = await identityOf(path);
  const known = entries.find((entry) => isSameFileIdentity(entry, identity));
  const needed = algorithmsFor(run, checksum);
  const isKnown = known !== undefined && needed.every((name) => known.digests[name] !== undefined);
  const digests = isKnown ? known.digests : await digestsOfFile(path, needed, run);
  // A copy that was only touched, or restored from a backup, is recognized by its content.
  const recorded = known ?? entries.find((entry) => entry.digests.sha256 === digests.sha256) ?? entries[0];
  const entry: RecordEntry = { source: recorded?.source ?? '', etag: recorded?.etag, ...identity, digests };
  const isTrusted = known !== undefined || isPrivate(await fs.stat(dirname(path)));
  const copy: Copy = {
    modifiedMs: modifiedMsOf(stats),
    bytes: stats.size,
    source: recorded?.source || undefined,
    etag: recorded?.etag,
    fault: copyFault(entry, { recorded, checksum, isTrusted }),
  };
  return { path, stats, entry, copy, isTrusted, isRead: !isKnown };
}

/** SHA-256 always, the algorithm of the result, and that of the checksum. */
export function algorithmsFor({ args }: CacheRun, checksum: Checksum | undefined): string[] {
  return [...new Set(['sha256', args.checksum_algorithm, ...(checksum ? [checksum.algorithm] : [])])];
}

async function digestsOfFile(
  path: string,
  algorithms: readonly string[],
  { context }: CacheRun,
): Promise<Readonly<Record<string, string>>> {
  const digests = startDigests(algorithms);
  for await (const chunk of readFileChunks(path)) {
    context.signal.throwIfAborted();
    digests.update(chunk);
  }
  return Object.fromEntries(digests.finish());
}

export function copyContent({
  stats,
  entry,
}: {
  readonly stats: Stats;
  readonly entry: Pick<RecordEntry, 'digests' | 'etag'>;
}): CopyContent {
  return { bytes: stats.size, digests: entry.digests, modifiedMs: modifiedMsOf(stats), etag: entry.etag };
}

/**
 * Sets a copy's owner, permissions and, if its source reports one, its date. What is already right
 * is not touched, because only root may change the owner. `inspected`: the file as it was verified;
 * if another one has replaced it, it is refused.
 */
export async function applyOwnership(
  path: string,
  requested: FileOwnership,
  modifiedMs: number | undefined,
  inspected?: Stats,
): Promise<void> {
  const file = await openRegular(path);
  try {
    const stats = await file.stat();
    if (inspected && (stats.ino !== inspected.ino || stats.dev !== inspected.dev))
      throw unsafePath(path, 'was replaced in the meantime');
    const { after } = ownershipChange(requested, stats);
    if (after.owner !== undefined || after.group !== undefined)
      await file.chown(requested.uid ?? stats.uid, requested.gid ?? stats.gid);
    // After chown, which clears some of the bits.
    if (requested.mode !== undefined) await file.chmod(requested.mode);
    if (modifiedMs !== undefined) await file.utimes(stats.atime, new Date(modifiedMs));
  } finally {
    await file.close();
  }
}
