// One file: look, decide, fetch beside it, and put it in its place at once.
import fs from 'node:fs/promises';
import { removePart } from '../../clients/download/part-file.js';
import { draftOf, modifiedMsOf, renameDurably, statOf, syncPath } from '../../clients/files/durable.js';
import { OperationError } from '../../core/errors.js';
import { decideFreshness, type Freshness } from '../../policy/freshness.js';
import { inspectCopy, type InspectedCopy } from './copy.js';
import { dress, ownershipDifferences, ownershipFor } from './dress.js';
import { fetchItem, openItem, type Fetched, type Item } from './fetch.js';
import { identityOf, makeFolder, placesOf, readRecord, touchRecord, writeRecord, type RecordEntry } from './record.js';
import { shownOf, type Content, type FileDone } from './result.js';
import type { FileJob, Run } from './run.js';

/** Does what the job says, or in check mode says what it would do. */
export async function syncFile(job: FileJob, run: Run): Promise<FileDone> {
  if (!job.wanted) return removeFile(job, run);
  const places = placesOf(job.dest);
  const entries = await readRecord(places.record);
  const item = await openItem(job.wanted, run);
  const inspected = await inspectCopy(job.dest, entries, item.checksum, run);
  const remote = await item.source.look(inspected?.copy);
  const freshness = decideFreshness(inspected?.copy, remote, { rule: run.args.freshness, force: run.args.force });
  const found: Found = { job, item, inspected, freshness };
  if (!freshness.fetch && inspected) return keepCopy(found, inspected, run);
  if (run.context.checkMode) {
    const before = inspected ? shownOf(contentOf(inspected)) : {};
    const after = { bytes: remote.bytes, ...(remote.modifiedMs === undefined ? {} : { last_modified: new Date(remote.modifiedMs).toISOString() }) };
    return { ...doneFrom(found), action: 'fetch', changed: true, before, after, ...(inspected ? { content: contentOf(inspected) } : {}) };
  }
  await makeFolder(places.folder);
  const fetched = await fetchItem(item, { part: places.part, folder: places.folder, remote }, run);
  return putInPlace(found, fetched, { entries, now: run.context.now() });
}

interface Found {
  readonly job: FileJob;
  readonly item: Item;
  readonly inspected: InspectedCopy | undefined;
  readonly freshness: Freshness;
}

function doneFrom({ job, item, freshness: { reason, detail } }: Found): Omit<FileDone, 'action' | 'changed' | 'before' | 'after'> {
  return { path: job.dest, source: item.source.shown, reason, detail };
}

export function contentOf({ stats, entry }: Pick<InspectedCopy, 'stats' | 'entry'>): Content {
  return { bytes: stats.size, digests: entry.digests, modifiedMs: modifiedMsOf(stats), etag: entry.etag };
}

/** The copy stays; only owner and permissions may have to be put right, and the record to be brought up to date. */
async function keepCopy(found: Found, inspected: InspectedCopy, run: Run): Promise<FileDone> {
  const { job, item } = found;
  const { before, after } = ownershipDifferences(job.ownership, inspected.stats);
  const isAdjusted = Object.keys(after).length > 0;
  if (!run.context.checkMode) {
    if (isAdjusted) await dress(job.dest, job.ownership, undefined);
    await keepRecord(job.dest, inspected, { source: item.source.shown, now: run.context.now() });
    // A run that was killed between the rename and its end leaves these.
    await removePart(placesOf(job.dest).part);
    await fs.rm(draftOf(placesOf(job.dest).record), { force: true });
  }
  return { ...doneFrom(found), action: isAdjusted ? 'adjust' : 'fresh', changed: isAdjusted, before, after, content: contentOf(inspected) };
}

async function keepRecord(dest: string, { entry, isReadAnew }: InspectedCopy, { source, now }: { source: string; now: Date }): Promise<void> {
  const { folder, record } = placesOf(dest);
  if (!isReadAnew) return touchRecord(record, now);
  await makeFolder(folder);
  await writeRecord(record, [{ ...entry, source: entry.source || source }]);
}

/**
 * At every point of this a kill leaves a whole copy in place and a record that has it: the record gets the new entry beside the old one
 * before the rename, and loses the old one after it. What has the same bytes as before stays the same file, with its new date.
 */
async function putInPlace(found: Found, fetched: Fetched, { entries, now }: { entries: readonly RecordEntry[]; now: Date }): Promise<FileDone> {
  const { job, item, inspected } = found;
  const { record, part } = placesOf(job.dest);
  const isSame = inspected !== undefined && inspected.entry.digests.sha256 === fetched.digests.sha256 && inspected.entry.bytes === fetched.bytes;
  const ownership = ownershipFor(job.ownership, inspected?.stats);
  const target = isSame ? job.dest : part;
  const adjusted = inspected ? ownershipDifferences(ownership, inspected.stats) : { before: {}, after: {} };
  await dress(target, ownership, fetched.modifiedMs ?? now.getTime());
  const entry: RecordEntry = { source: item.source.shown, etag: fetched.etag, ...(await identityOf(target)), digests: fetched.digests };
  if (!isSame) {
    await syncPath(part);
    await writeRecord(record, [entry, ...entries.slice(0, 1)]);
    await renameDurably(part, job.dest);
  }
  await writeRecord(record, [entry]);
  await removePart(part);
  const content: Content = contentOf({ stats: await fs.stat(job.dest), entry });
  const changed = !isSame || Object.keys(adjusted.after).length > 0;
  const before = isSame ? adjusted.before : inspected ? { ...shownOf(contentOf(inspected)), ...adjusted.before } : {};
  const after = isSame ? adjusted.after : { ...shownOf(content), ...adjusted.after };
  const done = doneFrom(found);
  return { ...done, detail: isSame ? `${done.detail}; it has the same bytes` : done.detail, action: 'fetch', changed, before, after, content };
}

async function removeFile({ dest }: FileJob, { context }: Run): Promise<FileDone> {
  const stats = await statOf(dest, { ofLink: true });
  if (stats?.isDirectory()) throw new OperationError('CACHE_PATH_TAKEN', `${dest} is a folder, and no file of the cache`, { path: dest });
  const { record, part } = placesOf(dest);
  if (!context.checkMode) {
    await fs.rm(dest, { force: true });
    await fs.rm(record, { force: true });
    await removePart(part);
  }
  const before = stats ? { bytes: stats.size } : {};
  return { path: dest, action: stats ? 'remove' : 'absent', changed: stats !== undefined, detail: stats ? 'state is absent' : 'there is none', before, after: {} };
}
