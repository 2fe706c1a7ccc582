// One set: kernel and ramdisk in a folder of their own, to which a link is renamed once both are whole.
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { removePart } from '../clients/download/part-file.js';
import { draftOf, linkDurably, modifiedMsOf, namesIn, renameDurably, syncPath } from '../clients/files/durable.js';
import { openRegular, removeName, removeOwnTree, withFolders, type Folders } from '../clients/files/folders.js';
import { decideFreshness, type Freshness, type Remote } from './policy/freshness.js';
import { inspectCopy, type InspectedCopy } from './copy.js';
import { dress, ownershipDifferences, ownershipFor } from './dress.js';
import { fetchItem, openItem, type Fetched, type Item } from './fetch.js';
import { identityOf, nowhere, openOwnPlace, type RecordEntry } from './record.js';
import { shownOf, type Action, type SetDone } from './result.js';
import { partNames, type PartName, type Placed, type Run, type SetJob, type Wanted } from './run.js';
import {
  linkTarget,
  linkedVersion,
  newestVersion,
  onTheWay,
  openSetPlaces,
  readVersion,
  writeVersion,
  type SetPlaces,
  type Version,
} from './versions.js';
import { contentOf } from './sync-file.js';

type Pair<T> = Readonly<Record<PartName, T>>;

/** Does what the job says, or in check mode says what it would do. */
export function syncSet(job: Placed<SetJob>, run: Run): Promise<SetDone> {
  return withFolders((folders) =>
    job.wanted ? sync(job, job.wanted, { run, folders }) : removeSet(job, { run, folders }),
  );
}

interface Surroundings {
  readonly run: Run;
  readonly folders: Folders;
}

async function sync(job: Placed<SetJob>, wanted: Pair<Wanted>, { run, folders }: Surroundings): Promise<SetDone> {
  const places = await openSetPlaces(folders, job, { create: false });
  const linked = await linkedVersion(job, places);
  // A version that a killed run had finished but not yet linked is as good as the one that is linked.
  const version = (await newestVersion(places)) ?? linked;
  const current = version === undefined ? undefined : await readVersion(folders, places, version);
  const found = await inPair((name) => run.limited(() => findPart(name, { job, wanted: wanted[name], current, run })));
  const isFetched = partNames.some((name) => found[name].freshness.fetch);
  const report = reportOf(job, found);
  if (run.context.checkMode) {
    const adjusted = adjustmentsOf(job, found);
    const action: Action =
      isFetched || linked !== version || !version ? 'fetch' : adjusted.isNeeded ? 'adjust' : 'fresh';
    const before = action === 'adjust' ? adjusted.before : { version: linked };
    const after =
      action === 'adjust'
        ? adjusted.after
        : action === 'fetch'
          ? { version: isFetched ? 'a new one' : version }
          : before;
    return {
      ...report,
      action,
      changed: action !== 'fresh',
      version: linked,
      before: action === 'fresh' ? {} : before,
      after: action === 'fresh' ? {} : after,
    };
  }
  const made = await openSetPlaces(folders, job, { create: true });
  const next = isFetched
    ? await replace(job, found, { current, places: made, run, folders })
    : { version: current!.name, isNew: false };
  if (!next.isNew) await keep(job, found, { folder: current!.folder, run });
  await clearUp(made, folders, next.version);
  const adjusted = next.isNew ? { isNeeded: false, before: {}, after: {} } : adjustmentsOf(job, found);
  const isSwitched = linked !== next.version;
  if (isSwitched) await linkDurably(linkTarget(job, next.version), made.link, made.draft);
  const now = await readVersion(folders, made, next.version);
  const parts = await inPair(async (name) => ({
    ...report[name]!,
    content: contentOf({ stats: await fs.lstat(join(now.folder, name)), entry: now.entries[name]! }),
  }));
  return {
    ...report,
    ...parts,
    version: next.version,
    action: isFetched || isSwitched ? 'fetch' : adjusted.isNeeded ? 'adjust' : 'fresh',
    changed: isSwitched || adjusted.isNeeded,
    before: isSwitched ? (linked === undefined ? {} : { version: linked, ...shownPair(found) }) : adjusted.before,
    after: isSwitched
      ? { version: next.version, ...Object.fromEntries(partNames.map((name) => [name, shownOf(parts[name].content)])) }
      : adjusted.after,
  };
}

interface FoundPart {
  readonly item: Item;
  readonly remote: Remote;
  readonly inspected: InspectedCopy | undefined;
  readonly freshness: Freshness;
}

async function findPart(
  name: PartName,
  { wanted, current, run }: { job: SetJob; wanted: Wanted; current: Version | undefined; run: Run },
): Promise<FoundPart> {
  const item = await openItem(wanted, run);
  const entry = current?.entries[name];
  const inspected = current
    ? await inspectCopy(join(current.folder, name), entry ? [entry] : [], item.checksum, run)
    : undefined;
  const remote = await item.source.look(inspected?.copy);
  return {
    item,
    remote,
    inspected,
    freshness: decideFreshness(inspected?.copy, remote, { rule: run.args.freshness, force: run.args.force }),
  };
}

function reportOf(job: SetJob, found: Pair<FoundPart>): Pick<SetDone, 'name' | 'path' | 'detail' | PartName> {
  const path = join(job.folder, job.name);
  const part = (name: PartName): SetDone['kernel'] => {
    const { item, inspected, freshness } = found[name];
    return {
      path: join(path, name),
      source: item.source.shown,
      reason: freshness.reason,
      detail: freshness.detail,
      content: inspected && contentOf(inspected),
    };
  };
  const detail = partNames
    .map((name) => `${name}: ${found[name].freshness.reason}, ${found[name].freshness.detail}`)
    .join('; ');
  return { name: job.name, path, detail, kernel: part('kernel'), ramdisk: part('ramdisk') };
}

function shownPair(found: Pair<FoundPart>): Record<string, unknown> {
  return Object.fromEntries(
    partNames.flatMap((name) => (found[name].inspected ? [[name, shownOf(contentOf(found[name].inspected))]] : [])),
  );
}

interface Replacing extends Surroundings {
  readonly current: Version | undefined;
  readonly places: SetPlaces;
}

/** Fetches what is not fresh, and makes a version of it and of what is. Where all bytes are as before there is no new version. */
async function replace(
  job: SetJob,
  found: Pair<FoundPart>,
  { current, places: { versions }, run, folders }: Replacing,
): Promise<{ version: string; isNew: boolean }> {
  const make = async (name: string): Promise<string> =>
    (await folders.own(versions, name, { create: true })) ?? nowhere;
  const incoming = await make(onTheWay.incoming);
  const part = (name: PartName): string => join(incoming, `${name}.part`);
  const fetched = await inPair((name) => {
    const { item, remote, freshness } = found[name];
    return run.limited(async () =>
      freshness.fetch ? fetchItem(item, { part: part(name), folder: incoming, remote }, run) : undefined,
    );
  });
  if (current && partNames.every((name) => !fetched[name] || isSame(fetched[name], found[name]))) {
    for (const name of partNames)
      await keepDate(join(current.folder, name), fetched[name], { part: part(name), now: run.context.now() });
    await writeVersion(current.folder, await entriesFor(current.folder, found, fetched));
    return { version: current.name, isNew: false };
  }
  await removeOwnTree(versions, onTheWay.building);
  const building = await make(onTheWay.building);
  for (const name of partNames)
    await placePart(join(building, name), {
      part: part(name),
      found: found[name],
      fetched: fetched[name],
      job,
      now: run.context.now(),
    });
  await writeVersion(building, await entriesFor(building, found, fetched));
  const version = await freeName(versions, run.context.now());
  await renameDurably(join(versions, onTheWay.building), join(versions, version));
  return { version, isNew: true };
}

function isSame(fetched: Fetched, { inspected }: FoundPart): boolean {
  return inspected !== undefined && inspected.entry.digests.sha256 === fetched.digests.sha256;
}

async function keepDate(
  path: string,
  fetched: Fetched | undefined,
  { part, now }: { part: string; now: Date },
): Promise<void> {
  if (!fetched) return;
  await dress(path, {}, fetched.modifiedMs ?? now.getTime());
  await removePart(part);
}

interface Placing {
  readonly part: string;
  readonly found: FoundPart;
  readonly fetched: Fetched | undefined;
  readonly job: SetJob;
  readonly now: Date;
}

async function placePart(path: string, { part, found, fetched, job, now }: Placing): Promise<void> {
  const { inspected } = found;
  if (fetched) await fs.rename(part, path);
  // No hard link: a file with two names counts as used by Ironic.
  else await copyRegular(inspected!.path, path);
  await dress(
    path,
    ownershipFor(job.ownership, inspected?.stats),
    fetched ? (fetched.modifiedMs ?? now.getTime()) : modifiedMsOf(inspected!.stats),
  );
  await syncPath(path);
}

async function copyRegular(from: string, to: string): Promise<void> {
  const file = await openRegular(from);
  await fs
    .copyFile(`/proc/self/fd/${file.fd}`, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    .finally(() => file.close());
}

async function entriesFor(
  folder: string,
  found: Pair<FoundPart>,
  fetched: Pair<Fetched | undefined>,
): Promise<Pair<RecordEntry>> {
  return inPair(async (name) => {
    const { inspected, item } = found[name];
    const content = fetched[name] ?? { etag: inspected?.entry.etag, digests: inspected!.entry.digests };
    return {
      source: item.source.shown,
      etag: content.etag,
      ...(await identityOf(join(folder, name))),
      digests: content.digests,
    };
  });
}

/** Takes away what this run, or one that was killed, no longer needs. */
async function clearUp({ draft, versions }: SetPlaces, folders: Folders, version: string): Promise<void> {
  for (const name of Object.values(onTheWay)) await removeOwnTree(versions, name);
  const folder = (await folders.own(versions, version)) ?? nowhere;
  for (const path of [draft, draftOf(join(folder, 'record.json'))]) await removeName(path);
}

async function freeName(versions: string, now: Date): Promise<string> {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const taken = await namesIn(versions);
  for (let count = 1; ; count++) {
    const name = count === 1 ? stamp : `${stamp}-${count}`;
    if (!taken.includes(name)) return name;
  }
}

/** Nothing new: owner and permissions are put right, and the record is brought up to date or marked as used. */
async function keep(
  job: SetJob,
  found: Pair<FoundPart>,
  { folder, run: { context } }: { folder: string; run: Run },
): Promise<void> {
  for (const name of partNames) await dress(join(folder, name), job.ownership, undefined);
  const isFresh = partNames.every((name) => !found[name].freshness.fetch);
  if (isFresh && partNames.some((name) => found[name].inspected?.isReadAnew)) {
    await writeVersion(folder, await entriesFor(folder, found, { kernel: undefined, ramdisk: undefined }));
  }
  await fs.lutimes(join(folder, 'record.json'), context.now(), context.now());
}

function adjustmentsOf(
  job: SetJob,
  found: Pair<FoundPart>,
): { readonly isNeeded: boolean; readonly before: Record<string, unknown>; readonly after: Record<string, unknown> } {
  const all = partNames.flatMap((name) => {
    const { inspected } = found[name];
    const differences = inspected ? ownershipDifferences(job.ownership, inspected.stats) : undefined;
    return differences && Object.keys(differences.after).length > 0 ? [{ name, ...differences }] : [];
  });
  const side = (which: 'before' | 'after'): Record<string, unknown> =>
    Object.fromEntries(all.map((entry) => [entry.name, entry[which]]));
  return { isNeeded: all.length > 0, before: side('before'), after: side('after') };
}

async function removeSet(job: Placed<SetJob>, { run: { context }, folders }: Surroundings): Promise<SetDone> {
  const places = await openSetPlaces(folders, job, { create: false });
  const version = await linkedVersion(job, places);
  const isThere = version !== undefined || places.versions !== nowhere;
  if (!context.checkMode && isThere) {
    await fs.rm(places.link, { force: true });
    await removeOwnTree(await openOwnPlace(folders, job.place, ['sets'], false), job.name);
  }
  const before = version === undefined ? {} : { version };
  return {
    name: job.name,
    path: join(job.folder, job.name),
    action: isThere ? 'remove' : 'absent',
    changed: isThere,
    detail: isThere ? 'state is absent' : 'there is none',
    before,
    after: {},
  };
}

async function inPair<T>(make: (name: PartName) => Promise<T>): Promise<Pair<T>> {
  // Both to their end: what one still writes must not go on behind a run that is over.
  const [kernel, ramdisk] = await Promise.allSettled([make('kernel'), make('ramdisk')]);
  for (const outcome of [kernel, ramdisk]) if (outcome?.status === 'rejected') throw outcome.reason;
  return { kernel: (kernel as PromiseFulfilledResult<T>).value, ramdisk: (ramdisk as PromiseFulfilledResult<T>).value };
}
