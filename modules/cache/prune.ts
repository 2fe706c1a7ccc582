// Finds what a folder of the cache holds, and removes what the limits give up.
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removePart } from '../clients/download/part-file.js';
import { namesIn, statOf } from '../clients/files/durable.js';
import { removeOwnTree, withFolders, type Folders } from '../clients/files/folders.js';
import { shownPath } from '../clients/files/paths.js';
import { planPruning, type CacheEntry } from './policy/pruning.js';
import { openFilePlaces, openOwnPlace } from './record.js';
import { partNames, type Run } from './run.js';
import { linkedVersion, openSetPlaces, readVersion, versionsOf } from './versions.js';

export interface Pruned {
  readonly removed: readonly { readonly path: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}

/** Keeps the limits in one folder. `current`: paths of the files that this run was asked for. In check mode only says what would go. */
export function pruneFolder(folder: string, current: ReadonlySet<string>, run: Run): Promise<Pruned> {
  return withFolders((folders) => prune(folder, current, { run, folders }));
}

interface Surroundings {
  readonly run: Run;
  readonly folders: Folders;
}

async function prune(folder: string, current: ReadonlySet<string>, { run, folders }: Surroundings): Promise<Pruned> {
  const { keep, max_age: days, max_size: size } = run.args;
  const entries = [...(await filesIn(folder, current, folders)), ...(await versionsIn(folder, folders))];
  const plan = planPruning(entries, {
    keep,
    maxAgeMs: days === undefined ? undefined : days * 24 * 3600 * 1000,
    maxBytes: size === undefined ? undefined : bytesIn(size),
    nowMs: run.context.now().getTime(),
  });
  if (!run.context.checkMode) for (const { entry } of plan.remove) await removeEntry(entry, folders);
  const excess = Math.ceil(plan.excessBytes / 2 ** 20);
  return {
    removed: plan.remove.map(({ entry: { path }, reason }) => ({ path: shownPath(path), reason })),
    warnings:
      excess > 0 ? [`${shownPath(folder)} is ${excess} MiB above max_size, and all that it holds is in use`] : [],
  };
}

/** Every copy that has a record here, and every part of a download that nobody went on with. */
async function filesIn(folder: string, current: ReadonlySet<string>, folders: Folders): Promise<CacheEntry[]> {
  const records = (await namesIn(await openOwnPlace(folders, folder, ['files'], false))).flatMap(
    (name) => /^(.*)\.(?:part\.)?json$/.exec(name)?.[1] ?? [],
  );
  const entries: CacheEntry[] = [];
  for (const name of new Set(records)) {
    const path = join(folder, name);
    const { record, part } = await openFilePlaces(folders, path, { create: false });
    const [copy, partial, marked] = [await lookAt(path), await lookAt(part), await lookAt(record)];
    const lastUsedMs = Math.max(...[marked?.mtimeMs ?? 0, copy?.atimeMs ?? 0, partial?.mtimeMs ?? 0]);
    const bytes = (copy?.size ?? 0) + (partial?.size ?? 0);
    entries.push({
      path,
      bytes,
      lastUsedMs,
      isLinked: (copy?.nlink ?? 0) > 1,
      isCurrent: current.has(path) || copy?.isFile() === false,
    });
  }
  return entries;
}

async function versionsIn(place: string, folders: Folders): Promise<CacheEntry[]> {
  const entries: CacheEntry[] = [];
  for (const name of await namesIn(await openOwnPlace(folders, place, ['sets'], false))) {
    const places = await openSetPlaces(folders, { name, place }, { create: false });
    const linked = await linkedVersion({ name, place }, places).catch(() => undefined);
    for (const version of await versionsOf(places)) {
      const path = join(places.versions, version);
      const { folder } = await readVersion(folders, places, version);
      const marked = await lookAt(join(folder, 'record.json'));
      const files = (await Promise.all(partNames.map((part) => lookAt(join(folder, part))))).filter(
        (stats): stats is Stats => stats !== undefined,
      );
      entries.push({
        path,
        set: name,
        bytes: files.reduce((total, { size }) => total + size, 0),
        lastUsedMs: Math.max(marked?.mtimeMs ?? 0, ...files.map(({ atimeMs }) => atimeMs)),
        isLinked: files.some(({ nlink }) => nlink > 1),
        isCurrent: version === linked,
      });
    }
  }
  return entries;
}

async function removeEntry({ path, set }: CacheEntry, folders: Folders): Promise<void> {
  if (set !== undefined) return removeOwnTree(dirname(path), basename(path));
  await fs.rm(path, { force: true });
  const { record, part } = await openFilePlaces(folders, path, { create: false });
  await fs.rm(record, { force: true });
  await removePart(part);
}

function lookAt(path: string): Promise<Stats | undefined> {
  return statOf(path, { ofLink: true });
}

const units: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** A size such as `20GiB`; the option's pattern has been checked. K, M, G and T count by 1024, whatever follows. */
export function bytesIn(size: string): number {
  const [, amount = '0', unit = ''] = /^([\d.]+) ?([KMGT]?)/.exec(size) ?? [];
  return Math.floor(Number(amount) * (units[unit] ?? 1));
}
