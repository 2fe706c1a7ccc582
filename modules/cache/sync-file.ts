// One file: look, decide, fetch next to the copy, and replace the copy by a rename.
import fs from 'node:fs/promises';
import { basename, join } from 'node:path';
import { removePart } from '../clients/download/part-file.js';
import { draftOf, renameDurably, statOf, syncPath } from '../clients/files/durable.js';
import { withFolders, type Folders } from '../clients/files/folders.js';
import { removeName } from '../clients/files/own-files.js';
import { OperationError } from '../core/errors.js';
import { applyOwnership, copyContent, inspectCopy, type InspectedCopy } from './copy.js';
import { fetchSourceFile, openSourceFile, type Fetched, type SourceFile } from './fetch.js';
import { decideFreshness, type Freshness } from './policy/freshness.js';
import { isOwnershipChanged, ownershipChange, ownershipFor } from './policy/ownership.js';
import {
  identityOf,
  openFilePaths,
  readRecord,
  touchRecord,
  writeRecord,
  type FilePaths,
  type RecordEntry,
} from './record.js';
import { contentDifference } from './report.js';
import type { CacheRun, FileJob, FileResult, OpenedJob, RequestedFile } from './run.js';

/** Does what the job requests, or in check mode returns what it would do. */
export function syncFile(job: OpenedJob<FileJob>, run: CacheRun): Promise<FileResult> {
  return withFolders((folders) =>
    job.file ? sync(job, job.file, { run, folders }) : removeFile(job, { run, folders }),
  );
}

interface SyncContext {
  readonly run: CacheRun;
  readonly folders: Folders;
}

/** The copy, by the descriptor of its folder. */
function pathOf({ openFolder, dest }: OpenedJob<FileJob>): string {
  return join(openFolder, basename(dest));
}

async function sync(job: OpenedJob<FileJob>, file: RequestedFile, { run, folders }: SyncContext): Promise<FileResult> {
  const paths = await openFilePaths(folders, pathOf(job), { create: false });
  const entries = await readRecord(paths.record);
  const source = await openSourceFile(file, run);
  const inspected = await inspectCopy(pathOf(job), entries, source.checksum, run);
  const remote = await source.source.look(inspected?.copy);
  const freshness = decideFreshness(inspected?.copy, remote, { rule: run.args.freshness, force: run.args.force });
  const found: FoundFile = { job, source, inspected, freshness };
  if (!freshness.fetch && inspected) return keepCopy(found, inspected, { run, folders });
  if (run.context.checkMode) {
    const content = inspected ? { content: copyContent(inspected) } : {};
    const before = inspected ? contentDifference(copyContent(inspected)) : {};
    const after = {
      bytes: remote.bytes,
      ...(remote.modifiedMs === undefined ? {} : { last_modified: new Date(remote.modifiedMs).toISOString() }),
    };
    return { ...resultBase(found), action: 'fetch', changed: true, before, after, ...content };
  }
  const created = await openFilePaths(folders, pathOf(job), { create: true });
  const fetched = await fetchSourceFile(source, { part: created.part, folder: created.folder, remote }, run);
  return replaceCopy(found, fetched, { entries, paths: created, now: run.context.now() });
}

interface FoundFile {
  readonly job: OpenedJob<FileJob>;
  readonly source: SourceFile;
  readonly inspected: InspectedCopy | undefined;
  readonly freshness: Freshness;
}

function resultBase({
  job,
  source: { source },
  freshness: { reason, detail },
}: FoundFile): Pick<FileResult, 'path' | 'source' | 'reason' | 'detail'> {
  return { path: job.dest, source: source.shown, reason, detail };
}

/**
 * The copy stays; only its owner and permissions may have to be changed, and its record updated.
 */
async function keepCopy(
  found: FoundFile,
  inspected: InspectedCopy,
  { run, folders }: SyncContext,
): Promise<FileResult> {
  const { job, source } = found;
  const { before, after } = ownershipChange(job.ownership, inspected.stats);
  const isAdjusted = isOwnershipChanged({ before, after });
  if (!run.context.checkMode) {
    if (isAdjusted) await applyOwnership(pathOf(job), job.ownership, undefined, inspected.stats);
    const paths = await openFilePaths(folders, pathOf(job), { create: true });
    await updateRecord(paths.record, inspected, { source: source.source.shown, now: run.context.now() });
    // A run that was killed between the rename and its end leaves these.
    await removePart(paths.part);
    await removeName(draftOf(paths.record));
  }
  return {
    ...resultBase(found),
    action: isAdjusted ? 'adjust' : 'fresh',
    changed: isAdjusted,
    before,
    after,
    content: copyContent(inspected),
  };
}

async function updateRecord(
  record: string,
  { entry, isRead }: InspectedCopy,
  { source, now }: { source: string; now: Date },
): Promise<void> {
  if (!isRead) return touchRecord(record, now);
  await writeRecord(record, [{ ...entry, source: entry.source || source }]);
}

/**
 * A kill at any point leaves a complete copy in place and a record that includes it: the record
 * gets the new entry in addition to the old one before the rename, and loses the old one after it.
 * If the content is the same as before, the file stays, with its new date.
 */
async function replaceCopy(
  found: FoundFile,
  fetched: Fetched,
  { entries, paths, now }: { entries: readonly RecordEntry[]; paths: FilePaths; now: Date },
): Promise<FileResult> {
  const { job, source, inspected } = found;
  const { record, part } = paths;
  const isSame =
    inspected?.isTrusted === true &&
    inspected.entry.digests.sha256 === fetched.digests.sha256 &&
    inspected.entry.bytes === fetched.bytes;
  const ownership = ownershipFor(job.ownership, inspected?.stats);
  const target = isSame ? pathOf(job) : part;
  const change = inspected ? ownershipChange(ownership, inspected.stats) : { before: {}, after: {} };
  await applyOwnership(target, ownership, fetched.modifiedMs ?? now.getTime(), isSame ? inspected.stats : undefined);
  const entry: RecordEntry = {
    source: source.source.shown,
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
  const content = copyContent({ stats: await fs.lstat(pathOf(job)), entry });
  const base = { ...resultBase(found), action: 'fetch', content } as const;
  if (isSame)
    return {
      ...base,
      ...change,
      detail: `${base.detail}; the content is the same`,
      changed: isOwnershipChanged(change),
    };
  const before = inspected ? { ...contentDifference(copyContent(inspected)), ...change.before } : {};
  return { ...base, changed: true, before, after: { ...contentDifference(content), ...change.after } };
}

async function removeFile(job: OpenedJob<FileJob>, { run: { context }, folders }: SyncContext): Promise<FileResult> {
  const { dest } = job;
  const stats = await statOf(pathOf(job), { ofLink: true });
  if (stats?.isDirectory())
    throw new OperationError('CACHE_PATH_TAKEN', `${dest} is a folder, not a file of the cache`, { path: dest });
  const { record, part } = await openFilePaths(folders, pathOf(job), { create: false });
  if (!context.checkMode) {
    await fs.rm(pathOf(job), { force: true });
    await fs.rm(record, { force: true });
    await removePart(part);
  }
  return {
    path: dest,
    action: stats ? 'remove' : 'absent',
    changed: stats !== undefined,
    detail: stats ? 'state is absent' : 'it does not exist',
    before: stats ? { bytes: stats.size } : {},
    after: {},
  };
}
