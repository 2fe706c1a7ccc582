// Finds what a folder of the cache holds, and removes what exceeds the limits.
import { optionText } from '../core/option-text.js';
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removePart } from '../clients/download/part-file.js';
import { namesIn, statOf } from '../clients/files/durable.js';
import { removeOwnTree, withFolders, type Folders } from '../clients/files/folders.js';
import { shownPath } from '../clients/files/paths.js';
import { mebibyte, sizeInBytes } from '../core/sizes.js';
import { planPruning, type CacheEntry } from './policy/pruning.js';
import { openCacheFolder, openFilePaths } from './record.js';
import { partNames, type CacheRun } from './run.js';
import { linkedVersion, openSetPaths, readVersion, versionsOf } from './versions.js';

export interface PruneResult {
  readonly removed: readonly { readonly path: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}

/**
 * Applies the limits to one folder. `current`: paths of the files that this run requests. In check
 * mode nothing is removed.
 */
export function pruneFolder(folder: string, current: ReadonlySet<string>, run: CacheRun): Promise<PruneResult> {
  return withFolders((folders) => prune(folder, current, { run, folders }));
}

interface PruneContext {
  readonly run: CacheRun;
  readonly folders: Folders;
}

async function prune(
  folder: string,
  current: ReadonlySet<string>,
  { run, folders }: PruneContext,
): Promise<PruneResult> {
  const { keep, max_age: days, max_size: size } = run.args;
  const entries = [...(await filesIn(folder, current, folders)), ...(await versionsIn(folder, folders))];
  const plan = planPruning(entries, {
    keep,
    maxAgeMs: days === undefined ? undefined : days * 24 * 3600 * 1000,
    maxBytes: size === undefined ? undefined : sizeInBytes(size),
    nowMs: run.context.now().getTime(),
  });
  if (!run.context.checkMode) for (const { entry } of plan.remove) await removeEntry(entry, folders);
  const excess = Math.ceil(plan.excessBytes / mebibyte);
  return {
    removed: plan.remove.map(({ entry: { path }, reason }) => ({ path: shownPath(path), reason })),
    warnings:
      excess > 0
        ? [`${shownPath(folder)} exceeds ${optionText('max_size')} by ${excess} MiB, and everything in it is in use`]
        : [],
  };
}

/**
 * Every copy that has a record in this folder, and every part of a download that was not resumed.
 */
async function filesIn(folder: string, current: ReadonlySet<string>, folders: Folders): Promise<CacheEntry[]> {
  const records = (await namesIn(await openCacheFolder(folders, folder, ['files'], false))).flatMap(
    (name) => /^(.*)\.(?:part\.)?json$/.exec(name)?.[1] ?? [],
  );
  const entries: CacheEntry[] = [];
  for (const name of new Set(records)) {
    const path = join(folder, name);
    const { record, part } = await openFilePaths(folders, path, { create: false });
    const [copy, partial, marked] = [await statEntry(path), await statEntry(part), await statEntry(record)];
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

async function versionsIn(openFolder: string, folders: Folders): Promise<CacheEntry[]> {
  const entries: CacheEntry[] = [];
  for (const name of await namesIn(await openCacheFolder(folders, openFolder, ['sets'], false))) {
    const paths = await openSetPaths(folders, { name, openFolder }, { create: false });
    const linked = await linkedVersion({ name, openFolder }, paths).catch(() => undefined);
    for (const version of await versionsOf(paths)) {
      const path = join(paths.versions, version);
      const { folder } = await readVersion(folders, paths, version);
      const marked = await statEntry(join(folder, 'record.json'));
      const files = (await Promise.all(partNames.map((part) => statEntry(join(folder, part))))).filter(
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
  const { record, part } = await openFilePaths(folders, path, { create: false });
  await fs.rm(record, { force: true });
  await removePart(part);
}

function statEntry(path: string): Promise<Stats | undefined> {
  return statOf(path, { ofLink: true });
}
