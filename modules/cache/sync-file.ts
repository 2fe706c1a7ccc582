// One file: look, decide, fetch beside it, and put it in its place at once.
import fs from 'node:fs/promises';
import { basename, join } from 'node:path';
import { removePart } from '../clients/download/part-file.js';
import { draftOf, modifiedMsOf, renameDurably, statOf, syncPath } from '../clients/files/durable.js';
import { removeName, withFolders, type Folders } from '../clients/files/folders.js';
import { OperationError } from '../core/errors.js';
import { decideFreshness, type Freshness } from './policy/freshness.js';
import { inspectCopy, type InspectedCopy } from './copy.js';
import { dress, ownershipDifferences, ownershipFor } from './dress.js';
import { fetchItem, openItem, type Fetched, type Item } from './fetch.js';
import {
  identityOf,
  openFilePlaces,
  readRecord,
  touchRecord,
  writeRecord,
  type FilePlaces,
  type RecordEntry,
} from './record.js';
import { shownOf, type Content, type FileDone } from './result.js';
import type { FileJob, Placed, Run, Wanted } from './run.js';

/** Does what the job says, or in check mode says what it would do. */
export function syncFile(job: Placed<FileJob>, run: Run): Promise<FileDone> {
  return withFolders((folders) =>
    job.wanted ? sync(job, job.wanted, { run, folders }) : removeFile(job, { run, folders }),
  );
}

interface Surroundings {
  readonly run: Run;
  readonly folders: Folders;
}

/** Where the copy is, by the descriptor of its folder. */
function pathOf({ place, dest }: Placed<FileJob>): string {
  return join(place, basename(dest));
}

async function sync(job: Placed<FileJob>, wanted: Wanted, { run, folders }: Surroundings): Promise<FileDone> {
  const places = await openFilePlaces(folders, pathOf(job), { create: false });
  const entries = await readRecord(places.record);
  const item = await openItem(wanted, run);
  const inspected = await inspectCopy(pathOf(job), entries, item.checksum, run);
  const remote = await item.source.look(inspected?.copy);
  const freshness = decideFreshness(inspected?.copy, remote, { rule: run.args.freshness, force: run.args.force });
  const found: Found = { job, item, inspected, freshness };
  if (!freshness.fetch && inspected) return keepCopy(found, inspected, { run, folders });
  if (run.context.checkMode) {
    const before = inspected ? shownOf(contentOf(inspected)) : {};
    const after = {
      bytes: remote.bytes,
      ...(remote.modifiedMs === undefined ? {} : { last_modified: new Date(remote.modifiedMs).toISOString() }),
    };
    return {
      ...doneFrom(found),
      action: 'fetch',
      changed: true,
      before,
      after,
      ...(inspected ? { content: contentOf(inspected) } : {}),
    };
  }
  const made = await openFilePlaces(folders, pathOf(job), { create: true });
  const fetched = await fetchItem(item, { part: made.part, folder: made.folder, remote }, run);
  return putInPlace(found, fetched, { entries, places: made, now: run.context.now() });
}

interface Found {
  readonly job: Placed<FileJob>;
  readonly item: Item;
  readonly inspected: InspectedCopy | undefined;
  readonly freshness: Freshness;
}

function doneFrom({
  job,
  item,
  freshness: { reason, detail },
}: Found): Omit<FileDone, 'action' | 'changed' | 'before' | 'after'> {
  return { path: job.dest, source: item.source.shown, reason, detail };
}

export function contentOf({ stats, entry }: Pick<InspectedCopy, 'stats' | 'entry'>): Content {
  return { bytes: stats.size, digests: entry.digests, modifiedMs: modifiedMsOf(stats), etag: entry.etag };
}

/** The copy stays; only owner and permissions may have to be put right, and the record to be brought up to date. */
async function keepCopy(found: Found, inspected: InspectedCopy, { run, folders }: Surroundings): Promise<FileDone> {
  const { job, item } = found;
  const { before, after } = ownershipDifferences(job.ownership, inspected.stats);
  const isAdjusted = Object.keys(after).length > 0;
  if (!run.context.checkMode) {
    if (isAdjusted) await dress(pathOf(job), job.ownership, undefined, inspected.stats);
    const places = await openFilePlaces(folders, pathOf(job), { create: true });
    await keepRecord(places.record, inspected, { source: item.source.shown, now: run.context.now() });
    // A run that was killed between the rename and its end leaves these.
    await removePart(places.part);
    await removeName(draftOf(places.record));
  }
  return {
    ...doneFrom(found),
    action: isAdjusted ? 'adjust' : 'fresh',
    changed: isAdjusted,
    before,
    after,
    content: contentOf(inspected),
  };
}

async function keepRecord(
  record: string,
  { entry, isReadAnew }: InspectedCopy,
  { source, now }: { source: string; now: Date },
): Promise<void> {
  if (!isReadAnew) return touchRecord(record, now);
  await writeRecord(record, [{ ...entry, source: entry.source || source }]);
}

/**
 * At every point of this a kill leaves a whole copy in place and a record that has it: the record gets the new entry beside the old one
 * before the rename, and loses the old one after it. What has the same bytes as before stays the same file, with its new date.
 */
async function putInPlace(
  found: Found,
  fetched: Fetched,
  { entries, places, now }: { entries: readonly RecordEntry[]; places: FilePlaces; now: Date },
): Promise<FileDone> {
  const { job, item, inspected } = found;
  const { record, part } = places;
  const isSame =
    inspected?.isTrusted === true &&
    inspected.entry.digests.sha256 === fetched.digests.sha256 &&
    inspected.entry.bytes === fetched.bytes;
  const ownership = ownershipFor(job.ownership, inspected?.stats);
  const target = isSame ? pathOf(job) : part;
  const adjusted = inspected ? ownershipDifferences(ownership, inspected.stats) : { before: {}, after: {} };
  await dress(target, ownership, fetched.modifiedMs ?? now.getTime(), isSame ? inspected.stats : undefined);
  const entry: RecordEntry = {
    source: item.source.shown,
    etag: fetched.etag,
    ...(await identityOf(target)),
    digests: fetched.digests,
  };
  if (!isSame) {
    await syncPath(part);
    await writeRecord(record, [entry, ...entries.slice(0, 1)]);
    await renameDurably(part, pathOf(job));
  }
  await writeRecord(record, [entry]);
  await removePart(part);
  const content: Content = contentOf({ stats: await fs.lstat(pathOf(job)), entry });
  const changed = !isSame || Object.keys(adjusted.after).length > 0;
  const before = isSame ? adjusted.before : inspected ? { ...shownOf(contentOf(inspected)), ...adjusted.before } : {};
  const after = isSame ? adjusted.after : { ...shownOf(content), ...adjusted.after };
  const done = doneFrom(found);
  return {
    ...done,
    detail: isSame ? `${done.detail}; it has the same bytes` : done.detail,
    action: 'fetch',
    changed,
    before,
    after,
    content,
  };
}

async function removeFile(job: Placed<FileJob>, { run: { context }, folders }: Surroundings): Promise<FileDone> {
  const { dest } = job;
  const stats = await statOf(pathOf(job), { ofLink: true });
  if (stats?.isDirectory())
    throw new OperationError('CACHE_PATH_TAKEN', `${dest} is a folder, and no file of the cache`, { path: dest });
  const { record, part } = await openFilePlaces(folders, pathOf(job), { create: false });
  if (!context.checkMode) {
    await fs.rm(pathOf(job), { force: true });
    await fs.rm(record, { force: true });
    await removePart(part);
  }
  const before = stats ? { bytes: stats.size } : {};
  return {
    path: dest,
    action: stats ? 'remove' : 'absent',
    changed: stats !== undefined,
    detail: stats ? 'state is absent' : 'there is none',
    before,
    after: {},
  };
}
