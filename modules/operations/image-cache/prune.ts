// Finds what a folder of the cache holds, and removes what the limits give up.
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { removePart } from '../../clients/download/part-file.js';
import { namesIn, statOf } from '../../clients/files/durable.js';
import { planPruning, type CacheEntry } from '../../policy/pruning.js';
import { ownFolder, placesOf } from './record.js';
import { partNames, type Run } from './run.js';
import { linkedVersion, setPlaces, versionsOf } from './versions.js';

export interface Pruned {
  readonly removed: readonly { readonly path: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}

/** Keeps the limits in one folder. `current`: paths of the files that this run was asked for. In check mode only says what would go. */
export async function pruneFolder(folder: string, current: ReadonlySet<string>, run: Run): Promise<Pruned> {
  const { keep, max_age: days, max_size: size } = run.args;
  const entries = [...(await filesIn(folder, current)), ...(await versionsIn(folder))];
  const plan = planPruning(entries, {
    keep,
    maxAgeMs: days === undefined ? undefined : days * 24 * 3600 * 1000,
    maxBytes: size === undefined ? undefined : bytesIn(size),
    nowMs: run.context.now().getTime(),
  });
  if (!run.context.checkMode) for (const { entry } of plan.remove) await removeEntry(entry);
  const excess = Math.ceil(plan.excessBytes / 2 ** 20);
  return {
    removed: plan.remove.map(({ entry: { path }, reason }) => ({ path, reason })),
    warnings: excess > 0 ? [`${folder} is ${excess} MiB above max_size, and all that it holds is in use`] : [],
  };
}

/** Every copy that has a record here, and every part of a download that nobody went on with. */
async function filesIn(folder: string, current: ReadonlySet<string>): Promise<CacheEntry[]> {
  const records = (await namesIn(join(folder, ownFolder, 'files'))).flatMap((name) => /^(.*)\.(?:part\.)?json$/.exec(name)?.[1] ?? []);
  const entries: CacheEntry[] = [];
  for (const name of new Set(records)) {
    const path = join(folder, name);
    const { record, part } = placesOf(path);
    const [copy, partial, marked] = [await statOf(path, { ofLink: true }), await statOf(part), await statOf(record)];
    const lastUsedMs = Math.max(...[marked?.mtimeMs ?? 0, copy?.atimeMs ?? 0, partial?.mtimeMs ?? 0]);
    const bytes = (copy?.size ?? 0) + (partial?.size ?? 0);
    entries.push({ path, bytes, lastUsedMs, isLinked: (copy?.nlink ?? 0) > 1, isCurrent: current.has(path) || copy?.isFile() === false });
  }
  return entries;
}

async function versionsIn(folder: string): Promise<CacheEntry[]> {
  const entries: CacheEntry[] = [];
  for (const name of await namesIn(join(folder, ownFolder, 'sets'))) {
    const set = { name, folder };
    const linked = await linkedVersion(set).catch(() => undefined);
    for (const version of await versionsOf(set)) {
      const path = join(setPlaces(set).versions, version);
      const marked = await statOf(join(path, 'record.json'));
      const files = (await Promise.all(partNames.map((part) => statOf(join(path, part))))).filter((stats): stats is Stats => stats !== undefined);
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

async function removeEntry({ path, set }: CacheEntry): Promise<void> {
  await fs.rm(path, { recursive: set !== undefined, force: true });
  if (set !== undefined) return;
  const { record, part } = placesOf(path);
  await fs.rm(record, { force: true });
  await removePart(part);
}

const units: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** A size such as `20GiB`; the option's pattern has been checked. K, M, G and T count by 1024, whatever follows. */
export function bytesIn(size: string): number {
  const [, amount = '0', unit = ''] = /^([\d.]+) ?([KMGT]?)/.exec(size) ?? [];
  return Math.floor(Number(amount) * (units[unit] ?? 1));
}
