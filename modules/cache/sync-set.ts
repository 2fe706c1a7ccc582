// One set: kernel and ramdisk in a folder of their own, to which a link is switched once both are
// complete.
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { draftOf, linkDurably } from '../clients/files/durable.js';
import { removeOwnTree, withFolders, type Folders } from '../clients/files/folders.js';
import { removeName } from '../clients/files/own-files.js';
import { applyOwnership, copyContent, inspectCopy } from './copy.js';
import { openSourceFile } from './fetch.js';
import { createVersion, forBoth, recordEntries, type FoundPart, type FoundParts } from './new-version.js';
import { decideFreshness } from './policy/freshness.js';
import { ownershipChange, type OwnershipChange } from './policy/ownership.js';
import { planSet } from './policy/set-versions.js';
import { missingFolder, openCacheFolder } from './record.js';
import { contentDifference } from './report.js';
import {
  partNames,
  type CacheRun,
  type CopyContent,
  type CopyResult,
  type OpenedJob,
  type PartName,
  type RequestedFile,
  type SetJob,
  type SetParts,
  type SetResult,
} from './run.js';
import {
  linkedVersion,
  linkTarget,
  newestVersion,
  openSetPaths,
  readVersion,
  workFolders,
  writeVersion,
  type SetPaths,
  type SetVersion,
} from './versions.js';

/** Does what the job requests, or in check mode returns what it would do. */
export function syncSet(job: OpenedJob<SetJob>, run: CacheRun): Promise<SetResult> {
  return withFolders((folders) =>
    job.files ? sync(job, job.files, { run, folders }) : removeSet(job, { run, folders }),
  );
}

interface SyncContext {
  readonly run: CacheRun;
  readonly folders: Folders;
}

async function sync(
  job: OpenedJob<SetJob>,
  files: SetParts<RequestedFile>,
  { run, folders }: SyncContext,
): Promise<SetResult> {
  const paths = await openSetPaths(folders, job, { create: false });
  const linked = await linkedVersion(job, paths);
  // A version that a killed run completed but did not link is as good as the linked one.
  const newest = (await newestVersion(paths)) ?? linked;
  const current = newest === undefined ? undefined : await readVersion(folders, paths, newest);
  const found = await forBoth((name) => run.limited(() => findPart(name, { file: files[name], current, run })));
  const isStale = partNames.some((name) => found[name].freshness.fetch);
  const base = resultBase(job, found);
  if (run.context.checkMode) {
    const plan = planSet({ linked, current: newest, isStale, ownership: ownershipChanges(job, found) });
    return { ...base, ...plan, changed: plan.action !== 'fresh', version: linked };
  }
  const created = await openSetPaths(folders, job, { create: true });
  const next =
    isStale || current === undefined
      ? await createVersion(job, found, { current, versions: created.versions, run, folders })
      : { version: current.name, isNew: false };
  if (!next.isNew && current) await keepVersion(job, found, { folder: current.folder, run });
  await removeWork(created, folders, next.version);
  const isSwitched = linked !== next.version;
  if (isSwitched) await linkDurably(linkTarget(job, next.version), created.link, created.draft);
  const now = await readVersion(folders, created, next.version);
  const parts = await forBoth(async (name) => ({ ...base[name], content: await contentNow(now, name) }));
  const ownership = next.isNew ? {} : ownershipChanges(job, found);
  const plan = planSet({ linked, current: next.version, isStale: false, ownership });
  const contents = Object.fromEntries(partNames.map((name) => [name, contentDifference(parts[name].content)]));
  return {
    ...base,
    ...parts,
    version: next.version,
    action: isStale ? 'fetch' : plan.action,
    changed: plan.action !== 'fresh',
    before: !isSwitched ? plan.before : linked === undefined ? {} : { version: linked, ...previousContents(found) },
    after: isSwitched ? { version: next.version, ...contents } : plan.after,
  };
}

async function findPart(
  name: PartName,
  { file, current, run }: { file: RequestedFile; current: SetVersion | undefined; run: CacheRun },
): Promise<FoundPart> {
  const source = await openSourceFile(file, run);
  const entry = current?.entries[name];
  const inspected = current
    ? await inspectCopy(join(current.folder, name), entry ? [entry] : [], source.checksum, run)
    : undefined;
  const remote = await source.source.look(inspected?.copy);
  const freshness = decideFreshness(inspected?.copy, remote, { rule: run.args.freshness, force: run.args.force });
  return { source, remote, inspected, freshness };
}

function resultBase(
  job: SetJob,
  found: FoundParts,
): Pick<SetResult, 'name' | 'path' | 'detail'> & SetParts<CopyResult> {
  const path = join(job.folder, job.name);
  const part = (name: PartName): CopyResult => {
    const { source, inspected, freshness } = found[name];
    return {
      path: join(path, name),
      source: source.source.shown,
      reason: freshness.reason,
      detail: freshness.detail,
      content: inspected && copyContent(inspected),
    };
  };
  const detail = partNames
    .map((name) => `${name}: ${found[name].freshness.reason}, ${found[name].freshness.detail}`)
    .join('; ');
  return { name: job.name, path, detail, kernel: part('kernel'), ramdisk: part('ramdisk') };
}

function previousContents(found: FoundParts): Record<string, unknown> {
  return Object.fromEntries(
    partNames.flatMap((name) => {
      const { inspected } = found[name];
      return inspected ? [[name, contentDifference(copyContent(inspected))]] : [];
    }),
  );
}

async function contentNow({ folder, entries }: SetVersion, name: PartName): Promise<CopyContent> {
  return copyContent({ stats: await fs.lstat(join(folder, name)), entry: entries[name] ?? { digests: {} } });
}

/** Removes what this run, or one that was killed, no longer needs. */
async function removeWork({ draft, versions }: SetPaths, folders: Folders, version: string): Promise<void> {
  for (const name of Object.values(workFolders)) await removeOwnTree(versions, name);
  const folder = (await folders.own(versions, version)) ?? missingFolder;
  for (const path of [draft, draftOf(join(folder, 'record.json'))]) await removeName(path);
}

/**
 * Without new content only owner and permissions are set, and the record is updated or marked as
 * used.
 */
async function keepVersion(
  job: SetJob,
  found: FoundParts,
  { folder, run: { context } }: { folder: string; run: CacheRun },
): Promise<void> {
  for (const name of partNames) await applyOwnership(join(folder, name), job.ownership, undefined);
  const isFresh = partNames.every((name) => !found[name].freshness.fetch);
  if (isFresh && partNames.some((name) => found[name].inspected?.isRead))
    await writeVersion(folder, await recordEntries(folder, found, { kernel: undefined, ramdisk: undefined }));
  await fs.lutimes(join(folder, 'record.json'), context.now(), context.now());
}

function ownershipChanges(job: SetJob, found: FoundParts): Record<string, OwnershipChange> {
  return Object.fromEntries(
    partNames.flatMap((name) => {
      const { inspected } = found[name];
      return inspected ? [[name, ownershipChange(job.ownership, inspected.stats)]] : [];
    }),
  );
}

async function removeSet(job: OpenedJob<SetJob>, { run: { context }, folders }: SyncContext): Promise<SetResult> {
  const paths = await openSetPaths(folders, job, { create: false });
  const version = await linkedVersion(job, paths);
  const exists = version !== undefined || paths.versions !== missingFolder;
  if (!context.checkMode && exists) {
    await fs.rm(paths.link, { force: true });
    await removeOwnTree(await openCacheFolder(folders, job.openFolder, ['sets'], false), job.name);
  }
  return {
    name: job.name,
    path: join(job.folder, job.name),
    action: exists ? 'remove' : 'absent',
    changed: exists,
    detail: exists ? 'state is absent' : 'it does not exist',
    before: version === undefined ? {} : { version },
    after: {},
  };
}
