// Creates a new version of a set: fetches what is not fresh, and copies what is.
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { removePart } from '../clients/download/part-file.js';
import { modifiedMsOf, namesIn, renameDurably, syncPath } from '../clients/files/durable.js';
import { removeOwnTree, type Folders } from '../clients/files/folders.js';
import { openRegular } from '../clients/files/own-files.js';
import { applyOwnership, type InspectedCopy } from './copy.js';
import { fetchSourceFile, type Fetched, type SourceFile } from './fetch.js';
import type { Freshness, Remote } from './policy/freshness.js';
import { ownershipFor } from './policy/ownership.js';
import { newVersionName } from './policy/set-versions.js';
import { identityOf, missingFolder, type RecordEntry } from './record.js';
import { partNames, type CacheRun, type PartName, type SetJob, type SetParts } from './run.js';
import { workFolders, writeVersion, type SetVersion } from './versions.js';

/** What was found of one of the two files. */
export interface FoundPart {
  readonly source: SourceFile;
  readonly remote: Remote;
  readonly inspected: InspectedCopy | undefined;
  readonly freshness: Freshness;
}

export type FoundParts = SetParts<FoundPart>;

interface VersionOptions {
  readonly current: SetVersion | undefined;
  /** The folder of the versions. */
  readonly versions: string;
  readonly run: CacheRun;
  readonly folders: Folders;
}

/**
 * If the content of both files is the same as before, no version is created, and the current one
 * gets the new dates.
 */
export async function createVersion(
  job: SetJob,
  found: FoundParts,
  { current, versions, run, folders }: VersionOptions,
): Promise<{ readonly version: string; readonly isNew: boolean }> {
  const { context } = run;
  const openWork = async (name: string): Promise<string> =>
    (await folders.own(versions, name, { create: true })) ?? missingFolder;
  const incoming = await openWork(workFolders.incoming);
  const partOf = (name: PartName): string => join(incoming, `${name}.part`);
  const fetched = await forBoth((name) => {
    const { source, remote, freshness } = found[name];
    return run.limited(async () =>
      freshness.fetch ? fetchSourceFile(source, { part: partOf(name), folder: incoming, remote }, run) : undefined,
    );
  });
  if (current && partNames.every((name) => isSameContent(fetched[name], found[name]))) {
    for (const name of partNames)
      await updateDate(join(current.folder, name), fetched[name], { part: partOf(name), now: context.now() });
    await writeVersion(current.folder, await recordEntries(current.folder, found, fetched));
    return { version: current.name, isNew: false };
  }
  await removeOwnTree(versions, workFolders.building);
  const building = await openWork(workFolders.building);
  for (const name of partNames)
    await placePart(join(building, name), {
      part: partOf(name),
      found: found[name],
      fetched: fetched[name],
      job,
      now: context.now(),
    });
  await writeVersion(building, await recordEntries(building, found, fetched));
  const version = newVersionName(context.now(), await namesIn(versions));
  await renameDurably(join(versions, workFolders.building), join(versions, version));
  return { version, isNew: true };
}

function isSameContent(fetched: Fetched | undefined, { inspected }: FoundPart): boolean {
  return fetched === undefined || inspected?.entry.digests.sha256 === fetched.digests.sha256;
}

async function updateDate(
  path: string,
  fetched: Fetched | undefined,
  { part, now }: { part: string; now: Date },
): Promise<void> {
  if (!fetched) return;
  await applyOwnership(path, {}, fetched.modifiedMs ?? now.getTime());
  await removePart(part);
}

interface Placement {
  readonly part: string;
  readonly found: FoundPart;
  readonly fetched: Fetched | undefined;
  readonly job: SetJob;
  readonly now: Date;
}

async function placePart(path: string, { part, found, fetched, job, now }: Placement): Promise<void> {
  const { inspected } = found;
  let modifiedMs = fetched?.modifiedMs ?? now.getTime();
  if (fetched) await fs.rename(part, path);
  else if (inspected) {
    // Not a hard link: a file with two names counts as used by Ironic.
    await copyRegular(inspected.path, path);
    modifiedMs = modifiedMsOf(inspected.stats);
  }
  await applyOwnership(path, ownershipFor(job.ownership, inspected?.stats), modifiedMs);
  await syncPath(path);
}

async function copyRegular(from: string, to: string): Promise<void> {
  const file = await openRegular(from);
  await fs
    .copyFile(`/proc/self/fd/${file.fd}`, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    .finally(() => file.close());
}

/** The record's entries for the files in a folder: as fetched, or else as inspected. */
export async function recordEntries(
  folder: string,
  found: FoundParts,
  fetched: SetParts<Fetched | undefined>,
): Promise<SetParts<RecordEntry>> {
  return forBoth(async (name) => {
    const { inspected, source } = found[name];
    const { etag, digests } = fetched[name] ?? inspected?.entry ?? { digests: {} };
    return { source: source.source.shown, etag, ...(await identityOf(join(folder, name))), digests };
  });
}

/**
 * Waits for both even if one fails: what one still writes must not continue after the run has
 * ended.
 */
export async function forBoth<T>(make: (name: PartName) => Promise<T>): Promise<SetParts<T>> {
  const work = { kernel: make('kernel'), ramdisk: make('ramdisk') };
  await Promise.allSettled(Object.values(work));
  return { kernel: await work.kernel, ramdisk: await work.ramdisk };
}
